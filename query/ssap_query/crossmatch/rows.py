"""From pairs of points to rows of the result, piece by piece in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssap_query.crossmatch.columns import POSITION_ANGLE, SEPARATION, Columns
from ssap_query.crossmatch.points import FILE_SHIFT, Points
from ssap_query.crossmatch.session import quoted
from ssap_query.crossmatch.tables import FILE, ROW

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from ssap_query.crossmatch.pairs import Join
    from ssap_query.crossmatch.session import Session

__all__ = ["Piece", "Pieces"]

_PIECE_ROWS = 500_000
# Named apart from any column of the tables
_PAIR = f"subject_id AS _xm_pair_subject, object_id AS _xm_pair_object, {SEPARATION}, {POSITION_ANGLE}"
_MASK = (1 << FILE_SHIFT) - 1


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
            self._make_objects()

    def read(self, piece: Piece) -> pa.Table:
        """Rows of the result that stand for the rows of a piece, in order."""
        subject = self._rows(self._subject, "subject", piece.condition)
        if self._find == "anti":
            joined = subject.join(self._pairs(piece), self._on_subject(), how="anti")
            order = f"{FILE}, {ROW}"
        else:
            # The objects stream past the few pairs of the piece, and what is found is kept for its rows.
            objects = self._session.connection.table("objects")
            partners = objects.join(self._pairs(piece), "_xm_object = _xm_pair_object")
            joined = subject.join(partners, self._on_subject())
            order = f"{FILE}, {ROW}, {SEPARATION}, _xm_object_file, _xm_object_row"
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

    def _rows(self, points: Points, role: str, condition: str) -> duckdb.DuckDBPyRelation:
        """Columns of the result of one side, what numbers its rows, and its key: ``_xm_<role>`` or its parts."""
        rows = self._session.connection.view(f"{points.side}_rows").filter(condition)
        shown = [*self._columns.projection(points.side), FILE, ROW]
        if not points.reduced:
            return rows.project(", ".join([*shown, f"({FILE} << {FILE_SHIFT}) + {ROW} AS _xm_{role}"]))
        return rows.project(", ".join([*shown, *(f"{text} AS _xm_{role}_{key}" for key, text in points.keys.items())]))

    def _pairs(self, piece: Piece) -> duckdb.DuckDBPyRelation:
        pairs = self._session.connection.table("pairs")
        if not self._subject.reduced:
            return pairs.filter(piece.ids).project(_PAIR)
        unique = self._session.connection.view(f"{self._subject.side}_unique")
        keys = ", ".join(f"{name} AS _xm_key_{name}" for name in self._subject.keys)
        return pairs.project(_PAIR).join(unique.project(f"id AS _xm_id, {keys}"), "_xm_pair_subject = _xm_id")

    def _on_subject(self) -> str:
        if not self._subject.reduced:
            return "_xm_subject = _xm_pair_subject"
        return " AND ".join(_equal(f"_xm_subject_{name}", f"_xm_key_{name}", name) for name in self._subject.keys)

    def _make_objects(self) -> None:
        """Rows of the object side that are in a pair, as the table ``objects``."""
        connection = self._session.connection
        connection.execute("DROP TABLE IF EXISTS objects")
        wanted = connection.table("pairs").project("object_id AS _xm_wanted").distinct()
        shares = self._find == "all" and self._object.reduced
        if shares:
            keys = ", ".join(f"{name} AS _xm_key_{name}" for name in self._object.keys)
            unique = connection.view(f"{self._object.side}_unique").project(f"id AS _xm_object, {keys}")
            wanted = unique.join(wanted, "_xm_object = _xm_wanted", how="semi")
            rows = self._rows(self._object, "row", "true")
            on = " AND ".join(_equal(f"_xm_row_{name}", f"_xm_key_{name}", name) for name in self._object.keys)
        else:
            # File and row apart: as two plain columns DuckDB uses them to skip what is not wanted while it reads.
            wanted = wanted.project(f"_xm_wanted AS _xm_object, _xm_wanted >> {FILE_SHIFT} AS _xm_wanted_file, "
                                    f"_xm_wanted & {_MASK} AS _xm_wanted_row")  # fmt: skip
            shown = [*self._columns.projection(self._object.side), FILE, ROW]
            rows = connection.view(f"{self._object.side}_rows").project(", ".join(shown))
            on = f"{ROW} = _xm_wanted_row AND {FILE} = _xm_wanted_file"
        pairs = self._columns.left if self._object.side == "left" else self._columns.right
        names = ", ".join(quoted(shown) for _, shown in pairs)
        shown_names = f"{names}, " if names else ""
        numbered = f"_xm_object, {FILE} AS _xm_object_file, {ROW} AS _xm_object_row"
        rows.join(wanted, on).project(shown_names + numbered).to_table("objects")


def _equal(left: str, right: str, name: str) -> str:
    # Positions that match are never NULL; dates, motions and errors may be.
    return f"{left} {'=' if name in ('ra', 'dec') else 'IS NOT DISTINCT FROM'} {right}"
