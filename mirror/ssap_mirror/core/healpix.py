"""HEALPix in the NESTED scheme (Górski et al. 2005, ApJ 622, 759): cells of positions, cells of a cone.

All positions are ICRS degrees. The work is hpgeom's; it is imported when first needed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ssap_mirror.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["ORDER", "cell_of", "cell_range", "cells_in_order", "cone_ranges", "healpix_29"]

#: Order of ``_healpix_29``.
ORDER = 29

# Grown by this much, no cone loses a position to rounding: the worst is a haversine near 180 degrees, which is good to
# sqrt(2^-52) rad = 3 mas; a position's own cell is good to 1e-12 degrees.
_PAD_DEG = 1e-5
# Cells of half the radius: some 25 of them cover a cone, in about ten ranges.
_CELLS_PER_RADIUS = 2.0
_CELL_SIZE_DEG = 58.6323  # sqrt(4 pi / 12) rad: side of an order-0 cell, if it were a square
# Finer than 1.6 arcsec, more ranges find no fewer rows. It also leaves room for the oversampling of ``query_circle``.
_FINEST = 17
_OVERSAMPLING = 4
# ``query_circle`` (hpgeom 1.6, and healpy 1.20 likewise) loses a base cell whose centre is exactly opposite to a cone's
# if the radius and the cell's own, 48 degrees, make more than 180. A cone this wide gets the whole sphere.
_WIDEST_DEG = 120.0


def healpix_29(ra: ArrayLike, dec: ArrayLike) -> NDArray[np.int64]:
    """NESTED cells of order 29.

    Parameters
    ----------
    ra, dec : array_like of float, shape (N,)
        ICRS position [deg]; any finite right ascension is taken modulo 360.

    Returns
    -------
    numpy.ndarray of int64, shape (N,)
        ``_healpix_29`` as HATS defines it.

    Raises
    ------
    ParameterError
        If a position is not finite or a declination is beyond a pole.
    """
    import hpgeom

    ra, dec = np.asarray(ra, np.float64), np.asarray(dec, np.float64)
    _refuse(ra, ~np.isfinite(ra), "ra", "is not a finite angle in degrees")
    _refuse(dec, ~(np.abs(dec) <= 90), "dec", "is not between -90 and 90 degrees")
    wrapped = np.mod(ra, 360.0)
    wrapped[wrapped >= 360.0] = 0.0  # what is left of a tiny negative angle
    if not len(wrapped):
        return np.empty(0, np.int64)
    cells: NDArray[np.int64] = hpgeom.angle_to_pixel(2**ORDER, wrapped, dec, nest=True, lonlat=True, degrees=True)
    return cells


def cell_of(healpix: Any, order: int) -> Any:
    """NESTED cell of a lower order that holds order-29 cells.

    Parameters
    ----------
    healpix : int or numpy.ndarray of int64
        ``_healpix_29``.
    order : int
        Order of the cell, 0 to 29.
    """
    return healpix >> 2 * (ORDER - order)


def cell_range(order: int, npix: int) -> tuple[int, int]:
    """First and last ``_healpix_29`` of a NESTED cell, both inclusive."""
    shift = 2 * (ORDER - order)
    return npix << shift, ((npix + 1) << shift) - 1


def cells_in_order(order: int) -> int:
    """Count the cells on the sphere."""
    return 12 << 2 * order


def cone_ranges(ra: float, dec: float, radius_deg: float, order: int | None = None) -> list[tuple[int, int]]:
    """Ranges of ``_healpix_29`` that cover a cone: they may hold more than the cone, never less.

    Parameters
    ----------
    ra, dec : float
        Centre, ICRS [deg].
    radius_deg : float
        Radius [deg], 0 or more; from 120 on, the ranges are the whole sphere.
    order : int, optional
        Order of the covering cells, 0 to 27; without it, cells of about half the radius.

    Returns
    -------
    list of (int, int)
        Sorted, separate, both ends inclusive.

    Raises
    ------
    ParameterError
        If the centre or the radius is not on the sphere.
    """
    import hpgeom

    if not math.isfinite(ra):
        raise ParameterError(name="ra", value=ra, reason="is not a finite angle in degrees")
    if not -90 <= dec <= 90:
        raise ParameterError(name="dec", value=dec, reason="is not between -90 and 90 degrees")
    if not radius_deg >= 0:
        raise ParameterError(name="radius_deg", value=radius_deg, reason="is not an angle of 0 degrees or more")
    radius = radius_deg + _PAD_DEG
    if radius >= _WIDEST_DEG:
        return [(0, cells_in_order(ORDER) - 1)]
    if order is None:
        order = math.ceil(math.log2(_CELLS_PER_RADIUS * _CELL_SIZE_DEG / radius))
        order = min(max(order, 0), _FINEST)
    lon = ra % 360.0
    cells = hpgeom.query_circle(
        2**order,
        lon if lon < 360.0 else 0.0,
        dec,
        radius,
        inclusive=True,
        fact=_OVERSAMPLING,
        nest=True,
        lonlat=True,
        degrees=True,
        return_pixel_ranges=True,
    )
    shift = 2 * (ORDER - order)
    return [(int(low) << shift, (int(high) << shift) - 1) for low, high in cells]


def _refuse(values: NDArray[np.float64], bad: NDArray[np.bool_], name: str, reason: str) -> None:
    if bad.any():
        raise ParameterError(name, float(values[bad][0]), reason)
