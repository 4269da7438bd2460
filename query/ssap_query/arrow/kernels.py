"""The compute functions of Arrow that a small answer needs, without the module that wraps all of them.

``pyarrow.compute`` writes a Python function for each of 300 kernels when it is imported; and so do ``Array.cast`` and
``take``, which import it. These call the same kernels; names and meaning are those of ``pyarrow.compute``.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

# A private module of Arrow: importing pyarrow.compute in its place takes a cold query 15 % more instructions
# (scripts/bench, section start).
from pyarrow._compute import (
    CastOptions,
    MatchSubstringOptions,
    ReplaceSubstringOptions,
    ScalarAggregateOptions,
    call_function,
)

__all__ = [
    "all",
    "any",
    "binary_join",
    "binary_join_element_wise",
    "binary_length",
    "cast",
    "coalesce",
    "cumulative_sum",
    "equal",
    "if_else",
    "is_finite",
    "is_valid",
    "list_flatten",
    "list_value_length",
    "match_substring_regex",
    "replace_substring",
    "sum",
    "take",
]

# The builtins of these names are hidden on purpose: the module stands in for pyarrow.compute.


def any(values: pa.Array, *, min_count: int = 1) -> pa.Scalar:
    """Whether a value is true."""
    return call_function("any", [values], ScalarAggregateOptions(min_count=min_count))


def all(values: pa.Array, *, min_count: int = 1) -> pa.Scalar:
    """Whether all values are true."""
    return call_function("all", [values], ScalarAggregateOptions(min_count=min_count))


def sum(values: pa.Array) -> pa.Scalar:
    """Sum of numbers; NULL if there are none."""
    return call_function("sum", [values])


def match_substring_regex(strings: pa.Array, pattern: str) -> pa.Array:
    """Whether a regular expression (RE2) matches somewhere in each string."""
    return call_function("match_substring_regex", [strings], MatchSubstringOptions(pattern))


def replace_substring(
    strings: pa.Array, pattern: str, replacement: str, max_replacements: int | None = None
) -> pa.Array:
    """Replace a text within each string."""
    options = ReplaceSubstringOptions(pattern, replacement, max_replacements=max_replacements)
    return call_function("replace_substring", [strings], options)


def cast(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Convert to another type; an error if a value does not fit."""
    return call_function("cast", [values], CastOptions.safe(kind))


def if_else(condition: pa.Array, left: Any, right: Any) -> pa.Array:
    """Choose from two, element by element."""
    return call_function("if_else", [condition, left, right])


def coalesce(*values: Any) -> pa.Array:
    """Take the first that is not NULL, element by element."""
    return call_function("coalesce", list(values))


def equal(left: pa.Array, right: Any) -> pa.Array:
    """Compare element by element."""
    return call_function("equal", [left, right])


def take(values: Any, rows: pa.Array) -> Any:
    """Rows of an array, a chunked array, a record batch or a table, by their numbers; an error if there is none."""
    return call_function("take", [values, rows])


def is_finite(numbers: pa.Array) -> pa.Array:
    """Whether each number is neither NaN nor infinite."""
    return call_function("is_finite", [numbers])


def is_valid(values: pa.Array) -> pa.Array:
    """Whether each value is not NULL; NaN is valid."""
    return call_function("is_valid", [values])


def cumulative_sum(numbers: pa.Array) -> pa.Array:
    """Sum of each number and those before it."""
    return call_function("cumulative_sum", [numbers])


def list_flatten(lists: pa.Array) -> pa.Array:
    """Elements of all lists, one after another."""
    return call_function("list_flatten", [lists])


def list_value_length(lists: pa.Array) -> pa.Array:
    """Elements of each list."""
    return call_function("list_value_length", [lists])


def binary_length(strings: pa.Array) -> pa.Array:
    """Bytes of each string."""
    return call_function("binary_length", [strings])


def binary_join(lists: pa.Array, separator: Any) -> pa.Array:
    """Join the strings of each list."""
    return call_function("binary_join", [lists, separator])


def binary_join_element_wise(*strings: Any) -> pa.Array:
    """Join strings element by element; the last argument stands between them. NULL makes NULL."""
    return call_function("binary_join_element_wise", list(strings))
