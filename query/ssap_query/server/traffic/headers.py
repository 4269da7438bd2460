"""Headers that keep a browser from taking an answer for what it is not, and the page from loading anything else."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib import resources

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["SafeHeaders"]

_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


class SafeHeaders:
    """Middleware: content types are not guessed, nothing is framed, the page runs its own script and no other."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._policy = _policy(resources.files("ssap_query").joinpath("data/page.html").read_text("utf-8"))

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
                headers["Content-Security-Policy"] = self._policy
            await send(message)

        await self._app(scope, receive, with_headers)


def _policy(page: str) -> str:
    """Content Security Policy (level 3) that allows the scripts and styles of a page by their digests."""
    digests: dict[str, list[str]] = {"script": [], "style": []}
    for kind, text in _INLINE.findall(page):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        digests[kind].append(f"'sha256-{digest}'")
    script, style = (" ".join(["'self'", *digests[kind]]) for kind in ("script", "style"))
    return (
        f"default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
