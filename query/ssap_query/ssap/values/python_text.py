"""Writers: a Python value to the text that the standard has for it, one for each kind of parameter.

astropy's objects are known by what they can do, so that nothing is imported for those who do not use them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from numbers import Real
from typing import Any, TypeAlias

from ssap_mirror.errors import ParameterError

__all__ = [
    "Writer",
    "flag_text",
    "identifiers",
    "list_text",
    "moment_text",
    "number_text",
    "plain_text",
    "position_text",
    "range_text",
]

#: Name of the parameter (for errors) and value -> text, or a tuple of identifiers.
Writer: TypeAlias = Callable[[str, object], object]


def position_text(name: str, value: object) -> str:
    """Write a position or several."""
    if isinstance(value, str):
        if not value.strip():
            raise ParameterError(name, value, "is empty, where a position is wanted")
        return value
    if hasattr(value, "icrs"):
        import numpy as np

        _refuse_masked(name, value)
        icrs = value.icrs
        return _joined(name, np.stack([np.ravel(icrs.ra.deg), np.ravel(icrs.dec.deg)], axis=1).tolist())
    items = _items(value)
    if items is None:
        raise ParameterError(name, value, "is neither a position nor several")
    if len(items) == 2 and all(_items(item) is None and not hasattr(item, "icrs") for item in items):
        return _joined(name, [items])
    return _joined(name, items)


def _joined(name: str, positions: Sequence[Any]) -> str:
    numbers = []
    for position in positions:
        if hasattr(position, "icrs"):
            numbers.append(position_text(name, position))
            continue
        pair = _items(position)
        if pair is None or len(pair) != 2:
            raise ParameterError(name, position, "is not a pair of right ascension and declination")
        numbers.append(",".join(_number(name, angle, "deg") for angle in pair))
    if not numbers:
        raise ParameterError(name, positions, "holds no position")
    return ",".join(numbers)


def _number(name: str, value: object, unit: str | None) -> str:
    """Text of a number; a Quantity is converted, a wavelength from frequency or energy if need be."""
    if isinstance(value, str):
        if not value.strip():
            raise ParameterError(name, value, "is empty, where a number is wanted")
        return value
    _refuse_masked(name, value)
    if hasattr(value, "to_value"):
        value = _converted(name, value, unit)
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, Real) or math.isnan(value):
        raise ParameterError(name, value, "is not a number")
    return repr(int(value)) if isinstance(value, int) else repr(float(value))


def _refuse_masked(name: str, value: Any) -> None:
    """Refuse a value that a table says is missing: what is under its mask means nothing."""
    masked = getattr(value, "mask", False)
    if masked is not False and bool(getattr(masked, "any", lambda: masked)()):
        raise ParameterError(name, str(value), "is masked: there is no value")


def _converted(name: str, value: Any, unit: str | None) -> Any:
    from astropy import units

    equivalencies = units.spectral() if unit == "m" else []
    try:
        return value.to_value(units.Unit(unit or ""), equivalencies=equivalencies)
    except units.UnitConversionError as error:
        raise ParameterError(name, str(value), f"cannot be converted to {unit or 'a plain number'}") from error


def _moment(name: str, value: object, unit: str | None) -> str:
    if isinstance(value, str):
        return value
    _refuse_masked(name, value)
    if hasattr(value, "utc") and hasattr(value, "isot"):
        precise = value.utc.replicate()
        precise.precision = 6
        return str(precise.isot)
    if isinstance(value, datetime):
        when = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
        return when.isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "dtype") and value.dtype.kind == "M":
        return str(value).partition(".")[0] + (f".{str(value).partition('.')[2][:6]}" if "." in str(value) else "")
    mjd = float(_number(name, value, "d"))
    return repr(mjd)


def range_text(unit: str | None) -> Writer:
    """Writer of a number in a unit, a pair of them (a range), or a list of pairs (a union of ranges)."""
    return _ranges(unit, _number)


def _ranges(unit: str | None, write: Callable[[str, object, str | None], str]) -> Callable[[str, object], str]:
    """Writer of what `write` writes, a pair of it (a range), or a list of pairs (a union of ranges)."""

    def text(name: str, value: object) -> str:
        items = _items(value)
        if items is None:
            return write(name, value, unit)
        if items and all(_items(item) is not None for item in items):
            return ",".join(text(name, item) for item in items)
        if any(isinstance(end, str) and not end.strip() for end in items):
            raise ParameterError(name, value, "has an empty bound; an open end is None")
        if len(items) != 2:
            reason = "is not a pair (low, high); a union is a list of pairs, or text"
            raise ParameterError(name, value, reason)
        low, high = ("" if end is None else write(name, end, unit) for end in items)
        if unit == "m" and low and high and float(low) > float(high):
            low, high = high, low  # a range of frequencies or energies, as pyvo reads it
        return f"{low}/{high}"

    return text


def number_text(unit: str | None = None) -> Writer:
    """Writer of a number in a unit."""
    return lambda name, value: _number(name, value, unit)


def list_text(name: str, value: object) -> str:
    """Write a word or a sequence of words, which is a union."""
    if isinstance(value, str):
        return value
    items = _items(value)
    if items is None or not all(isinstance(item, str) for item in items):
        raise ParameterError(name, value, "is neither text nor a sequence of texts")
    # Percent-encoded once more, as items of a list are decoded after it is split.
    return ",".join(item.replace("%", "%25").replace(",", "%2C").replace(";", "%3B") for item in map(str, items))


def identifiers(name: str, value: object) -> object:
    """Take an identifier, or a sequence of them as a tuple: they may be too many for text."""
    items = None if isinstance(value, str) else _items(value)
    if items is None:
        return plain_text(name, value)
    if not items:
        raise ParameterError(name, value, "holds no identifier")
    return tuple(str(item) if isinstance(item, str) else item for item in items)


def plain_text(name: str, value: object) -> str:
    """Take text as it is."""
    if not isinstance(value, str):
        raise ParameterError(name, value, "is not text")
    return value


def flag_text(name: str, value: object) -> str:
    """Write a truth value."""
    return ("true" if value else "false") if isinstance(value, bool) else plain_text(name, value)


def _items(value: object) -> list[Any] | None:
    """Items of a sequence or array; None for what is one value."""
    if isinstance(value, str | bytes) or (hasattr(value, "ndim") and value.ndim == 0):
        return None
    if hasattr(value, "isscalar") and value.isscalar:
        return None
    if isinstance(value, Iterable):
        return list(value)
    return None


#: Writer of a moment, a pair of them (a range), or a list of pairs.
moment_text = _ranges("d", _moment)
