"""The result of a cross-match: counted, streamed or written without ever being whole in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from threading import RLock
from types import MappingProxyType
from typing import TYPE_CHECKING

from ssap_mirror.core.schema import Column, Schema

from ssap_query.render.faces.status import OK
from ssap_query.render.result import Result
from ssap_query.xmatch.join.pairs import Join, count_pairs, count_rows, is_counted_alone, make_pairs
from ssap_query.xmatch.output.notes import notes_of
from ssap_query.xmatch.output.rows import Piece, Pieces
from ssap_query.xmatch.session import translate_errors

if TYPE_CHECKING:
    import pyarrow as pa

    from ssap_query.xmatch.output.columns import Columns
    from ssap_query.xmatch.session import MatchSession

__all__ = ["Match"]

# Batches of fewer rows than this are put together.
_PART_ROWS = 4096


class Match(Result):
    """Rows of two tables that are at the same place on the sky. Made by `crossmatch`; computed when asked.

    The rows are in the order of the side that each row stands for (the left one, or for ``best-per-target`` the right
    one), partners of one row by separation, then in the order of their own table. Rows of the other side that have no
    partner come last, if they are kept.
    """

    status = OK
    """A match has no limit of rows."""

    def __init__(
        self,
        session: MatchSession,
        join: Join,
        columns: Columns,
        notes: Sequence[str],
        infos: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.infos: Mapping[str, str] = infos
        self._session = session
        self._join = join
        self._columns = columns
        self._table_notes = tuple(notes)
        self._count: int | None = None
        self._paired = False
        self._lock = RLock()

    def of(self, infos: Mapping[str, str], notes: Sequence[str]) -> Match:
        """Give the match with what is known of its left rows: where they come from, and how they were chosen."""
        return Match(self._session, self._join, self._columns, (*notes, *self._table_notes), dict(infos))

    @cached_property
    def schema(self) -> Schema:
        """Columns in order, with units, UCDs and descriptions."""
        return Schema(tuple(Column.from_arrow(field) for field in self._columns.schema))

    @property
    def arrow_schema(self) -> pa.Schema:
        """Arrow types of the columns, each with unit, UCD and description as metadata."""
        return self._columns.schema

    @property
    def find(self) -> str:
        """What was looked for: ``best``, ``all``, ``best-per-target``, ``symmetric`` or ``unmatched``."""
        return self._join.rule.find

    def __len__(self) -> int:
        """Count the rows, as `count`."""
        return self.count()

    def count(self) -> int:
        """Count the rows; the result itself is not built for it."""
        if self._count is None:
            with translate_errors(), self._lock:
                self._count = self._counted()
        return self._count

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the result should know: rows without a position, missing motions and dates, counted."""
        with translate_errors(), self._lock:
            return (*self._table_notes, *notes_of(self._session, self._join))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Rows of the result in order, piece by piece; each call begins anew."""
        for table in self._tables():
            # Taken in order from many places, a piece is of many small parts.
            scattered = table.num_columns and table.column(0).num_chunks * _PART_ROWS > table.num_rows
            yield from (table.combine_chunks() if scattered else table).to_batches()

    def _tables(self) -> Iterator[pa.Table]:
        """Rows of the result in order, piece by piece."""
        with translate_errors(), ThreadPoolExecutor(max_workers=1) as worker:
            with self._lock:
                self._make_pairs()
                pieces = Pieces(self._session, self._join, self._columns)
            # While one piece is written the next is joined.
            coming: deque[Future[pa.Table]] = deque()
            for piece in pieces.plan:
                coming.append(worker.submit(self._read, pieces, piece))
                if len(coming) > 1:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()

    def __repr__(self) -> str:
        counted = "not yet counted" if self._count is None else f"{self._count:,} rows"
        return f"<Match find={self.find!r} radius={self._join.rule.radius_arcsec:g} arcsec, {counted}>"

    def _read(self, pieces: Pieces, piece: Piece) -> pa.Table:
        with self._lock:
            return pieces.read(piece)

    def _counted(self) -> int:
        if not (self._paired or is_counted_alone(self._join.rule)):
            self._make_pairs()
        if self._paired:
            return count_pairs(self._session, self._join)
        matched = count_rows(self._session, self._join)
        return self._join.left.rows - matched if self.find == "unmatched" else matched

    def _make_pairs(self) -> None:
        if not self._paired:
            self._session.keep_footers()
            make_pairs(self._session, self._join)
            self._paired = True
