"""When a spectrum was taken: start and stop, midpoint and extent, or a date alone; numbers or ISO 8601 text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core.quantities.numbers import NumberReading, number_candidates
from ssap_mirror.core.quantities.points import floats
from ssap_mirror.core.quantities.reading import Candidates, Finder, NotUnderstood
from ssap_mirror.core.quantities.time_systems import NumericDates, numeric_dates, text_dates
from ssap_mirror.core.times import SECONDS_PER_DAY

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from ssap_mirror.core.schema import Column

__all__ = ["DateAndExtent", "DateColumn", "date_candidates"]

# An exposure of 30,000 years is a slip.
_MAX_EXPOSURE_S = 1e12


@dataclass(frozen=True)
class DateColumn:
    """A column of dates."""

    column: Column
    """The column."""
    numbers: NumericDates | None
    """How its numbers become MJD; None for ISO 8601 text."""

    @classmethod
    def of(cls, column: Column) -> DateColumn:
        """Find out what a column's dates are.

        Raises
        ------
        NotUnderstood
            If that cannot be known.
        """
        if column.shape or column.datatype in ("boolean", "bit"):
            message = f"the column {column.name!r} does not hold one date a row"
            raise NotUnderstood(message)
        if column.is_text:
            return cls(column, None)
        try:
            return cls(column, numeric_dates(column))
        except ValueError as error:
            message = f"the dates of the column {column.name!r} are not understood: {error}"
            raise NotUnderstood(message) from None

    @property
    def is_mjd(self) -> bool:
        """Whether its numbers are MJD in UTC as they stand."""
        return self.numbers is not None and self.numbers.is_identity

    @property
    def words(self) -> str:
        """Its name and what its dates are."""
        return f"{self.column.name} [{'ISO 8601' if self.numbers is None else self.numbers.words}]"

    def spans(self, rows: pa.RecordBatch) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """First and last instant of each date [MJD, UTC]; different for a day, month or year."""
        array = rows.column(self.column.name)
        if self.numbers is None:
            return text_dates(array)
        dates = self.numbers.apply(floats(array))
        return dates, dates


@dataclass(frozen=True)
class StartAndStop:
    """Two columns with the ends of the exposure."""

    start: DateColumn
    """Its beginning."""
    stop: DateColumn
    """Its end."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Both."""
        return self.start.column, self.stop.column

    @property
    def as_is(self) -> Mapping[str, str]:
        """The columns themselves, if they are MJD."""
        if self.start.is_mjd and self.stop.is_mjd:
            return {"t_min": self.start.column.name, "t_max": self.stop.column.name}
        return {}

    @property
    def words(self) -> str:
        """What they are."""
        return f"{self.start.words} and {self.stop.words}"

    def values(self, rows: pa.RecordBatch) -> Mapping[str, NDArray[np.float64]]:
        """Beginning, end and middle."""
        return _coverage(self.start.spans(rows)[0], self.stop.spans(rows)[1])


@dataclass(frozen=True)
class DateAndExtent:
    """A column with the middle of the exposure, or failing that its beginning, and where there is one, its length."""

    date: DateColumn
    """The date."""
    exposures: tuple[NumberReading, ...]
    """Columns with the length, best first: of each row the first that has one counts."""
    begins: bool = False
    """Whether the date is the beginning."""

    @property
    def of_middle(self) -> DateAndExtent:
        """What it takes to know the middle alone: the length says nothing of it, unless the date is the beginning."""
        return self if self.begins else replace(self, exposures=())

    @property
    def columns(self) -> tuple[Column, ...]:
        """One or two."""
        return (self.date.column, *(exposure.column for exposure in self.exposures))

    @property
    def as_is(self) -> Mapping[str, str]:
        """The column itself, if it is a midpoint in MJD: the exposure has a role of its own."""
        return {"t_mid": self.date.column.name} if self.date.is_mjd and not self.begins else {}

    @property
    def words(self) -> str:
        """What they are."""
        part = "start" if self.begins else "midpoint"
        length = " or ".join(exposure.words for exposure in self.exposures)
        return f"{self.date.words} ({part})" + (f" and {length}" if length else "")

    def values(self, rows: pa.RecordBatch) -> Mapping[str, NDArray[np.float64]]:
        """Beginning, end and middle; a day, month or year is its own whole self."""
        first, last = self.date.spans(rows)
        seconds = np.full(len(first), np.nan)
        for exposure in self.exposures:
            (found,) = exposure.values(rows).values()
            seconds = np.where(np.isnan(seconds), found, seconds)
        with np.errstate(invalid="ignore"):
            sensible = (seconds > 0) & (seconds < _MAX_EXPOSURE_S) & (first == last)
        length = np.where(sensible, seconds, 0.0) / SECONDS_PER_DAY
        before, after = (0.0, 1.0) if self.begins else (0.5, 0.5)
        return _coverage(first - before * length, last + after * length)


def date_candidates(finder: Finder) -> Candidates:
    """Ways to read the time: start and stop win over midpoint and extent, these over a beginning."""
    readings: list[StartAndStop | DateAndExtent] = []
    refusals: list[str] = []
    for start, stop in finder.pairs("t_min", "t_max"):
        try:
            readings.append(StartAndStop(DateColumn.of(start), DateColumn.of(stop)))
        except NotUnderstood as error:
            refusals.append(str(error))
    for role in ("t_mid", "t_min"):
        for column in finder.singles(role):
            try:
                readings.append(DateAndExtent(DateColumn.of(column), _exposures(finder), role == "t_min"))
            except NotUnderstood as error:
                refusals.append(str(error))
    return Candidates(tuple(readings), tuple(dict.fromkeys(refusals)))


def _exposures(finder: Finder) -> tuple[NumberReading, ...]:
    """Find the length of the exposure; one that is there and not understood must not pass for none."""
    found = number_candidates(finder, "t_exptime")
    if found.refusals and not found.readings:
        raise NotUnderstood(found.refusals[0])
    return tuple(reading for reading in found.readings if isinstance(reading, NumberReading))


def _coverage(first: NDArray[np.float64], last: NDArray[np.float64]) -> Mapping[str, NDArray[np.float64]]:
    with np.errstate(invalid="ignore"):
        # An instant is its own middle, also one at infinity.
        middle = np.where(first == last, first, first + (last - first) / 2)
    return {"t_min": first, "t_max": last, "t_mid": middle}
