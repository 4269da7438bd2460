"""Columns of numbers to a spectrum: in order, without what specutils cannot hold, with errors and masks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ssap_mirror.errors import FormatError, needs_extra

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Points", "spectrum", "specutils"]


@dataclass(frozen=True)
class Points:
    """The points of a spectrum, as a file has them: arrays of shape (points,)."""

    axis: NDArray[Any]
    """Wavelengths, frequencies or energies."""
    axis_unit: str
    """Their unit."""
    flux: NDArray[Any]
    """Fluxes."""
    flux_unit: str = ""
    """Their unit; empty for relative fluxes."""
    errors: NDArray[Any] | None = None
    """Standard deviations of the fluxes, in the unit of the fluxes."""
    inverse_variances: NDArray[Any] | None = None
    """Inverse variances of the fluxes, in place of `errors`; a point without a positive one is masked."""
    bad: NDArray[Any] | None = None
    """Which points are bad: not 0."""
    meta: dict[str, Any] = field(default_factory=dict)
    """What else is known of the spectrum."""


def specutils() -> Any:
    """Give the library.

    Raises
    ------
    MissingPackageError
        If it is not installed.
    """
    with needs_extra("spectra", "specutils"):
        import specutils
    return specutils


def spectrum(points: Points) -> Any:
    """Make a spectrum.

    Points without a place on the axis are left out. So is the second of two at one place, which float32 makes of two
    wavelengths of LAMOST that are close: the axis of a spectrum grows from point to point.

    Parameters
    ----------
    points : Points
        Its points, in any order.

    Returns
    -------
    specutils.Spectrum

    Raises
    ------
    FormatError
        If the units are none of a spectrum, or fewer than two points are left.
    """
    import numpy as np
    from astropy.nddata import InverseVariance, StdDevUncertainty
    from astropy.units import Quantity

    library = specutils()
    axis = np.asarray(points.axis, dtype=float)
    order = np.argsort(axis, kind="stable")
    order = order[np.isfinite(axis[order])]
    order = order[np.append(True, np.diff(axis[order]) > 0)] if len(order) else order
    if len(order) < 2:
        message = f"a spectrum of {len(order)} points"
        raise FormatError(message)

    def taken(values: Any) -> Any:
        return np.asarray(np.ma.filled(np.ma.asarray(values, dtype=float), np.nan))[order]

    flux = taken(points.flux)
    mask = ~np.isfinite(flux)
    uncertainty = None
    if points.inverse_variances is not None:
        inverse = taken(points.inverse_variances)
        mask |= ~(inverse > 0)
        uncertainty = InverseVariance(inverse)
    elif points.errors is not None:
        uncertainty = StdDevUncertainty(taken(points.errors))
    if points.bad is not None:
        mask |= np.asarray(points.bad)[order] != 0
    try:
        return library.Spectrum(
            flux=Quantity(flux, _unit(points.flux_unit)),
            spectral_axis=Quantity(axis[order], _unit(points.axis_unit)),
            uncertainty=uncertainty,
            mask=mask,
            meta=points.meta,
        )
    except (ValueError, TypeError) as error:
        message = f"columns that make no spectrum: {error}"
        raise FormatError(message) from error


def _unit(text: str) -> Any:
    """Read a unit, in the spellings of VOTable, FITS and older services."""
    from astropy import units

    for form in (None, "vounit", "fits", "cds", "ogip"):
        try:
            return units.Unit(text, format=form)
        except ValueError:
            continue
    message = f"the unit {text!r} is not known"
    raise FormatError(message)
