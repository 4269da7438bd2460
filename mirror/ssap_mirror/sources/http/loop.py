"""An event loop in a thread of its own: what waits for a server there can be ended from outside at any moment."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import socket
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["BackgroundLoop", "Cancelled"]

T = TypeVar("T")

#: Raised where work was cancelled from outside.
Cancelled = concurrent.futures.CancelledError

_CLOSING_S = 1.0


class BackgroundLoop:
    """Runs coroutines for threads that wait for them.

    A thread that waits in a system call for a server cannot be told to stop; a coroutine can, wherever it waits.
    """

    def __init__(self) -> None:
        self._loop = _Loop()
        self._lock = threading.Lock()
        self._running: set[concurrent.futures.Future[Any]] = set()
        self._thread = threading.Thread(target=self._run, name="requests", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for a coroutine; whatever ends the wait, Ctrl-C too, ends the coroutine.

        Raises
        ------
        Cancelled
            If `cancel_all` was called meanwhile.
        """
        # It may begin at once, and whoever sees that must be able to cancel it.
        with self._lock:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
            self._running.add(future)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise
        finally:
            with self._lock:
                self._running.discard(future)

    def cancel_all(self) -> None:
        """End what is running now."""
        with self._lock:
            running = list(self._running)
        for future in running:
            future.cancel()

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """End everything, do a last thing for a second at most, and end the thread."""
        self.cancel_all()
        with contextlib.suppress(TimeoutError, Cancelled):
            self.run(asyncio.wait_for(last, _CLOSING_S))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CLOSING_S)

    def abandon(self, last: Coroutine[Any, Any, None]) -> None:
        """Do a last thing and end the thread, without waiting for either.

        The garbage collector calls this from whatever thread it is in, which may be the one of this loop.
        """

        async def end() -> None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(last, _CLOSING_S)
            self._loop.stop()

        asyncio.run_coroutine_threadsafe(end(), self._loop)


class _Loop(asyncio.SelectorEventLoop):
    """A loop that looks names up in threads that nobody waits for: a name server may be silent as well."""

    async def getaddrinfo(
        self, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Any:
        found: asyncio.Future[Any] = self.create_future()

        def settle(result: Any, error: OSError | None) -> None:
            if found.cancelled():
                return
            if error is None:
                found.set_result(result)
            else:
                found.set_exception(error)

        def look_up() -> None:
            result, failure = None, None
            try:
                result = socket.getaddrinfo(host, port, family, type, proto, flags)
            except OSError as error:
                failure = error
            # The loop may be closed by now.
            with contextlib.suppress(RuntimeError):
                self.call_soon_threadsafe(settle, result, failure)

        threading.Thread(target=look_up, name="name server", daemon=True).start()
        return await found
