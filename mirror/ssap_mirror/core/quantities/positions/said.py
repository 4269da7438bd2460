"""Which columns of a table hold its positions, motions, dates and errors, as somebody says it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from ssap_mirror.errors import ParameterError

__all__ = ["MOTION_ROLES", "Positions"]

#: Roles of `Positions` that describe how a source moves.
MOTION_ROLES = ("pmra", "pmdec", "parallax", "radial_velocity")

_EPOCH, _SIGMA, _POSITIONS = "epoch", "sigma_arcsec", "positions"
_YEARS = (1000.0, 3000.0)
_NOT_COLUMNS = ("frame", "units")


@dataclass(frozen=True)
class Positions:
    """Columns of a table that say where its rows are, and how they move. None: found by UCD or usual name.

    RA may run from 0 to 360 or from -180 to 180 deg. Columns with a unit in their metadata are converted from it; those
    without are taken to be in the units below. Text in ``ra`` and ``dec`` is read as ``hh mm ss`` and ``dd mm ss``.
    """

    ra: str | None = None
    """Right ascension, or the longitude of another frame [deg]."""
    dec: str | None = None
    """Declination, or the latitude of another frame [deg]."""
    pmra: str | None = None
    """Proper motion in RA, with the factor cos(dec) [mas/yr]."""
    pmdec: str | None = None
    """Proper motion in declination [mas/yr]."""
    parallax: str | None = None
    """Parallax [mas]; matters for nearby stars with a radial velocity."""
    radial_velocity: str | None = None
    """Radial velocity [km/s]."""
    epoch: float | str | None = None
    """Date of the positions: a Julian year, or a column of Julian years, MJD, JD, timestamps or ISO 8601 dates."""
    sigma_arcsec: float | str | None = None
    """Error of the position along any direction, 1 sigma [arcsec]: one number or a column."""
    frame: str | None = None
    """Frame of the positions: ``ICRS``, ``FK5``, ``FK4``, ``galactic``, ``supergalactic`` or ``ecliptic``, perhaps with
    an equinox (``FK4 B1975``). None: as the table says (COOSYS), else ICRS."""
    units: Mapping[str, str] = field(default_factory=dict)
    """Units of columns, by their names, where the table is silent or wrong."""

    def __post_init__(self) -> None:
        if isinstance(self.epoch, (int, float)) and not _YEARS[0] <= self.epoch <= _YEARS[1]:
            raise ParameterError(_EPOCH, self.epoch, "is not a Julian year such as 2016.0")
        if isinstance(self.sigma_arcsec, (int, float)) and not 0 <= self.sigma_arcsec < math.inf:
            raise ParameterError(_SIGMA, self.sigma_arcsec, "is not an error in arcsec, 0 or more")
        for first, second in (("ra", "dec"), ("pmra", "pmdec")):
            if (getattr(self, first) is None) != (getattr(self, second) is None):
                raise ParameterError(_POSITIONS, self, f"names only one of {first} and {second}")

    @property
    def moves(self) -> bool:
        """Whether proper motions are named."""
        return self.pmra is not None

    def columns(self) -> dict[str, str]:
        """Role -> column name, for the roles that a column plays."""
        named = {item.name: getattr(self, item.name) for item in fields(self) if item.name not in _NOT_COLUMNS}
        return {role: column for role, column in named.items() if isinstance(column, str)}

    def given(self) -> dict[str, str | float]:
        """All that is said, but for units: names of columns, dates, errors and the frame."""
        said = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "units"}
        return {name: value for name, value in said.items() if value is not None}
