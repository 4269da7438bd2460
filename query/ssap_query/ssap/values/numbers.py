"""Rules for range lists of numbers, in both dialects."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, LiteralString

from ssap_mirror.errors import ParameterError

from ssap_query.ssap.columns import Columns, Row
from ssap_query.ssap.predicate import Predicate, any_of, one_of
from ssap_query.ssap.ranges import (
    MAX_TESTS,
    Interval,
    Range,
    RangeList,
    dachs_float,
    dachs_list,
    ivoa_float,
    ivoa_list,
    merged,
    single_precision,
)

__all__ = ["DachsNumber", "Ignored", "IvoaNumber", "in_order", "total_order"]

Limit = Literal["equal", "at least", "at most"]


@dataclass(frozen=True)
class IvoaNumber:
    """A number or range list of numbers as SSA 1.1 reads it."""

    doc: ClassVar[str] = (
        "Ranges include both ends, whichever is given first; lists are unions; `/` is everything (§8.7.2). A float32 "
        "column is compared in float32, so the value a column prints matches it."
    )
    column: LiteralString
    """``{role}``."""
    single_value: Limit
    """What a value alone means."""

    @property
    def role(self) -> str:
        """The role of the column."""
        return self.column[1:-1]

    def parse(self, name: str, text: str) -> RangeList[float]:
        """Read a range list of numbers."""
        found = ivoa_list(name, text, ivoa_float)
        if found.qualifier:
            raise ParameterError(name, text, f"has the qualifier {found.qualifier!r}, but {name} takes none")
        found = in_order(found)
        if len(merged(self._interval(item) for item in found.ranges)) > MAX_TESTS:
            raise ParameterError(name, text, f"has more than the {MAX_TESTS:,} separate ranges allowed")
        return found

    def compile(self, value: RangeList[float], columns: Columns) -> Predicate | None:
        """Condition on the column; infinite bounds keep NaN out, which DuckDB orders above infinity."""
        if Range(None, None) in value.items:
            return None
        intervals = merged(self._interval(item, self.role in columns.single) for item in value.items)
        points = tuple(i.low for i in intervals if i.low == i.high)
        ranges = [i for i in intervals if i.low != i.high]
        kind: LiteralString = "FLOAT" if self.role in columns.single else "DOUBLE"
        between: LiteralString = self.column + " BETWEEN ?::" + kind + " AND ?::" + kind
        within = [Predicate(between, (i.low, i.high)) for i in ranges]
        return any_of([*within, one_of(self.column, points, kind)])

    def covers(self, value: RangeList[float], row: Row, columns: Columns) -> bool:
        """Whether the row's number lies in one of the items."""
        if Range(None, None) in value.items:
            return True
        x = row[self.role]
        if x is None or math.isnan(x):
            return False
        stored = single_precision if self.role in columns.single else float
        for item in value.items:
            if isinstance(item, Range):
                if (item.low is None or x >= stored(item.low)) and (item.high is None or x <= stored(item.high)):
                    return True
            elif self.single_value == "equal":
                if x == stored(item):
                    return True
            elif x >= stored(item) if self.single_value == "at least" else x <= stored(item):
                return True
        return False

    def words(self, value: RangeList[float]) -> str:
        """Say the union in words."""
        return " or ".join(
            _range_words(item)
            if isinstance(item, Range)
            else (f"{item:g}" if self.single_value == "equal" else f"{self.single_value} {item:g}")
            for item in value.items
        )

    def needs(self, value: RangeList[float]) -> tuple[str, ...]:
        """Ask for the one column."""
        return (self.role,)

    def _interval(self, item: float | Range[float], single: bool = False) -> Interval:  # noqa: FBT001
        if isinstance(item, Range):
            low = -math.inf if item.low is None else item.low
            high = math.inf if item.high is None else item.high
        else:
            low = -math.inf if self.single_value == "at most" else item
            high = math.inf if self.single_value == "at least" else item
        return Interval(single_precision(low), single_precision(high)) if single else Interval(low, high)


@dataclass(frozen=True)
class DachsNumber:
    """A number or range list of numbers as the reference server reads it."""

    doc: ClassVar[str] = (
        "A value is equality, ranges include both ends. NaN is above all numbers and equal to itself. Compared in "
        "double, but for a list of two or more different finite values, which is compared in float32."
    )
    column: LiteralString
    """``{role}``."""
    any_word: bool = False
    """Whether ``any`` (any case) alone means no constraint."""

    @property
    def role(self) -> str:
        """The role of the column."""
        return self.column[1:-1]

    def parse(self, name: str, text: str) -> RangeList[float] | None:
        """Read a list; None is ``any``."""
        if self.any_word and text.lower() == "any":
            return None
        found = dachs_list(name, text, dachs_float)
        if any(item.step is not None for item in found.ranges):
            raise ParameterError(name, text, "has a step, which numbers do not take")
        if len(found.ranges) > MAX_TESTS:
            raise ParameterError(name, text, f"has more than the {MAX_TESTS:,} ranges allowed")
        if _is_single_list(found) and not all(map(_fits_single, found.values)):
            raise ParameterError(name, text, "has a value beyond the range of float32, in which lists are compared")
        return found

    def compile(self, value: RangeList[float] | None, columns: Columns) -> Predicate | None:
        """Condition on the column; DuckDB orders NaN as PostgreSQL does."""
        if value is None:
            return None
        if self._in_single(value, columns):
            floats = tuple(single_precision(v) for v in dict.fromkeys(value.values))
            return one_of(self.column, floats, "FLOAT")
        column = self.column + "::DOUBLE"
        parts = []
        for item in value.ranges:
            if item.low is None:
                parts.append(Predicate(column + " <= ?::DOUBLE", (item.high,)))
            elif item.high is None:
                parts.append(Predicate(column + " >= ?::DOUBLE", (item.low,)))
            else:
                parts.append(Predicate(column + " BETWEEN ?::DOUBLE AND ?::DOUBLE", (item.low, item.high)))
        parts.append(one_of(column, value.values, "DOUBLE"))
        return any_of(parts)

    def covers(self, value: RangeList[float] | None, row: Row, columns: Columns) -> bool:
        """Whether the row's number is one of the values or in one of the ranges, in PostgreSQL's order."""
        if value is None:
            return True
        x = row[self.role]
        if x is None:
            return False
        if self._in_single(value, columns):
            return x in {single_precision(v) for v in value.values}
        key = total_order(x)
        return any(
            (item.low is None or total_order(item.low) <= key) and (item.high is None or key <= total_order(item.high))
            if isinstance(item, Range)
            else total_order(item) == key
            for item in value.items
        )

    def words(self, value: RangeList[float] | None) -> str:
        """Say the union in words."""
        if value is None:
            return "any"
        return " or ".join(_range_words(i) if isinstance(i, Range) else f"exactly {i!r}" for i in value.items)

    def needs(self, value: RangeList[float] | None) -> tuple[str, ...]:
        """Ask for the one column."""
        return () if value is None else (self.role,)

    def _in_single(self, value: RangeList[float], columns: Columns) -> bool:
        return self.role in columns.single and _is_single_list(value)


@dataclass(frozen=True)
class Ignored:
    """A parameter that a dialect does not know."""

    doc: ClassVar[str] = "Unknown, so ignored whatever its value."

    def parse(self, name: str, text: str) -> None:
        """Read nothing."""

    def compile(self, value: None, columns: Columns) -> None:
        """Set no condition."""

    def covers(self, value: None, row: Row, columns: Columns) -> bool:
        """Select every row."""
        return True

    def words(self, value: None) -> str:
        """Say so."""
        return "ignored"

    def needs(self, value: None) -> tuple[str, ...]:
        """Ask for nothing."""
        return ()


def _is_single_list(value: RangeList[float]) -> bool:
    # PostgreSQL makes `real IN (a, b)` a comparison of reals, but not `real = a`, nor with 'NaN' or 'Infinity'.
    return not value.ranges and len(set(value.values)) > 1 and all(map(math.isfinite, value.values))


def _fits_single(value: float) -> bool:
    nearest = single_precision(value)
    return math.isfinite(nearest) and (nearest != 0 or value == 0)


def total_order(x: float) -> tuple[bool, float]:
    """Sort key of PostgreSQL (and DuckDB): NaN above infinity and equal to itself."""
    return (True, 0.0) if math.isnan(x) else (False, x)


def in_order(found: RangeList[float]) -> RangeList[float]:
    """Put the ends of ranges in order: a range and its mirror image mean the same (SSA 1.1 §8.7.2)."""
    return RangeList(tuple(_in_order(item) if isinstance(item, Range) else item for item in found.items))


def _in_order(item: Range[float]) -> Range[float]:
    if item.low is not None and item.high is not None and item.low > item.high:
        return Range(item.high, item.low)
    return item


def _range_words(item: Range[float]) -> str:
    if item.low is None and item.high is None:
        return "anything"
    if item.high is None:
        return f"at least {item.low:g}"
    if item.low is None:
        return f"at most {item.high:g}"
    return f"{item.low:g} to {item.high:g}"
