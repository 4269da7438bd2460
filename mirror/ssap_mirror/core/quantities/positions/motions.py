"""Units of proper motions and velocities."""

from __future__ import annotations

import re

from ssap_mirror.core.units import Conversion, conversion

__all__ = ["motion_conversion", "velocity_conversion"]

# How many times a year has one of them, as a product and a quotient
_PER_YEAR = {
    **dict.fromkeys(("yr", "year", "years", "y", "a"), (1.0, 1.0)),
    **dict.fromkeys(("d", "day", "days"), (365.25, 1.0)),
    **dict.fromkeys(("century", "cy"), (1.0, 100.0)),
}
# "mas/yr", "mas.yr-1" (VOUnits, CDS), "mas yr**-1", "mas yr^-1" (astropy, LaTeX), "mas*yr-1", each with blanks
_PER_TIME = re.compile(
    r"(?P<top>[^\s./*^]+)\s*(?:/\s*(?P<per>\w+?)|[\s.*]+(?P<inverse>[A-Za-z]+)\s*(?:\*\*|\^)?\s*\(?-1\)?)"
)
_METRES = {"m": 1.0, "km": 1000.0}


def motion_conversion(unit: str) -> Conversion:
    """Find the factor from the unit of a proper motion to mas/yr; without a unit mas/yr is meant.

    Raises
    ------
    ValueError
        If it is no unit of an angle per time.
    """
    if not unit:
        return Conversion(1.0)
    top, per = _split(unit)
    if per.lower() not in _PER_YEAR:
        message = f"{unit!r} is no unit of an angle per time"
        raise ValueError(message)
    angle, (times, over) = conversion(top, "mas"), _PER_YEAR[per.lower()]
    return Conversion(angle.times * times, angle.over * over)


def velocity_conversion(unit: str) -> Conversion:
    """Find the factor from the unit of a velocity to km/s; without a unit km/s is meant.

    Raises
    ------
    ValueError
        If it is neither km/s nor m/s.
    """
    if not unit:
        return Conversion(1.0)
    top, per = _split(unit)
    if top not in _METRES or per not in ("s", "sec"):
        message = f"{unit!r} is neither km/s nor m/s"
        raise ValueError(message)
    return Conversion(_METRES[top], 1000.0)


def _split(unit: str) -> tuple[str, str]:
    found = _PER_TIME.fullmatch(unit.strip())
    return ("", "") if found is None else (found["top"], found["per"] or found["inverse"])
