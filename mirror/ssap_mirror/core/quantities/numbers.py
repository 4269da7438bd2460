"""One number of a spectrum: an angle, a duration, a resolution, a ratio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssap_mirror.core.quantities.points import floats
from ssap_mirror.core.quantities.reading import Candidates, Finder, NotUnderstood, shown
from ssap_mirror.core.schema.roles import UNITS
from ssap_mirror.core.units import Conversion, conversion, says_no_unit, to_degrees

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from ssap_mirror.core.schema import Column

__all__ = ["NumberReading", "number_candidates", "read_number"]


@dataclass(frozen=True)
class NumberReading:
    """A column of numbers, and the factor to its role's unit."""

    role: str
    """The role."""
    column: Column
    """The column."""
    factor: Conversion
    """From its unit to the role's."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The one column."""
        return (self.column,)

    @property
    def as_is(self) -> Mapping[str, str]:
        """The column itself, if its unit is the role's."""
        return {self.role: self.column.name} if self.factor.is_identity else {}

    @property
    def words(self) -> str:
        """Its name and unit."""
        return shown(self.columns)

    def values(self, rows: pa.RecordBatch) -> Mapping[str, NDArray[np.float64]]:
        """Numbers in the role's unit."""
        return {self.role: self.factor.apply(floats(rows.column(self.column.name)))}


def read_number(role: str, column: Column) -> NumberReading:
    """Make a reading of a column.

    Raises
    ------
    NotUnderstood
        If it holds no numbers, or its unit does not convert to the role's.
    """
    if column.is_text or column.shape or column.datatype in ("boolean", "bit"):
        message = f"the column {column.name!r} does not hold one number a row"
        raise NotUnderstood(message)
    wanted = UNITS[role]
    try:
        if wanted == "deg":
            factor = to_degrees(column.unit)
        else:
            # SSA 1.1 §4.2.1 has one unit for each of its numbers, so a column without any is in that.
            factor = Conversion(1.0) if says_no_unit(column.unit) else conversion(column.unit, wanted)
    except ValueError as error:
        message = f"the unit of the column {column.name!r} does not tell what its numbers are: {error}"
        raise NotUnderstood(message) from None
    return NumberReading(role, column, factor)


def number_candidates(finder: Finder, role: str) -> Candidates:
    """Ways to read a number, best first."""
    readings, refusals = [], []
    for column in finder.singles(role):
        try:
            readings.append(read_number(role, column))
        except NotUnderstood as error:
            refusals.append(str(error))
    return Candidates(tuple(readings), tuple(refusals))
