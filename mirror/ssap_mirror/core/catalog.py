"""A snapshot as a description: what it holds and where. Opening one reads its manifest and no rows."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from ssap_mirror.core import layout, storage
from ssap_mirror.core.checksums import ADVICE, Checksums
from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import CatalogError

__all__ = [
    "FORMAT_VERSION",
    "Catalog",
    "Partition",
    "catalog_of",
    "find_snapshot",
    "list_mirrors",
    "live_name",
    "manifest_digest",
    "name_in",
    "open_catalog",
    "open_leased",
    "read_catalog",
    "refuse_address",
]

C = TypeVar("C", bound="Catalog")

#: Version of the manifest's own format.
FORMAT_VERSION = 1

# Each try finds a newer live snapshot: only a mirror that is synced all the time could need more than two.
_TRIES = 10
_WAY_ON = "ssap-mirror snapshots lists what is there, ssap-mirror rollback makes one of them live"


@dataclass(frozen=True, order=True)
class Partition:
    """One Parquet file of a snapshot and the sky it covers."""

    norder: int
    """HEALPix order of the cell; -1 for the unplaced rows."""
    npix: int
    """NESTED pixel of that order; -1 for the unplaced rows."""
    rows: int
    """Number of rows."""
    file: str
    """Absolute path of the file, as text: to take 20,000 paths apart takes as long as to read their manifest."""

    @cached_property
    def path(self) -> Path:
        """Absolute path of the file."""
        return Path(self.file)

    @cached_property
    def healpix_29(self) -> tuple[int, int]:
        """First and last ``_healpix_29`` of the cell, both inclusive."""
        shift = 2 * (29 - self.norder)
        return self.npix << shift, ((self.npix + 1) << shift) - 1


@dataclass(frozen=True)
class Catalog:
    """A snapshot of a mirror, opened for reading."""

    path: Path
    """The snapshot's folder."""
    manifest: dict[str, Any] = field(repr=False)
    """``manifest.json`` as read."""
    lease: storage.Lease | None = field(default=None, repr=False, compare=False)
    """What keeps the snapshot from being removed as long as this object is about; None if nothing does."""

    @property
    def address(self) -> str:
        """Where it lies, for people."""
        return str(self.path)

    @property
    def is_remote(self) -> bool:
        """Whether its files come over a network when they are asked for."""
        return False

    @cached_property
    def schema(self) -> Schema:
        """Columns in the service's order, without the internal ``_healpix_29``."""
        return Schema.from_json(self.manifest["columns"], self.manifest.get("roles"), self.manifest.get("refused"))

    @cached_property
    def partitions(self) -> tuple[Partition, ...]:
        """Files of the placed rows, in the order of the sky (``_healpix_29``)."""
        found = [
            Partition(item["norder"], item["npix"], item["rows"], f"{self.path}{os.sep}{item['path']}")
            for item in self.manifest["partitions"]
        ]
        return tuple(sorted(found, key=lambda partition: partition.healpix_29))

    @cached_property
    def partition_starts(self) -> list[int]:
        """First ``_healpix_29`` of the cell of each of `partitions`."""
        return [partition.healpix_29[0] for partition in self.partitions]

    @cached_property
    def unplaced(self) -> Partition | None:
        """File of the unplaced rows, which HATS has no cell for; None if there are none."""
        item = self.manifest.get("unplaced")
        return None if not item else Partition(-1, -1, item["rows"], f"{self.path}{os.sep}{item['path']}")

    @property
    def parts(self) -> tuple[Partition, ...]:
        """Every file that holds rows and what it covers, that of the unplaced rows last."""
        return self.partitions if self.unplaced is None else (*self.partitions, self.unplaced)

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that holds rows."""
        return tuple(part.path for part in self.parts)

    @property
    def row_files(self) -> list[dict[str, Any]]:
        """What the manifest says of every file that holds rows: ``path``, ``rows``, ``bytes``, ``sha256``."""
        unplaced = self.manifest.get("unplaced")
        return [*self.manifest["partitions"], *([unplaced] if unplaced else [])]

    @property
    def other_files(self) -> list[dict[str, Any]]:
        """What the manifest says of every other file but itself and its digest: ``path``, ``bytes``, ``sha256``."""
        return list(self.manifest["files"])

    @property
    def rows(self) -> int:
        """Number of rows, placed and unplaced."""
        return int(self.manifest["rows"])

    @property
    def name(self) -> str:
        """Name of the service the rows come from."""
        return str(self.manifest["service"])

    @property
    def title(self) -> str:
        """Title for people."""
        return str(self.manifest["title"])

    @property
    def synthetic(self) -> bool:
        """Whether the rows are made up."""
        return bool(self.manifest.get("synthetic"))

    @property
    def max_offset_arcsec(self) -> float:
        """Largest separation of ``location`` from the target position among the placed rows [arcsec]."""
        return float(self.manifest["max_offset_arcsec"])

    @cached_property
    def checksums(self) -> Checksums:
        """What tells whether its files are as they were written: to be asked before one is read."""
        listed = (*self.row_files, *self.other_files)
        return Checksums(self.path, {item["path"]: item["sha256"] for item in listed})

    @cached_property
    def nan_columns(self) -> tuple[str, ...]:
        """Scalar columns that hold NaN in some row; every one that can, where an older manifest does not say."""
        known = self.manifest.get("nan_columns")
        if known is not None:
            return tuple(known)
        constants = self.manifest.get("constants") or {}
        can = (c.name for c in self.schema if c.datatype in ("float", "double") and not c.shape)
        return tuple(name for name in can if name not in constants)

    @property
    def unicode_columns(self) -> tuple[str, ...]:
        """Columns of text that is not all ASCII, as far as the manifest says: an older one does not."""
        return tuple(self.manifest.get("unicode_columns", ()))

    @property
    def service_xml(self) -> bytes:
        """The service's VOTable header as harvested; empty if there was none.

        Raises
        ------
        CatalogError
            If it is damaged.
        """
        if all(item["path"] != layout.SERVICE_XML for item in self.other_files):
            return b""
        path = self.path / layout.SERVICE_XML
        self.checksums.check([path])
        return path.read_bytes()


def list_mirrors(home: Path | None = None) -> tuple[str, ...]:
    """Names of the mirrors below a home folder."""
    home = home or layout.default_home()
    return tuple(sorted(path.parent.name for path in home.glob("*/CURRENT"))) if home.is_dir() else ()


def find_snapshot(name: str | Path, home: Path | None = None) -> Path:
    """Folder of the live snapshot of a mirror.

    Parameters
    ----------
    name : str or pathlib.Path
        A mirror's name below the home folder, or the path of a mirror or of one of its snapshots.
    home : pathlib.Path, optional
        Folder of the mirrors; `layout.default_home` without it.

    Raises
    ------
    CatalogError
        If there is no such mirror, or it has no live snapshot.
    """
    refuse_address(name)
    home = home or layout.default_home()
    is_path = isinstance(name, Path) or "/" in name or name in (".", "..")
    mirror = Path(name).expanduser() if is_path else layout.mirror_dir(home, str(name))
    if not is_path and not mirror.is_dir() and Path(name).is_dir():
        mirror = Path(name)
    if (mirror / layout.MANIFEST).is_file():
        return mirror
    live = live_name(mirror)
    if live is None and not layout.snapshot_names(mirror):
        known = ", ".join(list_mirrors(home)) or "none"
        message = f"No mirror {str(name)!r} in {home}. Available: {known}. Create one with `ssap-mirror sync`."
        raise CatalogError(message)
    if live is None or not (layout.snapshots_dir(mirror) / live / layout.MANIFEST).is_file():
        said = "is not there or is no name" if live is None else f"names the snapshot {live!r}, which is not there"
        message = f"mirror {mirror} has no live snapshot: CURRENT {said} ({_WAY_ON})"
        raise CatalogError(message)
    return layout.snapshots_dir(mirror) / live


def refuse_address(name: object) -> None:
    """See that a mirror is one of this machine.

    Raises
    ------
    CatalogError
        If its name is the address of one that lies elsewhere.
    """
    if layout.is_address(name):
        way = f"; ssap-mirror sync NAME --from {name} brings it here" if str(name).lower().startswith("http") else ""
        message = f"{name} lies elsewhere: it can be asked, but this needs a mirror of this machine{way}"
        raise CatalogError(message)


def live_name(mirror: Path) -> str | None:
    """Name of the live snapshot as CURRENT has it, whether that is there or not; None where it has none."""
    try:
        return name_in(layout.current_file(mirror).read_bytes())
    except OSError:
        return None


def name_in(content: bytes) -> str | None:
    """Name of a snapshot in what CURRENT has; None if that is none."""
    try:
        name = content.decode("utf-8").strip()
    except UnicodeDecodeError:
        return None
    return name if name and Path(name).name == name and name.isprintable() else None


def open_catalog(name: str | Path, home: Path | None = None) -> Catalog:
    """Open the live snapshot of a mirror.

    The manifest and all files without rows are held against their checksums, the others against their sizes; whoever
    reads rows asks `Catalog.checksums` first.

    Parameters
    ----------
    name : str or pathlib.Path
        As for `find_snapshot`.
    home : pathlib.Path, optional
        Folder of the mirrors.

    Raises
    ------
    CatalogError
        If there is no such mirror, or it is damaged.
    """
    return _open(find_snapshot(name, home))


def open_leased(name: str | Path, home: Path | None = None) -> Catalog:
    """Open the live snapshot as `open_catalog` does, and keep it from being pruned while the object returned is about.

    Raises
    ------
    CatalogError
        If there is no such mirror, or it is damaged.
    """
    for _ in range(_TRIES):
        snapshot = find_snapshot(name, home)
        manifest = snapshot / layout.MANIFEST
        try:
            lease = storage.lease(manifest)
        except OSError as error:
            message = f"{manifest} cannot be read: {error.strerror} ({ADVICE})"
            raise CatalogError(message) from error
        if lease is not None:
            return _open(snapshot, lease)
    message = f"snapshot {snapshot} is being removed"
    raise CatalogError(message)


def _open(snapshot: Path, lease: storage.Lease | None = None) -> Catalog:
    catalog = read_catalog(snapshot, lease)
    for item in (*catalog.row_files, *catalog.other_files):
        path = f"{catalog.path}{os.sep}{item['path']}"
        try:
            size = os.stat(path).st_size  # noqa: PTH116  (faster than that of pathlib, and there may be many)
        except OSError as error:
            message = f"{path} cannot be read: {error.strerror} ({ADVICE})"
            raise CatalogError(message) from error
        if size != item["bytes"]:
            message = f"{path} is damaged: it has {size:,} bytes, and {item['bytes']:,} in the manifest ({ADVICE})"
            raise CatalogError(message)
    catalog.checksums.check(catalog.path / item["path"] for item in catalog.other_files)
    return catalog


def read_catalog(snapshot: Path, lease: storage.Lease | None = None) -> Catalog:
    """Read the manifest of a snapshot, whatever its other files may be like.

    Parameters
    ----------
    snapshot : pathlib.Path
        Its folder.
    lease : Lease, optional
        What keeps it from being removed.

    Raises
    ------
    CatalogError
        If the manifest is damaged, or of another version of this program.
    """
    return catalog_of(snapshot, lambda manifest: Catalog(snapshot, manifest, lease))


def catalog_of(snapshot: Path, make: Callable[[dict[str, Any]], C]) -> C:
    """Read the manifest of a snapshot, and make of it whatever catalogue is wanted; errors as for `read_catalog`.

    Parameters
    ----------
    snapshot : pathlib.Path
        Its folder.
    make : callable
        Makes the catalogue of the manifest.
    """
    path = snapshot / layout.MANIFEST
    try:
        content = path.read_bytes()
        written = (snapshot / layout.MANIFEST_DIGEST).read_bytes()
    except OSError as error:
        message = f"{error.filename} cannot be read: {error.strerror} ({ADVICE})"
        raise CatalogError(message) from error
    if written != manifest_digest(content):
        message = f"{path} is damaged: its SHA-256 is not that in {layout.MANIFEST_DIGEST} ({ADVICE})"
        raise CatalogError(message)
    try:
        manifest = json.loads(content)
        version = manifest["format"]
        catalog = make(manifest)
        catalog.schema, catalog.partitions, catalog.rows, catalog.checksums  # noqa: B018  (what is wrong shows here)
    except (ValueError, KeyError, TypeError) as error:
        message = f"{path} is damaged: {error!r}"
        raise CatalogError(message) from error
    if version != FORMAT_VERSION:
        message = f"{path} has format {version!r}; this version of ssap-mirror reads {FORMAT_VERSION}"
        raise CatalogError(message)
    return catalog


def manifest_digest(content: bytes) -> bytes:
    """Content of ``manifest.json.sha256`` for a manifest, in the format of sha256sum."""
    return f"{hashlib.sha256(content).hexdigest()}  {layout.MANIFEST}\n".encode()
