"""The parameters of an HTTP request as they were sent, within the limits of the server."""

from __future__ import annotations

import anyio
from ssap_mirror.errors import ParameterError
from starlette.requests import ClientDisconnect, Request

from ssap_query.server.limits import ServerLimits

__all__ = ["raw_parameters"]

_FORMS = ("application/x-www-form-urlencoded", "")


async def raw_parameters(request: Request, limits: ServerLimits) -> bytes:
    """Read the parameters, still encoded: a query string, and the body of a form.

    Raises
    ------
    ParameterError
        If the body is no form, too large, or does not arrive in time.
    """
    query = bytes(request.scope["query_string"])
    if request.method != "POST":
        return query
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _FORMS:
        name = "Content-Type"
        raise ParameterError(name, kind, f"is not what a form is sent as: {_FORMS[0]}")
    name = "request"
    body = bytearray()
    try:
        with anyio.fail_after(limits.body_s):
            async for piece in request.stream():
                body += piece
                if len(body) > limits.body_bytes:
                    raise ParameterError(
                        name, bytes(body[:100]), f"is larger than the {limits.body_bytes:,} bytes allowed"
                    )
    except TimeoutError:
        raise ParameterError(name, bytes(body[:100]), f"did not arrive within {limits.body_s:g} s") from None
    except ClientDisconnect:
        raise ParameterError(name, bytes(body[:100]), "was broken off by who sent it") from None
    return b"&".join(part for part in (query, bytes(body)) if part)
