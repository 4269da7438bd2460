"""Is a snapshot what it says it is? Each check returns problems, a sentence each; empty if valid.

`validate` looks at structure alone and takes milliseconds a file: it is what a snapshot must pass before it goes live.
`verify` reads every byte, and the position and the identity of every row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from ssap_mirror.check.rows import check_rows
from ssap_mirror.check.supplements import check_supplements
from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import Catalog, manifest_digest
from ssap_mirror.core.hats_properties import parse_partition_info, parse_properties
from ssap_mirror.core.schema import HEALPIX_COLUMN, Column
from ssap_mirror.errors import MirrorError

__all__ = ["validate", "verify"]


def validate(catalog: Catalog) -> list[str]:
    """Check the structure of a snapshot: files, sizes, row counts, schemas, and that its descriptions agree.

    Parameters
    ----------
    catalog : Catalog
        The snapshot.

    Returns
    -------
    list of str
        The problems found.
    """
    if untrue := list(_check_manifest(catalog)):
        return untrue
    damaged = {**_damaged(catalog, catalog.row_files, digests=False), **_damaged(catalog, catalog.other_files)}
    return [*damaged.values(), *_structure(catalog, set(damaged))]


def verify(catalog: Catalog, progress: Callable[[str, int, int | None], None] | None = None) -> list[str]:
    """Check all of a snapshot: every byte against its SHA-256, every row's order, cell, offset and identity.

    Its supplements, which others read beside it, are held against their checksums too.

    Parameters
    ----------
    catalog : Catalog
        The snapshot.
    progress : callable, optional
        Called as ``progress("verify", rows_done, rows)``.

    Returns
    -------
    list of str
        The problems found. The rows of a damaged file are not looked at, and if it is the manifest, nothing else
        is looked at.
    """
    if untrue := list(_check_manifest(catalog)):
        return untrue
    tell = progress or (lambda stage, done, total: None)
    damaged = {**_damaged(catalog, catalog.row_files), **_damaged(catalog, catalog.other_files)}
    problems = [*damaged.values(), *_structure(catalog, set(damaged)), *check_supplements(catalog)]
    return problems + check_rows(catalog, set(damaged), lambda done: tell("verify", done, catalog.rows))


def _damaged(catalog: Catalog, items: list[dict[str, Any]], *, digests: bool = True) -> dict[str, str]:
    """Path and problem of each file that is not there or not as the manifest says."""
    found = {}
    for item in items:
        file = catalog.path / item["path"]
        try:
            size = file.stat().st_size
            if size != item["bytes"]:
                found[item["path"]] = f"{item['path']} has {size:,} bytes, and {item['bytes']:,} in the manifest"
            elif digests and storage.sha256(file) != item["sha256"]:
                found[item["path"]] = f"{item['path']} is damaged: its SHA-256 is not that in the manifest"
        except OSError as error:
            found[item["path"]] = f"{item['path']} cannot be read: {error.strerror}"
    return found


def _structure(catalog: Catalog, damaged: set[str]) -> Iterator[str]:
    yield from _check_strays(catalog)
    yield from _check_cells(catalog)
    if layout.PARTITION_INFO not in damaged:
        yield from _check_partition_info(catalog)
    if layout.PROPERTIES not in damaged:
        yield from _check_properties(catalog)
    if not damaged & {layout.COMMON_METADATA, layout.METADATA}:
        yield from _check_parquet(catalog, damaged)


def _check_manifest(catalog: Catalog) -> Iterator[str]:
    """Tell a manifest that is not the one that was written: all else is held against it."""
    try:
        content = (catalog.path / layout.MANIFEST).read_bytes()
        if (catalog.path / layout.MANIFEST_DIGEST).read_bytes() != manifest_digest(content):
            yield f"{layout.MANIFEST} is damaged: its SHA-256 is not that in {layout.MANIFEST_DIGEST}"
    except OSError as error:
        yield f"{Path(error.filename).name} cannot be read: {error.strerror}"


def _check_strays(catalog: Catalog) -> Iterator[str]:
    known = {item["path"] for item in (*catalog.row_files, *catalog.other_files)}
    known |= {layout.MANIFEST, layout.MANIFEST_DIGEST}
    for path in sorted(catalog.path.rglob("*")):
        name = path.relative_to(catalog.path).as_posix()
        if not path.is_dir() and name not in known:
            yield f"{name} is not in the manifest"


def _check_cells(catalog: Catalog) -> Iterator[str]:
    counted = sum(item["rows"] for item in catalog.row_files)
    if counted != catalog.rows:
        yield f"the manifest says {catalog.rows:,} rows, and its files hold {counted:,}"
    for item in catalog.manifest["partitions"]:
        if item["path"] != layout.partition_path(item["norder"], item["npix"]):
            yield f"{item['path']} is not the path of cell {item['npix']} of order {item['norder']}"
    for one, other in pairwise(catalog.partitions):
        if one.healpix_29[1] >= other.healpix_29[0]:
            yield f"cell {one.npix} of order {one.norder} overlaps cell {other.npix} of order {other.norder}"


def _check_partition_info(catalog: Catalog) -> Iterator[str]:
    try:
        listed = parse_partition_info((catalog.path / layout.PARTITION_INFO).read_text("utf-8"))
    except (OSError, ValueError, MirrorError) as error:
        yield f"{layout.PARTITION_INFO}: {error}"
        return
    if sorted(listed) != sorted((partition.norder, partition.npix) for partition in catalog.partitions):
        yield f"{layout.PARTITION_INFO} does not list the cells of the manifest"


def _check_properties(catalog: Catalog) -> Iterator[str]:
    try:
        found = parse_properties((catalog.path / layout.PROPERTIES).read_text("utf-8"))
    except (OSError, ValueError, MirrorError) as error:
        yield f"{layout.PROPERTIES}: {error}"
        return
    expected = {
        "obs_collection": catalog.name,
        "dataproduct_type": "object",
        "hats_nrows": str(sum(partition.rows for partition in catalog.partitions)),
        "hats_order": str(max((partition.norder for partition in catalog.partitions), default=0)),
        "hats_col_ra": catalog.schema.roles["ra"],
        "hats_col_dec": catalog.schema.roles["dec"],
        "hats_col_healpix": HEALPIX_COLUMN,
    }
    for key, value in expected.items():
        if found.get(key) != value:
            yield f"{layout.PROPERTIES} has {key}={found.get(key)}, and {value} follows from the manifest"


def _check_parquet(catalog: Catalog, damaged: set[str]) -> Iterator[str]:
    """Footers and schemas."""
    import pyarrow.parquet as pq

    try:
        common = pq.read_schema(catalog.path / layout.COMMON_METADATA)
        gathered = pq.read_metadata(catalog.path / layout.METADATA)
    except (OSError, ValueError) as error:
        yield f"the Parquet metadata in {layout.DATASET} cannot be read: {error}"
        return
    placed = sum(partition.rows for partition in catalog.partitions)
    if gathered.num_rows != placed:
        yield f"{layout.METADATA} says {gathered.num_rows:,} rows, and the partitions of the manifest hold {placed:,}"
    names = [HEALPIX_COLUMN, *catalog.schema.names]
    if common.names != names or any(Column.from_arrow(common.field(c.name)) != c for c in catalog.schema):
        yield f"the columns in {layout.COMMON_METADATA} are not those of the manifest"
    for item in catalog.row_files:
        if item["path"] in damaged:
            continue
        try:
            with pq.ParquetFile(catalog.path / item["path"]) as file:
                rows, schema = file.metadata.num_rows, file.schema_arrow
        except (OSError, ValueError) as error:
            yield f"{item['path']} cannot be read: {error}"
            continue
        if rows != item["rows"]:
            yield f"{item['path']} holds {rows:,} rows, and {item['rows']:,} in the manifest"
        if not schema.equals(common, check_metadata=True):
            yield f"{item['path']} does not have the columns in {layout.COMMON_METADATA}"
