"""Where the rows of a result come from: a table in memory, row groups to gather them from, or a statement to run.

All three give the same columns in the same types, piece by piece; each call begins anew.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.checksums import FilePart

from ssap_query.engine.compile import CompiledQuery
from ssap_query.engine.duckdb_session import Session, translate_errors
from ssap_query.engine.index.row_groups import RowGroupReader, RowSelection

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "BATCH_ROWS",
    "InMemoryRows",
    "MemoryLimit",
    "OutputColumns",
    "QueryRows",
    "RowGroupRows",
    "Rows",
    "read_up_to",
]

#: About how many rows a batch of a stream holds.
BATCH_ROWS = 16_384


class Rows(Protocol):
    """The rows of a result."""

    def __len__(self) -> int: ...

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, piece by piece."""
        ...


@dataclass(frozen=True)
class OutputColumns:
    """The columns of a result, and what need not be read because it is the same in all rows."""

    arrow: pa.Schema
    """Columns in order, with the metadata of each."""
    constants: Mapping[str, pa.Array]
    """Column -> an array of its one value, for the columns that have one and are not read."""
    computed: tuple[str, ...] = ()
    """Columns that are worked out for this request, not read."""

    @cached_property
    def varying(self) -> tuple[str, ...]:
        """Columns that have to be read."""
        known = {*self.constants, *self.computed}
        return tuple(name for name in self.arrow.names if name not in known)

    def batch(self, arrays: Mapping[str, pa.Array], rows: int) -> pa.RecordBatch:
        """Put a piece of the result together.

        Parameters
        ----------
        arrays : mapping of str to pyarrow.Array
            The varying and the computed columns, each of shape (rows,).
        rows : int
            Number of rows.
        """
        import pyarrow as pa

        columns = [self._column(field, arrays, rows) for field in self.arrow]
        return pa.RecordBatch.from_arrays(columns, schema=self.arrow)

    def _column(self, field: pa.Field, arrays: Mapping[str, pa.Array], rows: int) -> pa.Array:
        import pyarrow as pa

        if field.name in arrays:  # a computed column may be a constant of the files
            return arrays[field.name]
        value = self.constants[field.name]
        return pa.nulls(rows, field.type) if value.null_count else pa.repeat(value[0], rows)


@dataclass(frozen=True)
class InMemoryRows:
    """Rows in memory."""

    table: pa.Table
    """All of them."""

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, piece by piece."""
        yield from self.table.to_batches(BATCH_ROWS)


@dataclass(frozen=True)
class RowGroupRows:
    """Rows taken out of row groups."""

    columns: OutputColumns
    """Columns of the result."""
    reader: RowGroupReader
    """What decodes the row groups."""
    selections: Sequence[RowSelection]
    """Which rows, in order."""
    keep: bool
    """Whether what is decoded is worth keeping for the next request."""
    catalog: Catalog
    """The snapshot."""

    def __len__(self) -> int:
        return sum(len(selection.rows) for selection in self.selections)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, one batch a row group."""
        for selection in self.selections:
            with translate_errors(self.catalog.path):
                read = self.reader.take(selection, self.columns.varying, keep=self.keep)
            yield self.columns.batch({**read, **selection.computed}, len(selection.rows))


@dataclass(frozen=True)
class QueryRows:
    """Rows that a statement selects, which runs each time they are asked for."""

    columns: OutputColumns
    """Columns of the result."""
    session: Session
    """What runs it."""
    query: CompiledQuery
    """Selects the varying and the computed columns, by name."""
    rows: int
    """How many of its rows belong to the result; it may have one more."""
    catalog: Catalog
    """The snapshot."""
    parts: Sequence[FilePart]
    """What the statement reads of the files."""

    def __len__(self) -> int:
        return self.rows

    def batches(self) -> Generator[pa.RecordBatch, None, None]:
        """All rows, as the statement gives them."""
        left = self.rows
        with translate_errors(self.catalog.path):
            self.catalog.checksums.check_parts(self.parts)
            for found in self.session.batches(self.query.sql, self.query.values, BATCH_ROWS):
                rows = min(left, found.num_rows)
                if rows:
                    names = found.schema.names
                    yield self.columns.batch({name: found.column(name).slice(0, rows) for name in names}, rows)
                left -= rows


@dataclass(frozen=True)
class MemoryLimit:
    """Size up to which a result is held in memory."""

    rows: int
    """Most rows."""
    bytes: int
    """Most bytes of Arrow arrays."""


def read_up_to(batches: Iterator[pa.RecordBatch], limit: MemoryLimit) -> tuple[list[pa.RecordBatch], bool]:
    """Read a stream to its end, unless it turns out to be large.

    Parameters
    ----------
    batches : iterator of pyarrow.RecordBatch
        The stream.
    limit : MemoryLimit
        What is small.

    Returns
    -------
    read : list of pyarrow.RecordBatch
        What has been read.
    is_all : bool
        Whether that was all; if not, the rest of the stream is still to come.
    """
    read: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        read.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows > limit.rows or size > limit.bytes:
            return read, False
    return read, True
