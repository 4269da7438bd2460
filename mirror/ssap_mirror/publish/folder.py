"""Publish the live snapshot of a mirror: a folder to put behind any web server, the same in layout as a mirror."""

from __future__ import annotations

import json
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import Catalog, live_name, open_leased
from ssap_mirror.core.hats_properties import parse_properties
from ssap_mirror.core.snapshots.collection import write_collection
from ssap_mirror.errors import CatalogError
from ssap_mirror.publish.files import list_snapshot
from ssap_mirror.publish.page import write_page
from ssap_mirror.sources.published.listing import LISTING, ListedFile, Listing

__all__ = ["Published", "publish"]

# What stands beside the snapshot.
_SUMS, _MOC, _PAGE = "SHA256SUMS", "moc.json", "index.html"


@dataclass(frozen=True)
class Published:
    """What `publish` did."""

    folder: Path
    """The folder to serve."""
    snapshot: str
    """Name of the snapshot that is live in it."""
    files: int
    """Number of files of the snapshot and its supplements."""
    bytes: int
    """Their size in all [byte]."""
    archive: Path | None = None
    """All of it in one file, if that was asked for."""


def publish(
    mirror: str | Path, target: Path, home: Path | None = None, licence: str | None = None, *, archive: bool = False
) -> Published:
    """Make a folder of the live snapshot of a mirror that others can read and pull over HTTP.

    Files are hard-linked where the file system allows it, and copied elsewhere. The snapshot that was published before
    stays until the next time, for those who are reading it; what is older goes.

    Parameters
    ----------
    mirror : str or pathlib.Path
        Name of a mirror, or its folder.
    target : pathlib.Path
        Folder to publish in; made if it is not there. The mirror is in a folder of its name below.
    home : pathlib.Path, optional
        Folder of the mirrors; `ssap_mirror.core.layout.default_home` without it.
    licence : str, optional
        What others may do with the rows, for the page.
    archive : bool
        Whether to write a tar file beside the folder as well, for archives that take few files.

    Returns
    -------
    Published
        What there is now.

    Raises
    ------
    CatalogError
        If there is no such mirror, or it is damaged; nothing is published then. Or if the folder is a mirror itself,
        or has files of others that would be replaced.
    BusyError
        If another process publishes there.
    MirrorError
        If the folder cannot be written.
    """
    catalog = open_leased(mirror, home)
    own = catalog.path.parent.parent
    folder = target / own.resolve().name
    if folder.resolve() == own.resolve():
        message = f"{folder} is the mirror itself; it can be published in another folder"
        raise CatalogError(message)
    if layout.snapshot_names(folder) and not (folder / LISTING).is_file():
        message = f"{folder} is a mirror that was not published there, and is not overwritten"
        raise CatalogError(message)
    _refuse_files_of_others(folder)
    catalog.checksums.check(catalog.path / item["path"] for item in (*catalog.row_files, *catalog.other_files))
    with storage.lock_mirror(folder), storage.translate_errors(folder):
        before = live_name(folder)
        listing = list_snapshot(catalog, licence)
        for file in listing.files:
            _put(own / file.path, folder / file.path, file)
        described = _describe(folder, catalog, listing)
        _forget(folder, {before, listing.snapshot})
        packed = _pack(folder, [*described, *(file.path for file in listing.files)], listing) if archive else None
    return Published(folder, listing.snapshot, len(listing.files), listing.total_bytes, packed)


def _refuse_files_of_others(folder: Path) -> None:
    """Refuse a folder in which files stand that would be replaced, and that no publication has put there."""
    if (folder / LISTING).exists() or (folder / _SUMS).exists():  # the sums are what a publication begins with
        return
    for name in (_PAGE, _MOC, layout.COLLECTION):
        if (folder / name).exists():
            message = f"{folder / name} is no file of a publication, and is not overwritten; give another folder"
            raise CatalogError(message)


def _put(source: Path, target: Path, file: ListedFile) -> None:
    """Link or copy a file, unless it is there."""
    if target.is_file() and target.stat().st_size == file.bytes and storage.sha256(target) == file.sha256:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with storage.replacing(target) as beside:
        try:
            beside.hardlink_to(source)
        except OSError:  # another file system, or one without links
            shutil.copyfile(source, beside)
        if storage.sha256(beside) != file.sha256:
            message = f"{source} is damaged: its SHA-256 is not the one that was written down"
            raise CatalogError(message)


def _describe(folder: Path, catalog: Catalog, listing: Listing) -> list[str]:
    """Write what stands beside the snapshot, when all that it stands for is there; gives the names."""
    properties = parse_properties((catalog.path / layout.PROPERTIES).read_text("utf-8"))
    coverage: dict[str, list[int]] = {}
    for part in sorted(catalog.partitions):
        coverage.setdefault(str(part.norder), []).append(part.npix)
    sums = "".join(f"{file.sha256}  {file.path}\n" for file in listing.files)
    contents = {
        _SUMS: sums.encode(),
        _MOC: json.dumps(coverage).encode() + b"\n",  # MOC 2.0 §4.3.2
        _PAGE: write_page(catalog, properties, listing).encode(),
        # From here on, others find the new snapshot.
        LISTING: listing.to_json(),
        layout.current_file(folder).name: f"{listing.snapshot}\n".encode(),
    }
    for name, content in contents.items():
        storage.replace_file(folder / name, content)
    write_collection(folder, layout.snapshots_dir(folder) / listing.snapshot)
    return [*contents, layout.COLLECTION]


def _forget(folder: Path, kept: set[str | None]) -> None:
    """Remove snapshots that were published before the one that was replaced."""
    for name in layout.snapshot_names(folder):
        if name not in kept and layout.is_snapshot_name(name):
            snapshot = layout.snapshots_dir(folder) / name
            shutil.rmtree(snapshot, ignore_errors=True)
            shutil.rmtree(layout.supplements_dir(snapshot), ignore_errors=True)


def _pack(folder: Path, names: list[str], listing: Listing) -> Path:
    """Write all files to a tar file beside the folder; they are compressed as it is."""
    path = folder.parent / f"{folder.name}-{listing.snapshot}.tar"
    with storage.replacing(path) as beside, tarfile.open(beside, "w") as archive:
        for name in sorted(names):
            archive.add(folder / name, f"{folder.name}/{name}")
    return path
