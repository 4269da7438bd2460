"""How many requests a sweep will take, foreseen from the rows that a survey has seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.sources.harvest.slices import Slice

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["requests_for"]

# The disc around a cell, in terms of the cell.
_DISC_PER_CELL = 1.7
_FINEST_ORDER = 14


def requests_for(
    slices: Sequence[Slice],
    known: NDArray[np.float64] | None,
    limit: int,
    positions: Callable[[], tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> int:
    """Count the requests that some slices will take, and the parts of those that have more rows than an answer.

    Parameters
    ----------
    slices : sequence of Slice
        As planned: ranges, cells, or whole collections.
    known : numpy.ndarray of float64, optional
        Values of the parameter of ranges, for each row.
    limit : int
        Rows of an answer.
    positions : callable
        Gives right ascension and declination of the rows, ICRS [deg].
    """
    if known is not None:
        return _for_ranges(slices, known, limit)
    first = slices[0].cell
    return len(slices) if first is None else _for_cells(*positions(), first.order, limit)


def _for_ranges(slices: Sequence[Slice], known: NDArray[np.float64], limit: int) -> int:
    """Count requests for some ranges, and for the halves of those that hold more rows than an answer."""
    requests, waiting = 0, list(slices)
    while waiting:
        slice_ = waiting.pop()
        requests += 1
        if slice_.range is not None and int(slice_.range.holds(known).sum()) >= limit:
            waiting.extend(slice_.cut(known) or ())
    return requests


def _for_cells(ra: NDArray[np.float64], dec: NDArray[np.float64], order: int, limit: int) -> int:
    """Count requests for the discs around cells of an order, and around the quarters of those with too many rows."""
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
