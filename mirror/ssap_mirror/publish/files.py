"""All files of a snapshot and of its supplements: what is published, and what a pull compares with."""

from __future__ import annotations

from collections.abc import Iterable

from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.snapshots.collection import read_supplements
from ssap_mirror.sources.published.listing import ListedFile, Listing

__all__ = ["list_snapshot"]


def list_snapshot(catalog: Catalog, licence: str | None = None) -> Listing:
    """List all files of a snapshot and of its supplements.

    Raises
    ------
    CatalogError
        If its supplements are damaged.
    """
    mirror = catalog.path.parent.parent
    described = [catalog.path / layout.MANIFEST, catalog.path / layout.MANIFEST_DIGEST]
    listed = [(catalog.path, item) for item in (*catalog.row_files, *catalog.other_files)]
    if (supplements := read_supplements(catalog.path)) is not None:
        root = layout.supplements_dir(catalog.path)
        described.append(root / layout.SUPPLEMENTS)
        listed += [(root, item) for item in supplements["files"]]
    found: Iterable[ListedFile] = (
        *(
            ListedFile((root / item["path"]).relative_to(mirror).as_posix(), item["bytes"], item["sha256"])
            for root, item in listed
        ),
        *(
            ListedFile(path.relative_to(mirror).as_posix(), path.stat().st_size, storage.sha256(path))
            for path in described
        ),
    )
    files = tuple(sorted(found, key=lambda file: file.path))
    return Listing(catalog.name, catalog.title, catalog.path.name, catalog.rows, licence, files)
