"""Breaking off a query from another thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

__all__ = ["Interrupt"]


class Interrupt:
    """Breaks off what is under way, or what has not begun."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_set = False
        self._how: Callable[[], None] | None = None

    @property
    def is_set(self) -> bool:
        """Whether it has been asked for."""
        return self._is_set

    def set(self) -> None:
        """Ask for it."""
        with self._lock:
            self._is_set = True
            if self._how is not None:
                self._how()

    @contextmanager
    def of(self, how: Callable[[], None]) -> Iterator[None]:
        """Say how it is done, as long as it can be.

        Parameters
        ----------
        how : callable
            Breaks off what is under way.
        """
        with self._lock:
            self._how = how
        try:
            yield
        finally:
            with self._lock:
                self._how = None
