"""Where the rows of a table are: the columns that were found, and what it takes to make ICRS degrees of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core.quantities.points import floats
from ssap_mirror.core.quantities.positions.frames import ICRS, to_icrs
from ssap_mirror.core.quantities.positions.sexagesimal import angles, numbers
from ssap_mirror.core.units import Conversion

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Axis", "Place", "SplitAxis"]

_HOUR_DEG = 15.0


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
    """From numbers to degrees, in text too."""
    is_text: bool = False
    """Whether it holds text."""
    in_hours: bool = False
    """Whether sexagesimal text is in hours."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The one column."""
        return (self.column,)

    @property
    def is_number(self) -> bool:
        """Whether it holds numbers, which a factor turns into degrees."""
        return not self.is_text

    @property
    def is_degrees(self) -> bool:
        """Whether it holds degrees as they are, in double precision: single would be arcseconds off."""
        return self.is_number and self.conversion.is_identity and str(self.kind) == "double"

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to say of it."""
        return self.is_number and self.conversion.is_identity

    @property
    def is_single(self) -> bool:
        """Whether it is in single precision, or half."""
        return str(self.kind) in ("float", "halffloat")

    @property
    def words(self) -> str:
        """Its name, and what it holds."""
        if self.is_text:
            return f"{self.column} (text, {self.unit or ('hours or degrees' if self.in_hours else 'degrees')})"
        return f"{self.column} ({self.unit or 'deg'})"

    def degrees(self, rows: pa.RecordBatch) -> NDArray[np.float64]:
        """Make degrees of its values; NaN for NULL and for what is no angle."""
        values = rows.column(self.column)
        if self.is_text:
            return angles(values, in_hours=self.in_hours, plain=self.conversion)
        return self.conversion.apply(floats(values))


@dataclass(frozen=True)
class SplitAxis:
    """A coordinate in columns for hours or degrees, minutes and seconds, as catalogues of the CDS have it."""

    parts: tuple[str, ...]
    """Columns of hours or degrees, of minutes, and perhaps of seconds; numbers, or text with zeros in front."""
    sign: str | None
    """Column of the sign: text, where ``-`` is below zero, or numbers."""
    in_hours: bool
    """Whether the first column is in hours."""

    is_number = is_degrees = is_plain = is_single = False

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.parts, *(() if self.sign is None else (self.sign,)))

    @property
    def words(self) -> str:
        """Their names, in the order in which they are read."""
        return " ".join((*(() if self.sign is None else (self.sign,)), *self.parts))

    def degrees(self, rows: pa.RecordBatch) -> NDArray[np.float64]:
        """Make degrees of its values; NaN without hours or degrees, and for what is no angle."""
        whole, *finer = (numbers(rows.column(column)) for column in self.parts)
        total = np.abs(whole) * 3600
        negative = np.signbit(whole)
        if self.sign is not None:
            negative |= _is_negative(rows.column(self.sign))
        with np.errstate(invalid="ignore"):
            for values, seconds in zip(finer, (60.0, 1.0), strict=False):
                valid = (values >= 0) & (values <= 60)
                # What is blank is not known any finer.
                total += np.select([np.isnan(values), valid], [0.0, values * seconds], np.nan)
        found = total / 3600 * (_HOUR_DEG if self.in_hours else 1.0)
        return np.where(negative, -found, found)


@dataclass(frozen=True)
class Place:
    """Where the rows of a table are."""

    longitude: Axis | SplitAxis
    """Right ascension, or what the frame has for it."""
    latitude: Axis | SplitAxis
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
        return self.frame == ICRS and self.longitude.is_number and self.latitude.is_number

    @property
    def is_degrees(self) -> bool:
        """Whether the columns are ICRS degrees as they are, in double precision."""
        return self.frame == ICRS and self.longitude.is_degrees and self.latitude.is_degrees

    @property
    def can_move(self) -> bool:
        """Whether proper motions in RA and declination are along the axes of ICRS, to well below their errors."""
        return self.frame.startswith((ICRS, "FK5 J2000"))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns: two, or more where a coordinate is split."""
        return (*self.longitude.columns, *self.latitude.columns)

    def unit_of(self, column: str, unit: str | None) -> str | None:
        """Spell the unit of a column: however degrees of the positions are spelled, they are degrees."""
        return "deg" if unit and self.is_degrees and column in self.columns else unit

    def icrs(self, rows: pa.RecordBatch) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give right ascension and declination of some rows in ICRS.

        Parameters
        ----------
        rows : pyarrow.RecordBatch
            With all columns.

        Returns
        -------
        tuple of numpy.ndarray of float64, shape (N,)
            [deg]; NaN where a row has no position.
        """
        return to_icrs(self.longitude.degrees(rows), self.latitude.degrees(rows), self.frame)

    def words(self) -> str | None:
        """Say what is not plain about it; None where there is nothing to say."""
        moved = "" if self.frame == ICRS else f", transformed from {self.frame} to ICRS"
        if self.longitude.is_plain and self.latitude.is_plain and not moved and not self.by_guess:
            return None
        return f"positions are those of {self.longitude.words} and {self.latitude.words}{moved}"


def _is_negative(signs: pa.Array) -> NDArray[np.bool_]:
    """Which signs are minus, in text or as numbers; NULL is plus."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(signs.type) or pa.types.is_large_string(signs.type):
        minus = pc.match_substring_regex(signs, r"^\s*[-−–]")
        found: NDArray[np.bool_] = pc.fill_null(minus, False).to_numpy(zero_copy_only=False)
        return found
    return np.signbit(np.nan_to_num(floats(signs)))
