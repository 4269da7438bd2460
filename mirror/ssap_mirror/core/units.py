"""Units of columns: converted where there is one factor between them, refused otherwise, never guessed."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Conversion", "conversion", "says_no_unit"]

# VOUnits 1.1 §2.9 has the empty string; the others are CDS's and table writers' ways to say it.
_NO_UNIT = {"", "-", "--", "---", "1"}
_FORMATS = ("vounit", "fits", "cds")


@dataclass(frozen=True)
class Conversion:
    """A factor, as a division where that is exact: 5000 Angstrom are 5e-07 m and not a bit more."""

    times: float
    """Multiply by this."""
    over: float = 1.0
    """Divide by this."""

    @property
    def is_identity(self) -> bool:
        """Whether values stay as they are."""
        return self.times == self.over

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
        return values if self.is_identity else values * self.times / self.over


def says_no_unit(unit: str | None) -> bool:
    """Whether a unit string says that there is none, or says nothing."""
    return (unit or "").strip() in _NO_UNIT


def conversion(given: str | None, wanted: str | None) -> Conversion:
    """Find the factor from one unit to another.

    Parameters
    ----------
    given, wanted : str or None
        Unit strings: VOUnits, FITS or CDS.

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
    given, wanted = (given or "").strip(), (wanted or "").strip()
    if given == wanted or (given in _NO_UNIT and wanted in _NO_UNIT):
        return Conversion(1.0)
    if given in _NO_UNIT or wanted in _NO_UNIT:
        one, other = (given or "no unit", wanted or "no unit")
        message = f"{one!r} is not {other!r}, and there is no factor between them"
        raise ValueError(message)
    from astropy import units

    left, right = _parsed(given), _parsed(wanted)
    try:
        factor = float(left.to(right))
    except (units.UnitConversionError, units.UnitTypeError, TypeError) as error:
        message = f"{given!r} cannot be converted to {wanted!r}"
        raise ValueError(message) from error
    return _exact(factor)


def _parsed(text: str) -> Any:
    from astropy import units

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


def _exact(factor: float) -> Conversion:
    """Take off what rounding has left: a factor, or its inverse, that is a whole number but for the last digits."""
    for value, as_conversion in ((factor, Conversion), (1 / factor, lambda whole: Conversion(1.0, whole))):
        whole = float(f"{value:.14g}")
        if whole.is_integer() and math.isclose(whole, value, rel_tol=1e-14):
            return as_conversion(whole)
    return Conversion(factor)
