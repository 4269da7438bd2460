"""Spectra as the IVOA has them (Spectrum Data Model 1.1, SSA): tables whose columns say what they are.

A VOTable or a FITS table has a row for each point, or one row with arrays; utypes say which column is what, and UCDs
where these are missing.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssap_mirror.errors import FormatError
from ssap_mirror.tables.files import unpacked_stream

from ssap_query.fetch.spectra.points import Points, spectrum

if TYPE_CHECKING:
    from astropy.io.fits import HDUList
    from numpy.typing import NDArray

__all__ = ["spectra_of_fits_tables", "spectra_of_votable"]

# What the path of a column's utype ends with, in lower case.
_AXIS, _FLUX = "spectralaxis.value", "fluxaxis.value"
_ERRORS = ("fluxaxis.accuracy.staterror", "fluxaxis.accuracy.staterrhigh", "fluxaxis.accuracy.staterrlow")
_QUALITY = "fluxaxis.quality"
# The words that a UCD begins with.
_AXIS_UCDS = ("em.wl", "em.freq", "em.energy", "em.wavenumber")
_FLUX_UCDS = ("phot.flux", "phot.count", "phot.fluence", "phot.radiance", "phys.luminosity", "spect.continuum")
_ERROR_UCD = "stat.error"


@dataclass(frozen=True)
class _Column:
    """A column of a table of points."""

    name: str
    unit: str
    ucd: str
    utype: str
    values: Any


def spectra_of_votable(path: Path) -> list[Any]:
    """Read the spectra of a VOTable: one of each table that has the columns of one.

    Raises
    ------
    FormatError
        If it cannot be read, or has none.
    """
    from astropy.io.votable import parse

    try:
        with warnings.catch_warnings(), unpacked_stream(path) as file:
            warnings.simplefilter("ignore")
            document = parse(file, verify="ignore")
    except Exception as error:  # whatever a service has written, and astropy makes of it
        message = f"no VOTable that can be read: {error}"
        raise FormatError(message) from error
    tables = [table for table in document.iter_tables() if len(table.array)]
    general = {param.name: param.value for resource in document.resources for param in resource.params}
    found = []
    for table in tables:
        columns = [
            _Column(field.name, str(field.unit or ""), field.ucd or "", field.utype or "", table.array[field.ID])
            for field in table.fields
        ]
        meta = {**general, **{param.name: param.value for param in table.params}}
        if (points := _points(columns, meta)) is not None:
            found.append(spectrum(points))
    return _at_least_one(found)


def spectra_of_fits_tables(hdus: HDUList) -> list[Any]:
    """Read the spectra of a FITS file whose tables have utypes or UCDs (``TUTYPn``, ``TUCDn``); none if none has.

    Raises
    ------
    FormatError
        If the columns of one make no spectrum.
    """
    found = []
    for hdu in hdus[1:]:
        columns = getattr(hdu, "columns", None)
        if columns is None or not len(hdu.data):
            continue
        header = hdu.header
        described = [
            _Column(
                name,
                str(unit or ""),
                str(header.get(f"TUCD{number}", "")),
                str(header.get(f"TUTYP{number}", "")),
                hdu.data[name],
            )
            for number, (name, unit) in enumerate(zip(columns.names, columns.units, strict=True), 1)
        ]
        meta = {**dict(hdus[0].header), **dict(header)}
        if (points := _points(described, meta)) is not None:
            found.append(spectrum(points))
    return found


def _at_least_one(found: list[Any]) -> list[Any]:
    if not found:
        message = "no table with the columns of a spectrum: neither utypes nor UCDs tell of wavelengths and fluxes"
        raise FormatError(message)
    return found


def _points(columns: Sequence[_Column], meta: dict[str, Any]) -> Points | None:
    """Points of a table; None if its columns are not those of a spectrum."""
    axis = _with_utype(columns, (_AXIS,)) or _with_ucd(columns, _AXIS_UCDS)
    flux = _with_utype(columns, (_FLUX,)) or _with_ucd(columns, _FLUX_UCDS)
    if axis is None or flux is None:
        return None
    error = _with_utype(columns, _ERRORS) or _error_of(columns, flux)
    quality = _with_utype(columns, (_QUALITY,))
    return Points(
        axis=_flat(axis),
        axis_unit=axis.unit,
        flux=_flat(flux),
        flux_unit=flux.unit,
        errors=None if error is None or error.unit not in ("", flux.unit) else _flat(error),
        bad=None if quality is None else _flat(quality, missing=0),
        meta=meta,
    )


def _with_utype(columns: Iterable[_Column], paths: Sequence[str]) -> _Column | None:
    known = list(columns)
    for path in paths:
        for column in known:
            if column.utype.lower().endswith(path):
                return column
    return None


def _with_ucd(columns: Iterable[_Column], beginnings: Sequence[str]) -> _Column | None:
    return next((column for column in columns if column.ucd.lower().startswith(tuple(beginnings))), None)


def _error_of(columns: Iterable[_Column], flux: _Column) -> _Column | None:
    """Column of the errors of the fluxes, by a UCD as ``stat.error;phot.flux.density``."""
    for column in columns:
        first, _, rest = column.ucd.lower().partition(";")
        if first == _ERROR_UCD and rest.startswith(flux.ucd.lower().partition(";")[0] or _FLUX_UCDS):
            return column
    return None


def _flat(column: _Column, missing: float | None = None) -> NDArray[Any]:
    """Values of a column: a row for each point, or one row with all of them; what is masked is NaN."""
    import numpy as np

    values = np.ma.asarray(column.values)
    if values.dtype.kind == "O":
        if len(values) != 1:
            message = f"column {column.name} has an array in each of {len(values)} rows"
            raise FormatError(message)
        values = np.ma.asarray(values[0])
    values = np.ma.ravel(values)
    return np.asarray(np.ma.filled(values.astype(float), np.nan if missing is None else missing))
