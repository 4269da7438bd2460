"""Dates, times and spans of time as ISO 8601 text, the form that DALI 1.1 §3.3.3 has for them."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from ssap_query.arrow.literals import strings

__all__ = ["iso_texts", "span"]

_NANO = Decimal(1_000_000_000)
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_HOUR, _MINUTE = 3600, 60


def iso_texts(array: pa.Array) -> pa.Array:
    """Text of dates, times, timestamps, durations and intervals.

    Parameters
    ----------
    array : pyarrow.Array of a temporal type, shape (n,)
        The values.

    Returns
    -------
    pyarrow.StringArray, shape (n,)
        ``2018-05-01``, ``12:30:00.5``, ``2018-05-01T12:30:00`` (with a ``Z`` where a time zone is known: in UTC),
        ``P1M2DT36H``.
    """
    kind = array.type
    if pa.types.is_duration(kind):
        return _spans_of_durations(array)
    if pa.types.is_interval(kind):
        return strings(None if v is None else span(v.months, v.days, v.nanoseconds / _NANO) for v in array.to_pylist())
    if pa.types.is_timestamp(kind) and kind.tz:
        array = array.cast(pa.timestamp(kind.unit, "UTC"))
    found = array.cast(pa.string())
    if pa.types.is_timestamp(kind):
        found = pc.replace_substring(found, " ", "T", max_replacements=1)
    # Zeros behind the last digit of the seconds say nothing.
    return pc.replace_substring_regex(pc.replace_substring_regex(found, r"(\.\d*?)0+(Z?)$", r"\1\2"), r"\.(Z?)$", r"\1")


def _spans_of_durations(array: pa.Array) -> pa.Array:
    scale = _PER_SECOND[array.type.unit]
    counts = array.cast(pa.int64()).to_pylist()
    return strings(None if count is None else span(0, 0, Decimal(count) / scale) for count in counts)


def span(months: int, days: int, seconds: Decimal) -> str:
    """Spell a span of time (ISO 8601 §5.5.2.2); its parts may be negative."""
    sign = -1 if seconds < 0 else 1
    hours, rest = divmod(abs(seconds), _HOUR)
    minutes, rest = divmod(rest, _MINUTE)
    date = "".join(f"{value}{unit}" for value, unit in ((months, "M"), (days, "D")) if value)
    parts = ((hours, "H"), (minutes, "M"), (rest, "S"))
    time = "".join(f"{(sign * value).normalize():f}{unit}" for value, unit in parts if value)
    return f"P{date}{'T' if time else ''}{time}" if date or time else "PT0S"
