"""A spectrum, or several of one object."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssap_mirror.errors import ParameterError

from ssap_query.fetch.spectra.read import read_spectra
from ssap_query.plots.style import COLOURS, GREY, new_axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["spectrum"]

_MOST = len(COLOURS)


def spectrum(spectra: Any, identities: Iterable[str] = (), axes: Axes | None = None) -> Axes:
    """Draw spectra: fluxes along wavelengths, what is masked in grey behind.

    Parameters
    ----------
    spectra : path, specutils.Spectrum, or sequence of them
        A file, or what was read of one.
    identities : iterable of str, optional
        Only those with these identities (``31B``); without it the first six.
    axes : matplotlib.axes.Axes, optional
        Axes to draw on; new ones without it.

    Raises
    ------
    ParameterError
        If there is no spectrum of an identity, or they are on different axes.
    SourceError
        If a file cannot be read, or has no spectrum.
    """
    import numpy as np

    found = _chosen(spectra, tuple(identities))
    axes = new_axes(axes, size=(10, 4.8))
    unit, flux_unit = found[0].spectral_axis.unit, found[0].flux.unit
    shown = []
    for one, colour in zip(found, COLOURS, strict=False):
        if one.spectral_axis.unit != unit or one.flux.unit != flux_unit:
            name = "spectra"
            raise ParameterError(name, str(one.flux.unit), f"is not the unit of the first, {flux_unit}")
        flux = np.asarray(one.flux.value, dtype=float)
        good = np.isfinite(flux) if one.mask is None else np.isfinite(flux) & ~np.asarray(one.mask)
        place = one.spectral_axis.value
        axes.plot(place, flux, color=GREY, alpha=0.25, linewidth=0.6)
        name = str(one.meta.get("identity") or one.meta.get("ssa_targname") or "")
        axes.plot(place, np.where(good, flux, np.nan), color=colour, linewidth=0.8, label=name or None)
        shown.append(flux[good])
    _narrow(axes, np.concatenate(shown))
    axes.set_xlabel(f"{_axis_name(unit)} [{unit}]")
    axes.set_ylabel(f"flux [{flux_unit}]" if str(flux_unit) else "relative flux")
    if axes.get_legend_handles_labels()[1]:
        # Below the picture, which the spectra fill.
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3, frameon=False, fontsize=9)
    target = found[0].meta.get("DESIG") or found[0].meta.get("ssa_targname") or ""
    axes.set_title(f"{target}{' (grey: masked)' if any(one.mask is not None for one in found) else ''}", fontsize=11)
    tidy(axes)
    return axes


def _chosen(spectra: Any, identities: tuple[str, ...]) -> list[Any]:
    if isinstance(spectra, (str, Path)):
        spectra = read_spectra(Path(spectra))
    elif hasattr(spectra, "flux"):
        spectra = [spectra]
    every = list(spectra)
    if not identities:
        return every[:_MOST]
    known = {str(one.meta.get("identity", "")): one for one in every}
    for identity in identities:
        if identity not in known:
            name = "identity"
            raise ParameterError(name, identity, f"is none of {', '.join(list(known)[:20])}")
    return [known[identity] for identity in identities[:_MOST]]


def _narrow(axes: Axes, fluxes: Any) -> None:
    """Leave cosmic rays and the like outside: a few points would press all others into a line."""
    import numpy as np

    if len(fluxes) > 100:
        low, high = np.quantile(fluxes, (0.002, 0.998))
        if low < high:
            axes.set_ylim(low - 0.15 * (high - low), high + 0.25 * (high - low))


def _axis_name(unit: Any) -> str:
    kinds = {"length": "wavelength", "frequency": "frequency", "energy": "energy"}
    return next((name for kind, name in kinds.items() if kind in str(unit.physical_type)), "spectral axis")
