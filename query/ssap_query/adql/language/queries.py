"""Queries of ADQL as queries of DuckDB's SQL: FROM and its joins, SELECT, set operations, WITH."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from ssap_query.adql.errors import AdqlError
from ssap_query.adql.language.expressions import Expressions
from ssap_query.adql.scopes import NamedQuery, Output, Scope, Source, Value, identifier
from ssap_query.adql.sky.distance_joins import may_be_missed, with_cells
from ssap_query.adql.sky.sky_regions import restrict
from ssap_query.adql.tables.table import Tables

__all__ = ["Queries", "TranslatedQuery"]

# Parts that a node may have; what sqlglot could put elsewhere is no ADQL.
_SELECT = frozenset(
    [
        "with_",
        "kind",
        "expressions",
        "from_",
        "joins",
        "where",
        "group",
        "having",
        "order",
        "limit",
        "offset",
        "distinct",
    ]
)
_SET = frozenset(["with_", "this", "expression", "distinct", "order", "limit", "offset"])
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


class Queries:
    """Translates the queries of one statement.

    Parameters
    ----------
    tables : Tables
        What they may read.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.expressions = Expressions(lambda node, scope: self.query(node, scope.named, scope).sql)
        self.sources: list[Source] = []
        """Every table that is read, as often as it is."""
        self._used: set[str] = set()

    def query(self, node: exp.Expr, named: Mapping[str, NamedQuery], around: Scope | None) -> TranslatedQuery:
        """Translate a query.

        Parameters
        ----------
        node : sqlglot.expressions.Expr
            SELECT, a set operation, or either in parentheses.
        named : mapping of str to NamedQuery
            Queries that it may read by name.
        around : Scope or None
            Scope of the query that it is an expression of.

        Raises
        ------
        AdqlError
            If it names what is not there, or means nothing.
        """
        if isinstance(node, exp.Subquery):
            _check(node, _SUBQUERY - {"joins"})
            return self.query(node.this, named, around)
        queries: list[exp.CTE] = []
        if node.args.get("with_") is not None:
            named = dict(named)
            for item in node.args["with_"].expressions:
                queries.append(self._named(item, named))
        if isinstance(node, exp.SetOperation):
            found = self._set_operation(node, named, around)
        elif isinstance(node, exp.Select):
            found = self._select(node, named, around)
        else:
            message = f"has {node.sql()[:60]!r} where a query has to be"
            raise AdqlError(message)
        if queries:
            found.sql.set("with_", exp.With(expressions=queries))
        return found

    def _named(self, item: exp.CTE, named: dict[str, NamedQuery]) -> exp.CTE:
        """Translate a query of WITH, and add it to those that have a name."""
        inner = self.query(item.this, named, None)
        outputs = inner.outputs
        columns = [column.name for column in item.args["alias"].columns]
        if columns:
            if len(columns) != len(outputs):
                message = f"names {len(columns)} columns of {item.alias}, which has {len(outputs)}"
                raise AdqlError(message)
            outputs = tuple(Output(n, o.sql_name, o.column) for n, o in zip(columns, outputs, strict=True))
        sql_name = self._once(item.alias)
        named[item.alias.lower()] = NamedQuery(sql_name, outputs, inner.rows)
        return exp.CTE(this=inner.sql, alias=exp.TableAlias(this=identifier(sql_name)))

    def _set_operation(
        self, node: exp.SetOperation, named: Mapping[str, NamedQuery], around: Scope | None
    ) -> TranslatedQuery:
        _check(node, _SET)
        left, right = self.query(node.left, named, around), self.query(node.right, named, around)
        if len(left.outputs) != len(right.outputs):
            message = f"puts a query of {len(left.outputs)} columns together with one of {len(right.outputs)}"
            raise AdqlError(message)
        outputs = tuple(
            Output(one.name, one.sql_name, one.column if one.column == other.column else None)
            for one, other in zip(left.outputs, right.outputs, strict=True)
        )
        parts = [_in_parentheses(part.sql) for part in (left, right)]
        found = type(node)(this=parts[0], expression=parts[1], distinct=node.args.get("distinct"))
        if (order := node.args.get("order")) is not None:
            found.set("order", exp.Order(expressions=[_by_name(item, outputs) for item in order.expressions]))
        rows = None if left.rows is None or right.rows is None else left.rows + right.rows
        return TranslatedQuery(found, outputs, _cut(node, found, rows))

    def _select(self, node: exp.Select, named: Mapping[str, NamedQuery], around: Scope | None) -> TranslatedQuery:
        _check(node, _SELECT)
        scope = Scope(around, named)
        found = exp.Select()
        conditions: list[tuple[exp.Join, Source | None, str]] = []
        if (start := node.args.get("from_")) is not None:
            found.set("from_", exp.From(this=self._item(start.this, scope, conditions)))
            found.set("joins", [self._join(join, scope, conditions) for join in node.args.get("joins") or ()])
        if (where := node.args.get("where")) is not None:
            found.set("where", exp.Where(this=self.expressions.condition(where.this, scope)))
        outputs, values = self._outputs(node.expressions, scope)
        if not outputs:
            message = "has a SELECT without columns"
            raise AdqlError(message)
        selected = [
            exp.alias_(value.sql, identifier(output.sql_name)) for output, value in zip(outputs, values, strict=True)
        ]
        found.set("expressions", selected)
        if (group := node.args.get("group")) is not None:
            _check(group, frozenset({"expressions"}))
            keys = [self._key(item, scope, outputs, values, alias_first=False) for item in group.expressions]
            found.set("group", exp.Group(expressions=keys))
        if (having := node.args.get("having")) is not None:
            found.set("having", exp.Having(this=self.expressions.condition(having.this, scope)))
        if node.args.get("distinct") is not None:
            _check(node.args["distinct"], frozenset())
            found.set("distinct", exp.Distinct())
        if (order := node.args.get("order")) is not None:
            items = [
                exp.Ordered(
                    this=self._key(item.this, scope, outputs, values, alias_first=True),
                    desc=item.args.get("desc"),
                    nulls_first=item.args.get("nulls_first"),
                )
                for item in order.expressions
            ]
            found.set("order", exp.Order(expressions=items))
        self._use_places(found, scope, conditions)
        known = [source.rows for source in scope.sources]
        rows = None if not known or None in known else max(count for count in known if count is not None)
        return TranslatedQuery(found, outputs, _cut(node, found, rows))

    def _use_places(
        self, found: exp.Select, scope: Scope, conditions: Sequence[tuple[exp.Join, Source | None, str]]
    ) -> None:
        """Read only what is about the places asked for, and join by cells what is joined by distance."""
        where = found.args.get("where")
        if where is not None:
            restrict(scope.sources, where.this)
            where.set("this", with_cells(where.this, scope.sources))
        for join, joined, side in conditions:
            condition = join.args["on"]
            restrict([source for source in scope.sources if may_be_missed(source, joined, side)], condition)
            join.set("on", with_cells(condition, scope.sources, joined, side))
        for source in scope.sources:
            if source.table is not None and source.region is not None:
                for table in source.node.find_all(exp.Table):
                    if table.alias == source.alias:
                        table.set("this", identifier(read_name(source)))

    def _item(self, node: exp.Expr, scope: Scope, conditions: list[tuple[exp.Join, Source | None, str]]) -> exp.Expr:
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
            _check(node, _SUBQUERY)
            source = self._of_query(node, scope)
        elif isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            _check(node, _TABLE)
            source = self._of_table(node, scope)
        else:
            message = f"reads {node.sql()[:60]!r}, which is no table"
            raise AdqlError(message)
        scope.sources.append(source)
        return source.node

    def _of_query(self, node: exp.Subquery, scope: Scope) -> Source:
        inner = self.query(node.this, scope.named, None)
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

    def _join(self, node: exp.Join, scope: Scope, conditions: list[tuple[exp.Join, Source | None, str]]) -> exp.Join:
        _check(node, _JOIN)
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
            found.set("on", self.expressions.condition(on, scope))
        elif side:
            message = f"has a {side} JOIN without ON, USING or NATURAL"
            raise AdqlError(message)
        else:
            found.set("kind", "CROSS")
        if kind and kind not in ("INNER", "OUTER", "CROSS"):
            message = f"has a {kind} JOIN"
            raise AdqlError(message)
        if found.args.get("on") is not None:
            conditions.append((found, added[0] if len(added) == 1 else None, side))
        return found

    def _outputs(self, items: Sequence[exp.Expr], scope: Scope) -> tuple[tuple[Output, ...], tuple[Value, ...]]:
        """Columns that a SELECT gives; ``*`` is spelled out."""
        named: list[tuple[str, Value]] = []
        for item in items:
            if isinstance(item, exp.Star):
                named += scope.stars()
            elif isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
                named += scope.stars(".".join(part.name for part in item.parts[:-1]).lower())
            elif isinstance(item, exp.Alias):
                named.append((item.alias, self.expressions.scalar(item.this, scope)))
            else:
                value = self.expressions.scalar(item, scope)
                named.append((_name_of(item, value, len(named)), value))
        used: set[str] = set()
        outputs = []
        for name, value in named:
            sql_name, number = name, 2
            while sql_name.lower() in used:
                sql_name, number = f"{name}#{number}", number + 1
            used.add(sql_name.lower())
            outputs.append(Output(name, sql_name, value.named(name)))
        return tuple(outputs), tuple(value for _, value in named)

    def _key(
        self,
        node: exp.Expr,
        scope: Scope,
        outputs: Sequence[Output],
        values: Sequence[Value],
        *,
        alias_first: bool,
    ) -> exp.Expr:
        """Key of GROUP BY or ORDER BY: a number or a name of a column of the result, or any expression."""
        if isinstance(node, exp.Literal) and not node.is_string:
            return _ordinal(node, outputs)
        if isinstance(node, exp.Column) and len(node.parts) == 1:
            places = [i for i, output in enumerate(outputs) if output.name.lower() == node.name.lower()]
            if places and (alias_first or not _has(scope, node)):
                same = {values[place].sql.sql() for place in places}
                if len(same) == 1:
                    return exp.Literal.number(str(places[0] + 1))
        return self.expressions.scalar(node, scope).sql

    def _once(self, name: str) -> str:
        """Give a name that no other part of the statement has."""
        found, number = name.lower(), 2
        while found in self._used:
            found, number = f"{name.lower()}#{number}", number + 1
        self._used.add(found)
        return found


def read_name(source: Source) -> str:
    """Name of what a source reads: a part of a table is made for it alone."""
    if source.table is None:
        message = f"{source.alias} is no table"
        raise ValueError(message)
    return source.table.name if source.region is None else f"{source.table.name}@{source.alias}"


def _has(scope: Scope, node: exp.Column) -> bool:
    try:
        scope.column(node)
    except AdqlError:
        return False
    return True


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


def _check(node: exp.Expr, parts: frozenset[str]) -> None:
    for name, value in node.args.items():
        if value and name not in parts:
            message = f"has a part that ADQL does not have: {name.rstrip('_').upper()} in {node.sql()[:60]!r}"
            raise AdqlError(message)


def _in_parentheses(query: exp.Query) -> exp.Expr:
    return (
        exp.Subquery(this=query)
        if any(query.args.get(part) for part in ("limit", "order", "offset", "with_"))
        else query
    )


def _ordinal(node: exp.Literal, outputs: Sequence[Output]) -> exp.Expr:
    if not node.this.isdecimal() or not 1 <= int(node.this) <= len(outputs):
        message = f"orders or groups by {node.this}, and has {len(outputs)} columns"
        raise AdqlError(message)
    return node.copy()


def _by_name(item: exp.Ordered, outputs: Sequence[Output]) -> exp.Ordered:
    """Key of ORDER BY of a set operation: a column of its result."""
    node = item.this
    if isinstance(node, exp.Literal) and not node.is_string:
        key = _ordinal(node, outputs)
    else:
        places = [i for i, output in enumerate(outputs) if output.name.lower() == node.name.lower()]
        if not isinstance(node, exp.Column) or len(node.parts) != 1 or not places:
            message = f"orders a set operation by {node.sql()[:60]!r}, which is no column of it"
            raise AdqlError(message)
        key = exp.Literal.number(str(places[0] + 1))
    return exp.Ordered(this=key, desc=item.args.get("desc"), nulls_first=item.args.get("nulls_first"))


def _cut(node: exp.Query, found: exp.Query, rows: int | None) -> int | None:
    """Put TOP and OFFSET on a query, and give how many rows are left."""
    for name, kind in (("limit", exp.Limit), ("offset", exp.Offset)):
        part = node.args.get(name)
        if part is None:
            continue
        count = part.expression
        if not isinstance(count, exp.Literal) or not count.this.isdecimal():
            message = f"has {'TOP' if name == 'limit' else 'OFFSET'} {count.sql()[:60]}, which is not a number of rows"
            raise AdqlError(message)
        found.set(name, kind(expression=exp.Literal.number(str(int(count.this)))))
        if name == "limit":
            rows = int(count.this) if rows is None else min(rows, int(count.this))
    return rows


def _name_of(node: exp.Expr, value: Value, place: int) -> str:
    """Name of a column of a result that has been given none."""
    inner = node.unnest()
    if isinstance(inner, exp.Column):
        return value.column.name if value.column is not None and value.column.name else inner.name
    if isinstance(inner, exp.Anonymous):
        return str(inner.this).lower()
    return f"column_{place + 1}"
