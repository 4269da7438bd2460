"""An SSA request as a query in ADQL that finds the same rows, for the constraints that ADQL can say."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sqlglot import exp, parse_one
from ssap_mirror.core.schema import Schema

from ssap_query.adql.errors import AdqlError
from ssap_query.ssap.interpret import Query
from ssap_query.ssap.predicate import TRUE, Predicate, quoted
from ssap_query.ssap.values.cones import Region

__all__ = ["adql_of"]

_TYPES = {exp.DataType.Type.FLOAT: "REAL", exp.DataType.Type.DOUBLE: "DOUBLE PRECISION"}
_OPERATORS = {exp.EQ: "=", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<=", exp.Add: "+", exp.Sub: "-",
              exp.Mul: "*", exp.Div: "/", exp.And: "AND", exp.Or: "OR"}  # fmt: skip


def adql_of(query: Query, schema: Schema, columns: Sequence[str], table: str = "spectra") -> str:
    """Write a request as ADQL 2.1.

    Parameters
    ----------
    query : Query
        What is asked.
    schema : Schema
        Columns of the mirror.
    columns : sequence of str
        Columns to select.
    table : str
        Name of the table, as it stands in the query.

    Returns
    -------
    str
        The query. Rows come in no order of its own, so a request for the best-scored ones has none.

    Raises
    ------
    AdqlError
        If a constraint cannot be said in ADQL: the reason says what it is.
    """
    if not query.selects_rows or query.ranked:
        message = "only rows that fulfil conditions are asked for in ADQL"
        raise AdqlError(message)
    conditions = []
    if query.region is not None:
        conditions.append(_inside(query.region, schema))
    if query.where != TRUE:
        conditions.append(_condition(query.where, schema))
    top = "" if query.limit is None else f"TOP {query.limit} "
    listed = ", ".join(map(quoted, columns))
    where = "\nWHERE " + "\n  AND ".join(conditions) if conditions else ""
    return f"SELECT {top}{listed}\nFROM {table}{where}"


def _inside(region: Region, schema: Schema) -> str:
    names = [quoted(schema.roles[role]) for role in region.position.roles]
    point = names[0] if len(names) == 1 else f"POINT({', '.join(names)})"
    tests = [f"1 = CONTAINS({point}, CIRCLE({c.ra_deg!r}, {c.dec_deg!r}, {c.reach_deg!r}))" for c in region.cones]
    return tests[0] if len(tests) == 1 else f"({' OR '.join(tests)})"


def _condition(where: Predicate, schema: Schema) -> str:
    roles = {role: quoted(name) for role, name in schema.roles.items()}
    # sqlglot takes ?:: for one sign.
    tree = parse_one(where.sql.format_map(roles).replace("?::", "? ::"), read="duckdb")
    values = list(where.values)
    for place in list(tree.find_all(exp.Placeholder, bfs=False)):
        place.replace(_literal(values.pop(0)))
    return f"({_text(tree)})" if isinstance(tree, exp.Or) else _text(tree)


def _literal(value: object) -> exp.Expr:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        message = f"a list or a date cannot be said in ADQL: {value!r:.60}"
        raise AdqlError(message)
    return exp.Literal.string(value) if isinstance(value, str) else exp.Literal.number(repr(value))


def _text(node: exp.Expr) -> str:
    """Write a condition as ADQL."""
    found = _written(node)
    if found is None:
        message = f"{node.sql(dialect='duckdb')[:80]} is nothing that ADQL can say"
        raise AdqlError(message)
    return found


def _written(node: exp.Expr) -> str | None:
    match node:
        case exp.Column() | exp.Identifier():
            return quoted(node.name)
        case exp.Literal() if node.is_string:
            return "'" + node.name.replace("'", "''") + "'"
        case exp.Literal() if math.isfinite(float(node.name)):
            return node.name
        case exp.Paren():
            return f"({_text(node.this)})"
        case exp.Neg():
            return f"-{_text(node.this)}"
        case exp.Not():
            return f"NOT {_text(node.this)}"
        case exp.IsNan():  # NaN is NULL in the tables of TAP
            return f"{_text(node.this)} IS NULL"
        case exp.Null():
            return "NULL"
        case exp.Lower():
            return f"LOWER({_text(node.this)})"
        case exp.Is():
            return f"{_text(node.this)} IS {_text(node.expression)}"
        case exp.Between():
            return _between(node)
        case exp.Cast() if node.to.this in exp.DataType.TEXT_TYPES:
            return _text(node.this)
        case exp.Cast() if node.to.this in _TYPES:
            return f"CAST({_text(node.this)} AS {_TYPES[node.to.this]})"
        case exp.Case():
            whens = " ".join(f"WHEN {_text(w.this)} THEN {_text(w.args['true'])}" for w in node.args["ifs"])
            default = node.args.get("default")
            return f"CASE {whens}{f' ELSE {_text(default)}' if default is not None else ''} END"
        case exp.Binary() if type(node) in _OPERATORS:
            return f"{_text(node.this)} {_OPERATORS[type(node)]} {_text(node.expression)}"
    return None


def _between(node: exp.Between) -> str:
    """Write a range; ADQL has no infinity, so an open end is left out."""
    value = _text(node.this)
    low, high = node.args["low"], node.args["high"]
    parts = [f"{value} {sign} {_text(end)}" for sign, end in ((">=", low), ("<=", high)) if not _is_infinite(end)]
    if len(parts) == 2:
        return f"{value} BETWEEN {_text(low)} AND {_text(high)}"
    return parts[0] if parts else f"{value} IS NOT NULL"


def _is_infinite(node: exp.Expr) -> bool:
    plain = node
    while isinstance(plain, exp.Cast | exp.Paren | exp.Neg):
        plain = plain.this
    try:
        return isinstance(plain, exp.Literal) and math.isinf(float(plain.name))
    except ValueError:
        return False
