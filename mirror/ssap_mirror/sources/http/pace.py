"""How quickly an answer has to come."""

from __future__ import annotations

import time
from collections import deque

from ssap_mirror.errors import TransportError
from ssap_mirror.sources.source import RequestPolicy

__all__ = ["Pace"]


class Pace:
    """Watches how quickly an answer comes; one byte a second is no silence, and would take for ever.

    Parameters
    ----------
    policy : RequestPolicy
        Says what is too slow.
    host : str
        For the error.
    """

    def __init__(self, policy: RequestPolicy, host: str) -> None:
        self._least = policy.slowest_rate_bytes_s
        self._window_s = policy.rate_window_s
        self._host = host
        self._seen: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])

    def check(self, received: int) -> None:
        """Take note of the bytes so far.

        Raises
        ------
        TransportError
            If too few came of late.
        """
        now = time.monotonic()
        self._seen.append((now, received))
        while len(self._seen) > 1 and self._seen[1][0] <= now - self._window_s:
            self._seen.popleft()
        began, before = self._seen[0]
        if now - began < self._window_s:
            return
        rate = (received - before) / (now - began)
        if rate < self._least:
            message = f"{self._host} sends {rate:,.1f} bytes a second, and less than {self._least:,.0f} is too slow"
            raise TransportError(message)
