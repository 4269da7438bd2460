"""Values as people type them: with units, and positions in hours, minutes and seconds."""

from __future__ import annotations

import re

from ssap_mirror.errors import ParameterError

from ssap_query.ssap import REGISTRY

__all__ = ["in_units", "other_unit"]

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_WITH_UNIT = re.compile(rf"({_NUMBER})\s*([A-Za-zÅµ]+)")
_SEXAGESIMAL = re.compile(r"[\d\s.:+\-dhms°'\"′″,]+")
# What the letter means at a telescope; to a physicist it is the ampere.
_UNITS = {"A": "Angstrom", "Å": "Angstrom", "micron": "um", "µm": "um"}
_POS, _BAND = "POS", "BAND"
# Wavelengths in metres are far below, and those in ångströms far above.
_NO_METRES = 1.0


def in_units(name: str, text: str) -> str:
    """Write a value in the unit of its parameter.

    Parameters
    ----------
    name : str
        The parameter.
    text : str
        What was typed: ``6arcmin``, ``650nm/660nm``, ``12h30m +43d``.

    Returns
    -------
    str
        As the standard writes it; what has no unit stays as it is.

    Raises
    ------
    ParameterError
        If a unit does not fit the parameter, or a position cannot be read.
    """
    if name == _POS:
        return _position(text)
    unit = next((parameter.unit for parameter in REGISTRY if parameter.name == name), None)
    if not unit or not _WITH_UNIT.search(text):
        return text
    return re.sub(r"[^/,]+", lambda part: _converted(name, part.group(), unit), text)


def _converted(name: str, text: str, unit: str) -> str:
    found = _WITH_UNIT.fullmatch(text.strip())
    if found is None:
        return text
    from astropy import units

    number, typed = found.groups()
    try:
        given = float(number) * units.Unit(_UNITS.get(typed, typed))
        value = given.to_value(unit, equivalencies=units.spectral() if name == _BAND else [])
    except ValueError as error:  # no unit, or one of another kind
        raise ParameterError(name, text, f"has a unit that is none of {name}, which is in {unit}") from error
    # Of the digits that a person has typed; a product of doubles would show its rounding.
    return f"{value:.15g}"


def _position(text: str) -> str:
    centre, semicolon, frame = text.partition(";")
    if not (re.search(r"\d\s*[hd:°]", centre) and _SEXAGESIMAL.fullmatch(centre)):
        return text
    from astropy import units
    from astropy.coordinates import SkyCoord

    try:
        found = SkyCoord(centre.replace(",", " "), unit=(units.hourangle, units.deg))
    except ValueError as error:
        raise ParameterError(_POS, text, f"cannot be read as hours and degrees: {error}") from error
    return f"{float(found.ra.deg)!r},{float(found.dec.deg)!r}{semicolon}{frame}"


def other_unit(name: str, text: str) -> str:
    """Say that a value looks like one in another unit; nothing where it does not."""
    if name != _BAND:
        return ""
    numbers = [float(number) for number in re.findall(_NUMBER, text)]
    if not numbers or max(numbers) < _NO_METRES or re.search("[A-Za-z]{2}", text):
        return ""
    shown = f"{max(numbers):g}"
    return f"BAND is in metres, and {shown} looks like another unit; write {shown}A or {shown}nm if that is meant"
