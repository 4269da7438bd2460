"""The engine of a mirror's live snapshot: which one that is changes under a program that runs for long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ssap_mirror.core import layout
from ssap_mirror.core.catalog import Catalog, find_snapshot, open_leased
from ssap_mirror.errors import CatalogError

from ssap_query.engine.engine import Engine
from ssap_query.engine.plan import EngineLimits
from ssap_query.mirror.shipped import where

if TYPE_CHECKING:
    from ssap_mirror.remote.catalog import RemoteMirror

__all__ = ["LiveEngine"]

T = TypeVar("T")


class _Place(Protocol):
    """What tells which snapshot of a mirror is live, and opens it."""

    def find(self, max_age_s: float = 0.0) -> Path:
        """Folder of the live snapshot; it may have been looked up so long ago [s], where that costs anything."""
        ...

    def open(self) -> Catalog:
        """Open the live snapshot."""
        ...

    def holds(self, catalog: Catalog) -> bool:
        """Whether an open snapshot is still there, as far as can be told at once."""
        ...


@dataclass(frozen=True)
class _LocalMirror:
    """A mirror on this machine."""

    name: str | Path
    """Its name or path."""
    home: Path | None
    """Folder of the mirrors."""

    def find(self, max_age_s: float = 0.0) -> Path:
        return find_snapshot(self.name, self.home)

    def open(self) -> Catalog:
        return open_leased(self.name, self.home)

    def holds(self, catalog: Catalog) -> bool:
        return catalog.path.is_dir()


@dataclass(frozen=True)
class _FarMirror:
    """A mirror that lies elsewhere."""

    mirror: RemoteMirror
    """What reads it."""

    def find(self, max_age_s: float = 0.0) -> Path:
        return self.mirror.find(max_age_s)

    def open(self) -> Catalog:
        return self.mirror.open()

    def holds(self, catalog: Catalog) -> bool:
        return False


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
    storage_options : mapping of str to object, optional
        What reads an address beside HTTP takes, as fsspec has it.

    Raises
    ------
    CatalogError
        If there is no such mirror, or it is damaged.
    """

    def __init__(
        self,
        name: str | Path,
        home: Path | None,
        cache_bytes: int,
        limits: EngineLimits | None,
        storage_options: Mapping[str, Any] | None = None,
    ) -> None:
        self._place = _place_of(name, home, storage_options)
        self._cache_bytes = cache_bytes
        self._limits = limits
        self._lock = Lock()
        self.engine = self._open()

    def _open(self) -> Engine:
        return Engine(self._place.open(), self._cache_bytes, self._limits)

    def refresh(self, max_age_s: float = 0.0) -> bool:
        """Open the live snapshot if it is another one by now; see `ssap_query.Mirror.refresh`.

        Parameters
        ----------
        max_age_s : float
            What a host far away has said of it no longer ago than this [s] still counts.
        """
        with self._lock:
            if self._place.find(max_age_s) == self.engine.catalog.path:
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
            if self._place.holds(engine.catalog) or not self.refresh():
                raise
            return question(self.engine)


def _place_of(name: str | Path, home: Path | None, storage_options: Mapping[str, Any] | None = None) -> _Place:
    """Find where a mirror is.

    Parameters
    ----------
    name : str or pathlib.Path
        A mirror's name below the home folder, the path of a mirror or of one of its snapshots, or an address.
    home : pathlib.Path or None
        Folder of the mirrors.
    storage_options : mapping of str to object, optional
        What reads an address beside HTTP takes, as fsspec has it.

    Raises
    ------
    CatalogError
        If there is no way to read such an address.
    """
    if layout.is_address(name):
        from ssap_mirror.remote.catalog import RemoteMirror

        return _FarMirror(RemoteMirror(str(name), storage_options))
    return _LocalMirror(where(name, home), home)
