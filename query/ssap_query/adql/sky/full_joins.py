"""FULL joins by distance, which keep rows without a partner on both sides.

Rows of neither side may be repeated for their cells then. So the rows of both get numbers, the pairs of numbers are
found by a join that may repeat them, and both sides are put to the pairs by their numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlglot import exp

from ssap_query.adql.scopes import Source, column_sql, identifier
from ssap_query.adql.sky.conditions import conjuncts, near
from ssap_query.adql.sky.distance_joins import with_cells

__all__ = ["by_pairs"]

_ROW, _LEFT, _RIGHT = "row#", "left#", "right#"


def by_pairs(found: exp.Select, join: exp.Join, left: Source, right: Source) -> bool:
    """Put pairs in place of the first join of a SELECT, if it is a FULL join by distance.

    Parameters
    ----------
    found : sqlglot.expressions.Select
        The SELECT, translated but for its joins by distance.
    join : sqlglot.expressions.Join
        Its first join.
    left, right : Source
        What it joins.

    Returns
    -------
    bool
        Whether it was one.
    """
    condition = join.args["on"]
    if all(near(part) is None for part in conjuncts(condition)):
        return False
    used = {source.alias: _used(found, source) for source in (left, right)}
    pairs, all_rows = f"{left.alias}#pairs", {source.alias: f"{source.alias}#rows" for source in (left, right)}
    ones = [replace(source, node=_table(all_rows[source.alias], source.alias)) for source in (left, right)]
    on = with_cells(condition.copy(), ones, ones[1])
    numbers = exp.Select(
        expressions=[
            exp.alias_(column_sql(source.alias, _ROW), identifier(name))
            for source, name in zip(ones, (_LEFT, _RIGHT), strict=True)
        ],
        from_=exp.From(this=ones[0].node),
        joins=[exp.Join(this=ones[1].node, on=on)],
    )
    queries = [
        _named(all_rows[left.alias], _numbered(left, used[left.alias])),
        _named(all_rows[right.alias], _numbered(right, used[right.alias])),
        _named(pairs, numbers),
    ]
    whole = f"{left.alias}#full"
    columns = [
        exp.alias_(column_sql(source.alias, name), identifier(f"{source.alias}#{name}"))
        for source in (left, right)
        for name in used[source.alias]
    ]
    kept = [
        exp.Join(this=_table(pairs, pairs), side="LEFT", on=_equal((left.alias, _ROW), (pairs, _LEFT))),
        exp.Join(
            this=_table(all_rows[right.alias], right.alias),
            side="FULL",
            on=_equal((pairs, _RIGHT), (right.alias, _ROW)),
        ),
    ]
    for column in list(found.find_all(exp.Column)):
        if column.table in used:
            column.replace(column_sql(whole, f"{column.table}#{column.name}"))
    rows = exp.Select(
        expressions=columns or [exp.Literal.number("1")],
        from_=exp.From(this=_table(all_rows[left.alias], left.alias)),
        joins=kept,
        with_=exp.With(expressions=queries),
    )
    found.set("from_", exp.From(this=exp.Subquery(this=rows, alias=exp.TableAlias(this=identifier(whole)))))
    found.set("joins", found.args["joins"][1:])
    return True


def _used(found: exp.Select, source: Source) -> list[str]:
    """Columns of a source that a SELECT names."""
    return list(dict.fromkeys(column.name for column in found.find_all(exp.Column) if column.table == source.alias))


def _numbered(source: Source, names: Iterable[str]) -> exp.Select:
    """Rows of a source with a number each; the source's own node moves here."""
    number = exp.Window(this=exp.RowNumber())
    columns = [*(column_sql(source.alias, name) for name in names), exp.alias_(number, identifier(_ROW))]
    return exp.Select(expressions=columns, from_=exp.From(this=source.node))


def _named(name: str, query: exp.Select) -> exp.CTE:
    # Read twice, and the numbers have to be the same both times.
    return exp.CTE(this=query, alias=exp.TableAlias(this=identifier(name)), materialized=True)


def _table(name: str, alias: str) -> exp.Table:
    return exp.Table(this=identifier(name), alias=exp.TableAlias(this=identifier(alias)))


def _equal(one: tuple[str, str], other: tuple[str, str]) -> exp.EQ:
    return exp.EQ(this=column_sql(*one), expression=column_sql(*other))
