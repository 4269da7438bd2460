"""Dates of a column as MJD, UTC: from text, and from numbers of another origin, unit or time scale."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from ssap_mirror.core.times import J2000_MJD, JULIAN_YEAR_DAYS, MJD_ZERO_JD, SECONDS_PER_DAY, iso_span, mjd_of
from ssap_mirror.core.units import Conversion, conversion, says_no_unit

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from ssap_mirror.core.schema import Column

__all__ = ["TIME_SCALES", "NumericDates", "count_of_days", "numeric_dates", "text_dates", "utc_of"]

# "JD", "HJD-2400000", "BJD_TDB - 2457000, days" (TESS), "HJD'-2450000". "Days since JD 2450000" is none: what is not
# understood to its end is not understood.
_COUNT = re.compile(
    r"(?P<kind>[MHBT])?JD(?:_?(?P<scale>[A-Z]{2,4}))?'?\s*(?:[-\u2212\u2013]\s*(?P<less>\d+(?:\.\d*)?))?\s*(?:,?\s*[\[(]?d(?:ays?)?[\])]?)?",
    re.IGNORECASE,
)
_ZERO_OF_KIND = {"M": MJD_ZERO_JD, "T": 2_440_000.5}
# Names of TIMESYS (VOTable 1.4 §3.4).
_NAMED_ORIGINS = {"mjd-origin": MJD_ZERO_JD, "jd-origin": 0.0}

# MJD from which on TAI - UTC is so many seconds (IERS Bulletin C); there was no whole number before 1972.
_LEAP_SECONDS = (
    (41317, 10), (41499, 11), (41683, 12), (42048, 13), (42413, 14), (42778, 15), (43144, 16), (43509, 17),
    (43874, 18), (44239, 19), (44786, 20), (45151, 21), (45516, 22), (46247, 23), (47161, 24), (47892, 25),
    (48257, 26), (48804, 27), (49169, 28), (49534, 29), (50083, 30), (50630, 31), (51179, 32), (53736, 33),
    (54832, 34), (56109, 35), (57204, 36), (57754, 37),
)  # fmt: skip
# Time scale (IVOA vocabulary "timescale") -> its clock less that of TAI [s]; TDB is TT to 2 ms. UT1 is UTC to 0.9 s.
_AHEAD_OF_TAI_S = {"tai": 0.0, "tt": 32.184, "et": 32.184, "tdt": 32.184, "tdb": 32.184, "gps": -19.0}
_AS_UTC = {"", "utc", "ut", "ut1", "unknown"}
#: Time scales whose dates can be told in UTC, in capitals.
TIME_SCALES = ("UTC", *(name.upper() for name in _AHEAD_OF_TAI_S))


def text_dates(array: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last instant of each ISO 8601 date of a column [MJD]: the same for a date to the second.

    Parameters
    ----------
    array : pyarrow.Array
        Text. What is no date is as good as NULL.

    Returns
    -------
    tuple of numpy.ndarray of float64, shape (N,)
        NaN where there is no date. The last instant is the largest number before the end of a day, month or year.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    distinct = array if pa.types.is_dictionary(array.type) else pc.dictionary_encode(array)
    spans = np.array([_mjd_span(text) for text in distinct.dictionary.to_pylist()] or np.empty((0, 2)), np.float64)
    spans = np.vstack([spans.reshape(-1, 2), [[np.nan, np.nan]]])
    which = distinct.indices.fill_null(len(spans) - 1).to_numpy(zero_copy_only=False)
    return spans[which, 0], spans[which, 1]


def _mjd_span(text: str | None) -> tuple[float, float]:
    try:
        start, end = iso_span((text or "").strip())
    except ValueError:
        return math.nan, math.nan
    first = mjd_of(start)
    return first, first if end is None else math.nextafter(mjd_of(end), first)


def count_of_days(unit: str) -> tuple[float, str] | None:
    """Origin [Julian date] and time scale that a unit like ``BJD_TDB - 2457000`` tells; None if it is no such unit.

    The scale is in lower case, and empty where it is not told.

    Examples
    --------
    >>> count_of_days("BJD - 2457000, days")
    (2457000.0, '')
    >>> count_of_days("MJD_TDB")
    (2400000.5, 'tdb')
    """
    counted = _COUNT.fullmatch(unit.strip())
    if counted is None:
        return None
    scale = (counted["scale"] or "").lower()
    if scale not in _AS_UTC and scale not in _AHEAD_OF_TAI_S:
        return None
    return _ZERO_OF_KIND.get((counted["kind"] or "").upper(), 0.0) + float(counted["less"] or 0), scale


def utc_of(when: datetime, scale: str) -> datetime:
    """Tell a date of another time scale in UTC.

    Parameters
    ----------
    when : datetime
        Without tzinfo.
    scale : str
        One of `TIME_SCALES`.

    Examples
    --------
    >>> utc_of(datetime(2018, 5, 1, 12, 1, 9, 184000), "TT")
    datetime.datetime(2018, 5, 1, 12, 0)
    """
    if scale.lower() in _AS_UTC:
        return when
    ahead_s = float(_ahead_of_utc_s(np.array([mjd_of(when)]), scale.lower())[0])
    try:
        return when - timedelta(seconds=ahead_s)
    except OverflowError:
        return datetime.min if ahead_s > 0 else datetime.max


@dataclass(frozen=True)
class NumericDates:
    """How the numbers of a column become Modified Julian Dates, UTC."""

    to_days: Conversion
    """From the column's unit to days."""
    shift: float
    """What is then added [d]."""
    scale: str
    """Time scale, in lower case."""
    words: str
    """What the numbers are, in words."""

    @property
    def is_identity(self) -> bool:
        """Whether they are MJD in UTC already."""
        return self.to_days.is_identity and self.shift == 0 and self.scale not in _AHEAD_OF_TAI_S

    def apply(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Convert values, float64, shape (N,)."""
        found: NDArray[np.float64] = self.to_days.apply(values) + self.shift
        return found - _ahead_of_utc_s(found, self.scale) / SECONDS_PER_DAY if self.scale in _AHEAD_OF_TAI_S else found


def numeric_dates(column: Column) -> NumericDates:
    """Find out what the numbers of a column of dates are.

    Parameters
    ----------
    column : Column
        A TIMESYS says what they are counted from (VOTable 1.4 §3.4); without one the unit (``JD``, ``MJD``, Julian
        years) or the xtype may, and else they are MJD (SSA 1.1 §4.2.5.10).

    Raises
    ------
    ValueError
        If the unit, the origin or the time scale is not known.
    """
    unit = (column.unit or "").strip()
    scale = (column.time_scale or "").strip().lower()
    if scale not in _AS_UTC and scale not in _AHEAD_OF_TAI_S:
        message = f"the time scale {column.time_scale!r} is not known"
        raise ValueError(message)
    counted = count_of_days(unit)
    origin = _origin(column.time_origin)
    if counted is not None:
        origin = counted[0] if origin is None else origin
        scale = scale or counted[1]
    in_scale = "" if scale in _AS_UTC else f" in {scale.upper()}"
    if counted is not None or says_no_unit(unit):
        unit = "d"
    to_days = _days(unit, column.unit)
    if origin is None and to_days.times == JULIAN_YEAR_DAYS * to_days.over:
        return NumericDates(to_days, J2000_MJD - 2000 * JULIAN_YEAR_DAYS, scale, f"Julian years{in_scale}")
    if origin is None and not to_days.is_identity:
        message = f"it is not said what the dates in {column.unit!r} are counted from"
        raise ValueError(message)
    if origin is None:
        origin = 0.0 if (column.xtype or "").strip().lower() == "jd" else MJD_ZERO_JD
    since = {MJD_ZERO_JD: "MJD", 0.0: "JD"}.get(origin, f"counted from JD {origin!r}")
    return NumericDates(to_days, origin - MJD_ZERO_JD, scale, (since if unit == "d" else f"{unit} {since}") + in_scale)


def _origin(text: str | None) -> float | None:
    """Julian date of an origin; None if there is none."""
    if not text or not text.strip():
        return None
    key = text.strip().lower()
    try:
        return _NAMED_ORIGINS[key] if key in _NAMED_ORIGINS else float(key)
    except ValueError:
        message = f"the origin of time {text!r} is not known"
        raise ValueError(message) from None


def _days(unit: str, given: str | None) -> Conversion:
    try:
        return conversion(unit, "d")
    except ValueError:
        message = f"{given!r} is no unit of dates"
        raise ValueError(message) from None


def _ahead_of_utc_s(days: NDArray[np.float64], scale: str) -> NDArray[np.float64]:
    """Seconds by which a clock of a time scale is ahead of UTC at these dates, MJD of that scale, shape (N,)."""
    starts, seconds = (np.array(part, np.float64) for part in zip(*_LEAP_SECONDS, strict=True))
    # The clock shows the new offset as soon as it shows the beginning of the day in its own count.
    begins = starts + (seconds + _AHEAD_OF_TAI_S[scale]) / SECONDS_PER_DAY
    known = np.nan_to_num(days, nan=0.0)
    which = np.maximum(np.searchsorted(begins, known, side="right") - 1, 0)
    return seconds[which] + _AHEAD_OF_TAI_S[scale]
