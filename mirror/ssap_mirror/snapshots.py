"""Which snapshot of a mirror is live, which are kept, and what differs between two."""

from __future__ import annotations

from pathlib import Path

from ssap_mirror import layout, storage
from ssap_mirror.catalog import Catalog
from ssap_mirror.errors import CatalogError

__all__ = ["make_live"]


def make_live(mirror: Path, catalog: Catalog) -> None:
    """Make a snapshot the one that readers open. A crash at any instant leaves the previous one or this one.

    Parameters
    ----------
    mirror : pathlib.Path
        Folder of the mirror.
    catalog : Catalog
        One of its snapshots, already on disk (as `ssap_mirror.build.build_snapshot` leaves it).

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
