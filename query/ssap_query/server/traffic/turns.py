"""Who works when: small answers at once, large ones a few at a time, so that nobody waits for a slow reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio import to_thread
from ssap_mirror.errors import MirrorError

from ssap_query.server.limits import ServerLimits

__all__ = ["ServerBusyError", "Turns"]

T = TypeVar("T")

# Small work is short; more threads than this would only take the processors from each other.
_SMALL_AT_ONCE = 8
# A search of the whole table uses all processors by itself, and some 60 MB.
_SEARCHES_AT_ONCE = 2


class ServerBusyError(MirrorError):
    """The server has as many large answers under way as it may."""


class Turns:
    """Threads for small and for large work, apart from each other.

    Parameters
    ----------
    limits : ServerLimits
        How many large answers there are at one time, and how long others wait.
    """

    def __init__(self, limits: ServerLimits) -> None:
        self._wait_s = limits.wait_s
        self._small = anyio.CapacityLimiter(_SMALL_AT_ONCE)
        self._searches = anyio.CapacityLimiter(_SEARCHES_AT_ONCE)
        self._large = anyio.CapacityLimiter(limits.large_answers)
        self._turns = anyio.Semaphore(limits.large_answers)

    async def small(self, work: Callable[[], T]) -> T:
        """Do short work in a thread."""
        return await to_thread.run_sync(work, limiter=self._small)

    async def search(self, work: Callable[[], T]) -> T:
        """Look through many rows in a thread; nobody who sends or reads slowly is waited for."""
        return await to_thread.run_sync(work, limiter=self._searches)

    async def large(self, work: Callable[[], T]) -> T:
        """Do work of a large answer in a thread; the caller holds a turn."""
        return await to_thread.run_sync(work, limiter=self._large)

    def take_now(self) -> bool:
        """Take the turn of a large answer if one is free, and say whether it is."""
        try:
            self._turns.acquire_nowait()
        except anyio.WouldBlock:
            return False
        return True

    async def take(self) -> None:
        """Wait for the turn of a large answer; `give_back` ends it.

        Raises
        ------
        ServerBusyError
            If none comes in time.
        """
        with anyio.move_on_after(self._wait_s) as waiting:
            await self._turns.acquire()
        if waiting.cancelled_caught:
            message = f"the server is busy with other large answers; no turn came within {self._wait_s:g} s"
            raise ServerBusyError(message)

    def give_back(self) -> None:
        """End a turn."""
        self._turns.release()
