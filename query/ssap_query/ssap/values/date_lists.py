"""What TIME and MTIME share: lists of dates, read and put in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ssap_mirror.core.times import mjd_of
from ssap_mirror.errors import ParameterError

from ssap_query.ssap.ranges import MAX_TESTS, Range, RangeList, ivoa_list
from ssap_query.ssap.values.dates import Moment, ivoa_moment

__all__ = ["bounds", "inside", "instant_words", "moment_words", "read_moments"]


def read_moments(name: str, text: str) -> RangeList[Moment]:
    """Read a range list of dates, the ends of ranges in order.

    Parameters
    ----------
    name, text : str
        The parameter and its value; a qualifier is the time system, without which it is UTC (SSA 1.1 §4.1.1.4).

    Raises
    ------
    ParameterError
        If it is no list of dates, or the time system is not known.
    """
    found = ivoa_list(name, text, ivoa_moment, most=MAX_TESTS)
    in_utc = _converter(name, text, (found.qualifier or "UTC").upper())
    return RangeList(
        tuple(
            _in_order(Range(item.low and in_utc(item.low), item.high and in_utc(item.high)))
            if isinstance(item, Range)
            else in_utc(item)
            for item in found.items
        )
    )


def _converter(name: str, text: str, scale: str) -> Callable[[Moment], Moment]:
    """Make what tells a moment of a time scale in UTC."""
    if scale == "UTC":
        return lambda moment: moment
    # Imports numpy, which a request in UTC does without.
    from ssap_mirror.core.quantities.time_systems import TIME_SCALES, utc_of

    if scale not in TIME_SCALES:
        raise ParameterError(name, text, f"is in the time system {scale!r}; known are {', '.join(TIME_SCALES)}")

    def in_utc(moment: Moment) -> Moment:
        start, end, mjd = utc_of(moment.start, scale), moment.end, moment.exact_mjd
        return Moment(
            f"{moment.text} {scale}",
            start,
            None if end is None else utc_of(end, scale),
            None if mjd is None else mjd_of(start),
        )

    return in_utc


def _in_order(item: Range[Moment]) -> Range[Moment]:
    """Put the ends in order: a range and its mirror image mean the same (SSA 1.1 §8.7.2)."""
    if item.low is not None and item.high is not None and item.low.is_after(item.high):
        return Range(item.high, item.low)
    return item


def moment_words(value: RangeList[Moment]) -> str:
    """Say a union of spans in words."""

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


def bounds(item: Moment | Range[Moment]) -> tuple[Moment | None, Moment | None]:
    """Both ends of a range; a value is its own."""
    return (item.low, item.high) if isinstance(item, Range) else (item, item)


def inside(item: Any, x: Any, number: Callable[[datetime], Any]) -> bool:
    """Whether x is an instant, or between the ends of a range, which `number` makes comparable."""
    if not isinstance(item, Range):
        return bool(x == number(item))
    return (item.low is None or x >= number(item.low)) and (item.high is None or x <= number(item.high))


def instant_words(value: RangeList[datetime]) -> str:
    """Say a union of instants and ranges between them in words."""

    def words(item: datetime | Range[datetime]) -> str:
        if isinstance(item, Range):
            return f"from {item.low or 'ever'} to {item.high or 'ever'}"
        return f"exactly {item}"

    return " or ".join(words(item) for item in value.items)
