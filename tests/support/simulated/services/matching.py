"""Which spectra an SSAP service finds: by the standard, or in its own reading of a parameter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from ssap_mirror.core.times import mjd_of

from tests.support.simulated.services.traits import Traits
from tests.support.simulated.spectra import Spectra, overlap

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["matches"]


def matches(spectra: Spectra, traits: Traits, params: dict[str, str]) -> NDArray[np.bool_]:
    """Tell which spectra a service finds.

    Parameters
    ----------
    spectra : Spectra
        What it has.
    traits : Traits
        How it reads parameters.
    params : dict of str
        What is asked, by upper-case name.
    """
    keep = np.ones(len(spectra), bool)
    if "POS" in params and "POS" in traits.obeys:
        ra, dec = (float(text) for text in params["POS"].split(";")[0].split(","))
        size = float(params.get("SIZE") or traits.default_size) * traits.size_unit_deg
        keep &= spectra.in_cone(ra, dec, size if traits.size_is_radius else size / 2)
    if "TIME" in params and "TIME" in traits.obeys:
        keep &= _in_time(spectra, traits, *_ends(params["TIME"], _mjd))
    if "BAND" in params and "BAND" in traits.obeys:
        ends = (None if end is None else _metres(end, traits) for end in _ends(params["BAND"], float))
        keep &= overlap(spectra.wave_min, spectra.wave_max, *ends)
    for name, values in (("SNR", spectra.snr), ("APERTURE", np.full(len(spectra), 0.001))):
        if name in params and name in traits.obeys:
            low, high = (float(params[name]), None) if name in traits.scalars else _ends(params[name], float)
            keep &= overlap(values, values, low, high)
    if "COLLECTION" in params and "COLLECTION" in traits.obeys:
        # A minimum match of one term (SSA 1.1 §4.1.2.14).
        keep &= np.array([params["COLLECTION"].lower() in name for name in spectra.collection], bool)
    if set(traits.finds_nothing) & set(params):
        keep[:] = False
    for name, of in traits.own.items():
        if name.upper() in params:
            keep &= overlap(getattr(spectra, of), getattr(spectra, of), *_ends(params[name.upper()], float))
    for of, (first, last) in traits.own_ends.items():
        ends = (params.get(first.upper()), params.get(last.upper()))
        keep &= overlap(getattr(spectra, of), getattr(spectra, of), *(float(e) if e else None for e in ends))
    return keep


def _in_time(spectra: Spectra, traits: Traits, start: float | None, stop: float | None) -> NDArray[np.bool_]:
    reads = traits.time_reads
    if reads == "overlap":
        return overlap(spectra.t_min, spectra.t_max, start, stop)
    if reads == "midpoint":
        return overlap(spectra.t_mid, spectra.t_mid, start, stop)
    # Within: both ends of the exposure lie in the range.
    return overlap(spectra.t_min, spectra.t_min, start, None) & overlap(spectra.t_max, spectra.t_max, None, stop)


def _metres(number: float, traits: Traits) -> float:
    return number * 1e-10 if traits.angstrom_above is not None and number > traits.angstrom_above else number


def _ends(text: str, read: Callable[[str], float]) -> tuple[float | None, float | None]:
    """Read ``a/b``, ``a/``, ``/b`` or ``a``."""
    low, slash, high = text.partition("/")
    if not slash:
        return read(low), read(low)
    return (read(low) if low else None), (read(high) if high else None)


def _mjd(text: str) -> float:
    return mjd_of(datetime.fromisoformat(text.removesuffix("Z")))
