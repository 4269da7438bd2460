"""Frames of coordinates, and from them to ICRS."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ICRS", "is_equatorial", "normal_frame", "to_icrs"]

ICRS = "ICRS"

# Spelling in lower case -> frame and the equinox that it has if none is said
_FRAMES = {
    "icrs": (ICRS, ""),
    "gaia-crf": (ICRS, ""),
    "fk5": ("FK5", "J2000"),
    "j2000": ("FK5", "J2000"),
    "fk4": ("FK4", "B1950"),
    "b1950": ("FK4", "B1950"),
    "galactic": ("galactic", ""),
    "supergalactic": ("supergalactic", ""),
    "ecliptic": ("ecliptic", "J2000"),
}
_WORDS = re.compile(r"(?P<frame>[\w-]+)(?:\s+(?P<kind>[JBjb]?)(?P<year>\d{4}(?:\.\d*)?))?")


def normal_frame(text: str) -> str:
    """Write a frame as the rest of the code does: ``ICRS``, ``FK4 B1950``, ``galactic``.

    Raises
    ------
    ValueError
        If it is none that can be transformed to ICRS.
    """
    found = _WORDS.fullmatch(text.strip())
    if found is None or found["frame"].lower() not in _FRAMES:
        message = f"the frame {text!r} is none of ICRS, FK5, FK4, galactic, supergalactic and ecliptic"
        raise ValueError(message)
    frame, equinox = _FRAMES[found["frame"].lower()]
    if found["year"] and equinox:
        equinox = (found["kind"].upper() or equinox[0]) + f"{float(found['year']):g}"
    return f"{frame} {equinox}".strip()


def is_equatorial(frame: str) -> bool:
    """Whether longitudes of a frame are right ascensions."""
    return frame.startswith((ICRS, "FK"))


def to_icrs(
    longitude: NDArray[np.float64], latitude: NDArray[np.float64], frame: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Right ascension and declination in ICRS.

    Parameters
    ----------
    longitude, latitude : numpy.ndarray of float64, shape (N,)
        In the frame [deg]. What is not finite, or beyond a pole, has no position.
    frame : str
        As `normal_frame` gives it.

    Returns
    -------
    tuple of numpy.ndarray of float64, shape (N,)
        [deg]; NaN where there is no position.
    """
    if frame == ICRS:
        return longitude, latitude
    from astropy import units
    from astropy.coordinates import SkyCoord

    found = np.full((2, len(longitude)), np.nan)
    valid = np.isfinite(longitude) & (np.abs(latitude) <= 90)
    if valid.any():
        with warnings.catch_warnings():
            # Tables of the Earth's rotation, which none of these frames needs, may be old or out of reach.
            warnings.simplefilter("ignore")
            given = SkyCoord(longitude[valid] * units.deg, latitude[valid] * units.deg, frame=_astropy_frame(frame))
            icrs = given.icrs
        found[0, valid], found[1, valid] = icrs.ra.deg, icrs.dec.deg
    return found[0], found[1]


def _astropy_frame(frame: str) -> Any:
    from astropy import coordinates

    name, _, equinox = frame.partition(" ")
    if name == "galactic":
        return coordinates.Galactic()
    if name == "supergalactic":
        return coordinates.Supergalactic()
    if name == "ecliptic":
        return coordinates.BarycentricMeanEcliptic(equinox=equinox)
    return getattr(coordinates, name)(equinox=equinox)
