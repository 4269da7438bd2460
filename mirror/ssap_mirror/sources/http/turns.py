"""When the next request may begin, over all connections to a server."""

from __future__ import annotations

import threading
import time

__all__ = ["Turns"]


class Turns:
    """Gives requests their turns, so that no two begin within a pause; several threads may ask.

    Parameters
    ----------
    pause_s : float
        Shortest time between the beginnings of two requests [s].
    """

    def __init__(self, pause_s: float) -> None:
        self._pause_s = pause_s
        self._next = 0.0
        self._lock = threading.Lock()

    def take(self) -> float:
        """Take the next turn, and tell how long it is until then [s]."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._pause_s
        return turn - now
