"""The token of LAMOST's own server: out of the environment into requests, and nowhere else."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["TOKEN_VARIABLE", "hidden", "token_parameters", "unlogged"]

#: Names the token of a LAMOST account, which releases that are not public yet ask for.
TOKEN_VARIABLE = "LAMOST_TOKEN"


def token_parameters() -> list[tuple[str, str]]:
    """Give what a request says to show the token; nothing without one."""
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    return [("token", token)] if token else []


def hidden(text: str) -> str:
    """Take the token out of a text, in which a server may have repeated it."""
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    return text.replace(token, f"${TOKEN_VARIABLE}") if token else text


class _HideToken(logging.Filter):
    """httpx logs the whole address of each request."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = hidden(record.getMessage()), ()
        return True


@contextmanager
def unlogged() -> Iterator[None]:
    """Context in which the token is kept out of what httpx logs."""
    logger, keeper = logging.getLogger("httpx"), _HideToken()
    logger.addFilter(keeper)
    try:
        yield
    finally:
        logger.removeFilter(keeper)
