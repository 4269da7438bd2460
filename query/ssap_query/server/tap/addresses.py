"""The address of a TAP service, as a client knows it."""

from __future__ import annotations

from starlette.requests import Request

__all__ = ["base_of"]


def base_of(request: Request) -> str:
    """Address of the service that a request is for, without a slash at its end."""
    url = str(request.url.replace(query="", fragment=""))
    return f"{url}/".rpartition("/tap/")[0] + "/tap"
