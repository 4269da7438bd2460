"""What a service refuses to give at one time: told once, believed at once, and never asked for again."""

from __future__ import annotations

import re
import threading

from ssap_mirror.errors import ServiceError, SourceError
from ssap_mirror.sources.http.named_limits import named_limit

__all__ = ["ServiceLimits"]

_SIZE, _MAXREC = "SIZE", "MAXREC"
_BROKEN_AT = re.compile(r"received (\d+) bytes")
# An answer that breaks off in its first bytes says nothing about its size.
_SMALL_BYTES = 10_000
# An answer that breaks off is asked for again with so many times fewer rows.
_FEWER = 8


class ServiceLimits:
    """What one service was found to take; several threads may learn at a time.

    Parameters
    ----------
    size_deg : float, optional
        Largest SIZE, where the service declares it [deg].
    """

    def __init__(self, size_deg: float | None = None) -> None:
        #: Largest SIZE [deg]; None if none is known.
        self.size_deg = size_deg
        #: Largest MAXREC [rows]; None if none is known.
        self.maxrec: int | None = None
        #: Whether an answer has broken off twice at the same place.
        self.breaks_off = False
        self._overflowed: set[tuple[tuple[str, str], ...]] = set()
        self._broken: set[tuple[tuple[tuple[str, str], ...], int]] = set()
        self._lock = threading.Lock()

    def clamped(self, asked: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Parameters of a request with no larger MAXREC than the service takes."""
        most = self.maxrec
        if most is None:
            return asked
        return [(name, str(min(int(value), most)) if name == _MAXREC else value) for name, value in asked]

    def reduced(self, error: SourceError, asked: list[tuple[str, str]]) -> list[tuple[str, str]] | None:
        """Parameters of a smaller request for any few rows, in place of one that was refused or broke off.

        Parameters
        ----------
        error : SourceError
            What it ended with.
        asked : list of (str, str)
            Its parameters.

        Returns
        -------
        list of (str, str) or None
            None if a smaller one will do no better.
        """
        if not self.learn(error, asked):
            return None
        fewer = self.clamped(asked)
        if not isinstance(error, ServiceError):
            # How large a row is nobody knows yet.
            fewer = [(name, str(int(value) // _FEWER) if name == _MAXREC else value) for name, value in asked]
        return None if fewer == asked or _value(fewer, _MAXREC) == 0 else fewer

    def forbid(self, asked: list[tuple[str, str]]) -> bool:
        """Whether a request is known to be refused for its SIZE, or to be answered in part only."""
        if tuple(asked) in self._overflowed:
            return True
        size = _value(asked, _SIZE)
        return size is not None and self.size_deg is not None and size > self.size_deg

    def add_overflow(self, asked: list[tuple[str, str]]) -> None:
        """Remember that more rows match than a request gave: one with a higher limit, clamped, may be the same."""
        with self._lock:
            self._overflowed.add(tuple(asked))

    def learn(self, error: SourceError, asked: list[tuple[str, str]]) -> bool:
        """Learn from what became of a request.

        Parameters
        ----------
        error : SourceError
            What it ended with.
        asked : list of (str, str)
            Its parameters.

        Returns
        -------
        bool
            Whether a smaller request may do better: the service names a limit, or it has broken off twice at one place.
        """
        with self._lock:
            if isinstance(error, ServiceError):
                return self._learn_maxrec(str(error), asked) or self._learn_size(str(error), asked)
            return self._learn_break(str(error), asked)

    def _learn_maxrec(self, said: str, asked: list[tuple[str, str]]) -> bool:
        value = _value(asked, _MAXREC)
        named = None if value is None else named_limit(said, _MAXREC, value)
        if named is None or named < 1:
            return False
        self.maxrec = int(named)
        return True

    def _learn_size(self, said: str, asked: list[tuple[str, str]]) -> bool:
        value = _value(asked, _SIZE)
        named = None if value is None else named_limit(said, _SIZE, value)
        if named is None:
            return False
        self.size_deg = named
        return True

    def _learn_break(self, said: str, asked: list[tuple[str, str]]) -> bool:
        found = _BROKEN_AT.search(said)
        if found is None or int(found[1]) < _SMALL_BYTES:
            return False
        key = tuple(asked), int(found[1])
        again = key in self._broken
        self._broken.add(key)
        self.breaks_off |= again
        return again


def _value(asked: list[tuple[str, str]], parameter: str) -> float | None:
    return next((float(value) for name, value in asked if name == parameter), None)
