"""Headers that keep a browser from taking an answer for what it is not, and the page from loading anything else."""

from __future__ import annotations

import base64
import hashlib

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ssap_query.render.text.html import STYLE

__all__ = ["SafeHeaders"]

# Where a hub of SAMP listens on this machine (SAMP 1.3 §5): the page sends tables to TOPCAT and Aladin by it.
_SAMP_HUB = "http://localhost:21012 http://127.0.0.1:21012"


def _digest(style: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"


# Content Security Policy (level 3). The one style that is not a file is that of results in the format ``html``.
_POLICY = (
    f"default-src 'none'; script-src 'self'; style-src 'self' {_digest(STYLE)}; connect-src 'self' {_SAMP_HUB}; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class SafeHeaders:
    """Middleware: content types are not guessed, nothing is framed, the page runs its own script and no other."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers to whatever is answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["X-Frame-Options"] = "DENY"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Content-Security-Policy"] = _POLICY
                # A newer snapshot, or version, answers otherwise: a browser asks whether what it keeps is still so.
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self._app(scope, receive, with_headers)
