"""Expressions of ADQL as expressions of DuckDB's SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from ssap_query.adql.errors import AdqlError
from ssap_query.adql.language.functions import FUNCTIONS
from ssap_query.adql.scopes import Scope, Value
from ssap_query.adql.sky.numbers import number_sql

__all__ = ["Expressions"]

# Types of CAST: sqlglot's -> DuckDB's. Text is cut to its length, which DuckDB does not do by itself.
_CASTS = {
    exp.DType.SMALLINT: "SMALLINT",
    exp.DType.INT: "INTEGER",
    exp.DType.BIGINT: "BIGINT",
    exp.DType.FLOAT: "REAL",
    exp.DType.DOUBLE: "DOUBLE",
    exp.DType.TIMESTAMP: "TIMESTAMP",
}
_TEXTS = {exp.DType.CHAR: 1, exp.DType.VARCHAR: None, exp.DType.TEXT: None}
_MAX_DIGITS = 38
# What values are made of beside names, numbers, texts, functions, casts and queries.
_OPERATORS = (
    exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.BitwiseNot,
    exp.DPipe, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.And, exp.Or, exp.Not, exp.Between, exp.In,
    exp.Like, exp.ILike, exp.Escape, exp.Is, exp.Exists, exp.Case, exp.If, exp.Boolean, exp.Null,
)  # fmt: skip


class Expressions:
    """Translates expressions; text in them is bound, never written into the statement.

    Parameters
    ----------
    subquery : callable
        Translates a query within an expression, given the scope that it is in.
    """

    def __init__(self, subquery: Callable[[exp.Expr, Scope], exp.Query]) -> None:
        self._subquery = subquery
        self.values: dict[str, str] = {}
        """What is bound: name of the parameter -> text."""
        self._names: dict[str, str] = {}

    def condition(self, node: exp.Expr, scope: Scope) -> exp.Expr:
        """Expression that is true or false."""
        return self.value(node, scope).sql

    def scalar(self, node: exp.Expr, scope: Scope) -> Value:
        """Expression that is a value: 1 or 0 for what is a condition in SQL."""
        value = self.value(node, scope)
        return Value(exp.cast(exp.paren(value.sql), "int"), value.column) if value.is_condition else value

    def value(self, node: exp.Expr, scope: Scope) -> Value:
        """Any expression.

        Raises
        ------
        AdqlError
            If it names what is not there, or means nothing.
        """
        if isinstance(node, exp.Column):
            return self._column(node, scope)
        if isinstance(node, exp.Literal | exp.HexString):
            return Value(self._literal(node))
        if isinstance(node, exp.Anonymous):
            return self._function(node, scope)
        if isinstance(node, exp.Query):
            inner = node.unnest() if isinstance(node, exp.Subquery) else node
            return Value(exp.paren(self._subquery(inner, scope)))
        if isinstance(node, exp.Paren):
            inner_value = self.value(node.this, scope)
            return Value(exp.paren(inner_value.sql), inner_value.column, inner_value.is_condition)
        if isinstance(node, exp.Cast):
            return Value(self._cast(node, scope))
        if isinstance(node, exp.Is) and not isinstance(node.expression, exp.Null):
            message = f"has {node.sql()[:60]!r}; after IS there is NULL or NOT NULL"
            raise AdqlError(message)
        if isinstance(node, exp.EQ) and (test := self._test(node, scope)) is not None:
            return Value(test)
        if isinstance(node, _OPERATORS):
            return Value(self._rebuilt(node, scope))
        # The parser lets a name be given anywhere, DISTINCT and * be operands.
        message = f"has {node.sql()[:60]!r} where a value has to be"
        raise AdqlError(message)

    def _rebuilt(self, node: exp.Expr, scope: Scope) -> exp.Expr:
        """Put the same operator on translated operands."""

        def part(value: Any) -> Any:
            if isinstance(value, list):
                return [part(item) for item in value]
            return self.scalar(value, scope).sql if isinstance(value, exp.Expr) else value

        if isinstance(node, exp.In | exp.Exists):
            return self._with_query(node, scope, part)
        return type(node)(**{name: part(value) for name, value in node.args.items()})

    def _with_query(self, node: exp.In | exp.Exists, scope: Scope, part: Callable[[Any], Any]) -> exp.Expr:
        if isinstance(node, exp.Exists):
            inner = node.this.unnest() if isinstance(node.this, exp.Subquery) else node.this
            return exp.Exists(this=self._subquery(inner, scope))
        query = node.args.get("query")
        if query is None:
            return exp.In(this=part(node.this), expressions=part(node.expressions))
        inner = query.unnest() if isinstance(query, exp.Subquery) else query
        return exp.In(this=part(node.this), query=exp.Subquery(this=self._subquery(inner, scope)))

    def _column(self, node: exp.Column, scope: Scope) -> Value:
        if isinstance(node.this, exp.Star):
            message = "has a * where a value has to be"
            raise AdqlError(message)
        return scope.column(node)

    def _literal(self, node: exp.Literal | exp.HexString) -> exp.Expr:
        if isinstance(node, exp.HexString):
            return exp.Literal.number(str(int(str(node.this), 16)))
        if node.is_string:
            return self.text(node.this)
        if set(node.this) & set(".eE"):
            value = float(node.this)
            if value in (float("inf"), float("-inf")):
                message = f"has the number {node.this[:40]}, which is too large"
                raise AdqlError(message)
            return number_sql(value)
        if not node.this.isdecimal() or len(node.this) > _MAX_DIGITS:
            message = f"has the number {node.this[:60]}, which cannot be read"
            raise AdqlError(message)
        return exp.Literal.number(str(int(node.this)))

    def text(self, text: str) -> exp.Placeholder:
        """Parameter that a text is bound to; the same text is the same parameter, so that GROUP BY knows it again."""
        name = self._names.setdefault(text, f"text{len(self._names)}")
        self.values[name] = text
        found = exp.Placeholder(this=name)
        found.meta["text"] = text
        return found

    def _function(self, node: exp.Anonymous, scope: Scope) -> Value:
        name = str(node.this).upper()
        function = FUNCTIONS.get(name)
        if function is None:
            message = f"calls {node.this}, which is no function of ADQL that is known here"
            raise AdqlError(message)
        arguments = [self._argument(argument, name, scope) for argument in node.expressions]
        if not function.least <= len(arguments) <= function.most:
            message = f"calls {name} with {len(arguments)} arguments; it is {function.signature}"
            raise AdqlError(message)
        return function.build(arguments)

    def _argument(self, node: exp.Expr, function: str, scope: Scope) -> Value:
        if isinstance(node, exp.Star) and function == "COUNT":
            return Value(exp.Star())
        if isinstance(node, exp.Distinct) and function in ("COUNT", "SUM", "AVG", "MIN", "MAX"):
            inner = [self.scalar(item, scope) for item in node.expressions]
            if len(inner) == 1:
                return Value(exp.Distinct(expressions=[inner[0].sql]), inner[0].column)
        return self.scalar(node, scope)

    def _test(self, node: exp.EQ, scope: Scope) -> exp.Expr | None:
        """``1 = CONTAINS(...)`` as the condition that it means, which joins and files can be chosen by."""
        for one, other in ((node.left, node.right), (node.right, node.left)):
            if isinstance(one, exp.Literal) and not one.is_string and one.this in ("0", "1"):
                value = self.value(other, scope)
                if value.is_condition:
                    return value.sql if one.this == "1" else exp.Not(this=exp.paren(value.sql))
        return None

    def _cast(self, node: exp.Cast, scope: Scope) -> exp.Expr:
        inner, kind = self.scalar(node.this, scope).sql, node.to
        if kind.this in _CASTS and not kind.expressions:
            return exp.Cast(this=inner, to=exp.DataType.build(_CASTS[kind.this], dialect="duckdb"))
        if kind.this in _TEXTS:
            length = kind.expressions[0].this.this if kind.expressions else _TEXTS[kind.this]
            text = exp.Cast(this=inner, to=exp.DataType.build("VARCHAR", dialect="duckdb"))
            if length is None or length == "*":
                return text
            return exp.Anonymous(this="left", expressions=[text, exp.Literal.number(str(length))])
        message = (
            f"casts to {kind.sql()}, which is none of SMALLINT, INTEGER, BIGINT, REAL, DOUBLE, CHAR, VARCHAR, TIMESTAMP"
        )
        raise AdqlError(message)
