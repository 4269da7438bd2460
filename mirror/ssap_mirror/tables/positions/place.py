"""Where the rows of a table are: the columns that were found, and what it takes to make ICRS degrees of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssap_mirror.core.quantities.points import floats
from ssap_mirror.core.quantities.units import Conversion
from ssap_mirror.tables.positions.frames import ICRS, to_icrs
from ssap_mirror.tables.positions.sexagesimal import angles

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Axis", "Place"]


@dataclass(frozen=True)
class Axis:
    """A column of one coordinate."""

    column: str
    """Its name."""
    kind: pa.DataType
    """Its type."""
    unit: str
    """Its unit, as told; nothing is degrees."""
    conversion: Conversion
    """To degrees, for numbers."""
    is_text: bool = False
    """Whether it holds text."""
    sexagesimal_hours: bool = False
    """Whether sexagesimal text is in hours."""
    plain_hours: bool = False
    """Whether plain numbers in text are hours."""

    def degrees(self, values: pa.Array) -> NDArray[np.float64]:
        """Make degrees of its values; NaN for NULL and for what is no angle."""
        if self.is_text:
            return angles(values, sexagesimal_hours=self.sexagesimal_hours, plain_hours=self.plain_hours)
        return self.conversion.apply(floats(values))


@dataclass(frozen=True)
class Place:
    """Where the rows of a table are."""

    longitude: Axis
    """Right ascension, or what the frame has for it."""
    latitude: Axis
    """Declination, or what the frame has for it."""
    frame: str
    """``ICRS``, ``FK5 J2000``, ``FK4 B1950``, ``galactic``, ..."""
    epoch: float | None = None
    """Julian year of the positions, where the table says so of all of them (COOSYS)."""
    by_guess: bool = False
    """Whether the columns were found by a name alone that is not plainly one of positions."""

    @property
    def is_numbers(self) -> bool:
        """Whether the columns are numbers in ICRS, which a factor turns into degrees."""
        return self.frame == ICRS and not (self.longitude.is_text or self.latitude.is_text)

    @property
    def is_degrees(self) -> bool:
        """Whether the columns are ICRS degrees as they are, in double precision."""
        axes = (self.longitude, self.latitude)
        return self.is_numbers and all(axis.conversion.is_identity and str(axis.kind) == "double" for axis in axes)

    @property
    def can_move(self) -> bool:
        """Whether proper motions in RA and declination are along the axes of ICRS, to well below their errors."""
        return self.frame.startswith((ICRS, "FK5 J2000"))

    @property
    def columns(self) -> tuple[str, str]:
        """Names of both columns."""
        return self.longitude.column, self.latitude.column

    def unit_of(self, column: str, unit: str | None) -> str | None:
        """Spell the unit of a column: however degrees of the positions are spelled, they are degrees."""
        return "deg" if unit and self.is_degrees and column in self.columns else unit

    def icrs(self, batch: pa.RecordBatch) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give right ascension and declination of some rows in ICRS.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
            With both columns.

        Returns
        -------
        tuple of numpy.ndarray of float64, shape (N,)
            [deg]; NaN where a row has no position.
        """
        longitude, latitude = (axis.degrees(batch.column(axis.column)) for axis in (self.longitude, self.latitude))
        return to_icrs(longitude, latitude, self.frame)

    def words(self) -> str | None:
        """Say what is not plain about it; None where there is nothing to say."""
        shown = [
            f"{axis.column} ({'text, ' if axis.is_text else ''}{self._unit(axis)})"
            for axis in (self.longitude, self.latitude)
        ]
        moved = "" if self.frame == ICRS else f", transformed from {self.frame} to ICRS"
        plain = all(axis.conversion.is_identity and not axis.is_text for axis in (self.longitude, self.latitude))
        if plain and not moved and not self.by_guess:
            return None
        return f"positions are those of {' and '.join(shown)}{moved}"

    def _unit(self, axis: Axis) -> str:
        if axis.is_text and not axis.unit:
            return "hours or degrees" if axis.sexagesimal_hours else "degrees"
        return axis.unit or "deg"
