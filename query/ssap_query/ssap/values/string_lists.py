"""Lists of strings as the reference server reads them, and how text is made comparable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, LiteralString

from ssap_mirror.errors import ParameterError

from ssap_query.ssap.columns import Columns, Row
from ssap_query.ssap.predicate import Predicate, any_of, one_of
from ssap_query.ssap.ranges import MAX_TESTS, Range, RangeList, dachs_list

__all__ = ["BLANKS", "StringList", "fold", "read_strings", "string_words", "without_blanks"]

#: ASCII blanks, as in RE2's ``[[:space:]]``.
BLANKS = "\t\n\v\f\r "


@dataclass(frozen=True)
class StringList:
    """Strings, lists and byte-order ranges of them, as the reference server reads them."""

    doc: ClassVar[str] = "Exact strings and ranges of them in byte order (`a/b`, `a/`, `/b`); lists are unions."
    column: LiteralString
    """``{role}``."""
    ignore_case: bool = False
    """Whether both sides are put in lower case first."""
    any_word: bool = False
    """Whether ``any`` (any case) alone means no constraint."""
    ranges: bool = True
    """Whether ``/`` has a meaning."""

    @property
    def role(self) -> str:
        """The role of the column."""
        return self.column[1:-1]

    def parse(self, name: str, text: str) -> RangeList[str] | None:
        """Read a list; None is ``any``."""
        if self.any_word and text.lower() == "any":
            return None
        return read_strings(name, text.lower() if self.ignore_case else text, ranges=self.ranges)

    def compile(self, value: RangeList[str] | None, columns: Columns) -> Predicate | None:
        """Make a condition on the column."""
        if value is None:
            return None
        column = "lower(" + self.column + ")" if self.ignore_case else self.column
        parts = []
        for item in value.ranges:
            if item.low is None:
                parts.append(Predicate(column + " <= ?", (item.high,)))
            elif item.high is None:
                parts.append(Predicate(column + " >= ?", (item.low,)))
            else:
                parts.append(Predicate(column + " BETWEEN ? AND ?", (item.low, item.high)))
        parts.append(one_of(column, value.values))
        return any_of(parts)

    def covers(self, value: RangeList[str] | None, row: Row, columns: Columns) -> bool:
        """Whether the row's string is one of the values or in one of the ranges, in the order of UTF-8 bytes."""
        if value is None:
            return True
        word = row[self.role]
        if word is None:
            return False
        key = (fold(word) if self.ignore_case else word).encode()
        return any(
            (item.low is None or item.low.encode() <= key) and (item.high is None or key <= item.high.encode())
            if isinstance(item, Range)
            else item.encode() == key
            for item in value.items
        )

    def words(self, value: RangeList[str] | None) -> str:
        """Say the union in words."""
        return "any" if value is None else string_words(value)

    def needs(self, value: RangeList[str] | None) -> tuple[str, ...]:
        """Ask for the one column."""
        return () if value is None else (self.role,)


def read_strings(name: str, text: str, *, ranges: bool = True) -> RangeList[str]:
    """Read a list of strings as the reference server does; steps are an error.

    Raises
    ------
    ParameterError
        For what the server calls an invalid value.
    """
    found = dachs_list(name, text, str, ranges=ranges)
    if any(item.step is not None for item in found.ranges):
        raise ParameterError(name, text, "has a step, which strings do not take")
    if len(found.ranges) > MAX_TESTS:
        raise ParameterError(name, text, f"has more than the {MAX_TESTS:,} ranges allowed")
    return found


def string_words(value: RangeList[str]) -> str:
    """Say a union of strings in words."""
    return " or ".join(
        f"{item.low or ''}/{item.high or ''}" if isinstance(item, Range) else repr(item) for item in value.items
    )


def fold(text: str) -> str:
    """Lower case character by character, as DuckDB's and PostgreSQL's ``lower`` have it."""
    return "".join(c.lower()[0] for c in text)


def without_blanks(text: str) -> str:
    """Remove ASCII blanks."""
    return text.translate(dict.fromkeys(map(ord, BLANKS)))
