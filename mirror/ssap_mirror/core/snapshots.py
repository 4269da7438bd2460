"""Which snapshot of a mirror is live, and which others are kept."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import Catalog, find_snapshot, open_catalog
from ssap_mirror.errors import CatalogError, ParameterError

__all__ = ["Snapshot", "list_snapshots", "make_live", "prune", "rollback"]


@dataclass(frozen=True)
class Snapshot:
    """A snapshot as it lies in its mirror; `ssap_mirror.core.catalog.open_catalog` of its path tells more."""

    name: str
    """Its folder's name: when it was made."""
    path: Path
    """Its folder."""
    live: bool
    """Whether it is the one that readers open."""


def list_snapshots(mirror: Path) -> tuple[Snapshot, ...]:
    """Snapshots of a mirror, the oldest first.

    Raises
    ------
    CatalogError
        If the mirror has no live snapshot.
    """
    live = find_snapshot(mirror)
    folders = sorted(path for path in layout.snapshots_dir(mirror).iterdir() if path.is_dir())
    return tuple(Snapshot(path.name, path, path.name == live.name) for path in folders)


def make_live(mirror: Path, catalog: Catalog) -> None:
    """Make a snapshot the one that readers open. A crash at any instant leaves the previous one or this one.

    Parameters
    ----------
    mirror : pathlib.Path
        Folder of the mirror.
    catalog : Catalog
        One of its snapshots, already on disk (as `ssap_mirror.build.snapshot.build_snapshot` leaves it).

    Raises
    ------
    CatalogError
        If the snapshot is not one of this mirror's.
    BusyError
        If another process is writing the mirror.
    MirrorError
        If the mirror cannot be written.
    """
    if catalog.path.parent.resolve() != layout.snapshots_dir(mirror).resolve():
        message = f"{catalog.path} is not a snapshot of the mirror {mirror}"
        raise CatalogError(message)
    with storage.lock_mirror(mirror), storage.told(mirror):
        storage.replace_file(layout.current_file(mirror), f"{catalog.path.name}\n".encode())


def rollback(mirror: Path) -> Catalog:
    """Make the snapshot before the live one live again. The newer one stays, until it is pruned.

    Parameters
    ----------
    mirror : pathlib.Path
        Folder of the mirror.

    Returns
    -------
    Catalog
        The snapshot that is live now.

    Raises
    ------
    CatalogError
        If there is no older snapshot, or it cannot be opened.
    BusyError
        If another process is writing the mirror.
    MirrorError
        If the mirror cannot be written.
    """
    with storage.lock_mirror(mirror):
        snapshots = list_snapshots(mirror)
        live = next(number for number, snapshot in enumerate(snapshots) if snapshot.live)
        if live == 0:
            message = f"mirror {mirror} has no snapshot older than the live one, {snapshots[live].name}"
            raise CatalogError(message)
        catalog = open_catalog(snapshots[live - 1].path)
        make_live(mirror, catalog)
    return catalog


def prune(mirror: Path, keep: int) -> tuple[str, ...]:
    """Remove snapshots, the oldest first, until so many are left beside the live one.

    Files that other snapshots share stay. A reader that still has a removed snapshot open may fail.

    Parameters
    ----------
    mirror : pathlib.Path
        Folder of the mirror.
    keep : int
        How many snapshots beside the live one stay, 0 or more.

    Returns
    -------
    tuple of str
        Names of those removed.

    Raises
    ------
    ParameterError
        If `keep` is negative.
    CatalogError
        If the mirror has no live snapshot.
    BusyError
        If another process is writing the mirror.
    MirrorError
        If the mirror cannot be written.
    """
    if keep < 0:
        raise ParameterError(name="keep", value=keep, reason="is not a number of snapshots")
    with storage.lock_mirror(mirror), storage.told(mirror):
        others = [snapshot for snapshot in list_snapshots(mirror) if not snapshot.live]
        removed = others[: max(len(others) - keep, 0)]
        for snapshot in removed:
            # Out of sight first: what lies among the snapshots is whole, even if this is cut off.
            trash = layout.build_dir(mirror, os.getpid())
            trash.parent.mkdir(exist_ok=True)
            snapshot.path.rename(trash)
            storage.clear(trash)
    return tuple(snapshot.name for snapshot in removed)
