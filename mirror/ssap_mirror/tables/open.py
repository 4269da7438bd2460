"""Opens a table in a file, whatever its format."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import FormatError
from ssap_mirror.tables.csv import open_csv
from ssap_mirror.tables.ecsv import open_ecsv
from ssap_mirror.tables.fits import open_fits
from ssap_mirror.tables.tablefile import TableFile, arrow_errors
from ssap_mirror.tables.voparquet import CONTENT_KEY
from ssap_mirror.tables.votable import read_votable

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["open_table"]

_GZIP = b"\x1f\x8b"
_BEGINNING = 4096


def open_table(path: Path, *, typed: bool, batch_rows: int) -> TableFile:
    """Open a table; its format is told by its first bytes, CSV by its name.

    Parameters
    ----------
    path : pathlib.Path
        VOTable, FITS binary table, CSV, ECSV (each also gzip) or Parquet.
    typed : bool
        Whether somebody else knows the types of the columns: then those of CSV are text, and not inferred.
    batch_rows : int
        Largest number of rows in a batch.

    Raises
    ------
    FormatError
        If it is none of these, or damaged.
    OSError
        If it cannot be read.
    """
    beginning = _beginning(path)
    if beginning.startswith(b"PAR1"):
        return _open_parquet(path, batch_rows)
    if beginning.startswith(b"SIMPLE  ="):
        return open_fits(path, batch_rows)
    if beginning.lstrip().startswith(b"# %ECSV"):
        return open_ecsv(path, batch_rows)
    names = {suffix.lower() for suffix in path.suffixes}
    if ".csv" in names:
        return open_csv(path, typed=typed, batch_rows=batch_rows)
    if beginning.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") or names & {".vot", ".votable", ".xml"}:
        return _open_votable(path, batch_rows)
    message = "it is none of VOTable, FITS, CSV (named .csv), ECSV and Parquet"
    raise FormatError(message)


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        first = file.read(_BEGINNING)
    if not first.startswith(_GZIP):
        return first
    try:
        with gzip.open(path) as packed:
            return packed.read(_BEGINNING)
    except (EOFError, OSError) as error:
        message = f"damaged or truncated gzip data: {error}"
        raise FormatError(message) from error


def _open_votable(path: Path, batch_rows: int) -> TableFile:
    reader = read_votable(path)

    def batches(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        rows = read_votable(path, batch_rows=batch_rows)
        for batch in rows:
            yield batch.select(list(names))
        _refuse_error(rows.query_status, rows.query_message)
        table.truncated = rows.query_status == "OVERFLOW"

    _refuse_error(reader.query_status, reader.query_message)
    if not len(reader.schema):
        message = "a VOTable without a table"
        raise FormatError(message)
    table = TableFile(
        kind="VOTable",
        columns=reader.schema,
        types=reader.schema.arrow_schema(),
        batches=batches,
        header=reader.header,
        truncated=reader.query_status == "OVERFLOW",
        notes=reader.notes,
    )
    return table


def _refuse_error(status: str | None, said: str) -> None:
    if status == "ERROR":
        message = f"it is a service's error message: {' '.join(said.split())[:300]}"
        raise FormatError(message)


def _open_parquet(path: Path, batch_rows: int) -> TableFile:
    import pyarrow.parquet as pq

    def batches(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        # Without buffering ahead, a row group of any size is read page by page.
        with arrow_errors(), pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 16) as rows:
            yield from rows.iter_batches(batch_rows, columns=list(names), use_threads=False)

    with _parquet_errors(), pq.ParquetFile(path) as file:
        types, rows = file.schema_arrow, file.metadata.num_rows
    columns = Schema.from_arrow(types)
    described, notes = _voparquet((types.metadata or {}).get(CONTENT_KEY))
    inner = [name for name in types.names if name not in columns]
    if inner:
        notes = (*notes, f"columns with a leading underscore, left out: {', '.join(inner)}")
        types = types.remove_metadata()
        for name in inner:
            types = types.remove(types.get_field_index(name))
    merged = Schema(tuple(_merged(column, described.get(column.name)) for column in columns))
    return TableFile("Parquet", merged, types, batches, rows=rows, notes=notes)


@contextmanager
def _parquet_errors() -> Iterator[None]:
    try:
        with arrow_errors():
            yield
    except OSError as error:
        if error.errno is not None:
            raise
        message = f"a damaged Parquet file: {' '.join(str(error).split())}"
        raise FormatError(message) from error


def _voparquet(header: bytes | None) -> tuple[dict[str, Column], tuple[str, ...]]:
    """Read what the VOTable inside a Parquet file says of its columns (VOParquet 1.0 §2)."""
    if header is None:
        return {}, ()
    try:
        return {column.name: column for column in read_votable(BytesIO(header)).fields}, ()
    except FormatError as error:
        return {}, (f"its VOTable header is not read: {error}",)


def _merged(column: Column, described: Column | None) -> Column:
    if described is None:
        return column
    keys = ("unit", "ucd", "utype", "xtype", "description")
    return replace(column, **{key: getattr(column, key) or getattr(described, key) for key in keys})
