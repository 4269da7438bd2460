"""Modified Julian Dates, calendar dates and ISO 8601, in the same time scale (UTC, where nothing else is said)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

__all__ = [
    "J2000_MJD",
    "JULIAN_YEAR_DAYS",
    "MAX_MJD",
    "MJD_EPOCH",
    "MJD_ZERO_JD",
    "SECONDS_PER_DAY",
    "UNIX_EPOCH_MJD",
    "datetime_of",
    "iso_span",
    "mjd_of",
]

#: MJD 0.
MJD_EPOCH = datetime(1858, 11, 17)
#: Julian date of MJD 0.
MJD_ZERO_JD = 2_400_000.5
#: An MJD beyond this (the year 2954), of either sign, is a Julian date or a slip.
MAX_MJD = 400_000.0
#: 1970-01-01 [MJD].
UNIX_EPOCH_MJD = 40587
#: 2000-01-01T12:00 [MJD]: the Julian year 2000.0.
J2000_MJD = 51544.5
JULIAN_YEAR_DAYS = 365.25
SECONDS_PER_DAY = 86400

_ISO = re.compile(
    r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T ](\d{2})(?::(\d{2})(?::(\d{2})(?:\.(\d*))?)?)?)?)?)?(?:Z|\+00:?00)?",
    re.ASCII,
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})(?:\.(\d*))?)?(?:Z|\+00:?00)?", re.ASCII)


def mjd_of(when: datetime) -> float:
    """Convert a date without tzinfo to a Modified Julian Date [d]."""
    passed = when - MJD_EPOCH
    return passed.days + (passed.seconds + passed.microseconds / 1e6) / SECONDS_PER_DAY


def datetime_of(mjd: float) -> datetime:
    """Convert a Modified Julian Date [d] to a date without tzinfo, to the microsecond.

    Raises
    ------
    OverflowError
        If it is not in the years 1 to 9999.

    Examples
    --------
    >>> datetime_of(58100.5)
    datetime.datetime(2017, 12, 13, 12, 0)
    """
    return MJD_EPOCH + timedelta(days=mjd)


def iso_span(text: str) -> tuple[datetime, datetime | None]:
    """Read an ISO 8601 date in UTC, whole or partial: what it names is a span of time.

    Parameters
    ----------
    text : str
        ``2018``, ``2018-05``, ``2018-05-01``, ``2018-05-01T12``, ``...T12:30``, ``...T12:30:45.5``, ``20180501``,
        ``20180501T123045``, each with or without ``Z``, and with a blank for the ``T``.

    Returns
    -------
    datetime, datetime or None
        First instant, and the first after the last (clipped to the end of the year 9999); None for a date to the
        second, which is its own end.

    Raises
    ------
    ValueError
        For other forms (without a message), and for dates that do not exist.
    """
    found = _ISO.fullmatch(text) or _COMPACT.fullmatch(text)
    if not found:
        raise ValueError
    *parts, fraction = found.groups()
    numbers = [int(part) for part in parts if part is not None]
    leap = numbers[3:] == [23, 59, 60]  # a leap second: the next day's first instant to every clock of 86,400 s
    if leap:
        numbers[5] = 59
    padded = numbers + [0, 1, 1][len(numbers) :] if len(numbers) < 3 else numbers
    microsecond = int(f"{(fraction or '0')[:6]:0<6}")
    start = datetime(*padded, microsecond=microsecond, tzinfo=UTC).replace(tzinfo=None)  # type: ignore[misc, arg-type]
    if leap:
        start = _later(start.replace(microsecond=0), seconds=1)
    return start, _end(start, len(numbers))


def _end(start: datetime, pieces: int) -> datetime | None:
    """End of the span that a date of so many pieces names; None for a date to the second."""
    if pieces == 6:
        return None
    if pieces == 1:
        return datetime.max if start.year == 9999 else start.replace(year=start.year + 1)
    if pieces == 2:
        last = (start.year, start.month) == (9999, 12)
        return datetime.max if last else _later(start.replace(day=28), days=4).replace(day=1)
    return _later(start, **{("days", "hours", "minutes")[pieces - 3]: 1})


def _later(when: datetime, **step: int) -> datetime:
    try:
        return when + timedelta(**step)
    except OverflowError:
        return datetime.max
