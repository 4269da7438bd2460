"""Queries of ADQL as queries of DuckDB's SQL: FROM and its joins, SELECT, set operations, WITH."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from ssap_query.adql.errors import AdqlError
from ssap_query.adql.language.expressions import Expressions
from ssap_query.adql.language.from_clause import FromClause, TranslatedQuery, check_parts, use_places
from ssap_query.adql.scopes import NamedQuery, Output, Scope, Source, Value, identifier
from ssap_query.adql.tables.table import Tables

__all__ = ["Queries"]

# Parts that a node may have; what sqlglot could put elsewhere is no ADQL.
_SELECT = frozenset(
    {
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
    }
)
_SET = frozenset({"with_", "this", "expression", "distinct", "order", "limit", "offset"})
_PARENTHESES = frozenset({"this", "alias"})


class Queries:
    """Translates the queries of one statement.

    Parameters
    ----------
    tables : Tables
        What they may read.
    """

    def __init__(self, tables: Tables) -> None:
        self.expressions = Expressions(lambda node, scope: self.query(node, scope.named, scope).sql)
        self._used: set[str] = set()
        self._from = FromClause(tables, self.expressions, lambda node, named: self.query(node, named, None), self._once)

    @property
    def sources(self) -> Sequence[Source]:
        """Every table that is read, as often as it is."""
        return self._from.sources

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
            check_parts(node, _PARENTHESES)
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
        check_parts(node, _SET)
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
        check_parts(node, _SELECT)
        scope = Scope(around, named)
        found = exp.Select()
        start, joins, conditions = self._from.read(node, scope)
        if start is not None:
            found.set("from_", start)
            found.set("joins", joins)
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
            check_parts(group, frozenset({"expressions"}))
            keys = [self._key(item, scope, outputs, values, alias_first=False) for item in group.expressions]
            found.set("group", exp.Group(expressions=keys))
        if (having := node.args.get("having")) is not None:
            found.set("having", exp.Having(this=self.expressions.condition(having.this, scope)))
        if node.args.get("distinct") is not None:
            check_parts(node.args["distinct"], frozenset())
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
        use_places(found, scope, conditions)
        known = [source.rows for source in scope.sources]
        rows = None if not known or None in known else max(count for count in known if count is not None)
        return TranslatedQuery(found, outputs, _cut(node, found, rows))

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


def _has(scope: Scope, node: exp.Column) -> bool:
    try:
        scope.column(node)
    except AdqlError:
        return False
    return True


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
