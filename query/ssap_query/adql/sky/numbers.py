"""Numbers in a translated query, and what they are worth."""

from __future__ import annotations

import math

from sqlglot import exp

__all__ = ["number_of", "number_sql", "numbers_of"]


def number_sql(value: float) -> exp.Expr:
    """Write a number as a double, which a decimal fraction alone is not in DuckDB."""
    digits = repr(abs(value))
    literal = exp.Literal.number(digits if "e" in digits else f"{digits}e0")
    return exp.Neg(this=literal) if value < 0 else literal


def number_of(expression: exp.Expr) -> float | None:
    """Value of an expression that is a number (``1/3600.`` is one); None for any other."""
    value = _constant(expression)
    return None if value is None else float(value)


def numbers_of(*expressions: exp.Expr) -> tuple[float, ...] | None:
    """Values of expressions that are numbers; None if one of them is not."""
    found = tuple(number_of(expression) for expression in expressions)
    return None if None in found else tuple(value for value in found if value is not None)


def _constant(node: exp.Expr) -> int | float | None:
    if isinstance(node, exp.Literal) and not node.is_string:
        return float(node.this) if set(node.this) & set(".eE") else int(node.this)
    if isinstance(node, exp.Paren):
        return _constant(node.this)
    if isinstance(node, exp.Neg):
        value = _constant(node.this)
        return None if value is None else -value
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div):
        left, right = _constant(node.left), _constant(node.right)
        return None if left is None or right is None else _arithmetic(node, left, right)
    return None


def _arithmetic(node: exp.Expr, left: float, right: float) -> int | float | None:
    if isinstance(node, exp.Add):
        return left + right
    if isinstance(node, exp.Sub):
        return left - right
    if isinstance(node, exp.Mul):
        return left * right
    if right == 0:
        return None
    both_whole = isinstance(left, int) and isinstance(right, int)
    return math.trunc(left / right) if both_whole else left / right
