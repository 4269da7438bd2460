"""Names of wave bands and where they lie, in metres of vacuum wavelength."""

from __future__ import annotations

import math

from ssap_query.ssap.ranges import Interval

__all__ = ["band_names", "named_band"]

# Terms of http://www.ivoa.net/rdf/messenger with the limits of VODataService 1.2 §3.3.1 (coverage.waveband).
_MESSENGER = {
    "Radio": Interval(10e-3, math.inf),
    "Millimeter": Interval(0.1e-3, 10e-3),
    "Infrared": Interval(1e-6, 100e-6),
    "Optical": Interval(0.3e-6, 1e-6),
    "UV": Interval(0.1e-6, 0.3e-6),
    "EUV": Interval(100e-10, 1000e-10),
    "X-ray": Interval(0.1e-10, 100e-10),
    "Gamma-ray": Interval(-math.inf, 0.1e-10),
}

# Effective wavelength and full width at half maximum [nm] of the Johnson-Cousins-Glass bands: Binney & Merrifield 1998,
# Galactic Astronomy, table 2.1 (after Bessell 1990, PASP 102, 1181; Bessell & Brett 1988, PASP 100, 1134).
_JOHNSON = {
    "U": (365, 66),
    "B": (445, 94),
    "V": (551, 88),
    "R": (658, 138),
    "I": (806, 149),
    "J": (1220, 213),
    "H": (1630, 307),
    "K": (2190, 390),
    "L": (3450, 472),
    "M": (4750, 460),
}

_BY_NAME = {name.lower(): band for name, band in _MESSENGER.items()} | {
    name: Interval((centre - width / 2) * 1e-9, (centre + width / 2) * 1e-9)
    for name, (centre, width) in _JOHNSON.items()
}


def named_band(name: str) -> Interval | None:
    """Wavelengths [m] of a named band; None if there is no such name.

    Messenger terms ignore case; the Johnson letters do not, since small letters are other systems' bands.
    """
    return _BY_NAME.get(name if len(name) == 1 else name.lower())


def band_names() -> tuple[str, ...]:
    """All known names."""
    return (*_MESSENGER, *_JOHNSON)
