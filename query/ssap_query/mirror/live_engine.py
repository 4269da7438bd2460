"""The engine of a mirror's live snapshot: which one that is changes under a program that runs for long."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TypeVar

from ssap_mirror.core.catalog import find_snapshot, open_leased
from ssap_mirror.errors import CatalogError

from ssap_query.engine.engine import Engine
from ssap_query.engine.plan import EngineLimits
from ssap_query.mirror.shipped import where

__all__ = ["LiveEngine"]

T = TypeVar("T")


class LiveEngine:
    """Opens the live snapshot, and goes on reading it until `refresh`.

    Parameters
    ----------
    name : str or pathlib.Path
        A mirror's name below the home folder, or the path of a mirror or of one of its snapshots.
    home : pathlib.Path, optional
        Folder of the mirrors.
    cache_bytes : int
        Most that is kept between requests [byte].
    limits : EngineLimits, optional
        What a single request may take.

    Raises
    ------
    CatalogError
        If there is no such mirror, or it is damaged.
    """

    def __init__(self, name: str | Path, home: Path | None, cache_bytes: int, limits: EngineLimits | None) -> None:
        self._name = where(name, home)
        self._home = home
        self._cache_bytes = cache_bytes
        self._limits = limits
        self._lock = Lock()
        self.engine = self._open()

    def _open(self) -> Engine:
        return Engine(open_leased(self._name, self._home), self._cache_bytes, self._limits)

    def refresh(self) -> bool:
        """Open the live snapshot if it is another one by now; see `ssap_query.Mirror.refresh`."""
        with self._lock:
            if find_snapshot(self._name, self._home) == self.engine.catalog.path:
                return False
            old, self.engine = self.engine, self._open()
            old.drop()
            return True

    def ask(self, question: Callable[[Engine], T]) -> T:
        """Ask the open snapshot; if it is gone, the live one.

        Snapshots that are read are not pruned, but others may remove one, and some file systems have no leases.
        """
        engine = self.engine
        try:
            return question(engine)
        except CatalogError:
            if engine.catalog.path.is_dir() or not self.refresh():
                raise
            return question(self.engine)
