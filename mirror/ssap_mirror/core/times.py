"""Modified Julian Dates and calendar dates, both in the same time scale (UTC, where nothing else is said)."""

from __future__ import annotations

from datetime import datetime, timedelta

__all__ = ["J2000_MJD", "JULIAN_YEAR_DAYS", "MJD_EPOCH", "SECONDS_PER_DAY", "UNIX_EPOCH_MJD", "datetime_of", "mjd_of"]

#: MJD 0.
MJD_EPOCH = datetime(1858, 11, 17)
#: 1970-01-01 [MJD].
UNIX_EPOCH_MJD = 40587
#: 2000-01-01T12:00 [MJD]: the Julian year 2000.0.
J2000_MJD = 51544.5
JULIAN_YEAR_DAYS = 365.25
SECONDS_PER_DAY = 86400


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
