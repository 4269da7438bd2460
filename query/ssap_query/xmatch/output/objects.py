"""Rows of the side that partners come from, as the table ``objects``: read once, only those that are in a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssap_query.ssap.predicate import quoted
from ssap_query.xmatch.inputs.tables import FILE, FILE_SHIFT, ROW

if TYPE_CHECKING:
    import duckdb

    from ssap_query.xmatch.join.points import Points
    from ssap_query.xmatch.output.columns import Columns
    from ssap_query.xmatch.session import MatchSession

__all__ = ["make_objects", "side_rows"]

_IN_FILE = (1 << FILE_SHIFT) - 1
_NUMBERED = f"_xm_object, {FILE} AS _xm_object_file, {ROW} AS _xm_object_row"


def side_rows(session: MatchSession, points: Points, columns: Columns, condition: str) -> duckdb.DuckDBPyRelation:
    """Columns of the result of one side, what numbers its rows, and its keys as ``_xm_own_<key>``.

    Parameters
    ----------
    session : MatchSession
        Where the view ``<side>_rows`` is.
    points : Points
        The side.
    columns : Columns
        Of the result.
    condition : str
        SQL condition on the columns that number rows.
    """
    keys = (f"{text} AS _xm_own_{key}" for key, text in points.keys.items() if points.reduced)
    shown = [*columns.projection(points.side), FILE, ROW, *keys]
    return session.connection.view(f"{points.side}_rows").filter(condition).project(", ".join(shown))


def make_objects(session: MatchSession, points: Points, columns: Columns, *, every_row: bool) -> None:
    """Make the table ``objects``: columns of the result, ``_xm_object`` and ``_xm_object_file``, ``_xm_object_row``.

    Parameters
    ----------
    session : MatchSession
        Where the table ``pairs`` is.
    points : Points
        The side that partners come from.
    columns : Columns
        Of the result.
    every_row : bool
        Whether the objects of pairs are points, and all their rows are wanted; else objects are rows.
    """
    connection = session.connection
    connection.execute("DROP TABLE IF EXISTS objects")
    wanted = connection.table("pairs").project("object_id AS _xm_object").distinct()
    chosen = columns.left if points.side == "left" else columns.right
    names = ", ".join([*(quoted(shown) for _, shown in chosen), _NUMBERED])
    rows = side_rows(session, points, columns, "true")
    if every_row:
        keys = ", ".join(f"{name} AS _xm_key_{name}" for name in points.keys)
        unique = connection.view(f"{points.side}_unique").project(f"id AS _xm_point, {keys}")
        wanted = unique.join(wanted, "_xm_point = _xm_object").project("*")
        on = " AND ".join(f"_xm_own_{name} = _xm_key_{name}" for name in points.keys)
        rows.join(wanted, on).project(names).to_table("objects")
        return
    # File and row apart: as two plain columns DuckDB uses them to skip what is not wanted while it reads.
    apart = f"_xm_object, (_xm_object >> {FILE_SHIFT})::UBIGINT AS _xm_file_of, _xm_object & {_IN_FILE} AS _xm_row_of"
    connection.execute("DROP TABLE IF EXISTS wanted")
    wanted.project(apart).to_table("wanted")
    # A table has a column rowid that no one sees, and a column of the rows may be called so.
    wanted = connection.table("wanted").project("*")
    few = session.tuning.few_files
    files = [file for (file,) in wanted.project("_xm_file_of").distinct().limit(few + 1).fetchall()]
    if len(files) > few:
        rows.join(wanted, f"{ROW} = _xm_row_of AND {FILE} = _xm_file_of").project(names).to_table("objects")
        return
    rows.join(wanted, f"{ROW} = _xm_row_of").project(names).limit(0).to_table("objects")
    for file in files:
        in_file = side_rows(session, points, columns, f"{FILE} = {file}")
        found = in_file.join(wanted.filter(f"_xm_file_of = {file}"), f"{ROW} = _xm_row_of")
        found.project(names).insert_into("objects")
