"""Making a snapshot live, going back to another, and removing those that nobody needs."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import Catalog, find_snapshot, live_name, open_catalog
from ssap_mirror.core.snapshots.collection import write_collection
from ssap_mirror.core.snapshots.history import History, forget_gone, read_history, record_live
from ssap_mirror.errors import CatalogError, ParameterError

__all__ = ["Snapshot", "list_snapshots", "list_strays", "make_live", "prune", "rollback"]


@dataclass(frozen=True)
class Snapshot:
    """A snapshot as it lies in its mirror; `ssap_mirror.core.catalog.open_catalog` of its path tells more."""

    name: str
    """Its folder's name."""
    path: Path
    """Its folder."""
    live: bool
    """Whether it is the one that readers open."""
    last_live: str | None
    """When it last went live, ISO 8601 UTC; None if it never did, or nobody wrote it down."""


def list_snapshots(mirror: Path) -> tuple[Snapshot, ...]:
    """Snapshots of a mirror: those that never were live first, then by when they last were, the live one last.

    This works as well where none is live, because CURRENT is damaged.

    Raises
    ------
    CatalogError
        If there is no snapshot.
    """
    names = layout.snapshot_names(mirror)
    if not names:
        message = f"there is no snapshot in {layout.snapshots_dir(mirror)}"
        raise CatalogError(message)
    live, history = live_name(mirror), read_history(mirror)
    once_live = history.by_last_live()
    ordered = (*(name for name in names if name not in once_live), *once_live)
    times = {name: event.when for name in once_live if (event := history.last_live(name))}
    folder = layout.snapshots_dir(mirror)
    return tuple(Snapshot(name, folder / name, name == live, times.get(name)) for name in ordered)


def list_strays(mirror: Path) -> tuple[Path, ...]:
    """List what lies among the snapshots and is none: it has no manifest. Nothing here ever touches it."""
    folder = layout.snapshots_dir(mirror)
    known = layout.snapshot_names(mirror)
    return tuple(sorted(path for path in folder.iterdir() if path.name not in known)) if folder.is_dir() else ()


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
    with storage.lock_mirror(mirror), storage.translate_errors(mirror):
        record_live(mirror, catalog.path.name)
        storage.replace_file(layout.current_file(mirror), f"{catalog.path.name}\n".encode())
        write_collection(mirror, layout.snapshots_dir(mirror) / catalog.path.name)


def rollback(mirror: Path, name: str | None = None) -> Catalog:
    """Make another snapshot live again, back or forth. The one that was live stays, until it is pruned.

    Parameters
    ----------
    mirror : pathlib.Path
        Folder of the mirror.
    name : str, optional
        Name of the snapshot. Without it, the one that the live one replaced when it first went live; where none is
        live, the last one that was.

    Returns
    -------
    Catalog
        The snapshot that is live now.

    Raises
    ------
    CatalogError
        If there is no such snapshot, or it cannot be opened.
    BusyError
        If another process is writing the mirror.
    MirrorError
        If the mirror cannot be written.
    """
    names = layout.snapshot_names(mirror)
    if name is not None and name not in names:
        message = f"mirror {mirror} has no snapshot {name!r}; there are: {', '.join(names) or 'none'}"
        raise CatalogError(message)
    with storage.lock_mirror(mirror):
        target = name or _before(mirror, names)
        try:
            catalog = open_catalog(layout.snapshots_dir(mirror) / target)
        except CatalogError as error:
            message = f"snapshot {target} cannot be made live: {error}; others can be named: {_others(names, target)}"
            raise CatalogError(message) from error
        make_live(mirror, catalog)
    return catalog


def _before(mirror: Path, names: tuple[str, ...]) -> str:
    """Name of the snapshot to go back to."""
    live, history = live_name(mirror), read_history(mirror)
    if live in names:
        found = history.replaced_by(live)
        reason = f"has no snapshot older than the live one, {live}, or none that is known to have been live before it"
    else:
        found = _last_known(history, names)
        reason = "has no live snapshot, and no record of what was live last"
    if found is None and names == (live,):
        message = f"mirror {mirror} has no snapshot older than the live one, {live}: it is the only one"
        raise CatalogError(message)
    if found is None:
        message = f"mirror {mirror} {reason}; one to make live can be named: {_others(names, live)}"
        raise CatalogError(message)
    return found


def _last_known(history: History, names: tuple[str, ...]) -> str | None:
    if history.recorded:
        return history.events[-1].name
    return names[0] if len(names) == 1 else None


def _others(names: tuple[str, ...], but: str | None) -> str:
    return ", ".join(name for name in names if name != but) or "there is none"


def prune(mirror: Path, keep: int) -> tuple[str, ...]:
    """Remove snapshots, those first that have not been live for longest, until so many are left beside the live one.

    Only what was live once is removed, and only if nobody reads it; the next time is early enough for that. Files that
    other snapshots share stay, and so does all that is not this program's: see `list_strays`.

    Parameters
    ----------
    mirror : pathlib.Path
        Folder of the mirror.
    keep : int
        How many snapshots that were live, beside the one that is, stay; 0 or more.

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
    with storage.lock_mirror(mirror), storage.translate_errors(mirror):
        live = find_snapshot(mirror).name
        # Whoever was interrupted behind CURRENT: what goes may be what the collection still names.
        write_collection(mirror, layout.snapshots_dir(mirror) / live)
        others = [name for name in read_history(mirror).by_last_live() if name != live]
        surplus = others[: max(len(others) - keep, 0)]
        removed = tuple(name for name in surplus if layout.is_snapshot_name(name) and _remove(mirror, name))
        if removed:
            forget_gone(mirror)
        _remove_orphans(mirror)
    return removed


def _remove_orphans(mirror: Path) -> None:
    """Remove supplements whose snapshot is gone: whoever removed it was interrupted, or knew of none."""
    folder = layout.supplements_dir(layout.snapshots_dir(mirror) / "any").parent
    if folder.is_dir():
        known = layout.snapshot_names(mirror)
        for path in folder.iterdir():
            if path.name not in known and layout.is_snapshot_name(path.name):
                shutil.rmtree(path, ignore_errors=True)


def _remove(mirror: Path, name: str) -> bool:
    """Remove a snapshot, unless somebody reads it."""
    snapshot = layout.snapshots_dir(mirror) / name
    with storage.unread(snapshot / layout.MANIFEST) as free:
        if free:
            # Out of sight first: what lies among the snapshots is whole, even if this is interrupted.
            trash = layout.build_dir(mirror, os.getpid())
            trash.parent.mkdir(exist_ok=True)
            snapshot.rename(trash)
            storage.clear(trash)
            shutil.rmtree(layout.supplements_dir(snapshot), ignore_errors=True)
    return free
