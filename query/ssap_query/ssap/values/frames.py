"""Celestial frames of POS: FK5 (J2000) and galactic coordinates to ICRS.

Rotations only, small enough that astropy need not be loaded (it agrees to better than a microarcsecond).
"""

from __future__ import annotations

import math
from functools import cache

__all__ = ["FRAMES", "to_icrs", "wrapped"]

FRAMES = ("ICRS", "FK5", "GALACTIC")

_ARCSEC = math.radians(1 / 3600)
# Frame bias FK5 -> ICRS [arcsec]: Hilton & Hohenkerk 2004, A&A 413, 765, eq. 6 and table (Feissel & Mignard 1998).
_BIAS_ETA0, _BIAS_XI0, _BIAS_DA0 = -0.0199, 0.0091, -0.0229
# North galactic pole in FK5 J2000 and position angle of the galactic centre [deg]: Reid & Brunthaler 2004,
# ApJ 616, 872, appendix (the IAU 1958 definition carried to J2000).
_POLE_RA, _POLE_DEC, _CENTRE = 192.8594812065348, 27.12825118085622, 122.9319185680026

Matrix = tuple[tuple[float, float, float], ...]


def to_icrs(frame: str, longitude_deg: float, latitude_deg: float) -> tuple[float, float]:
    """ICRS position of a direction given in another frame.

    Parameters
    ----------
    frame : {'ICRS', 'FK5', 'GALACTIC'}
        Frame of the coordinates; FK5 is of equinox J2000.
    longitude_deg, latitude_deg : float
        Right ascension and declination, or galactic longitude and latitude [deg].

    Returns
    -------
    ra_deg, dec_deg : float
        ICRS [deg], right ascension in [0, 360).
    """
    if frame == "ICRS":
        return wrapped(longitude_deg), latitude_deg
    lon, lat = math.radians(longitude_deg), math.radians(latitude_deg)
    vector = (math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat))
    x, y, z = (sum(m * v for m, v in zip(row, vector, strict=True)) for row in _matrix(frame))
    return wrapped(math.degrees(math.atan2(y, x))), math.degrees(math.atan2(z, math.hypot(x, y)))


def wrapped(angle_deg: float) -> float:
    """Angle in [0, 360) degrees."""
    angle = math.fmod(angle_deg, 360.0)
    if angle < 0:
        angle += 360.0
    return 0.0 if angle >= 360.0 else angle


@cache
def _matrix(frame: str) -> Matrix:
    icrs_to_fk5 = _product(
        _rotation(0, -_BIAS_ETA0 * _ARCSEC), _rotation(1, _BIAS_XI0 * _ARCSEC), _rotation(2, _BIAS_DA0 * _ARCSEC)
    )
    if frame == "FK5":
        return _transposed(icrs_to_fk5)
    fk5_to_galactic = _product(
        _rotation(2, math.radians(180 - _CENTRE)),
        _rotation(1, math.radians(90 - _POLE_DEC)),
        _rotation(2, math.radians(_POLE_RA)),
    )
    return _transposed(_product(fk5_to_galactic, icrs_to_fk5))


def _rotation(axis: int, angle: float) -> Matrix:
    """Rotation of the frame about an axis, as in Explanatory Supplement (1992) §11.41."""
    rows = [[0.0] * 3 for _ in range(3)]
    j, k = (axis + 1) % 3, (axis + 2) % 3
    rows[axis][axis] = 1.0
    rows[j][j] = rows[k][k] = math.cos(angle)
    rows[j][k], rows[k][j] = math.sin(angle), -math.sin(angle)
    return tuple((row[0], row[1], row[2]) for row in rows)


def _product(*matrices: Matrix) -> Matrix:
    found = matrices[0]
    for right in matrices[1:]:
        columns = _transposed(right)
        rows = [[sum(a * b for a, b in zip(row, column, strict=True)) for column in columns] for row in found]
        found = tuple((row[0], row[1], row[2]) for row in rows)
    return found


def _transposed(matrix: Matrix) -> Matrix:
    return tuple((matrix[0][i], matrix[1][i], matrix[2][i]) for i in range(3))
