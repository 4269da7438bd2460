"""From pairs of points to rows of the result, piece by piece in order."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template
from typing import TYPE_CHECKING

import numpy as np

from ssap_query.arrow.arrays import as_arrow, as_numpy
from ssap_query.ssap.predicate import quoted
from ssap_query.xmatch.inputs.row_numbers import row_number, set_offsets
from ssap_query.xmatch.inputs.tables import FILE, FILE_SHIFT, NUMBER, ROW
from ssap_query.xmatch.output.columns import POSITION_ANGLE, ROW_NUMBERS, SEPARATION, Columns
from ssap_query.xmatch.output.objects import make_objects, side_rows

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from ssap_query.xmatch.join.pairs import Join
    from ssap_query.xmatch.session import MatchSession

__all__ = ["Piece", "Pieces"]

_NUMBER = "_xm_number"
_NUMBERED = f"{NUMBER} AS {_NUMBER}"
# Named apart from any column of the tables
_PAIR = f"subject_id AS _xm_pair_subject, object_id AS _xm_pair_object, {SEPARATION}, {POSITION_ANGLE}"
_ROWS = Template("SELECT $names, $number FROM joined WHERE $condition")
_SORTED = Template("SELECT $names FROM joined WHERE $condition ORDER BY $order")
_ORDER = f"{FILE}, {ROW}, {SEPARATION}, _xm_object_file, _xm_object_row"


@dataclass(frozen=True)
class Piece:
    """Consecutive rows of a table: some whole files, or a part of one."""

    side: str
    """Which table."""
    first_file: int
    """First file."""
    last_file: int
    """Last file, inclusive."""
    first_row: int
    """First row in the files."""
    end_row: int
    """Row after the last one."""

    @property
    def condition(self) -> str:
        """SQL condition on the columns that number rows."""
        files = f"{FILE} BETWEEN {self.first_file} AND {self.last_file}"
        return f"{files} AND {ROW} >= {self.first_row} AND {ROW} < {self.end_row}"

    @property
    def ids(self) -> str:
        """SQL condition on a subject's number, for points that are rows."""
        first = (self.first_file << FILE_SHIFT) + self.first_row
        end = (self.last_file << FILE_SHIFT) + self.end_row
        return f"_xm_pair_subject >= {first} AND _xm_pair_subject < {end}"


class Pieces:
    """Rows of the result, in pieces of the side whose order they are in; then rows of the other side, if any are kept.

    Parameters
    ----------
    session : MatchSession
        Where the table ``pairs`` is.
    join : Join
        What was matched.
    columns : Columns
        Of the result.
    """

    def __init__(self, session: MatchSession, join: Join, columns: Columns) -> None:
        self._session = session
        self._rule = join.rule
        self._columns = columns
        self._subject, self._object = join.subject, join.object
        for side in columns.numbered:
            set_offsets(session, side)
        self._names = ", ".join(self._shown(name) for name in columns.schema.names)
        self.plan = self._plan(self._subject.side)
        if join.rule.find != "unmatched":
            every_row = join.rule.find == "all" and self._object.reduced
            make_objects(session, self._object, columns, every_row=every_row)
            self._make_joined()
        if join.rule.keeps(self._object.side):
            self.plan += self._plan(self._object.side)

    def read(self, piece: Piece) -> pa.Table:
        """Rows of the result that stand for the rows of a piece, in order."""
        if piece.side != self._subject.side:
            return self._in_order(self._without_subject(piece))
        if self._rule.find == "unmatched":
            return self._in_order(self._alone(piece))
        if self._rule.keeps(piece.side):
            return self._with_unmatched(piece)
        # A statement on a view: to put relations together, each looks through all files again.
        condition = piece.condition if self._subject.reduced else f"{piece.condition} AND {piece.ids}"
        if self._rule.has_many:
            text = _SORTED.substitute(names=self._names, condition=condition, order=_ORDER)
            return self._session.connection.sql(text).to_arrow_table().cast(self._columns.schema)
        text = _ROWS.substitute(names=self._names, number=_NUMBERED, condition=condition)
        return self._in_order(self._session.connection.sql(text))

    def _shown(self, name: str) -> str:
        """Give the SQL expression of a column of the result."""
        for side in self._columns.numbered:
            if name == ROW_NUMBERS[side]:
                file, row = (FILE, ROW) if side == self._subject.side else ("_xm_object_file", "_xm_object_row")
                return f"{row_number(side, file, row)} AS {quoted(name)}"
        return quoted(name)

    def _plan(self, side: str) -> list[Piece]:
        found: list[Piece] = []
        rows = self._session.connection.view(f"{side}_rows")
        files = rows.aggregate(f"{FILE}, count(*), max({ROW}) + 1", FILE).order(FILE).fetchall()
        most, held = self._session.tuning.piece_rows, 0
        for file, count, end in files:
            if count > most:
                starts = range(0, end, most)
                found += [Piece(side, file, file, start, min(start + most, end)) for start in starts]
                held = most
            elif found and held + count <= most:
                found[-1] = Piece(side, found[-1].first_file, file, 0, max(end, found[-1].end_row))
                held += count
            else:
                found.append(Piece(side, file, file, 0, end))
                held = count
        return found

    def _make_joined(self) -> None:
        """Make the view ``joined``: rows of the result, what numbers them, and the pairs they are from."""
        session = self._session
        # The objects stream past the pairs, which are fewer.
        partners = session.connection.table("objects").project("*").join(self._pairs(), "_xm_object = _xm_pair_object")
        if self._rule.keeps(self._subject.side) or (self._subject.reduced and self._rule.find != "all"):
            # They are wanted piece by piece; or there is a partner for each point at most, and rows of any piece may
            # be at any point.
            session.run("DROP VIEW IF EXISTS joined", "DROP TABLE IF EXISTS partners")
            partners.to_table("partners")
            session.run("DROP TABLE objects")
            partners = session.connection.table("partners").project("*")
        subject = side_rows(session, self._subject, self._columns, "true")
        subject.join(partners, self._on_subject()).create_view("joined", replace=True)

    def _with_unmatched(self, piece: Piece) -> pa.Table:
        """Rows of a piece with their partners, and those that have none."""
        partners = self._session.connection.table("partners")
        if not self._subject.reduced:
            partners = partners.filter(piece.ids)
        subject = side_rows(self._session, self._subject, self._columns, piece.condition)
        joined = subject.join(partners, self._on_subject(), how="left")
        if self._rule.has_many:
            return joined.order(_ORDER).project(self._names).to_arrow_table().cast(self._columns.schema)
        return self._in_order(joined.project(f"{self._names}, {_NUMBERED}"))

    def _alone(self, piece: Piece) -> duckdb.DuckDBPyRelation:
        """Rows of a piece that are in no pair."""
        pairs = self._pairs() if self._subject.reduced else self._pairs().filter(piece.ids)
        subject = side_rows(self._session, self._subject, self._columns, piece.condition)
        return subject.join(pairs, self._on_subject(), how="anti").project(f"{self._names}, {_NUMBERED}")

    def _without_subject(self, piece: Piece) -> duckdb.DuckDBPyRelation:
        """Rows of a piece of the other side that are in no pair, with NULL in all that they have not."""
        side = self._object.side
        chosen = self._columns.left if side == "left" else self._columns.right
        own = {shown for _, shown in chosen}
        shown = [self._alone_shown(field, side, own) for field in self._columns.schema]
        objects = self._session.connection.table("pairs").project("object_id AS _xm_object").distinct()
        rows = side_rows(self._session, self._object, self._columns, piece.condition)
        return rows.join(objects, f"{NUMBER} = _xm_object", how="anti").project(f"{', '.join(shown)}, {_NUMBERED}")

    def _alone_shown(self, field: pa.Field, side: str, own: set[str]) -> str:
        if field.name in own:
            return quoted(field.name)
        if side in self._columns.numbered and field.name == ROW_NUMBERS[side]:
            return f"{row_number(side, FILE, ROW)} AS {quoted(field.name)}"
        return f"NULL AS {quoted(field.name)}"

    def _pairs(self) -> duckdb.DuckDBPyRelation:
        """Pairs, with the keys of their subject where that is a point."""
        pairs = self._session.connection.table("pairs").project(_PAIR)
        if not self._subject.reduced:
            return pairs
        unique = self._session.connection.view(f"{self._subject.side}_unique")
        keys = ", ".join(f"{name} AS _xm_key_{name}" for name in self._subject.keys)
        return pairs.join(unique.project(f"id AS _xm_id, {keys}"), "_xm_pair_subject = _xm_id")

    def _on_subject(self) -> str:
        if not self._subject.reduced:
            return f"{NUMBER} = _xm_pair_subject"
        return " AND ".join(f"_xm_own_{name} = _xm_key_{name}" for name in self._subject.keys)

    def _in_order(self, rows: duckdb.DuckDBPyRelation) -> pa.Table:
        """Rows of the result by their numbers.

        DuckDB gives them in some long runs, one thread's after the other's; to put these in order takes a tenth of what
        it takes to sort the rows.
        """
        import pyarrow as pa

        from ssap_query.arrow import kernels

        table = rows.to_arrow_table()
        order = np.argsort(as_numpy(table[_NUMBER].combine_chunks()), kind="stable")
        table = table.drop_columns(_NUMBER).cast(self._columns.schema)
        starts = np.flatnonzero(np.diff(order, prepend=-2) != 1)
        if len(starts) > self._session.tuning.max_runs:
            return kernels.take(table, as_arrow(order))
        runs = zip(order[starts].tolist(), np.diff(starts, append=len(order)).tolist(), strict=True)
        return pa.concat_tables([table.slice(0, 0), *(table.slice(first, length) for first, length in runs)])
