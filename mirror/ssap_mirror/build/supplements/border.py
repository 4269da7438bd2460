"""Which rows lie so near to the edge of a partition that a match within it may need them.

A cell of some order is wider than the margin. So whatever is within the margin of a partition is in a cell that
belongs to it, or in one of the eight neighbours of such a cell; a few rows more do no harm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core.healpix import ORDER, cell_of, cell_range, cells_in_order
from ssap_mirror.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ssap_mirror.core.catalog import Partition

__all__ = ["MAX_MARGIN_ARCSEC", "Tiling", "gaps", "margin_order"]

#: Beyond this, even the cells of order 0 are not safely wider than the margin.
MAX_MARGIN_ARCSEC = 36_000.0

_SIDE_ARCSEC = 58.6323 * 3600  # side of an order-0 cell, if it were a square
# Part of that side which no cell of any order is narrower than: the narrowest has 0.6 of it.
_NARROWEST = 0.5
# Rows that are not in the outermost of so many finer cells of their partition need no exact look: 4 ** 7 cells, of
# which one in thirty lies at the edge.
_FINER = 7


def margin_order(margin_arcsec: float) -> int:
    """Deepest order whose cells are all wider than a margin.

    Parameters
    ----------
    margin_arcsec : float
        Width of the margin [arcsec], more than 0 and at most `MAX_MARGIN_ARCSEC`.

    Raises
    ------
    ParameterError
        If it is not such a width.
    """
    if not 0 < margin_arcsec <= MAX_MARGIN_ARCSEC:
        reason = f"is not a width of more than 0 and at most {MAX_MARGIN_ARCSEC:,.0f} arcsec"
        raise ParameterError(name="margin", value=margin_arcsec, reason=reason)
    return min(int(math.log2(_NARROWEST * _SIDE_ARCSEC / margin_arcsec)), ORDER)


def gaps(partitions: Sequence[Partition]) -> list[tuple[int, int]]:
    """Order and NESTED pixel of the largest cells that hold what no partition does, in the order of the sky.

    Rows of another catalogue may be there, and their matches just across the edge.
    """
    found = []
    start = 0
    ends = [*(part.healpix_29 for part in partitions), (cells_in_order(ORDER), 0)]
    for low, high in ends:
        while start < low:
            # The largest cell that begins here and ends before the next partition.
            aligned = ORDER if not start else ((start & -start).bit_length() - 1) // 2
            level = min(aligned, ((low - start).bit_length() - 1) // 2, ORDER)
            found.append((ORDER - level, start >> 2 * level))
            start += 1 << 2 * level
        start = high + 1
    return found


class Tiling:
    """Separate cells as ranges of ``_healpix_29``.

    Parameters
    ----------
    cells : sequence of (int, int)
        Order and NESTED pixel of each, in the order of the sky.
    order : int
        Of `margin_order`.
    """

    def __init__(self, cells: Sequence[tuple[int, int]], order: int) -> None:
        self._cells = cells
        ranges = np.array([cell_range(*cell) for cell in cells], np.int64).reshape(-1, 2)
        self._first, self._last = ranges[:, 0].copy(), ranges[:, 1].copy()
        self._order = order

    def near(self, number: int) -> tuple[int, ...]:
        """Other cells that may have rows in the margin of one: their places in the sequence, ascending."""
        norder, npix = self._cells[number]
        order = min(norder, self._order)
        cell = np.array([npix >> 2 * (norder - order)], np.int64)
        return tuple(np.unique(self._reached(cell, order, number)[1]).tolist())

    def border_rows(self, number: int, healpix: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
        """Find the rows of a cell that are in the margins of others.

        Parameters
        ----------
        number : int
            Place of the cell in the sequence.
        healpix : numpy.ndarray of int64, shape (N,)
            ``_healpix_29`` of its rows.

        Returns
        -------
        dict of int to numpy.ndarray of int64
            Place of each other cell that has some in its margin -> their places in `healpix`, ascending.
        """
        rough = min(self._cells[number][0] + _FINER, self._order)
        rows = np.arange(len(healpix))
        for order in sorted({rough, self._order}):
            cells, which = np.unique(cell_of(healpix[rows], order), return_inverse=True)
            at, other = self._reached(cells, order, number)
            touching = np.zeros(len(cells), np.bool_)
            touching[at] = True
            if order != self._order:
                rows = rows[touching[which]]
        found = {}
        for target in np.unique(other).tolist():
            touching[:] = False
            touching[at[other == target]] = True
            found[int(target)] = rows[touching[which]]
        return found

    def _reached(
        self, cells: NDArray[np.int64], order: int, number: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pairs of a cell's place in `cells`, and of another cell that it or a neighbour overlaps."""
        import hpgeom

        if not len(cells):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        around = np.column_stack([cells, hpgeom.neighbors(2**order, cells)])
        place = np.repeat(np.arange(len(cells)), around.shape[1])
        flat = around.ravel()
        place, flat = place[flat >= 0], flat[flat >= 0]  # some cells have seven neighbours
        shift = 2 * (ORDER - order)
        begin = np.searchsorted(self._last, flat << shift, "left")
        end = np.searchsorted(self._first, ((flat + 1) << shift) - 1, "right")
        count = np.maximum(end - begin, 0)
        # All cells from `begin` to before `end` of each.
        other = np.repeat(begin, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        pairs = np.unique(np.column_stack([np.repeat(place, count), other]), axis=0)
        pairs = pairs[pairs[:, 1] != number]
        return pairs[:, 0], pairs[:, 1]
