"""A condition on rows: SQL text that is ours, and the values bound to it.

Columns stand in the text as roles in braces (``{em_max} > ?``; the roles of `ssap_mirror.core.schema.ROLES`): which
column plays a role is known to the engine alone. Request text is only ever a bound value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import LiteralString

__all__ = ["FALSE", "TRUE", "DistinctValues", "Predicate", "all_of", "any_of", "one_of", "quoted"]


# Up to so many values, each is compared with a row's; more are one hash lookup a row.
_FEW = 8
_LOOKUP: LiteralString = " IN (SELECT unnest(?::"


@dataclass(frozen=True)
class Predicate:
    """A condition on one row, to be put after WHERE."""

    sql: LiteralString
    """DuckDB SQL, one ``?`` per value in order; columns as ``{role}``, no other braces."""
    values: tuple[object, ...] = ()
    """What is bound. A tuple is bound as one LIST; a `DistinctValues` is resolved by the engine first."""

    @property
    def keeps_order(self) -> bool:
        """Whether DuckDB gives the rows that fulfil it in the order of the source: it does not where it joins."""
        return _LOOKUP not in self.sql

    def __and__(self, other: Predicate) -> Predicate:
        """Rows that fulfil both."""
        return all_of((self, other))

    def __or__(self, other: Predicate) -> Predicate:
        """Rows that fulfil either."""
        return any_of((self, other))


#: Fulfilled by every row.
TRUE = Predicate("TRUE")
#: Fulfilled by no row.
FALSE = Predicate("FALSE")


@dataclass(frozen=True)
class DistinctValues:
    """A bound list that depends on the values a text column holds.

    For a test that SQL cannot do, such as word stemming. The engine calls `select` with the column's distinct
    non-NULL values (once per snapshot and request) and binds the result as a LIST of VARCHAR in its place.
    """

    role: str
    """The role of the column."""
    select: Callable[[Sequence[str]], list[str]]
    """Picks the accepted ones out of the column's distinct values."""


def all_of(predicates: Iterable[Predicate]) -> Predicate:
    """Rows that fulfil every one of the predicates, as one flat conjunction; TRUE if there is none."""
    parts = [p for p in predicates if p != TRUE]
    if FALSE in parts:
        return FALSE
    return _joined(parts, ") AND (", TRUE)


def any_of(predicates: Iterable[Predicate]) -> Predicate:
    """Rows that fulfil at least one of the predicates, as one flat disjunction; FALSE if there is none."""
    parts = [p for p in predicates if p != FALSE]
    if TRUE in parts:
        return TRUE
    return _joined(parts, ") OR (", FALSE)


def one_of(
    column: LiteralString, values: Sequence[object] | DistinctValues, kind: LiteralString = "VARCHAR"
) -> Predicate:
    """Rows whose value is one of some; FALSE if there is none.

    Parameters
    ----------
    column : str
        ``{role}``, or an expression of it.
    values : sequence or DistinctValues
        The values.
    kind : str
        Type of both in DuckDB.
    """
    if isinstance(values, DistinctValues):
        return Predicate(column + _LOOKUP + kind + "[]))", (values,))
    distinct = tuple(dict.fromkeys(values))
    if len(distinct) > _FEW:
        return Predicate(column + _LOOKUP + kind + "[]))", (distinct,))
    return any_of(Predicate(column + " = ?::" + kind, (value,)) for value in distinct)


def _joined(parts: Sequence[Predicate], word: LiteralString, empty: Predicate) -> Predicate:
    if not parts:
        return empty
    if len(parts) == 1:
        return parts[0]
    # Each part in its own parentheses: a combination is safe whatever operators the parts are made of.
    return Predicate("(" + word.join([p.sql for p in parts]) + ")", tuple(value for p in parts for value in p.values))


def quoted(name: str) -> str:
    """Put an identifier in double quotes."""
    return '"' + name.replace('"', '""') + '"'
