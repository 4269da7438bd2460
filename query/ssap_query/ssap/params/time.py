"""TIME: when a spectrum was taken."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, LiteralString

from ssap_mirror.errors import ParameterError

from ssap_query.ssap.columns import Columns, Row
from ssap_query.ssap.parameter import Parameter
from ssap_query.ssap.predicate import TRUE, Predicate, any_of
from ssap_query.ssap.ranges import MAX_TESTS, Range, RangeList, dachs_list
from ssap_query.ssap.values.date_lists import bounds, inside, instant_words, moment_words, read_moments
from ssap_query.ssap.values.dates import Moment, dachs_date, dachs_mjd
from ssap_query.ssap.values.python_text import moment_text

__all__ = ["PARAMETERS"]


# Half the exposure [d]; unknown or senseless ones leave the midpoint alone.
_HALF = (
    "CASE WHEN {t_exptime}::DOUBLE > 0 AND {t_exptime}::DOUBLE < 1e12 THEN {t_exptime}::DOUBLE / 172800e0 ELSE 0e0 END"
)


def _coverage_sql(columns: Columns) -> tuple[LiteralString, LiteralString]:
    """First and last instant of the exposure [MJD], roles in braces."""
    if {"t_min", "t_max"} <= columns.present:
        return "{t_min}", "{t_max}"
    if "t_exptime" in columns.present:
        return "{t_mid} - " + _HALF, "{t_mid} + " + _HALF
    return "{t_mid}", "{t_mid}"


def _coverage(row: Row, columns: Columns) -> tuple[float, float]:
    """First and last instant of the exposure [MJD]; NaN, which compares with nothing, where it is not known."""
    if {"t_min", "t_max"} <= columns.present:
        first, last = (math.nan if row[role] is None else row[role] for role in ("t_min", "t_max"))
        return first, last
    middle = math.nan if row["t_mid"] is None else row["t_mid"]
    half = _half_exposure(row) if "t_exptime" in columns.present else 0.0
    return middle - half, middle + half


def _half_exposure(row: Row) -> float:
    seconds = row.get("t_exptime")
    return float(seconds) / 172800 if seconds is not None and 0 < seconds < 1e12 else 0.0


@dataclass(frozen=True)
class IvoaTime:
    """TIME as SSA 1.1 reads it: overlap with the time coverage of the exposure."""

    doc: ClassVar[str] = (
        "Coverage is from the start to the stop of the observation where the service has these; else it is the "
        "midpoint ± half the exposure (the midpoint alone where the exposure is unknown), or the whole day where there "
        "is no more than a date. A value matches coverage that contains it, a range coverage that overlaps it, ends "
        "included, whichever of them is given first (§8.7.2). `2018`, `2018-05`, `2018-05-01` stand for the whole "
        "year, month, day. Dates are UTC, or in the time system of a qualifier (`;UTC`, `;TT`, `;TDB`, `;TAI`, "
        "`;GPS`). Numbers, an extension, are MJD."
    )

    def parse(self, name: str, text: str) -> RangeList[Moment]:
        """Read a range list of dates."""
        return read_moments(name, text)

    def compile(self, value: RangeList[Moment], columns: Columns) -> Predicate | None:
        """Overlap of coverage and spans; NaN and NULL midpoints never match."""
        if Range(None, None) in value.items:
            return None
        start, end = _coverage_sql(columns)
        parts = []
        for item in value.items:
            low, high = bounds(item)
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
        first, last = _coverage(row, columns)
        for item in value.items:
            low, high = bounds(item)
            begins = last >= (-math.inf if low is None else low.start_mjd)
            ends = high is None or first < high.end_mjd or (high.end is None and first == high.end_mjd)
            if begins and ends:
                return True
        return False

    def words(self, value: RangeList[Moment]) -> str:
        """Say the union in words."""
        return moment_words(value)

    def needs(self, value: RangeList[Moment]) -> tuple[str, ...]:
        """Ask for the midpoint."""
        return ("t_mid",)


@dataclass(frozen=True)
class DachsTime:
    """TIME as the reference server reads it; what it breaks on is read as in ``ivoa``."""

    doc: ClassVar[str] = (
        "The midpoint alone is compared. A date is its midnight, so the last day of a range is out but for its first "
        "instant; ranges include both ends. ISO only; a qualifier is ignored. Lists of dates alone, on which the "
        "server fails, are read as in ivoa."
    )
    ivoa: ClassVar[IvoaTime] = IvoaTime()

    def parse(self, name: str, text: str) -> RangeList[datetime] | RangeList[Moment]:
        """Read a list of dates."""
        found = dachs_list(name, text, dachs_date, most=MAX_TESTS)
        if any(item.step is not None for item in found.ranges):
            raise ParameterError(name, text, "has a step, on which the server fails")
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
        return any(inside(item, middle, dachs_mjd) for item in value.items)

    def words(self, value: Any) -> str:
        """Say the union in words."""
        return moment_words(value) if isinstance(value.items[0], Moment) else instant_words(value)

    def needs(self, value: Any) -> tuple[str, ...]:
        """Ask for the midpoint."""
        return ("t_mid",)


PARAMETERS = (
    Parameter(
        name="TIME",
        title="Date Obs.",
        description="Time of the observation, UTC.",
        rules={"ivoa": IvoaTime(), "dachs": DachsTime()},
        grammar="range list of ISO 8601 dates (or MJD)",
        python=moment_text,
        examples=("2018-05-01", "2018-05/2018-06-15T12:00:00", "2018,58500.25/"),
        roles=("t_mid",),
        instead=("t_min", "t_max"),
        section="4.1.1.4",
        ucd="time.epoch",
        utype="ssa:Char.TimeAxis.Coverage.Location.Value",
        null="a row without a date never matches; NaN never matches (dachs: after all dates)",
    ),
)
