"""From pairs of points to rows of the result, piece by piece in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssap_query.crossmatch.columns import POSITION_ANGLE, SEPARATION, Columns
from ssap_query.crossmatch.objects import make_objects, side_rows
from ssap_query.crossmatch.session import quoted
from ssap_query.crossmatch.tables import FILE, FILE_SHIFT, NUMBER, ROW

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from ssap_query.crossmatch.pairs import Join
    from ssap_query.crossmatch.session import Session

__all__ = ["Piece", "Pieces"]

_PIECE_ROWS = 500_000
# Named apart from any column of the tables
_PAIR = f"subject_id AS _xm_pair_subject, object_id AS _xm_pair_object, {SEPARATION}, {POSITION_ANGLE}"


@dataclass(frozen=True)
class Piece:
    """Consecutive rows of a table: some whole files, or a part of one."""

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
        return f"subject_id >= {first} AND subject_id < {end}"


class Pieces:
    """Rows of the result, in pieces of the side whose order they are in.

    Parameters
    ----------
    session : Session
        Where the table ``pairs`` is.
    join : Join
        What was matched.
    columns : Columns
        Of the result.
    find : {"best", "all", "best-other", "anti"}
        What was looked for.
    """

    def __init__(self, session: Session, join: Join, columns: Columns, find: str) -> None:
        self._session = session
        self._find = find
        self._columns = columns
        swapped = find == "best-other"
        self._subject, self._object = (join.right, join.left) if swapped else (join.left, join.right)
        self.plan = self._plan()
        if find != "anti":
            make_objects(session, self._object, columns, every_row=find == "all" and self._object.reduced)

    def read(self, piece: Piece) -> pa.Table:
        """Rows of the result that stand for the rows of a piece, in order."""
        subject = side_rows(self._session, self._subject, self._columns, piece.condition)
        if self._find == "anti":
            joined = subject.join(self._pairs(piece), self._on_subject(), how="anti")
            order = f"{FILE}, {ROW}"
        else:
            # The objects stream past the few pairs of the piece, and what is found is kept for its rows.
            objects = self._session.connection.table("objects")
            partners = objects.join(self._pairs(piece), "_xm_object = _xm_pair_object")
            joined = subject.join(partners, self._on_subject())
            order = f"{FILE}, {ROW}"
            if self._find == "all":
                order += f", {SEPARATION}, _xm_object_file, _xm_object_row"
        names = ", ".join(quoted(name) for name in self._columns.schema.names)
        table = joined.order(order).project(names).to_arrow_table()
        return table.cast(self._columns.schema)

    def _plan(self) -> list[Piece]:
        found: list[Piece] = []
        rows = self._session.connection.view(f"{self._subject.side}_rows")
        files = rows.aggregate(f"{FILE}, count(*), max({ROW}) + 1", FILE).order(FILE).fetchall()
        held = 0
        for file, count, end in files:
            if count > _PIECE_ROWS:
                starts = range(0, end, _PIECE_ROWS)
                found += [Piece(file, file, start, min(start + _PIECE_ROWS, end)) for start in starts]
                held = _PIECE_ROWS
            elif found and held + count <= _PIECE_ROWS:
                found[-1] = Piece(found[-1].first_file, file, 0, max(end, found[-1].end_row))
                held += count
            else:
                found.append(Piece(file, file, 0, end))
                held = count
        return found

    def _pairs(self, piece: Piece) -> duckdb.DuckDBPyRelation:
        pairs = self._session.connection.table("pairs")
        if not self._subject.reduced:
            return pairs.filter(piece.ids).project(_PAIR)
        unique = self._session.connection.view(f"{self._subject.side}_unique")
        keys = ", ".join(f"{name} AS _xm_key_{name}" for name in self._subject.keys)
        return pairs.project(_PAIR).join(unique.project(f"id AS _xm_id, {keys}"), "_xm_pair_subject = _xm_id")

    def _on_subject(self) -> str:
        if not self._subject.reduced:
            return f"{NUMBER} = _xm_pair_subject"
        return " AND ".join(f"_xm_own_{name} = _xm_key_{name}" for name in self._subject.keys)
