"""Factors from the units that catalogues use to those of the cross-match (deg, mas/yr, mas, km/s, arcsec)."""

from __future__ import annotations

import math
import re

from ssap_mirror.errors import ParameterError

__all__ = ["angle_factor", "motion_factor", "velocity_factor"]

_DEGREES = {
    "deg": 1.0,
    "degree": 1.0,
    "degrees": 1.0,
    "°": 1.0,
    "rad": math.degrees(1.0),
    "radian": math.degrees(1.0),
    "hourangle": 15.0,
    "h": 15.0,
    "hr": 15.0,
    "arcmin": 1 / 60,
    "arcsec": 1 / 3600,
    '"': 1 / 3600,
    "mas": 1 / 3.6e6,
    "uas": 1 / 3.6e9,
    "µas": 1 / 3.6e9,
}
_YEARS = {"yr": 1.0, "year": 1.0, "y": 1.0, "a": 1.0, "d": 1 / 365.25}
_METRES_PER_SECOND = {"m": 1.0, "km": 1000.0}

# "mas/yr", "mas.yr-1" (VOUnits, CDS), "mas yr**-1", "mas yr^-1" (astropy, LaTeX), "mas*yr-1", each with blanks
_PER_TIME = re.compile(
    r"(?P<top>[^\s./*^]+)\s*(?:/\s*(?P<per>\w+?)|[\s.*]+(?P<inverse>[a-z]+)\s*(?:\*\*|\^)?\s*\(?-1\)?)"
)


def angle_factor(unit: str | None, target: str, parameter: str) -> float:
    """Factor from an angle's unit to another; without a unit the target's is meant.

    Parameters
    ----------
    unit : str or None
        Unit of the column.
    target : str
        ``"deg"``, ``"mas"`` or ``"arcsec"``.
    parameter : str
        Named in the error.

    Raises
    ------
    ParameterError
        If it is no unit of an angle.
    """
    if not unit or not unit.strip():
        return 1.0
    key = unit.strip().lower()
    if key == target:
        return 1.0
    if key not in _DEGREES:
        raise ParameterError(parameter, unit, f"is the unit of the column, and not one that converts to {target}")
    return _DEGREES[key] / _DEGREES[target]


def motion_factor(unit: str | None, parameter: str) -> float:
    """Factor from a proper motion's unit to mas/yr; without a unit mas/yr is meant.

    Raises
    ------
    ParameterError
        If it is no unit of an angle per time.
    """
    if not unit or not unit.strip():
        return 1.0
    top, per = _split(unit)
    if top not in _DEGREES or per not in _YEARS:
        raise ParameterError(parameter, unit, "is the unit of the column, and not one that converts to mas/yr")
    factor = 1.0 if top == "mas" else _DEGREES[top] / _DEGREES["mas"]
    return factor / _YEARS[per]


def velocity_factor(unit: str | None, parameter: str) -> float:
    """Factor from a velocity's unit to km/s; without a unit km/s is meant.

    Raises
    ------
    ParameterError
        If it is neither km/s nor m/s.
    """
    if not unit or not unit.strip():
        return 1.0
    top, per = _split(unit)
    if top not in _METRES_PER_SECOND or per != "s":
        raise ParameterError(parameter, unit, "is the unit of the column, and not one that converts to km/s")
    return _METRES_PER_SECOND[top] / 1000.0


def _split(unit: str) -> tuple[str, str]:
    found = _PER_TIME.fullmatch(unit.strip().lower())
    if found is None:
        return "", ""
    return found["top"], found["per"] or found["inverse"]
