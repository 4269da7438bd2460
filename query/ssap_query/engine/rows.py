"""Where the rows of an answer come from: a table in memory, row groups to gather them from, or a statement to run.

All three give the same columns in the same types, piece by piece; each call begins anew.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ssap_query.engine.compile import CompiledQuery
from ssap_query.engine.cones.row_groups import Pick, RowGroups
from ssap_query.engine.duckdb_session import Session, failures_told

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["BATCH_ROWS", "Gathered", "Rows", "Shape", "Statement", "Stored"]

#: About how many rows a batch of a stream holds.
BATCH_ROWS = 16_384


class Rows(Protocol):
    """The rows of an answer."""

    def __len__(self) -> int: ...

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, piece by piece."""
        ...


@dataclass(frozen=True)
class Shape:
    """The columns of an answer, and what need not be read because it is the same in all rows."""

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
        """Put a piece of the answer together.

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
class Stored:
    """Rows in memory."""

    table: pa.Table
    """All of them."""

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, piece by piece."""
        yield from self.table.to_batches(BATCH_ROWS)


@dataclass(frozen=True)
class Gathered:
    """Rows picked out of row groups."""

    shape: Shape
    """Columns of the answer."""
    groups: RowGroups
    """What reads them."""
    picks: Sequence[Pick]
    """Which rows, in order."""
    keep: bool
    """Whether what is decoded is worth keeping for the next request."""
    snapshot: Path
    """Folder of the snapshot, for messages."""

    def __len__(self) -> int:
        return sum(len(pick.rows) for pick in self.picks)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, one batch a row group."""
        for pick in self.picks:
            with failures_told(self.snapshot):
                read = self.groups.take(pick, self.shape.varying, keep=self.keep)
            yield self.shape.batch({**read, **pick.computed}, len(pick.rows))


@dataclass(frozen=True)
class Statement:
    """Rows that a statement selects."""

    shape: Shape
    """Columns of the answer."""
    session: Session
    """What runs it."""
    query: CompiledQuery
    """Selects the varying and the computed columns, by name."""
    rows: int
    """How many of its rows belong to the answer; it may have one more."""
    snapshot: Path
    """Folder of the snapshot, for messages."""

    def __len__(self) -> int:
        return self.rows

    def batches(self) -> Generator[pa.RecordBatch, None, None]:
        """All rows, as the statement gives them."""
        left = self.rows
        with failures_told(self.snapshot):
            for found in self.session.batches(self.query.sql, self.query.values, BATCH_ROWS):
                rows = min(left, found.num_rows)
                if rows:
                    names = found.schema.names
                    yield self.shape.batch({name: found.column(name).slice(0, rows) for name in names}, rows)
                left -= rows
