"""Angles between directions, by the haversine formula: exact for the smallest, good to some mas near 180 degrees.

The formula stands here once for arrays and once as SQL, side by side.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, LiteralString

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["haversine", "haversine_of", "haversine_sql", "separation_arcsec"]


def haversine(ra1: ArrayLike, dec1: ArrayLike, ra2: ArrayLike, dec2: ArrayLike) -> NDArray[np.float64]:
    """Square of the sine of half the separation: 0 at the same place, 1 at opposite ones.

    Parameters
    ----------
    ra1, dec1, ra2, dec2 : array_like of float, shape (N,)
        Positions [deg], of one frame.

    Returns
    -------
    numpy.ndarray of float64, shape (N,)
        NaN where a position is.
    """
    import numpy as np

    a1, d1, a2, d2 = (np.radians(np.asarray(angle, np.float64)) for angle in (ra1, dec1, ra2, dec2))
    found: NDArray[np.float64] = np.sin((d2 - d1) / 2) ** 2 + np.cos(d1) * np.cos(d2) * np.sin((a2 - a1) / 2) ** 2
    return found


def haversine_of(separation_deg: float) -> float:
    """Haversine of a separation [deg], to compare those of positions with."""
    return math.sin(math.radians(separation_deg) / 2) ** 2


def haversine_sql(
    ra1: LiteralString, dec1: LiteralString, ra2: LiteralString, dec2: LiteralString, *, products: bool = False
) -> LiteralString:
    """Write `haversine` as an SQL expression, from SQL of its arguments [deg].

    Parameters
    ----------
    ra1, dec1, ra2, dec2 : str
        Columns, numbers or ``?``; they stand in the order dec1, dec2, dec1, dec2, ra1, ra2.
    products : bool
        Products in place of powers, which cost a third less in a test of millions of pairs; arguments then stand
        twice, so they must be names.
    """
    sines = ["sin(radians(" + one + " - " + other + ") / 2)" for one, other in ((dec1, dec2), (ra1, ra2))]
    in_dec, in_ra = (sine + " * " + sine if products else "pow(" + sine + ", 2)" for sine in sines)
    return in_dec + " + cos(radians(" + dec1 + ")) * cos(radians(" + dec2 + ")) * " + in_ra


def separation_arcsec(ra1: ArrayLike, dec1: ArrayLike, ra2: ArrayLike, dec2: ArrayLike) -> NDArray[np.float64]:
    """Great-circle separation.

    Parameters
    ----------
    ra1, dec1, ra2, dec2 : array_like of float, shape (N,)
        Positions [deg], of one frame.

    Returns
    -------
    numpy.ndarray of float64, shape (N,)
        Separation [arcsec]; NaN where a position is.
    """
    import numpy as np

    half = np.arcsin(np.sqrt(np.clip(haversine(ra1, dec1, ra2, dec2), 0, 1)))
    separation: NDArray[np.float64] = np.degrees(2 * half) * 3600
    return separation
