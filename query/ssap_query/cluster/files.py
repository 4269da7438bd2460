"""Where the workers read a snapshot: the files of its folder, each held against the manifest before it is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ssap_mirror.build.supplements.margin import MARGIN
from ssap_mirror.core import layout
from ssap_mirror.core.catalog import Catalog, read_catalog
from ssap_mirror.core.checksums import ADVICE, Checksums
from ssap_mirror.core.snapshots.collection import read_supplements
from ssap_mirror.errors import CatalogError, ParameterError

if TYPE_CHECKING:
    from upath import UPath

__all__ = ["CheckedPaths", "SnapshotFiles", "snapshot_files"]

_ADDRESS = "address"


@dataclass(frozen=True)
class SnapshotFiles:
    """The files of a snapshot, as each worker finds them.

    On a disk, each file is held against its SHA-256 before its first use, as everywhere else. Elsewhere that would take
    its whole content: its size is compared, and Arrow compares the checksum of each page that is read.
    """

    folder: str
    """Folder of the mirror, as a path or as an address that fsspec knows."""
    name: str
    """Name of the snapshot."""
    digest: str
    """SHA-256 of its manifest."""
    storage_options: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What fsspec needs to know of the address: keys, endpoints."""

    @property
    def is_local(self) -> bool:
        """Whether it is a folder on a disk that every worker sees."""
        return "://" not in self.folder

    @property
    def snapshot(self) -> UPath:
        """Folder of the snapshot."""
        return self._mirror / "snapshots" / self.name

    @property
    def margin(self) -> UPath:
        """Folder of its margin, which may not be there."""
        return self._mirror / "supplements" / self.name / MARGIN

    @property
    def _mirror(self) -> UPath:
        from upath import UPath

        return UPath(self.folder, **self.storage_options)

    def check(self, path: str) -> None:
        """Hold a file against the manifest.

        Parameters
        ----------
        path : str
            Below the folder of the snapshot.

        Raises
        ------
        CatalogError
            If it is damaged, or of another snapshot.
        """
        if self.is_local:
            _local_checksums(self).check([str(self.snapshot / path)])
            return
        size, expected = (self.snapshot / path).stat().st_size, _sizes(self)[path]
        if size != expected:
            message = f"{self.snapshot / path} is damaged: it has {size:,} bytes, and {expected:,} in the manifest"
            raise CatalogError(message)

    def check_margin(self, path: str) -> None:
        """Hold a file of the margin against what is known of it; `path` is below the folder of the margin."""
        if self.is_local:
            _margin_checksums(self).check([str(self.margin / path)])


@dataclass(frozen=True)
class CheckedPaths:
    """Finds the file of a cell for LSDB, when it is about to be read, and holds it against the manifest."""

    files: SnapshotFiles
    """The snapshot."""
    request: str = field(default_factory=lambda: uuid4().hex)
    """Makes the tasks of each request its own: Dask would answer one with the error of an earlier one."""

    def __call__(self, base: Any, pixel: Any, query_params: Any = None, npix_suffix: str = ".parquet") -> Any:
        """Give the path; parameters are those of ``hats.io.pixel_catalog_file``."""
        from hats.io import pixel_catalog_file

        path = layout.partition_path(pixel.order, pixel.pixel)
        if Path(str(base)).name == MARGIN:
            self.files.check_margin(path)
        else:
            self.files.check(path)
        return pixel_catalog_file(base, pixel, query_params, npix_suffix)


def snapshot_files(catalog: Catalog, address: str | None, storage_options: Mapping[str, Any] | None) -> SnapshotFiles:
    """Say where the workers read a snapshot.

    Parameters
    ----------
    catalog : Catalog
        The snapshot.
    address : str, optional
        Folder of the same mirror as the workers see it: a path, or an address of a web server or an object store. The
        folder of the snapshot's mirror without it.
    storage_options : mapping of str to object, optional
        As fsspec takes them.

    Raises
    ------
    ParameterError
        If the address cannot be read, or has another snapshot.
    """
    digest = hashlib.sha256((catalog.path / layout.MANIFEST).read_bytes()).hexdigest()
    if address is None and catalog.is_remote:
        address = catalog.address
    folder = str(catalog.path.absolute()) if address is None else address.rstrip("/")
    folder = folder.removesuffix(f"/snapshots/{catalog.path.name}")
    if "://" not in folder:
        folder = str(Path(folder).expanduser().absolute())
    files = SnapshotFiles(folder, catalog.path.name, digest, dict(storage_options or {}))
    if address is not None and not files.is_local:
        try:
            found = (files.snapshot / layout.MANIFEST_DIGEST).read_bytes()
        except Exception as error:  # each kind of address has errors of its own
            reason = f"cannot be read: {error or type(error).__name__}"
            raise ParameterError(_ADDRESS, address, reason) from error
        if found.split()[:1] != [digest.encode()]:
            raise ParameterError(_ADDRESS, address, f"has another snapshot of the name {catalog.path.name}")
    return files


@lru_cache(maxsize=4)
def _local_checksums(files: SnapshotFiles) -> Checksums:
    """Tell what this process knows of a snapshot on its disk."""
    catalog = read_catalog(Path(str(files.snapshot)))
    _refuse_another(files, (catalog.path / layout.MANIFEST).read_bytes())
    return catalog.checksums


@lru_cache(maxsize=4)
def _margin_checksums(files: SnapshotFiles) -> Checksums:
    snapshot = Path(str(files.snapshot))
    record = read_supplements(snapshot)
    folder = layout.supplements_dir(snapshot)
    if record is None:
        message = f"{folder / layout.SUPPLEMENTS} is not there ({ADVICE})"
        raise CatalogError(message)
    return Checksums(folder, {item["path"]: item["sha256"] for item in record["files"]})


@lru_cache(maxsize=4)
def _sizes(files: SnapshotFiles) -> dict[str, int]:
    """Path below the snapshot -> size of each file with rows [byte], of a snapshot that is not on a disk."""
    content = (files.snapshot / layout.MANIFEST).read_bytes()
    _refuse_another(files, content)
    listed = Catalog(Path(files.name), json.loads(content))
    return {item["path"]: int(item["bytes"]) for item in listed.row_files}


def _refuse_another(files: SnapshotFiles, manifest: bytes) -> None:
    if hashlib.sha256(manifest).hexdigest() != files.digest:
        message = f"{files.snapshot} is another snapshot than that of the request"
        raise CatalogError(message)
