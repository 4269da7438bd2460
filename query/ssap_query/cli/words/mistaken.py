"""What is said of an option that a command does not have, and `query` does."""

from __future__ import annotations

import click

__all__ = ["sentence"]

# Commands that take a request of SSAP, and as what.
_REQUESTS = {"xmatch": "--request ", "plot": "", "fetch": ""}


def sentence(error: click.ClickException) -> str:
    """Say what is wrong with the words of a command.

    Parameters
    ----------
    error : click.ClickException
        What click says.
    """
    name = error.option_name if isinstance(error, click.NoSuchOption) else ""
    command = error.ctx.command.name if isinstance(error, click.UsageError) and error.ctx else None
    if command not in _REQUESTS or not name:
        return error.format_message()
    from ssap_query.ssap import REGISTRY

    parameter = name.removeprefix("--").upper()
    if parameter not in {known.name for known in REGISTRY}:
        return error.format_message()
    example = next((known.examples[0] for known in REGISTRY if known.name == parameter and known.examples), "…")
    how = f"{_REQUESTS[command]}'{parameter}={example}'"
    return f"{name} is an option of `query`; {command} takes the parameters of SSAP as {how}."
