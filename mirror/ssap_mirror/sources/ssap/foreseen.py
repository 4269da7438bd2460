"""How many requests a sweep will take, foreseen from the rows that a survey has seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.sources.harvest.slices import Slice

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["requests_for_cells", "requests_for_ranges"]

# The disc around a cell, in terms of the cell.
_DISC_PER_CELL = 1.7
_FINEST_ORDER = 14


def requests_for_ranges(slices: Sequence[Slice], known: NDArray[np.float64], limit: int) -> int:
    """Count requests for some ranges, and for the halves of those that hold more rows than an answer.

    Parameters
    ----------
    slices : sequence of Slice
        Ranges of one parameter.
    known : numpy.ndarray of float64, shape (N,)
        Its value for each row.
    limit : int
        Rows of an answer.
    """
    requests, waiting = 0, list(slices)
    while waiting:
        slice_ = waiting.pop()
        requests += 1
        if slice_.range is not None and int(slice_.range.holds(known).sum()) >= limit:
            waiting.extend(slice_.cut(known) or ())
    return requests


def requests_for_cells(ra: NDArray[np.float64], dec: NDArray[np.float64], order: int, limit: int) -> int:
    """Count requests for the discs around all cells of an order, and around the quarters of those with too many rows.

    Parameters
    ----------
    ra, dec : numpy.ndarray of float64, shape (N,)
        Positions of the rows, ICRS [deg].
    order : int
        HEALPix order of the first cells.
    limit : int
        Rows of an answer.
    """
    from ssap_mirror.core.healpix import cell_of, healpix_29

    requests, places = 12 << 2 * order, healpix_29(ra, dec)
    while order < _FINEST_ORDER:
        cells, counts = np.unique(cell_of(places, order), return_counts=True)
        full = cells[_DISC_PER_CELL * counts >= limit]
        if not len(full):
            break
        requests += 4 * len(full)
        places = places[np.isin(cell_of(places, order), full)]
        order += 1
    return requests
