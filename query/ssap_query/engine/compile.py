"""Conditions to statements: the only module that writes ``SELECT ... FROM`` for a request.

What varies in a statement's text is identifiers of the snapshot's own schema and the literal text of predicates; all
else is bound. Columns and sort keys cannot be bound in DuckDB, which is why they come from the schema and from nowhere
else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import LiteralString

from ssap_mirror.core.healpix import ORDER
from ssap_mirror.core.schema import Schema

from ssap_query.ssap.predicate import TRUE, Predicate, all_of, any_of, quoted
from ssap_query.ssap.values.cones import within_sql

__all__ = [
    "CANDIDATES",
    "FILE_INDEX",
    "FILE_ROW",
    "ROW",
    "CompiledQuery",
    "Source",
    "candidates_in_cones",
    "columns_of",
    "compile_query",
    "count_of",
    "files",
    "files_in_cones",
    "in_ranges",
    "map_statement",
    "points_in_cones",
    "select",
    "summary_statement",
    "table_of_files",
    "view_of_files",
    "view_without_nan",
]

#: DuckDB's own columns of ``read_parquet``: which file of the list, and which row of it, both from 0.
FILE_INDEX, FILE_ROW = "file_index", "file_row_number"
#: Number of a row among the candidates, from 0.
ROW = "row"


@dataclass(frozen=True)
class Source:
    """What stands after FROM."""

    sql: LiteralString
    """Text, one ``?`` per value."""
    values: tuple[object, ...] = ()
    """What is bound."""


#: Rows taken out of row groups, registered under this name.
CANDIDATES = Source("candidates")


@dataclass(frozen=True)
class CompiledQuery:
    """A statement and what is bound to it, ready to run."""

    sql: str
    """DuckDB SQL, one ``?`` per value in order."""
    values: tuple[object, ...]
    """Bound values."""


# Without can_have_nan DuckDB skips row groups by their largest value, which in Parquet does not count NaN; NaN is above
# any number, so rows would be lost. The folders' names (Norder, Dir) are not columns.
_READ: LiteralString = "read_parquet(?, hive_partitioning = false, can_have_nan = true)"


def files(paths: Sequence[str]) -> Source:
    """Rows of an explicit list of Parquet files, in that order (a glob costs ten times as much)."""
    return Source(_READ, (list(paths),))


def files_in_cones(paths: Sequence[str], order: int) -> Source:
    """Each row of the files with each cone that has a cell of its own; the cones are registered as ``cones``.

    Parameters
    ----------
    paths : sequence of str
        Parquet files.
    order : int
        HEALPix order of ``cone_cell``.
    """
    return Source(_READ + _WITH_CONES, (list(paths), 2 * (ORDER - order)))


def candidates_in_cones(order: int) -> Source:
    """Do the same for the registered ``candidates``."""
    return Source("candidates" + _WITH_CONES, (2 * (ORDER - order),))


def points_in_cones(*, by_cell: bool) -> str:
    """Write the query for which registered ``points`` lie in which ``cones``: ``point`` and ``cone``, their numbers.

    Parameters
    ----------
    by_cell : bool
        Whether only pairs that share a cell are tested, or every point with every cone.
    """
    test = within_sql("ra", "dec", "test_ra", "test_dec", "test_sign", "test_limit")
    meeting: LiteralString = "cell = cone_cell" if by_cell else "true"
    return select(["point", "cone"], f"points JOIN cones ON {meeting} WHERE {test}")


_WITH_CONES: LiteralString = " JOIN cones ON (_healpix_29 >> ?::INTEGER) = cone_cell"


def in_ranges(ranges: Sequence[tuple[int, int]]) -> Predicate:
    """Coarse condition: the row's cell is in one of the ranges (both ends inclusive), or it has no cell."""
    within = [Predicate("_healpix_29 BETWEEN ? AND ?", bounds) for bounds in ranges]
    return any_of([*within, Predicate("_healpix_29 IS NULL")])


def compile_query(
    schema: Schema,
    columns: Sequence[str],
    source: Source,
    where: Sequence[Predicate] = (),
    *,
    computed: Mapping[str, Predicate] | None = None,
    group_by: Sequence[str] = (),
    best_first: Sequence[str] = (),
    in_order: Sequence[str] = (),
    limit: int | None = None,
) -> CompiledQuery:
    """Write one SELECT.

    Parameters
    ----------
    schema : Schema
        Columns of the snapshot, for the roles in braces.
    columns : sequence of str
        Names of columns to select.
    source : Source
        Where the rows are.
    where : sequence of Predicate
        Conditions, all of which hold; roles in braces.
    computed : mapping of str to Predicate, optional
        Name -> expression; selected after the columns.
    group_by : sequence of str
        Columns whose distinct combinations are the rows.
    best_first : sequence of str
        Sort keys: the first one descending, the others ascending. Without any, rows come in the order of the source.
    in_order : sequence of str
        Columns that tell the order of the source, to sort by where a condition would not keep it.
    limit : int, optional
        Largest number of rows.

    Returns
    -------
    CompiledQuery
    """
    expressions = computed or {}
    condition = all_of(where)
    roles = {role: quoted(name) for role, name in schema.roles.items()}
    selected = [_selected(schema, name) for name in columns]
    selected += [f"{part.sql.format_map(roles)} AS {quoted(name)}" for name, part in expressions.items()]
    text = select(selected, source.sql)
    values = [value for part in expressions.values() for value in part.values]
    values += source.values
    if condition != TRUE:
        text += f" WHERE {condition.sql.format_map(roles)}"
        values += condition.values
    if group_by:
        text += f" GROUP BY {', '.join(map(quoted, group_by))}"
    if best_first:
        text += f" ORDER BY {quoted(best_first[0])} DESC"
        text += "".join(f", {quoted(name)}" for name in best_first[1:])
    elif in_order and not condition.keeps_order:
        text += f" ORDER BY {', '.join(map(quoted, in_order))}"
    if limit is not None:
        text += " LIMIT ?"
        values.append(limit)
    return CompiledQuery(text, tuple(values))


def view_of_files(name: LiteralString, schema: Schema, columns: Sequence[str], paths: Sequence[str]) -> str:
    """Write the statement that makes a view of the files; a view cannot hold bound values."""
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    selected = [_selected(schema, column) for column in columns]
    return f"CREATE OR REPLACE VIEW {name} AS " + select(selected, _READ.replace("?", f"[{listed}]", 1))


def table_of_files(name: LiteralString, schema: Schema, columns: Sequence[str], paths: Sequence[str]) -> CompiledQuery:
    """Write the statement that copies the rows of the files into a table."""
    source = files(paths)
    selected = [_selected(schema, column) for column in columns]
    return CompiledQuery(f"CREATE TABLE {name} AS " + select(selected, source.sql), source.values)


def view_without_nan(
    name: LiteralString, view: LiteralString, columns: Sequence[str], *, temporary: bool = False
) -> str:
    """Write the statement that makes a view of another one, with NULL for NaN in some columns.

    A temporary view is that of one connection, and comes before another of its name.
    """
    replaced = ", ".join(f"nullif({quoted(column)}, 'nan') AS {quoted(column)}" for column in columns)
    selected = f"* REPLACE ({replaced})" if replaced else "*"
    return f"CREATE OR REPLACE {'TEMPORARY ' if temporary else ''}VIEW {name} AS " + select([selected], view)


def map_statement(order: int, expression: str, where: str | None) -> str:
    """Write a person's aggregate over each HEALPix cell as one query; the text is theirs, as in `Mirror.sql`."""
    condition = "" if where is None else f" AND ({where})"
    selected = [f"healpix({order:d}) AS cell", f"({expression})::DOUBLE AS value"]
    return select(selected, "spectra") + f" WHERE _healpix_29 IS NOT NULL{condition} GROUP BY 1"


def summary_statement(columns: Sequence[str], ordered: Sequence[str]) -> str:
    """Write a query for how many values some columns of ``spectra`` have, and the least and the largest of some.

    Its one row has ``count_i`` for each of `columns`, ``least_i`` and ``largest_i`` for each of them in `ordered`.
    """
    selected = []
    for number, name in enumerate(columns):
        selected.append(f"count({quoted(name)}) AS count_{number}")
        if name in ordered:
            selected.append(f"min({quoted(name)})::VARCHAR AS least_{number}")
            selected.append(f"max({quoted(name)})::VARCHAR AS largest_{number}")
    return select(selected, "spectra")


def count_of(query: CompiledQuery) -> CompiledQuery:
    """Count the rows of a query: one row with the column ``n``."""
    return CompiledQuery(select(["count(*) AS n"], f"({query.sql})"), query.values)


_DUCKDB_TYPES = {
    "boolean": "BOOLEAN",
    "bit": "BOOLEAN",
    "unsignedByte": "UTINYINT",
    "short": "SMALLINT",
    "int": "INTEGER",
    "long": "BIGINT",
    "char": "VARCHAR",
    "unicodeChar": "VARCHAR",
    "float": "FLOAT",
    "double": "DOUBLE",
    "floatComplex": "FLOAT",
    "doubleComplex": "DOUBLE",
}


def _selected(schema: Schema, name: str) -> str:
    """Select a column as it is, but arrays of fixed size as such: Parquet knows lists alone."""
    if name not in schema:
        return quoted(name)
    column = schema[name]
    parts = 2 if column.datatype.endswith("Complex") else 1
    if None in column.shape or (not column.shape and parts == 1):
        return quoted(name)
    size = math.prod(part or 1 for part in column.shape) * parts
    return f"{quoted(name)}::{_DUCKDB_TYPES[column.datatype]}[{size}] AS {quoted(name)}"


def columns_of(schema: Schema, predicates: Sequence[Predicate]) -> list[str]:
    """Names of the columns that predicates read, without repeats."""
    roles = [role for part in predicates for _, role, _, _ in Formatter().parse(part.sql) if role]
    return list(dict.fromkeys(schema.roles[role] for role in roles))


def select(selected: Sequence[str], source: str) -> str:
    """Write ``SELECT ... FROM ...`` of expressions and a source, both of them ready text."""
    return f"SELECT {', '.join(selected) or '1'} FROM {source}"  # noqa: S608
