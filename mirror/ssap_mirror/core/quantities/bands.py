"""The wavelengths that a spectrum covers, from start and stop or centre and extent; also frequencies and energies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core.quantities.points import floats
from ssap_mirror.core.quantities.reading import Candidates, Finder, NotUnderstood, shown
from ssap_mirror.core.units import Conversion, conversion, says_no_unit, to_wavelength

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from ssap_mirror.core.schema import Column

__all__ = ["band_candidates"]


@dataclass(frozen=True)
class StartAndStop:
    """Two columns with the ends of the coverage."""

    start: Column
    """Its lower end in its own unit: of energies, the longest wavelength."""
    stop: Column
    """Its upper end."""
    to_metres: tuple[Conversion, Conversion]
    """From the unit of each to the wavelength."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Both."""
        return self.start, self.stop

    @property
    def as_is(self) -> Mapping[str, str]:
        """The columns themselves, if they are wavelengths in metres."""
        if all(factor.is_identity for factor in self.to_metres):
            return {"em_min": self.start.name, "em_max": self.stop.name}
        return {}

    @property
    def words(self) -> str:
        """Their names and units."""
        return shown(self.columns)

    def values(self, rows: pa.RecordBatch) -> Mapping[str, NDArray[np.float64]]:
        """Shortest and longest wavelength."""
        low, high = (
            factor.apply(floats(rows.column(column.name)))
            for column, factor in zip(self.columns, self.to_metres, strict=True)
        )
        return _ordered(low, high, self.to_metres)


@dataclass(frozen=True)
class CentreAndExtent:
    """Two columns with the middle and the width of the coverage (mandatory in SSA 1.1, where its ends are optional)."""

    centre: Column
    """The middle."""
    extent: Column
    """The whole width."""
    to_unit: Conversion
    """From the unit of the width to that of the middle."""
    to_metres: Conversion
    """From the unit of the middle to the wavelength."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Both."""
        return self.centre, self.extent

    @property
    def as_is(self) -> Mapping[str, str]:
        """Nothing: the ends have to be worked out."""
        return {}

    @property
    def words(self) -> str:
        """Their names and units."""
        return f"{shown(self.columns)} (centre and extent)"

    def values(self, rows: pa.RecordBatch) -> Mapping[str, NDArray[np.float64]]:
        """Shortest and longest wavelength."""
        centre = floats(rows.column(self.centre.name))
        half = self.to_unit.apply(floats(rows.column(self.extent.name))) / 2
        ends = (self.to_metres.apply(centre - half), self.to_metres.apply(centre + half))
        return _ordered(*ends, (self.to_metres, self.to_metres))


def band_candidates(finder: Finder) -> Candidates:
    """Ways to read the coverage: start and stop win over centre and extent."""
    readings: list[StartAndStop | CentreAndExtent] = []
    refusals: list[str] = []
    for start, stop in finder.pairs("em_min", "em_max"):
        try:
            readings.append(StartAndStop(start, stop, (_wavelength(start), _wavelength(stop))))
        except NotUnderstood as error:
            refusals.append(str(error))
    if not {"em_min", "em_max"} & finder.schema.overrides.keys():
        for centre in finder.singles("em_mid"):
            for extent in finder.singles("em_extent"):
                try:
                    readings.append(CentreAndExtent(centre, extent, _width(extent, centre), _wavelength(centre)))
                except NotUnderstood as error:
                    refusals.append(str(error))
    return Candidates(tuple(readings), tuple(dict.fromkeys(refusals)))


def _wavelength(column: Column) -> Conversion:
    if column.is_text or column.shape:
        message = f"the column {column.name!r} does not hold one number a row"
        raise NotUnderstood(message)
    try:
        return to_wavelength(column.unit)
    except ValueError as error:
        message = f"the unit of the column {column.name!r} does not tell what its numbers are: {error}"
        raise NotUnderstood(message) from None


def _width(extent: Column, centre: Column) -> Conversion:
    if extent.is_text or extent.shape:
        message = f"the column {extent.name!r} does not hold one number a row"
        raise NotUnderstood(message)
    given, wanted = ("m" if says_no_unit(column.unit) else column.unit for column in (extent, centre))
    try:
        return conversion(given, wanted)
    except ValueError as error:
        message = f"the width {extent.name!r} cannot be added to the middle {centre.name!r}: {error}"
        raise NotUnderstood(message) from None


def _ordered(
    low: NDArray[np.float64], high: NDArray[np.float64], to_metres: tuple[Conversion, Conversion]
) -> Mapping[str, NDArray[np.float64]]:
    """Put the ends of energies and frequencies, which run the other way, in the order of wavelengths."""
    if any(factor.inverse for factor in to_metres):
        known = ~(np.isnan(low) | np.isnan(high))
        shortest, longest = np.where(known, np.fmin(low, high), high), np.where(known, np.fmax(low, high), low)
        return {"em_min": shortest, "em_max": longest}
    return {"em_min": low, "em_max": high}
