"""Joins by distance: rows are brought together by cells of the sky first, and measured then.

A join on nothing but a distance compares each row of one table with each of the other. Here the rows of one of them are
repeated for each cell that the circle about them touches (`adql_cells`), those of the other are in one cell each
(`adql_cell`), and cells are joined by being equal. A pair is within the radius in one cell alone, so that no pair comes
twice. Zones of latitude cut into cells are those of Gray, Nieto-Santisteban & Szalay (2007).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from sqlglot import exp

from ssap_query.adql.scopes import Source, column_sql, identifier
from ssap_query.adql.sky.conditions import Near, aliases, conjuncts, near
from ssap_query.adql.sky.numbers import number_sql
from ssap_query.adql.sky.shapes import call

__all__ = ["may_be_missed", "with_cells"]

_CELL = "cell#"
_SKY_DEG2 = 41253.0
_UNKNOWN_ROWS = 1_000_000
# Height of a zone in radii of the join: twice is the least that is sensible; beyond, there are more rows in a cell.
_CELL_RADII = (2.0, 60.0)
_MIN_HEIGHT_DEG, _MAX_HEIGHT_DEG = 0.1 / 3600, 30.0
# With a radius of each row, the largest of them is not known: a circle of the whole sky is in 10,000 such cells.
_LEAST_HEIGHT_DEG = 2.0
# Gives another number each time that it is asked.
_RANDOM = "random"
# Beyond the radius [deg], so that rounding loses no pair.
_PAD_DEG = 1e-9
# A table with more rows than this, and many times those of the other, is first cut down to those in its cells.
_MANY_ROWS, _MANY_TIMES = 50_000, 4


def with_cells(
    condition: exp.Expr, sources: Sequence[Source], joined: Source | None = None, side: str = ""
) -> exp.Expr:
    """Add to a condition that the cells of two sources are equal, where it wants them within a radius.

    Parameters
    ----------
    condition : sqlglot.expressions.Expr
        A translated condition: WHERE, or ON of a join.
    sources : sequence of Source
        Sources of the SELECT so far.
    joined : Source, optional
        What a join adds, for ON.
    side : {"", "LEFT", "RIGHT", "FULL"}
        Which rows the join keeps that have no partner.

    Returns
    -------
    sqlglot.expressions.Expr
        The condition, as it was or with more to it.
    """
    added = []
    for part in conjuncts(condition):
        said = near(part)
        if said is not None and (equal := _equal_cells(said, sources, joined, side)) is not None:
            added.append(equal)
    return exp.and_(*added, condition, copy=False) if added else condition


def _equal_cells(said: Near, sources: Sequence[Source], joined: Source | None, side: str) -> exp.Expr | None:
    one, other = aliases(said.lon1, said.lat1), aliases(said.lon2, said.lat2)
    if not one or not other or one & other:
        return None
    # A radius of each row is known where the rows that have it are repeated.
    of_radius = aliases(said.radius)
    if of_radius is None or any(call_.this == _RANDOM for call_ in said.radius.find_all(exp.Anonymous)):
        return None
    choices: list[tuple[Source, Near]] = []
    for names, pair in ((one, said), (other, said.swapped)):
        source = next((source for source in sources if {source.alias} == names), None)
        usable = source is not None and not source.has_cells and of_radius <= names
        if source is not None and usable and may_be_missed(source, joined, side):
            choices.append((source, pair))
    if not choices:
        return None
    repeated, pair = min(choices, key=lambda choice: choice[0].rows or _UNKNOWN_ROWS)
    height = _height_deg(repeated.rows or _UNKNOWN_ROWS, pair.radius_deg)
    here = call("adql_cell", pair.lon2, pair.lat2, height)
    cells = call("adql_cells", pair.lon1, pair.lat1, _padded(pair), height)
    partner = next((source for source in sources if {source.alias} == aliases(pair.lon2, pair.lat2)), None)
    _repeat(repeated, cells, None if partner is None else _only_about(repeated, pair, partner, height))
    return exp.EQ(this=here, expression=column_sql(repeated.alias, _CELL))


def may_be_missed(source: Source, joined: Source | None, side: str) -> bool:
    """Whether a row of it for which the condition of a join does not hold is not kept.

    Then it does not matter how often it is there, or whether it is.

    Parameters
    ----------
    source : Source
        The row's.
    joined : Source or None
        What the join adds.
    side : {"", "LEFT", "RIGHT", "FULL"}
        Which rows the join keeps that have no partner.
    """
    if side == "LEFT":
        return source is joined
    if side == "RIGHT":
        return source is not joined
    return side != "FULL"


def _height_deg(rows: int, radius_deg: float | None) -> exp.Expr:
    height = math.sqrt(_SKY_DEG2 / max(1, rows))
    if radius_deg is None:
        height = max(height, _LEAST_HEIGHT_DEG)
    else:
        low, high = (factor * radius_deg for factor in _CELL_RADII)
        height = min(max(height, low), high)
    return number_sql(min(max(height, _MIN_HEIGHT_DEG), _MAX_HEIGHT_DEG))


def _padded(pair: Near) -> exp.Expr:
    if pair.radius_deg is not None:
        return number_sql(pair.radius_deg + _PAD_DEG)
    return exp.paren(exp.Add(this=exp.paren(pair.radius.copy()), expression=number_sql(_PAD_DEG)))


def _only_about(repeated: Source, pair: Near, partner: Source, height: exp.Expr) -> exp.Expr | None:
    """Condition that rows of a large table are in a cell of a small one: the others need not be repeated."""
    rows = repeated.rows or _UNKNOWN_ROWS
    is_worth_it = rows >= _MANY_ROWS and rows > _MANY_TIMES * (partner.rows or _UNKNOWN_ROWS)
    if not is_worth_it or pair.radius_deg is None or not isinstance(partner.node, exp.Table):
        return None
    cells = call("adql_cells", pair.lon2, pair.lat2, _padded(pair), height)
    about = exp.Select(
        expressions=[exp.Anonymous(this="unnest", expressions=[cells])], from_=exp.From(this=partner.node.copy())
    )
    return exp.In(this=call("adql_cell", pair.lon1, pair.lat1, height), query=exp.Subquery(this=about))


def _repeat(source: Source, cells: exp.Expr, condition: exp.Expr | None) -> None:
    """Put in place of a source its rows, once for each of their cells."""
    star = exp.Column(this=exp.Star(), table=identifier(source.alias))
    cell = exp.alias_(exp.Anonymous(this="unnest", expressions=[cells]), identifier(_CELL))
    rows = exp.Select(expressions=[star, cell], from_=exp.From(this=source.node.copy()))
    if condition is not None:
        rows.set("where", exp.Where(this=condition))
    repeated = exp.Subquery(this=rows, alias=exp.TableAlias(this=identifier(source.alias)))
    source.node.replace(repeated)
    source.node = repeated
    source.has_cells = True
