"""Dates of requests: ISO 8601 in UTC, read as spans of time or, for the reference server, as instants."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from ssap_mirror.core.times import MAX_MJD, MJD_ZERO_JD, datetime_of, iso_span, mjd_of
from ssap_mirror.errors import ParameterError

__all__ = ["Moment", "dachs_date", "dachs_mjd", "ivoa_moment"]

_NUMBER = re.compile(r"[+-]?(?:\d+\.\d*|\.\d+|\d{5})(?:[eE][+-]?\d+)?", re.ASCII)
# The reference server's: separators may be missing, digits may be any script's.
_DACHS = re.compile(
    r"\s*(?:(\d{4})-?(\d\d)-?(\d\d)|(\d{4})-(\d\d?)-(\d\d?))"
    r"(?:[Tt ](?:(\d\d):?(\d\d):?(\d\d)|(\d\d?):(\d\d?):(\d\d?))(?:\.(\d*))?Z?(?:\+00:00)?\s*Z?|\s*Z?)\s*"
)
# A lower-case t it takes in the plainest form alone.
_DACHS_LOWER_T = re.compile(r"\s*\d{4}-\d\d?-\d\d?t\d\d?:\d\d?:\d\d?\s*Z?\s*")


@dataclass(frozen=True)
class Moment:
    """What a date stands for: an instant, or the whole day, month, year, hour or minute that it names."""

    text: str
    """As given."""
    start: datetime
    """First instant, UTC (no tzinfo)."""
    end: datetime | None
    """First instant after it; None for an instant, which is its own end. Clipped to the end of the year 9999."""
    exact_mjd: float | None = None
    """The number given, where it was given as an MJD [d]."""

    def is_after(self, other: Moment) -> bool:
        """Whether it begins only when the other has ended."""
        return self.start > other.start if other.end is None else self.start >= other.end

    @property
    def start_mjd(self) -> float:
        """First instant [MJD]."""
        return mjd_of(self.start) if self.exact_mjd is None else self.exact_mjd

    @property
    def end_mjd(self) -> float:
        """End [MJD]: excluded for a span, included for an instant."""
        return self.start_mjd if self.end is None else mjd_of(self.end)


def ivoa_moment(name: str, piece: str) -> Moment:
    """Read an ISO 8601 date in UTC, whole or partial, or as an extension a Modified Julian Date.

    Parameters
    ----------
    name : str
        The parameter, for errors.
    piece : str
        ``2018``, ``2018-05``, ``2018-05-01``, ``2018-05-01T12``, ``...T12:30``, ``...T12:30:45.5``, ``20180501``,
        ``20180501T123045``, each with or without ``Z``; a number with a point or of five digits is an MJD.

    Raises
    ------
    ParameterError
        For other forms and for dates that do not exist.
    """
    if _NUMBER.fullmatch(piece):
        value = float(piece)
        if not -MAX_MJD <= value <= MAX_MJD:
            raise ParameterError(name, piece, "is no MJD of our millennium; give an MJD or an ISO 8601 date")
        return Moment(piece, datetime_of(value), None, value)
    try:
        return Moment(piece, *iso_span(piece))
    except ValueError as error:
        if error.args:
            raise ParameterError(name, piece, f"is not a date that exists ({error})") from None
        raise ParameterError(
            name, piece, "is not an ISO 8601 date in UTC (as 2018-05-01 or 2018-05-01T12:30:00), nor an MJD"
        ) from None


def dachs_date(piece: str) -> datetime:
    """Read a date as the reference server does: a date alone is its midnight.

    Raises
    ------
    ValueError
        For what it refuses.
    """
    found = _DACHS.fullmatch(piece)
    if not found or ("t" in piece and not _DACHS_LOWER_T.fullmatch(piece)):
        message = f"{piece!r} is not a date"
        raise ValueError(message)
    *parts, fraction = found.groups()
    numbers = [int(part) for part in parts if part is not None]
    microsecond = int(f"{(fraction or '0')[:6]:0<6}")
    return datetime(*numbers, microsecond=microsecond, tzinfo=UTC).replace(tzinfo=None)  # type: ignore[misc, arg-type]


def dachs_mjd(when: datetime) -> float:
    """MJD [d] as the reference server computes it: through a Julian date, with the rounding that costs."""
    return (mjd_of(when) + MJD_ZERO_JD) - MJD_ZERO_JD
