"""FROM and its joins, and what their conditions say of places on the sky."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from ssap_query.adql.errors import AdqlError
from ssap_query.adql.language.expressions import Expressions
from ssap_query.adql.scopes import NamedQuery, Output, Scope, Source, Value, identifier
from ssap_query.adql.sky.distance_joins import may_be_missed, with_cells
from ssap_query.adql.sky.full_joins import by_pairs
from ssap_query.adql.sky.sky_regions import restrict
from ssap_query.adql.tables.table import Tables

__all__ = ["FromClause", "TranslatedQuery", "check_parts", "read_name", "use_places"]

# Parts that a node may have; what sqlglot could put elsewhere is no ADQL.
_TABLE = frozenset(["this", "db", "catalog", "alias", "joins"])
_JOIN = frozenset(["this", "on", "side", "kind", "using", "method"])
_SUBQUERY = frozenset(["this", "alias", "joins"])


@dataclass(frozen=True)
class TranslatedQuery:
    """A query in SQL."""

    sql: exp.Query
    """The query."""
    outputs: tuple[Output, ...]
    """Its columns."""
    rows: int | None
    """How many rows it gives at most, about; None if that cannot be told."""


@dataclass(frozen=True)
class _Joined:
    """A join that has a condition."""

    node: exp.Join
    """The join."""
    added: Source | None
    """What it adds, if that is one table or query."""
    side: str
    """``LEFT``, ``RIGHT``, ``FULL`` or nothing: which rows without a partner it keeps."""


class FromClause:
    """Translates what stands in a FROM.

    Parameters
    ----------
    tables : Tables
        What may be read.
    expressions : Expressions
        Translates conditions.
    query : callable
        Translates a query in a FROM, given the queries that have a name.
    once : callable
        Gives a name that no other part of the statement has.
    """

    def __init__(
        self,
        tables: Tables,
        expressions: Expressions,
        query: Callable[[exp.Expr, Mapping[str, NamedQuery]], TranslatedQuery],
        once: Callable[[str], str],
    ) -> None:
        self._tables, self._expressions, self._query, self._once = tables, expressions, query, once
        self.sources: list[Source] = []
        """Every table that is read, as often as it is."""

    def read(self, node: exp.Select, scope: Scope) -> tuple[exp.From | None, list[exp.Join], list[_Joined]]:
        """Translate the FROM of a SELECT, and add what it has to its scope.

        Returns
        -------
        start : sqlglot.expressions.From or None
            The first table.
        joins : list of sqlglot.expressions.Join
            The others.
        conditions : list
            Joins that have a condition, for `use_places`.
        """
        conditions: list[_Joined] = []
        start = node.args.get("from_")
        if start is None:
            return None, [], conditions
        first = exp.From(this=self._item(start.this, scope, conditions))
        return first, [self._join(join, scope, conditions) for join in node.args.get("joins") or ()], conditions

    def _item(self, node: exp.Expr, scope: Scope, conditions: list[_Joined]) -> exp.Expr:
        """Translate what stands in a FROM: a table, a query, or joins in parentheses."""
        if isinstance(node, exp.Subquery) and not isinstance(node.this, exp.Query | exp.Subquery):
            if node.alias:
                message = f"names joins in parentheses {node.alias!r}; only tables and queries can be named"
                raise AdqlError(message)
            inner = self._item(node.this, scope, conditions)
            joins = [self._join(join, scope, conditions) for join in node.this.args.get("joins") or ()]
            inner.set("joins", joins)
            return exp.Subquery(this=inner)
        alias = node.args.get("alias")
        if alias is not None and alias.columns:
            message = f"names the columns of {alias.name!r}; only WITH can"
            raise AdqlError(message)
        if isinstance(node, exp.Subquery):
            check_parts(node, _SUBQUERY)
            source = self._of_query(node, scope)
        elif isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            check_parts(node, _TABLE)
            source = self._of_table(node, scope)
        else:
            message = f"reads {node.sql()[:60]!r}, which is no table"
            raise AdqlError(message)
        scope.sources.append(source)
        return source.node

    def _of_query(self, node: exp.Subquery, scope: Scope) -> Source:
        inner = self._query(node.this, scope.named)
        alias = self._once(node.alias or "query")
        source_node = exp.Subquery(this=inner.sql, alias=exp.TableAlias(this=identifier(alias)))
        names = frozenset({node.alias.lower()} if node.alias else ())
        return Source(alias, names, inner.outputs, inner.rows, node=source_node)

    def _of_table(self, node: exp.Table, scope: Scope) -> Source:
        name = ".".join(part.name for part in node.parts)
        last = node.alias or node.parts[-1].name
        alias = self._once(last)
        named = scope.named.get(name.lower())
        if named is not None:
            qualifiers = frozenset({last.lower()})
            source = Source(alias, qualifiers, named.outputs, named.rows)
            read = named.sql_name
        else:
            table = self._tables.find(name)
            outputs = tuple(Output(column.name, column.name, column) for column in table.columns)
            qualifiers = frozenset({last.lower()} if node.alias else {last.lower(), name.lower(), table.name})
            source = Source(alias, qualifiers, outputs, table.rows, table)
            self.sources.append(source)
            read = table.name
        source.node = exp.Table(this=identifier(read), alias=exp.TableAlias(this=identifier(alias)))
        return source

    def _join(self, node: exp.Join, scope: Scope, conditions: list[_Joined]) -> exp.Join:
        check_parts(node, _JOIN)
        before = list(scope.sources)
        side = str(node.args.get("side") or "").upper()
        kind = str(node.args.get("kind") or "").upper()
        item = self._item(node.this, scope, conditions)
        added = scope.sources[len(before) :]
        found = exp.Join(this=item, side=side or None)
        names = [name.name for name in node.args.get("using") or ()]
        if str(node.args.get("method") or "").upper() == "NATURAL":
            left = {output.name.lower() for source in before for output in source.outputs}
            names = [output.name for source in added for output in source.outputs if output.name.lower() in left]
        if names:
            found.set("on", _merge(names, scope, before, added, side))
        elif (on := node.args.get("on")) is not None:
            found.set("on", self._expressions.condition(on, scope))
        elif side:
            message = f"has a {side} JOIN without ON, USING or NATURAL"
            raise AdqlError(message)
        else:
            found.set("kind", "CROSS")
        if kind and kind not in ("INNER", "OUTER", "CROSS"):
            message = f"has a {kind} JOIN"
            raise AdqlError(message)
        if found.args.get("on") is not None:
            conditions.append(_Joined(found, added[0] if len(added) == 1 else None, side))
        return found


def use_places(found: exp.Select, scope: Scope, conditions: Sequence[_Joined]) -> None:
    """Read only what is about the places asked for, and join by cells what is joined by distance."""
    where = found.args.get("where")
    if where is not None:
        restrict(scope.sources, where.this)
        where.set("this", with_cells(where.this, scope.sources))
    for join in conditions:
        first = found.args["joins"][0] is join.node and join.added is scope.sources[1]
        if join.side == "FULL" and first and by_pairs(found, join.node, *scope.sources[:2]):
            continue
        condition = join.node.args["on"]
        restrict([source for source in scope.sources if may_be_missed(source, join.added, join.side)], condition)
        join.node.set("on", with_cells(condition, scope.sources, join.added, join.side))
    for source in scope.sources:
        if source.table is not None and source.region is not None:
            for table in source.node.find_all(exp.Table):
                if table.alias == source.alias:
                    table.set("this", identifier(read_name(source)))


def read_name(source: Source) -> str:
    """Name of what a source reads: a part of a table is made for it alone."""
    if source.table is None:
        message = f"{source.alias} is no table"
        raise ValueError(message)
    return source.table.name if source.region is None else f"{source.table.name}@{source.alias}"


def _merge(
    names: Sequence[str], scope: Scope, before: Sequence[Source], added: Sequence[Source], side: str
) -> exp.Expr:
    """Make one of two columns of the same name, and give the condition that they are equal."""
    left, right = Scope(sources=list(before), merged=dict(scope.merged)), Scope(sources=list(added))
    conditions = []
    for name in names:
        column = exp.column(name)
        one, other = left.column(column), right.column(column)
        conditions.append(exp.EQ(this=one.sql.copy(), expression=other.sql.copy()))
        if side == "FULL":
            either = exp.Anonymous(this="coalesce", expressions=[one.sql.copy(), other.sql.copy()])
            scope.merged[name.lower()] = Value(either, one.column)
        else:
            scope.merged[name.lower()] = other if side == "RIGHT" else one
    return exp.and_(*conditions, copy=False)


def check_parts(node: exp.Expr, parts: frozenset[str]) -> None:
    """Refuse parts of a node that ADQL does not have.

    Raises
    ------
    AdqlError
        If there is one.
    """
    for name, value in node.args.items():
        if value and name not in parts:
            message = f"has a part that ADQL does not have: {name.rstrip('_').upper()} in {node.sql()[:60]!r}"
            raise AdqlError(message)
