"""Units of columns: converted where there is one way between them, refused otherwise, never guessed.

The units of the field stand in a table with exact factors, so that nothing slow is loaded for them; astropy reads what
the table does not have.
"""

from __future__ import annotations

import re
import warnings
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from math import pi
from typing import TYPE_CHECKING, Any

from ssap_mirror.core.times import JULIAN_YEAR_DAYS, SECONDS_PER_DAY

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import NDArray

__all__ = ["Conversion", "conversion", "says_no_unit", "to_degrees", "to_wavelength"]

# VOUnits 1.1 §2.9 has the empty string; the others are CDS's and table writers' ways to say it.
_NO_UNIT = {"", "-", "--", "---", "1"}
_FORMATS = ("vounit", "fits", "cds")
# Of a word; what is shorter is a symbol, whose case means something, and so does that of a prefix before a symbol.
_LEAST_LETTERS, _WITH_PREFIX = 4, {"mrad", "marcsec", "uarcsec"}
# Astropy knows JD as a day, and with any prefix of the SI: TJD would be a million million of them.
_COUNT_OF_DAYS = re.compile(r"\b[A-Za-z]?JD\b")

# CODATA 2018, exact by definition of the SI.
_LIGHT_M_S, _PLANCK_J_S, _EV_J = "299792458", "6.62607015e-34", "1.602176634e-19"
_JULIAN_YEAR_S = int(JULIAN_YEAR_DAYS * SECONDS_PER_DAY)

#: Dimension -> its base unit; each unit of the table is a multiple of its dimension's.
_BASES = {"angle": "deg", "time": "s", "length": "m", "frequency": "Hz", "energy": "eV", "wavenumber": "m-1"}


@cache
def _wavelengths() -> dict[str, Fraction | None]:
    """Dimension -> what divided by a value in its base unit is the wavelength in m; None for wavelengths themselves."""
    from fractions import Fraction

    light = Fraction(_LIGHT_M_S)
    energy = Fraction(_PLANCK_J_S) * light / Fraction(_EV_J)
    return {"length": None, "frequency": light, "energy": energy, "wavenumber": Fraction(1)}


@cache
def _table() -> dict[str, tuple[str, Fraction]]:
    """Spelling -> dimension, and the unit in the dimension's base unit; made when it is first needed."""
    from fractions import Fraction

    known: dict[str, tuple[str, Fraction]] = {}

    def add(dimension: str, spellings: str, factor: Fraction | int) -> None:
        known.update({spelling: (dimension, Fraction(factor)) for spelling in spellings.split()})

    degrees_per_radian = 180 / Fraction(pi)
    add("angle", "deg degree degrees Degree Degrees DEG °", 1)
    add("angle", "rad radian radians", degrees_per_radian)
    add("angle", "mrad", degrees_per_radian / 1000)
    add("angle", "hourangle", 15)
    add("angle", "arcmin arcminute arcminutes '", Fraction(1, 60))
    add("angle", 'arcsec arcsecond arcseconds asec "', Fraction(1, 3600))
    add("angle", "mas marcsec", Fraction(1, 3_600_000))
    add("angle", "uas uarcsec µas", Fraction(1, 3_600_000_000))
    add("time", "s sec second seconds", 1)
    add("time", "ms", Fraction(1, 1000))
    add("time", "us µs", Fraction(1, 10**6))
    add("time", "ks", 1000)
    add("time", "min minute minutes", 60)
    add("time", "h hr hour hours", 3600)
    add("time", "d day days", SECONDS_PER_DAY)
    add("time", "a yr year years", _JULIAN_YEAR_S)
    add("length", "m meter meters metre metres", 1)
    add("length", "km", 1000)
    add("length", "cm", Fraction(1, 100))
    add("length", "mm", Fraction(1, 1000))
    add("length", "um µm μm micron microns micrometer micrometers", Fraction(1, 10**6))
    add("length", "nm nanometer nanometers nanometre nanometres", Fraction(1, 10**9))
    add("length", "pm", Fraction(1, 10**12))
    add("length", "Angstrom Angstroms angstrom angstroms ANGSTROM AA Å Å", Fraction(1, 10**10))
    for prefix, factor in (("", 1), ("k", 10**3), ("M", 10**6), ("G", 10**9), ("T", 10**12)):
        add("frequency", f"{prefix}Hz", factor)
        add("energy", f"{prefix}eV", factor)
    add("energy", "meV", Fraction(1, 1000))
    add("energy", "J", 1 / Fraction(_EV_J))
    add("energy", "erg", 1 / Fraction(_EV_J) / 10**7)
    for length, factor in (("m", 1), ("cm", 100), ("mm", 1000), ("um", 10**6)):
        add("wavenumber", f"1/{length} {length}-1 {length}^-1 {length}**-1 {length}**(-1) /{length}", factor)
    return known


@dataclass(frozen=True)
class Conversion:
    """How a value in one unit becomes one in another; a division where that is exact.

    5000 Angstrom are 5e-07 m and not a bit more.
    """

    times: float
    """Multiply by this."""
    over: float = 1.0
    """Divide by this."""
    inverse: bool = False
    """Whether the value is divided into `times` instead: the more of one, the less of the other."""

    @property
    def is_identity(self) -> bool:
        """Whether values stay as they are."""
        return self.times == self.over and not self.inverse

    def apply(self, values: NDArray[Any]) -> NDArray[Any]:
        """Convert values.

        Parameters
        ----------
        values : numpy.ndarray of float64, shape (N,)
            In the unit given.

        Returns
        -------
        numpy.ndarray of float64, shape (N,)
            In the unit wanted.
        """
        if self.is_identity:
            return values
        if self.inverse:
            import numpy as np

            with np.errstate(divide="ignore"):
                return self.times / (values * self.over)
        return values * self.times / self.over


def says_no_unit(unit: str | None) -> bool:
    """Whether a unit string says that there is none, or says nothing."""
    return (unit or "").strip() in _NO_UNIT


def conversion(given: str | None, wanted: str | None) -> Conversion:
    """Find the factor from one unit to another.

    Parameters
    ----------
    given, wanted : str or None
        Unit strings: VOUnits, FITS or CDS, or a usual word for one.

    Returns
    -------
    Conversion
        The identity for equal units.

    Raises
    ------
    ValueError
        If a unit is not known, or there is no factor between the two: a magnitude is no flux, and a number without a
        unit is not a number with one.
    """
    given, wanted = _spelled(given), _spelled(wanted)
    if given == wanted or (given in _NO_UNIT and wanted in _NO_UNIT):
        return Conversion(1.0)
    if given in _NO_UNIT or wanted in _NO_UNIT:
        one, other = (given or "no unit", wanted or "no unit")
        message = f"{one!r} is not {other!r}, and there is no factor between them"
        raise ValueError(message)
    known = _table()
    if given in known and wanted in known:
        (dimension, left), (other, right) = known[given], known[wanted]
        if dimension != other:
            message = f"{given!r} cannot be converted to {wanted!r}"
            raise ValueError(message)
        return _exact(left / right)
    return _exact(_astropy_factor(given, wanted))


def to_degrees(unit: str | None) -> Conversion:
    """Find the factor from the unit of an angle to degrees.

    Parameters
    ----------
    unit : str or None
        Hours are hour angles here, of 15 degrees; without a unit, degrees are meant (SSA 1.1 §4.2.5.10).

    Raises
    ------
    ValueError
        If it is no unit of an angle.
    """
    if says_no_unit(unit):
        return Conversion(1.0)
    text = _spelled(unit)
    known = _table()
    return conversion("hourangle" if known.get(text) == known["h"] else text, "deg")


def to_wavelength(unit: str | None) -> Conversion:
    """Find the way from a wavelength, frequency, energy or wavenumber to the wavelength in vacuum in metres.

    Parameters
    ----------
    unit : str or None
        ``A`` is the Angstrom here: no spectrum is measured in ampere. Without a unit, metres are meant (SSA 1.1
        §4.2.5.10).

    Raises
    ------
    ValueError
        If it is no unit of a spectral coordinate.
    """
    if says_no_unit(unit):
        return Conversion(1.0)
    text = _spelled(unit)
    dimension, factor = _table()["Angstrom"] if text == "A" else _spectral_unit(text)
    numerator = _wavelengths()[dimension]
    if numerator is None:
        return _exact(factor)
    exact = _exact(numerator / factor)
    return Conversion(exact.times, exact.over, inverse=True)


def _spelled(unit: str | None) -> str:
    """Write a unit as the table has it: words in any case, since ``Mrad`` and ``mrad`` are two but ``Days`` is one."""
    text = (unit or "").strip()
    plain = text.removeprefix("[").removesuffix("]").strip() if text.startswith("[") else text
    for spelling in (plain, plain.removesuffix(".")):
        word = spelling.lower()
        if len(word) >= _LEAST_LETTERS and word.isalpha() and word not in _WITH_PREFIX and word in _table():
            return word if spelling not in _table() else spelling
    return plain.removesuffix(".") if plain.removesuffix(".") in _table() else plain


def _spectral_unit(text: str) -> tuple[str, Fraction]:
    known, spectral = _table(), _wavelengths()
    if text in known:
        dimension, factor = known[text]
        if dimension in spectral:
            return dimension, factor
    else:
        _parsed(text)  # an unknown unit is another error than one that is none of these
        for dimension in spectral:
            with suppress(ValueError):
                return dimension, _astropy_factor(text, _BASES[dimension])
    message = f"{text!r} is no unit of wavelength, frequency, energy or wavenumber"
    raise ValueError(message)


def _astropy_factor(given: str, wanted: str) -> Fraction:
    from astropy import units

    left, right = _parsed(given), _parsed(wanted)
    try:
        factor = float(left.to(right))
    except (units.UnitConversionError, units.UnitTypeError, TypeError) as error:
        message = f"{given!r} cannot be converted to {wanted!r}"
        raise ValueError(message) from error
    return _unrounded(factor)


def _parsed(text: str) -> Any:
    from astropy import units

    if _COUNT_OF_DAYS.search(text):
        message = f"{text!r} counts days from a date, and is no length of time"
        raise ValueError(message)
    with warnings.catch_warnings():
        # Deprecated spellings (Angstrom in VOUnits) are known all the same.
        warnings.simplefilter("ignore", units.UnitsWarning)
        for form in _FORMATS:
            try:
                unit = units.Unit(text, format=form, parse_strict="raise")
            except (ValueError, TypeError):
                continue
            if isinstance(unit, units.UnitBase):
                return unit
    message = f"the unit {text!r} is not known"
    raise ValueError(message)


def _unrounded(factor: float) -> Fraction:
    """Take off what rounding has left: a factor, or its inverse, that is a whole number but for the last digits."""
    from fractions import Fraction

    for value, inverted in ((factor, False), (1 / factor, True)):
        whole = float(f"{value:.14g}")
        if whole.is_integer() and abs(whole - value) <= 1e-14 * abs(value):
            return 1 / Fraction(whole) if inverted else Fraction(whole)
    return Fraction(factor)


def _exact(factor: Fraction) -> Conversion:
    """Write a factor as a quotient of whole numbers, if these are small enough to be exact as floats."""
    if factor.numerator < 2**53 and factor.denominator < 2**53:
        return Conversion(float(factor.numerator), float(factor.denominator))
    return Conversion(float(factor))
