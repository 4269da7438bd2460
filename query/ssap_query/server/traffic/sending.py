"""An answer on its way to a client that may be slow, or leave."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Awaitable, Callable, Generator, Iterator
from typing import Any

import anyio
from ssap_mirror.errors import MirrorError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

__all__ = ["Streamed", "close", "gzipped"]

_LOG = logging.getLogger(__name__)

# A client that is slow has to show that it takes something within the time of a stall: pieces are sent in parts.
_PART_BYTES = 1 << 16
# As quick as a network; level 1 makes text a fifth, level 6 a sixth, in three times the time.
_GZIP_LEVEL, _GZIP_WINDOW = 1, 31


def gzipped(pieces: Iterator[bytes]) -> Generator[bytes, None, None]:
    """Compress a stream (RFC 1952)."""
    packer = zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_WINDOW)
    try:
        for piece in pieces:
            if packed := packer.compress(piece):
                yield packed
        yield packer.flush()
    finally:
        close(pieces)


class Streamed(Response):
    """Sends pieces while they are made, and closes what makes them when the client has them or is gone.

    Parameters
    ----------
    pieces : iterator of bytes
        The body. Where it has a ``close``, that is called in any case.
    work : callable
        Runs a function in a thread: ``await work(function)``.
    done : callable
        Called when nothing of the answer is held any more.
    stall_s : float
        A client that takes nothing for so long [s] is dropped.
    media_type : str
        Of the body.
    headers : dict of str to str
        More headers.
    """

    def __init__(
        self,
        pieces: Iterator[bytes],
        *,
        work: Callable[[Callable[[], Any]], Awaitable[Any]],
        done: Callable[[], None],
        stall_s: float,
        media_type: str,
        headers: dict[str, str],
    ) -> None:
        self.status_code, self.media_type, self.background = 200, media_type, None
        self.init_headers(headers)
        self._pieces, self._work, self._done, self._stall_s = pieces, work, done, stall_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; what cannot be sent to its end is broken off, so that nobody takes it for the whole."""
        try:
            async with anyio.create_task_group() as group:

                async def watch() -> None:
                    while (await receive())["type"] != "http.disconnect":
                        pass
                    group.cancel_scope.cancel()

                group.start_soon(watch)
                try:
                    await self._send(send)
                except (MirrorError, TimeoutError) as error:
                    reason = str(error) or f"the client took nothing for {self._stall_s:g} s"
                    _LOG.warning("an answer was broken off: %s", reason)
                group.cancel_scope.cancel()
        finally:
            try:
                with anyio.CancelScope(shield=True):
                    await self._work(lambda: close(self._pieces))
            finally:
                self._done()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        while (piece := await self._work(lambda: next(self._pieces, None))) is not None:
            for start in range(0, len(piece), _PART_BYTES):
                part = piece[start : start + _PART_BYTES]
                with anyio.fail_after(self._stall_s):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def close(pieces: Iterator[bytes]) -> None:
    """Let go of what a stream holds, where it is a generator."""
    if isinstance(pieces, Generator):
        pieces.close()
