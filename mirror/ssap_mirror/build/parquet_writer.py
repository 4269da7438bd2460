"""One Parquet file of a snapshot, from the pieces of its rows."""

from __future__ import annotations

import filecmp
import hashlib
import math
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ssap_mirror.core import storage
from ssap_mirror.core.parquet_footer import TRAILER_BYTES, footer_range
from ssap_mirror.core.schema import HEALPIX_COLUMN

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ROW_GROUP_ROWS", "ParquetFileWriter", "file_entry", "footer_entry", "link_if_same"]

#: Largest row group. A cone decodes the groups it touches, so small ones are quick; a statistic over the whole table
#: pays for each group: 8,192 rows cost it an eighth more than 16,384, and a cone on 99 columns two thirds.
ROW_GROUP_ROWS = 8_192

# So many times each value of a column occurs, at least, for a dictionary to be worth its own reading.
_REPEATS = 8
_CODEC = "zstd"
# What compression leaves of a column at most, for it to be worth the time of decompressing.
_WORTH = 0.8


class ParquetFileWriter:
    """A Parquet file being written, its row groups of equal size within each piece.

    Parameters
    ----------
    path : pathlib.Path
        The file; its folder is made.
    schema : pyarrow.Schema
        Of `ssap_mirror.tables.parquet.voparquet.file_schema`.
    """

    rows = 0
    """Rows written so far."""
    metadata: Any = None
    """The footer (pyarrow.parquet.FileMetaData), once the file is closed."""
    first_row: Any = None
    """The first row written, as a table; None before."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._schema = schema
        self._footers: list[Any] = []
        self._writer: Any = None

    def write(self, batch: pa.RecordBatch) -> None:
        """Append a piece that holds at least the columns of the schema."""
        import pyarrow as pa

        columns = [batch.column(name) for name in self._schema.names]
        groups = math.ceil(batch.num_rows / ROW_GROUP_ROWS)
        table = pa.Table.from_arrays(columns, schema=self._schema)
        if self._writer is None:
            self._writer = self._open(table.slice(0, ROW_GROUP_ROWS))
            self.first_row = table.take([0])  # a slice would keep all rows in memory
        self._writer.write_table(table, row_group_size=math.ceil(batch.num_rows / groups))
        self.rows += batch.num_rows

    def _open(self, rows: pa.Table) -> Any:
        """Begin the file, in a form that suits its first rows."""
        import pyarrow.parquet as pq

        dictionaries = _repetitive(rows)
        incompressible = {name for name in _incompressible(rows) if name not in dictionaries}
        sorting = pq.SortingColumn(self._schema.names.index(HEALPIX_COLUMN))
        return pq.ParquetWriter(
            self._path,
            self._schema,
            compression={path: "none" if path in incompressible else _CODEC for path in _leaves(self._schema)},
            use_dictionary=dictionaries or False,  # pyright: ignore[reportArgumentType]  (a list is documented)
            metadata_collector=self._footers,
            sorting_columns=[sorting],
            write_page_checksum=True,
        )

    def __enter__(self) -> ParquetFileWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is None:
            self._writer = self._open(self._schema.empty_table())
        self._writer.close()
        if error is None:
            storage.flush(self._path)
            self.metadata = self._footers[0]


def _repetitive(rows: pa.Table) -> list[str]:
    """Columns that a dictionary makes smaller: those with a few values, each many times.

    A dictionary of values that hardly repeat costs a tenth of the reading time and a quarter of the space.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    most = rows.num_rows / _REPEATS
    scalar = [field.name for field in rows.schema if not pa.types.is_nested(field.type)]
    return [name for name in scalar if pc.count_distinct(rows[name], mode="all").as_py() <= most]


def _incompressible(rows: pa.Table) -> Iterator[str]:
    """Columns of numbers that compression hardly makes smaller: they cost a tenth of the reading time for nothing."""
    import pyarrow as pa

    for field in rows.schema:
        if not (pa.types.is_floating(field.type) or pa.types.is_integer(field.type)):
            continue
        values = rows[field.name].drop_null().to_numpy().tobytes()
        if values and len(pa.compress(values, _CODEC, asbytes=True)) > _WORTH * len(values):
            yield field.name


def _leaves(schema: pa.Schema) -> list[str]:
    """Paths of the columns that Parquet has: a list's is that of its items."""
    import pyarrow as pa

    return [f"{field.name}.list.element" if pa.types.is_nested(field.type) else field.name for field in schema]


def file_entry(root: Path, path: str, **known: Any) -> dict[str, Any]:
    """Say of a file what the manifest does: path below the root, size [byte], SHA-256, and what else is known."""
    file = root / path
    return {"path": path, **known, "bytes": file.stat().st_size, "sha256": storage.sha256(file)}


def footer_entry(file: Path) -> dict[str, Any]:
    """Say of the footer of a Parquet file what the manifest does, for those who read files in parts: size and SHA-256.

    Length and magic at the end of the file are part of it.
    """
    with file.open("rb") as content:
        content.seek(-TRAILER_BYTES, os.SEEK_END)
        start, end = footer_range(content.read(), file.stat().st_size)
        content.seek(start)
        return {"footer_bytes": end - start, "footer_sha256": hashlib.sha256(content.read()).hexdigest()}


def link_if_same(file: Path, old: Path) -> bool:
    """Replace a file by a hard link to an equal older one, so that both take the space of one.

    Parameters
    ----------
    file : pathlib.Path
        The new file.
    old : pathlib.Path
        The one that should be equal; they are compared byte by byte, so that damage is not inherited.

    Returns
    -------
    bool
        Whether there is now a link; where the file system has no links, the new file stays.
    """
    try:
        if not filecmp.cmp(old, file, shallow=False):
            return False
        beside = file.with_suffix(".link")
        beside.hardlink_to(old)
        beside.replace(file)
    except OSError:
        return False
    return True
