"""Bands: wavelengths, frequencies and energies, by their ends or by centre and extent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.support.simulated.forms.parts import BAND_AXIS, Part, Shown, numbers

__all__ = ["BANDS"]

_LOCATION = f"{BAND_AXIS}.Location.Value"
_LIGHT_M_S = 299_792_458.0
#: Wavelength of a photon of 1 eV [m].
_EV_M = 1.239841984332002e-06


def _band(unit: str | None, convert: Callable[[Any], Any], ucd: str = "em.wl") -> tuple[Shown, Shown]:
    """Show the band by its ends; of energies and frequencies the start is the longest wavelength."""
    ends = ("wave_min", "wave_max") if ucd == "em.wl" else ("wave_max", "wave_min")
    first, second = (
        numbers(
            f"b_{end.lower()}",
            lambda s, of=of: convert(getattr(s, of)),
            unit=unit,
            ucd=f"{ucd};stat.{extreme}",
            utype=f"{BAND_AXIS}.Bounds.{end}",
        )
        for of, end, extreme in zip(ends, ("Start", "Stop"), ("min", "max"), strict=True)
    )
    return first, second


def _centre(unit: str, per_m: float) -> tuple[Shown, Shown]:
    return (
        numbers(
            "b_mid", lambda s: (s.wave_min + s.wave_max) / 2 * per_m, unit=unit, utype=f"{BAND_AXIS}.Location.Value"
        ),
        numbers("b_ext", lambda s: (s.wave_max - s.wave_min) * per_m, unit=unit, utype=f"{BAND_AXIS}.Bounds.Extent"),
    )


#: Name -> columns.
BANDS: dict[str, Part] = {
    "nm": Part(_band("nm", lambda m: m * 1e9)),
    "Angstrom": Part(_band("Angstrom", lambda m: m * 1e10)),
    "nm in brackets": Part(_band("[nm]", lambda m: m * 1e9)),
    "um": Part(_band("um", lambda m: m * 1e6)),
    "Hz": Part(_band("Hz", lambda m: _LIGHT_M_S / m, "em.freq")),
    "GHz": Part(_band("GHz", lambda m: _LIGHT_M_S / m / 1e9, "em.freq")),
    "eV": Part(_band("eV", lambda m: _EV_M / m, "em.energy")),
    "keV": Part(_band("keV", lambda m: _EV_M / m / 1e3, "em.energy")),
    "1 per cm": Part(_band("cm**-1", lambda m: 0.01 / m, "em.wavenumber")),
    "centre and extent": Part(_centre("m", 1.0)),
    "centre and extent in nm": Part(_centre("nm", 1e9)),
    "centre and extent beside ends that are empty": Part((*_band("m", lambda m: m * np.nan), *_centre("m", 1.0))),
    "ObsCore names alone": Part(
        (numbers("em_min", lambda s: s.wave_min, unit="m"), numbers("em_max", lambda s: s.wave_max, unit="m"))
    ),
    "UCDs alone": Part(
        (
            numbers("lower", lambda s: s.wave_min, unit="m", ucd="em.wl;stat.min"),
            numbers("upper", lambda s: s.wave_max, unit="m", ucd="em.wl;stat.max"),
        )
    ),
    "a unit that nobody knows": Part(_band("inch-ish", lambda m: m), "unclear"),
    "no band": Part((), "nothing"),
    "a band that is empty": Part(_band("m", lambda m: m * np.nan), "empty"),
}
