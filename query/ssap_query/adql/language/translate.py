"""ADQL to one statement of DuckDB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp
from ssap_mirror.errors import ParameterError

from ssap_query.adql.errors import AdqlError
from ssap_query.adql.language.dialect import parse_query
from ssap_query.adql.language.from_clause import read_name
from ssap_query.adql.language.queries import Queries
from ssap_query.adql.scopes import Output
from ssap_query.adql.tables.table import AdqlTable, Tables
from ssap_query.ssap.values.cones import Region

__all__ = ["QUERY", "Part", "Statement", "translate"]

#: The parameter of TAP that a query is.
QUERY = "QUERY"


@dataclass(frozen=True)
class Part:
    """A table as a statement reads it."""

    name: str
    """What the statement calls it."""
    table: AdqlTable
    """The table."""
    region: Region | None
    """Where on the sky rows are enough; None: all of them."""


@dataclass(frozen=True)
class Statement:
    """A query that is ready to run."""

    sql: str
    """DuckDB's SQL. What is in it of the query are names that are known and numbers; text is bound."""
    values: Mapping[str, str]
    """What is bound, by the names of its parameters."""
    outputs: tuple[Output, ...]
    """Columns of its result."""
    parts: tuple[Part, ...]
    """What it reads."""


def translate(text: str, tables: Tables, most_rows: int | None = None) -> Statement:
    """Translate a query.

    Parameters
    ----------
    text : str
        ADQL 2.1, or 2.0.
    tables : Tables
        What it may read.
    most_rows : int, optional
        It need not give more rows.

    Raises
    ------
    ParameterError
        If it is not one query of ADQL, or names a table, a column or a function that is not there.
    """
    queries = Queries(tables)
    try:
        found = queries.query(parse_query(text), {}, None)
        if most_rows is not None:
            limit = found.sql.args.get("limit")
            fewest = most_rows if limit is None else min(most_rows, int(limit.expression.this))
            found.sql.set("limit", exp.Limit(expression=exp.Literal.number(str(fewest))))
        sql = found.sql.sql(dialect="duckdb", comments=False)
    except AdqlError as error:
        raise ParameterError(QUERY, text, str(error)) from None
    except RecursionError:
        raise ParameterError(QUERY, text, "is nested too deeply") from None
    parts = [Part(read_name(source), source.table, source.region) for source in queries.sources if source.table]
    used = {
        placeholder.name for placeholder in found.sql.find_all(exp.Placeholder)
    }  # not what became a shape or a unit
    values = {name: value for name, value in queries.expressions.values.items() if name in used}
    return Statement(sql, values, found.outputs, tuple(parts))
