"""Parquet files: of a mirror, of others, of astropy; one, many, or a folder of them as one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssap_mirror.core.schema import HEALPIX_COLUMN, Column
from ssap_mirror.errors import FormatError
from ssap_mirror.tables.numpy_arrays import vounit
from ssap_mirror.tables.parquet.voparquet import CONTENT_KEY
from ssap_mirror.tables.table import Ending, Table, arrow_errors, listed
from ssap_mirror.tables.union import common_columns, united
from ssap_mirror.tables.votable import read_votable

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["fitting_rows", "open_parquet"]

# Of the rows that are read at one time, where they are large.
_BATCH_BYTES = 64 << 20
_ASTROPY_KEY = b"table_meta_yaml"
_VO_KEYS = ("unit", "ucd", "utype", "xtype", "description")
# As pandas calls an index without a name
_UNNAMED_INDEX = "__index_level_"


@dataclass(frozen=True)
class _File:
    """One file, and what it says of its columns."""

    path: Path
    types: pa.Schema
    """Without columns that are about others: masks, the spatial index, an index without a name."""
    rows: int
    masks: dict[str, str] = field(default_factory=dict)
    """Column -> column that says which values are masked."""
    notes: tuple[str, ...] = ()


def open_parquet(paths: Sequence[Path], batch_rows: int, *, alike: bool) -> Table:
    """Open Parquet files as one table, whose columns are those of all files.

    Where a unit differs from that of the first file, values are converted to it; where a file lacks a column, they are
    NULL.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Files, in their order.
    batch_rows : int
        Largest number of rows in a batch.
    alike : bool
        Whether all files have the same columns, so that only the first one need be looked at.

    Raises
    ------
    FormatError
        If a file is damaged, or the files cannot be one table.
    OSError
        If one cannot be read.
    """
    first = _opened(paths[0])
    files = [first] if alike else [first, *(_opened(path) for path in paths[1:])]
    types, factors = common_columns([(file.path, file.types) for file in files])
    plain = not any(factors) and not any(file.masks for file in files)
    by_path = {file.path: (file, own) for file, own in zip(files, factors, strict=True)}

    def read(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        schema = pa.schema([types.field(name) for name in names])
        for path in paths:
            file, own = by_path.get(path, (replace(first, path=path), {}))
            for batch in _rows_of(file, names, batch_rows):
                yield united(_unmasked(batch, file), schema, own)

    return Table(
        "Parquet",
        types,
        read,
        rows=sum(file.rows for file in files) if len(files) == len(paths) else None,
        files=tuple(paths),
        plain_parquet=plain,
        opening_notes=tuple(dict.fromkeys(note for file in files for note in file.notes)),
        ending=Ending(),
    )


def _opened(path: Path) -> _File:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with _parquet_errors(path), pq.ParquetFile(path) as file:
        types, rows = file.schema_arrow, file.metadata.num_rows
    metadata = types.metadata or {}
    notes: list[str] = []
    masks: dict[str, str] = {}
    described = _voparquet(metadata.get(CONTENT_KEY), notes)
    if _ASTROPY_KEY in metadata:
        described = _of_astropy(metadata[_ASTROPY_KEY], masks, notes) | described
    unnamed = [name for name in types.names if name.startswith(_UNNAMED_INDEX)]
    if unnamed:
        notes.append(f"an index without a name (pandas), left out: {listed(unnamed)}")
    hidden = {*masks.values(), *unnamed, HEALPIX_COLUMN}
    fields = [_merged(item, described.get(item.name, {})) for item in types if item.name not in hidden]
    return _File(path, pa.schema(fields), rows, masks, tuple(notes))


def _merged(item: pa.Field, described: Mapping[str, str]) -> pa.Field:
    """Field with what it says itself, and what else is said of it."""
    own = {key: value for key, value in (item.metadata or {}).items() if not key.startswith(b"PARQUET:")}
    more = {key.encode(): value.encode() for key, value in described.items() if key.encode() not in own}
    return item.with_metadata({**own, **more} or None)


def _voparquet(header: bytes | None, notes: list[str]) -> dict[str, dict[str, str]]:
    """Read what the VOTable inside a Parquet file says of its columns (VOParquet 1.0 §2)."""
    if header is None:
        return {}
    try:
        return {column.name: _said(column) for column in read_votable(BytesIO(header)).fields}
    except FormatError as error:
        notes.append(f"its VOTable header is not read: {error}")
        return {}


def _said(column: Column) -> dict[str, str]:
    keys = (*_VO_KEYS, "frame", "epoch", "time_origin", "time_scale")
    # That a frame is ICRS goes without saying.
    return {key: value for key in keys if (value := getattr(column, key)) not in (None, "ICRS")}


def _of_astropy(header: bytes, masks: dict[str, str], notes: list[str]) -> dict[str, dict[str, str]]:
    """Read what astropy says of the columns of a table that it wrote."""
    from ssap_mirror.tables.text.astropy_header import read_header

    try:
        found = read_header(header.decode())
    except (FormatError, UnicodeDecodeError) as error:
        notes.append(f"what astropy says of its columns is not read: {error}")
        return {}
    masks |= found.masks
    if found.objects:
        notes.append(f"columns of astropy's own classes, read as the numbers they are made of: {listed(found.objects)}")
    return {
        column.name: {key: vounit(value) if key == "unit" else value for key, value in column.said.items()}
        for column in found.columns
    }


def _rows_of(file: _File, names: Sequence[str], batch_rows: int) -> Iterator[pa.RecordBatch]:
    import pyarrow.parquet as pq

    there = [name for name in names if name in file.types.names]
    masks = [file.masks[name] for name in there if name in file.masks]
    # Without buffering ahead, a row group of any size is read page by page.
    with _parquet_errors(file.path), pq.ParquetFile(file.path, pre_buffer=False, buffer_size=1 << 16) as rows:
        fitting = fitting_rows(rows.metadata, batch_rows)
        yield from rows.iter_batches(fitting, columns=[*there, *masks], use_threads=False)


def fitting_rows(metadata: Any, most: int) -> int:
    """Rows of a Parquet file that make a batch of some 64 MB at most.

    Parameters
    ----------
    metadata : pyarrow.parquet.FileMetaData
        Its footer.
    most : int
        Largest number of rows, whatever their size.
    """
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    row_bytes = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=1.0)
    return max(1, min(most, int(_BATCH_BYTES / max(row_bytes, 1.0))))


def _unmasked(batch: pa.RecordBatch, file: _File) -> pa.RecordBatch:
    """Rows without the columns that say which values are masked: these are NULL then."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not file.masks:
        return batch
    columns = {}
    for name in batch.schema.names:
        values = batch.column(name)
        if name in file.masks:
            values = pc.if_else(batch.column(file.masks[name]), pa.scalar(None, values.type), values)
        columns[name] = values
    return pa.RecordBatch.from_pydict(columns)


@contextmanager
def _parquet_errors(path: Path) -> Iterator[None]:
    try:
        with arrow_errors():
            yield
    except FormatError as error:
        message = f"{path.name} is damaged or no Parquet file: {error}"
        raise FormatError(message) from error
    except OSError as error:
        if error.errno is not None:
            raise
        message = f"{path.name} is a damaged Parquet file: {' '.join(str(error).split())}"
        raise FormatError(message) from error
