"""MTIME: when the record of a spectrum was published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from ssap_mirror.errors import ParameterError

from ssap_query.ssap.columns import Columns, Row
from ssap_query.ssap.parameter import Parameter
from ssap_query.ssap.predicate import TRUE, Predicate, any_of, one_of
from ssap_query.ssap.ranges import MAX_TESTS, Range, RangeList, dachs_list
from ssap_query.ssap.values.date_lists import bounds, inside, instant_words, moment_words, read_moments
from ssap_query.ssap.values.dates import Moment, dachs_date
from ssap_query.ssap.values.python_text import moment_text

__all__ = ["PARAMETERS"]

_MAX_STEPS = 2000

_PUBLISHED = "TRY_CAST({date_published} AS TIMESTAMP)"


@dataclass(frozen=True)
class IvoaModified:
    """MTIME: the standard's reading."""

    doc: ClassVar[str] = (
        "Dates as in TIME, against the time of publication; both ends of a range are included. A list, an extension, "
        "is a union."
    )

    def parse(self, name: str, text: str) -> RangeList[Moment]:
        """Read a range list of dates."""
        return read_moments(name, text)

    def compile(self, value: RangeList[Moment], columns: Columns) -> Predicate | None:
        """Spans of timestamps."""
        if Range(None, None) in value.items:
            return None
        parts = []
        for item in value.items:
            low, high = bounds(item)
            lower = TRUE if low is None else Predicate(_PUBLISHED + " >= ?::TIMESTAMP", (low.start,))
            upper = TRUE
            if high is not None and high.end is None:
                upper = Predicate(_PUBLISHED + " <= ?::TIMESTAMP", (high.start,))
            elif high is not None:
                upper = Predicate(_PUBLISHED + " < ?::TIMESTAMP", (high.end,))
            parts.append(lower & upper)
        return any_of(parts)

    def covers(self, value: RangeList[Moment], row: Row, columns: Columns) -> bool:
        """Whether the timestamp lies in one of the spans."""
        if Range(None, None) in value.items:
            return True
        when = _timestamp(row)
        if when is None:
            return False
        for item in value.items:
            low, high = bounds(item)
            begins = low is None or when >= low.start
            ends = high is None or (when <= high.start if high.end is None else when < high.end)
            if begins and ends:
                return True
        return False

    def words(self, value: RangeList[Moment]) -> str:
        """Say the union in words."""
        return moment_words(value)

    def needs(self, value: RangeList[Moment]) -> tuple[str, ...]:
        """Ask for the date of publication."""
        return ("date_published",)


@dataclass(frozen=True)
class DachsModified:
    """MTIME: the reference server's reading."""

    doc: ClassVar[str] = (
        "A date is its midnight; ranges include both ends; `a/b/s` is every s days from a to b (over 2000 steps: the "
        "range)."
    )

    def parse(self, name: str, text: str) -> RangeList[datetime]:
        """Read a list of dates; steps become values."""
        found = dachs_list(name, text, dachs_date, most=MAX_TESTS)
        items: list[datetime | Range[datetime]] = []
        for item in found.items:
            items += _stepped(name, text, item) if isinstance(item, Range) and item.step is not None else [item]
        return RangeList(tuple(items), found.qualifier)

    def compile(self, value: RangeList[datetime], columns: Columns) -> Predicate | None:
        """Condition on the timestamp."""
        parts = []
        for item in value.ranges:
            if item.low is None:
                parts.append(Predicate(_PUBLISHED + " <= ?::TIMESTAMP", (item.high,)))
            elif item.high is None:
                parts.append(Predicate(_PUBLISHED + " >= ?::TIMESTAMP", (item.low,)))
            else:
                parts.append(Predicate(_PUBLISHED + " BETWEEN ?::TIMESTAMP AND ?::TIMESTAMP", (item.low, item.high)))
        parts.append(one_of(_PUBLISHED, value.values, "TIMESTAMP"))
        return any_of(parts)

    def covers(self, value: RangeList[datetime], row: Row, columns: Columns) -> bool:
        """Whether the timestamp is one of the instants or in one of the ranges."""
        when = _timestamp(row)
        return when is not None and any(inside(item, when, lambda x: x) for item in value.items)

    def words(self, value: RangeList[datetime]) -> str:
        """Say the union in words."""
        return instant_words(value)

    def needs(self, value: RangeList[datetime]) -> tuple[str, ...]:
        """Ask for the date of publication."""
        return ("date_published",)


def _stepped(name: str, text: str, item: Range[datetime]) -> list[datetime | Range[datetime]]:
    """Every so many days from low to high, as the reference server expands a step."""
    low, high = item.low, item.high
    if low is None or high is None:
        raise ParameterError(name, text, "has an open range with a step")
    try:
        step = float(item.step or "")
        stride = timedelta(days=step)
    except (ValueError, OverflowError):
        raise ParameterError(name, text, f"has the step {item.step!r}, which is not a number of days") from None
    if stride <= timedelta(0) or low > high:
        raise ParameterError(name, text, "has a step that does not lead from the range's beginning to its end")
    if (high - low) / stride > _MAX_STEPS:
        return [Range(low, high)]
    stepped: list[datetime | Range[datetime]] = [low]
    while high - low >= stride:
        low += stride
        stepped.append(low)
    return stepped


def _timestamp(row: Row) -> datetime | None:
    value = row["date_published"]
    if value is None or isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None)
    except ValueError:
        return None


PARAMETERS = (
    Parameter(
        name="MTIME",
        title="Pub. Date",
        description="Date the record was last published, UTC.",
        rules={"ivoa": IvoaModified(), "dachs": DachsModified()},
        grammar="range list of ISO 8601 dates (or MJD)",
        python=moment_text,
        examples=("2019-03", "2019-01-01/", "/2018-12-31"),
        roles=("date_published",),
        section="4.1.2.17",
        utype="ssa:Curation.Date",
        null="NULL never matches",
    ),
)
