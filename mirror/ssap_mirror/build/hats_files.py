"""The files of a snapshot that hold no rows: Parquet metadata, HATS properties, manifest."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssap_mirror.build.parquet_writer import ParquetFileWriter, file_entry, footer_entry
from ssap_mirror.build.provenance import provenance
from ssap_mirror.build.sky_map import SKY_MAP_ORDER, SkyMap
from ssap_mirror.build.summary import Summary
from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import FORMAT_VERSION, manifest_digest
from ssap_mirror.core.hats_properties import format_partition_info, format_properties, sky_fraction
from ssap_mirror.core.healpix import ORDER
from ssap_mirror.core.schema import HEALPIX_COLUMN, Schema

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["BuildInfo", "Contents", "describe"]

# The HATS versions that the properties speak of.
_HATS_VERSION, _HATS_RELEASE = "v1.0", "2025-08-22"
# Verbosity of the columns of VERB=1.
_BRIEF = 10
# The properties hold lists of words.
_WORD = re.compile(r"\w+")
# Most rows of the thumbnail, which every reader of the snapshot holds against its checksum.
_THUMBNAIL_ROWS = 1_000


@dataclass(frozen=True)
class BuildInfo:
    """What a snapshot says of itself beside its rows."""

    service: str
    """Name of the mirror: ``lamost6-mrs``."""
    title: str
    """Title for people."""
    synthetic: bool = False
    """Whether the rows are made up."""
    source: dict[str, Any] = field(default_factory=dict)
    """Where the rows come from: ``kind``, ``url``, ...; JSON values."""
    harvest: dict[str, Any] = field(default_factory=dict)
    """How they came: sweeps, counts, verdict; JSON values."""
    service_xml: bytes = b""
    """The service's VOTable header as harvested."""


@dataclass
class Contents:
    """What the files with rows hold, as they are written."""

    columns: pa.Schema
    """Arrow schema of every file."""
    summary: Summary
    """Of all rows written."""
    rows_read: int = 0
    """Rows that came in."""
    max_offset_arcsec: float = 0.0
    """Largest separation of location and target among the placed rows [arcsec]."""
    partitions: list[dict[str, Any]] = field(default_factory=list)
    """Manifest entry of each partition."""
    unplaced: dict[str, Any] | None = None
    """Manifest entry of the rows without a position."""
    footers: list[Any] = field(default_factory=list)
    """Parquet footers of the partitions (pyarrow.parquet.FileMetaData)."""
    first_rows: list[pa.Table] = field(default_factory=list)
    """First row of each partition."""
    sky: SkyMap = field(default_factory=SkyMap)
    """Where the rows with a position are."""
    duplicates: int = 0
    """Rows left out because an equal one is there."""
    replaced: int = 0
    """Rows left out because a later one with the same identity is there."""

    @property
    def row_files(self) -> list[dict[str, Any]]:
        """Manifest entries of all files with rows."""
        return [*self.partitions, *([self.unplaced] if self.unplaced else [])]

    @property
    def rows(self) -> int:
        """Rows written."""
        return sum(item["rows"] for item in self.row_files)

    @property
    def rows_done(self) -> int:
        """Rows that came in and are dealt with."""
        return self.rows + self.duplicates + self.replaced

    def add_partition(self, root: Path, path: str, norder: int, npix: int, file: ParquetFileWriter) -> None:
        """Note the file of a cell; if it has come out empty, it goes."""
        if not file.rows:
            (root / path).unlink()
            return
        entry = file_entry(root, path, norder=norder, npix=npix, rows=file.rows)
        self.partitions.append(entry | footer_entry(root / path))
        file.metadata.set_file_path(str(Path(path).relative_to(layout.DATASET)))
        self.footers.append(file.metadata)
        self.first_rows.append(file.first_row)

    def add_unplaced(self, root: Path, path: str, file: ParquetFileWriter) -> None:
        """Note the file of the rows without a position; if it has come out empty, it goes."""
        if not file.rows:
            (root / path).unlink()
            return
        self.unplaced = file_entry(root, path, rows=file.rows) | footer_entry(root / path)


def describe(root: Path, schema: Schema, info: BuildInfo, contents: Contents) -> None:
    """Write all files but those with rows, the manifest and its digest last.

    Parameters
    ----------
    root : pathlib.Path
        Folder of the snapshot.
    schema : Schema
        Its columns.
    info : BuildInfo
        What it says of itself.
    contents : Contents
        What its files with rows hold.
    """
    import pyarrow.parquet as pq

    created = datetime.now(UTC)
    cells = [(item["norder"], item["npix"]) for item in contents.partitions]
    (root / layout.DATASET).mkdir(exist_ok=True)
    pq.write_metadata(contents.columns, root / layout.COMMON_METADATA)
    # With the schema as it is read: whoever has the other files can make this one anew, equal in every byte.
    common = pq.read_schema(root / layout.COMMON_METADATA)
    pq.write_metadata(common, root / layout.METADATA, metadata_collector=contents.footers)
    for path in (layout.COMMON_METADATA, layout.METADATA):
        storage.flush(root / path)
    if cells:
        _write_overview(root, contents)
    properties = format_properties(_properties(schema, info, contents, cells, created))
    texts = {
        layout.PROPERTIES: properties,
        layout.PROPERTIES_OLD: properties,  # what the standard calls it, and hats before 0.5
        layout.PARTITION_INFO: format_partition_info(cells),
    }
    if info.service_xml:
        storage.write_file(root / layout.SERVICE_XML, info.service_xml)
    for path, text in texts.items():
        storage.write_file(root / path, text.encode())
    manifest = _manifest(root, schema, info, contents, created)
    content = json.dumps(manifest, ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n"
    storage.write_file(root / layout.MANIFEST, content)
    storage.write_file(root / layout.MANIFEST_DIGEST, manifest_digest(content))
    for folder in _folders(root):
        storage.flush(folder)


def _write_overview(root: Path, contents: Contents) -> None:
    """Write what others get an impression of the rows by: where they are, and a row of each partition, of many some."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    contents.sky.write(root / layout.SKY_MAP)
    step = math.ceil(len(contents.first_rows) / _THUMBNAIL_ROWS)
    pq.write_table(pa.concat_tables(contents.first_rows[::step]), root / layout.THUMBNAIL, compression="zstd")
    for path in (layout.SKY_MAP, layout.THUMBNAIL):
        storage.flush(root / path)


def _manifest(root: Path, schema: Schema, info: BuildInfo, contents: Contents, created: datetime) -> dict[str, Any]:
    listed = {item["path"] for item in contents.row_files}
    others = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    return {
        "format": FORMAT_VERSION,
        "service": info.service,
        "title": info.title,
        "synthetic": info.synthetic,
        "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tool": _tool(),
        "source": info.source,
        "rows": contents.rows,
        "columns": schema.to_json(),
        "roles": schema.overrides,
        "refused": schema.refused,
        "constants": contents.summary.constants,
        "max_offset_arcsec": contents.max_offset_arcsec,
        "coverage": contents.summary.coverage,
        "without": contents.summary.without,
        "ranges": contents.summary.ranges,
        "nan_columns": contents.summary.nan_columns,
        "unicode_columns": contents.summary.unicode_columns,
        "partitions": contents.partitions,
        "unplaced": contents.unplaced,
        "files": [file_entry(root, path) for path in others if path not in listed],
        "harvest": info.harvest,
        "build": {
            "rows_read": contents.rows_read,
            "duplicates_removed": contents.duplicates,
            "rows_replaced": contents.replaced,
        },
    }


def _properties(
    schema: Schema, info: BuildInfo, contents: Contents, cells: list[tuple[int, int]], created: datetime
) -> dict[str, object]:
    """Entries of ``hats.properties``; the coverage keys are those of HiPS (IVOA HiPS 1.0 §4.4.1)."""
    coverage = contents.summary.coverage
    size = sum(item["bytes"] for item in contents.partitions)
    return {
        "obs_collection": info.service,
        "obs_title": info.title,
        "obs_description": "Synthetic rows, not observations." if info.synthetic else None,
        "dataproduct_type": "object",
        "hats_nrows": sum(item["rows"] for item in contents.partitions),
        "hats_col_ra": schema.roles["ra"],
        "hats_col_dec": schema.roles["dec"],
        "hats_col_healpix": HEALPIX_COLUMN,
        "hats_col_healpix_order": ORDER,
        "hats_cols_default": _default_columns(schema),
        "hats_npix_suffix": ".parquet",
        "hats_skymap_order": SKY_MAP_ORDER if cells else None,
        "hats_order": max((norder for norder, _ in cells), default=0),
        "hats_max_rows": max((item["rows"] for item in contents.partitions), default=0),
        "hats_max_bytes": max((item["bytes"] for item in contents.partitions), default=0),
        "hats_estsize": size // 1024,
        "moc_sky_fraction": f"{sky_fraction(cells):.6f}",
        "hats_builder": _tool(),
        "hats_creation_date": created.strftime("%Y-%m-%dT%H:%MUTC"),
        "hats_version": _HATS_VERSION,
        "hats_release_date": _HATS_RELEASE,
        "hats_progenitor_url": info.source.get("url"),
        **provenance(schema, contents.summary.constants, info.service_xml),
        **{
            f"{axis}_{end}": coverage[axis][at]
            for axis in ("t", "em")
            if axis in coverage
            for at, end in enumerate(("min", "max"))
        },
    }


def _default_columns(schema: Schema) -> str | None:
    """Columns that LSDB reads unless it is told: those of VERB=1, the position and the identity, which it looks up."""
    wanted = {schema.roles.get(role) for role in ("ra", "dec", "identity")}
    names = [c.name for c in schema if c.verbosity <= _BRIEF or c.name in wanted]
    return " ".join(names) if all(_WORD.fullmatch(name) for name in names) else None


def _tool() -> str:
    return f"ssap-mirror {version('ssap-mirror')}"


def _folders(root: Path) -> Iterator[Path]:
    """List the folders of a snapshot, the innermost first."""
    yield from sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True)
    yield root
