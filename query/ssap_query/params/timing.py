"""TIME and MTIME: when a spectrum was taken, and when its record was published."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from ssap_mirror.errors import ParameterError

from ssap_query.params.dates import Moment, dachs_date, dachs_mjd, ivoa_moment
from ssap_query.params.parameter import Columns, Parameter, Row
from ssap_query.predicate import TRUE, Predicate, any_of
from ssap_query.ranges import Range, RangeList, dachs_list, ivoa_list

__all__ = ["PARAMETERS"]

_MAX_RANGES = 1000
_MAX_STEPS = 2000

# Half the exposure [d]; unknown or senseless ones leave the midpoint alone.
_HALF = (
    "CASE WHEN {t_exptime}::DOUBLE > 0 AND {t_exptime}::DOUBLE < 1e12 THEN {t_exptime}::DOUBLE / 172800e0 ELSE 0e0 END"
)
_PUBLISHED = "TRY_CAST({date_published} AS TIMESTAMP)"


def _half_exposure(row: Row) -> float:
    seconds = row.get("t_exptime")
    return float(seconds) / 172800 if seconds is not None and 0 < seconds < 1e12 else 0.0


def _read_moments(name: str, text: str) -> RangeList[Moment]:
    """Read a range list of dates with checked order and size."""
    found = ivoa_list(name, text, ivoa_moment)
    if found.qualifier:
        raise ParameterError(
            name, text, f"has the qualifier {found.qualifier!r}, but {name} takes none (dates are UTC)"
        )
    if len(found.items) > _MAX_RANGES:
        raise ParameterError(name, text, f"has more than the {_MAX_RANGES:,} items allowed")
    for item in found.ranges:
        if item.low is not None and item.high is not None and item.low.is_after(item.high):
            raise ParameterError(
                name, text, f"has a range that begins with {item.low.text} after its end {item.high.text}"
            )
    return found


def _moment_words(value: RangeList[Moment]) -> str:
    def words(item: Moment | Range[Moment]) -> str:
        if isinstance(item, Moment):
            return f"at {item.text}" if item.end is None else f"in {item.text}"
        if item.low is None and item.high is None:
            return "any time"
        if item.low is None:
            return f"until {item.high.text if item.high else ''} (included)"
        if item.high is None:
            return f"from {item.low.text} on"
        return f"from {item.low.text} to {item.high.text} (both included)"

    return " or ".join(words(item) for item in value.items)


def _bounds(item: Moment | Range[Moment]) -> tuple[Moment | None, Moment | None]:
    return (item.low, item.high) if isinstance(item, Range) else (item, item)


@dataclass(frozen=True)
class IvoaTime:
    """TIME as SSA 1.1 reads it: overlap with the time coverage of the exposure."""

    doc: ClassVar[str] = (
        "Coverage is the midpoint ± half the exposure (the midpoint alone where the exposure is unknown). A value "
        "matches coverage that contains it, a range coverage that overlaps it, ends included. `2018`, `2018-05`, "
        "`2018-05-01` stand for the whole year, month, day; numbers are MJD."
    )

    def parse(self, name: str, text: str) -> RangeList[Moment]:
        """Read a range list of dates."""
        return _read_moments(name, text)

    def compile(self, value: RangeList[Moment], columns: Columns) -> Predicate | None:
        """Overlap of coverage and spans; NaN and NULL midpoints never match."""
        if Range(None, None) in value.items:
            return None
        extended = "t_exptime" in columns.present
        end = "{t_mid} + " + _HALF if extended else "{t_mid}"
        start = "{t_mid} - " + _HALF if extended else "{t_mid}"
        parts = []
        for item in value.items:
            low, high = _bounds(item)
            lower = Predicate(
                end + " BETWEEN ?::DOUBLE AND 'inf'::DOUBLE", (-math.inf if low is None else low.start_mjd,)
            )
            upper = TRUE
            if high is not None:
                upper = Predicate(start + (" <= ?::DOUBLE" if high.end is None else " < ?::DOUBLE"), (high.end_mjd,))
            parts.append(lower & upper)
        return any_of(parts)

    def covers(self, value: RangeList[Moment], row: Row, columns: Columns) -> bool:
        """Whether the exposure overlaps one of the spans."""
        if Range(None, None) in value.items:
            return True
        middle = row["t_mid"]
        if middle is None or math.isnan(middle):
            return False
        half = _half_exposure(row) if "t_exptime" in columns.present else 0.0
        for item in value.items:
            low, high = _bounds(item)
            begins = low is None or middle + half >= low.start_mjd
            ends = high is None or middle - half < high.end_mjd or (high.end is None and middle - half == high.end_mjd)
            if begins and ends:
                return True
        return False

    def words(self, value: RangeList[Moment]) -> str:
        """Say the union in words."""
        return _moment_words(value)

    def needs(self, value: RangeList[Moment]) -> tuple[str, ...]:
        """Ask for the midpoint."""
        return ("t_mid",)


@dataclass(frozen=True)
class DachsTime:
    """TIME as the reference server reads it; what it breaks on is read as in ``ivoa``."""

    doc: ClassVar[str] = (
        "The midpoint alone is compared. A date is its midnight, so the last day of a range is out but for its first "
        "instant; ranges include both ends. ISO only. Lists of dates alone, on which the server fails, are read as in "
        "ivoa."
    )
    ivoa: ClassVar[IvoaTime] = IvoaTime()

    def parse(self, name: str, text: str) -> RangeList[datetime] | RangeList[Moment]:
        """Read a list of dates."""
        found = dachs_list(name, text, dachs_date)
        if any(item.step is not None for item in found.ranges):
            raise ParameterError(name, text, "has a step, on which the server fails")
        if len(found.items) > _MAX_RANGES:
            raise ParameterError(name, text, f"has more than the {_MAX_RANGES:,} items allowed")
        if len(found.items) > 1 and not found.ranges:
            return self.ivoa.parse(name, text.partition(";")[0])
        return found

    def compile(self, value: Any, columns: Columns) -> Predicate | None:
        """Condition on the midpoint."""
        if isinstance(value.items[0], Moment):
            return self.ivoa.compile(value, columns)
        parts = []
        for item in value.items:
            if isinstance(item, datetime):
                parts.append(Predicate("{t_mid} = ?::DOUBLE", (dachs_mjd(item),)))
            elif item.low is None:
                parts.append(Predicate("{t_mid} <= ?::DOUBLE", (dachs_mjd(item.high),)))
            elif item.high is None:
                parts.append(Predicate("{t_mid} >= ?::DOUBLE", (dachs_mjd(item.low),)))
            else:
                ends = (dachs_mjd(item.low), dachs_mjd(item.high))
                parts.append(Predicate("{t_mid} BETWEEN ?::DOUBLE AND ?::DOUBLE", ends))
        return any_of(parts)

    def covers(self, value: Any, row: Row, columns: Columns) -> bool:
        """Whether the midpoint is one of the instants or in one of the ranges; NaN is late."""
        if isinstance(value.items[0], Moment):
            return self.ivoa.covers(value, row, columns)
        middle = row["t_mid"]
        if middle is None:
            return False
        middle = math.inf if math.isnan(middle) else middle
        return any(_inside(item, middle, dachs_mjd) for item in value.items)

    def words(self, value: Any) -> str:
        """Say the union in words."""
        return _moment_words(value) if isinstance(value.items[0], Moment) else _instant_words(value)

    def needs(self, value: Any) -> tuple[str, ...]:
        """Ask for the midpoint."""
        return ("t_mid",)


@dataclass(frozen=True)
class IvoaModified:
    """MTIME: the standard's reading."""

    doc: ClassVar[str] = "Dates as in TIME, against the time of publication; both ends of a range are included."

    def parse(self, name: str, text: str) -> RangeList[Moment]:
        """Read a range list of dates."""
        return _read_moments(name, text)

    def compile(self, value: RangeList[Moment], columns: Columns) -> Predicate | None:
        """Spans of timestamps."""
        if Range(None, None) in value.items:
            return None
        parts = []
        for item in value.items:
            low, high = _bounds(item)
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
            low, high = _bounds(item)
            begins = low is None or when >= low.start
            ends = high is None or (when <= high.start if high.end is None else when < high.end)
            if begins and ends:
                return True
        return False

    def words(self, value: RangeList[Moment]) -> str:
        """Say the union in words."""
        return _moment_words(value)

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
        found = dachs_list(name, text, dachs_date)
        if len(found.items) > _MAX_RANGES:
            raise ParameterError(name, text, f"has more than the {_MAX_RANGES:,} items allowed")
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
        if value.values:
            parts.append(Predicate(_PUBLISHED + " IN (SELECT unnest(?::TIMESTAMP[]))", (value.values,)))
        return any_of(parts)

    def covers(self, value: RangeList[datetime], row: Row, columns: Columns) -> bool:
        """Whether the timestamp is one of the instants or in one of the ranges."""
        when = _timestamp(row)
        return when is not None and any(_inside(item, when, lambda x: x) for item in value.items)

    def words(self, value: RangeList[datetime]) -> str:
        """Say the union in words."""
        return _instant_words(value)

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


def _inside(item: Any, x: Any, number: Any) -> bool:
    if not isinstance(item, Range):
        return bool(x == number(item))
    return (item.low is None or x >= number(item.low)) and (item.high is None or x <= number(item.high))


def _timestamp(row: Row) -> datetime | None:
    value = row["date_published"]
    if value is None or isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None)
    except ValueError:
        return None


def _instant_words(value: RangeList[datetime]) -> str:
    def words(item: datetime | Range[datetime]) -> str:
        if isinstance(item, Range):
            return f"from {item.low or 'ever'} to {item.high or 'ever'}"
        return f"exactly {item}"

    return " or ".join(words(item) for item in value.items)


PARAMETERS = (
    Parameter(
        name="TIME",
        title="Date Obs.",
        description="Time of the observation, UTC.",
        rules={"ivoa": IvoaTime(), "dachs": DachsTime()},
        grammar="range list of ISO 8601 dates (or MJD)",
        examples=("2018-05-01", "2018-05/2018-06-15T12:00:00", "2018,58500.25/"),
        roles=("t_mid",),
        ucd="time.epoch",
        utype="ssa:Char.TimeAxis.Coverage.Location.Value",
        null="a row without a date never matches; NaN never matches (dachs: after all dates)",
    ),
    Parameter(
        name="MTIME",
        title="Pub. Date",
        description="Date the record was last published, UTC.",
        rules={"ivoa": IvoaModified(), "dachs": DachsModified()},
        grammar="range list of ISO 8601 dates (or MJD)",
        examples=("2019-03", "2019-01-01/", "/2018-12-31"),
        roles=("date_published",),
        utype="ssa:Curation.Date",
        null="NULL never matches",
    ),
)
