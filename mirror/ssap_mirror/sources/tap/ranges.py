"""Ranges of a column: those that cut a table into jobs, and those that hold some rows and few others."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core.schema import Column
from ssap_mirror.sources.harvest.slices import WHOLE, Range, Slice, TextRange
from ssap_mirror.sources.tap.adql import Adql

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["RangePlanner", "ranges_around"]

# Of a column of text, to find one in the middle.
_SOME_TEXTS = 200
# Each halving leaves a value on either side; values that crowd more than this are left to the jobs.
_MOST_HALVINGS = 64


class RangePlanner:
    """Finds cuts of a column between which the server counts at most so many rows.

    Parameters
    ----------
    adql : Adql
        Counts.
    rows : int
        For one slice.
    """

    def __init__(self, adql: Adql, rows: int) -> None:
        self._adql = adql
        self._rows = rows

    def plan(self, column: Column) -> list[Slice]:
        """Cut the table by a column.

        Parameters
        ----------
        column : Column
            Of numbers.

        Returns
        -------
        list of Slice
            That together hold every row, those without a value too; empty if the column has too few values.
        """
        bounds = self._adql.bounds(column.name)
        if not bounds[1] < bounds[2]:
            return []
        cuts = self._cuts(Range(column.name), bounds[0], _MOST_HALVINGS, bounds)
        if not cuts:
            return [WHOLE]
        slices = [Slice(Range(column.name, *ends)) for ends in itertools.pairwise([None, *cuts, None])]
        return [*slices, Slice(null=column.name)]

    def plan_texts(self, column: Column) -> list[Slice]:
        """Cut the table by a column of text; as `plan`."""
        found = self._adql.some_texts(column.name, WHOLE, _SOME_TEXTS)
        if len(found[1]) < 2:
            return []
        cuts = self._text_cuts(TextRange(column.name), found[0], _MOST_HALVINGS, found)
        slices = [Slice(text=TextRange(column.name, *ends)) for ends in itertools.pairwise([None, *cuts, None])]
        return [*slices, Slice(null=column.name)] if cuts else [WHOLE]

    def _text_cuts(
        self, within: TextRange, rows: int, halvings: int, found: tuple[int, list[str]] | None = None
    ) -> list[str]:
        """Cut at values that occur, whatever order the server has them in: its own counts tell how many are below.

        What is `found` in the range is asked for, unless it is known.
        """
        if rows <= self._rows or not halvings:
            return []
        rows, values = found or self._adql.some_texts(within.column, Slice(text=within), _SOME_TEXTS)
        if rows <= self._rows or len(values) < 2:
            return []
        # Not the least of all: what is below the cut must not be nothing.
        middle = values[max(1, len(values) // 2)]
        left, right = replace(within, stop=middle), replace(within, start=middle)
        below = self._adql.count(Slice(text=left))
        return [
            *self._text_cuts(left, below, halvings - 1),
            middle,
            *self._text_cuts(right, rows - below, halvings - 1),
        ]

    def _cuts(
        self, within: Range, rows: int, halvings: int, bounds: tuple[int, float, float] | None = None
    ) -> list[float]:
        """Halve between the values that occur, until the slices are small or of one value each.

        The `bounds` of the range are asked for, unless they are known.
        """
        if rows <= self._rows or not halvings:
            return []
        rows, low, high = bounds or self._adql.bounds(within.parameter, Slice(within))
        middle = low + (high - low) / 2
        if self._adql.is_integer(within.parameter):
            middle = math.floor(middle) + 1.0
        if rows <= self._rows or not low < middle <= high:
            return []
        left, right = replace(within, stop=middle), replace(within, start=middle)
        below = self._adql.count(Slice(left))
        return [*self._cuts(left, below, halvings - 1), middle, *self._cuts(right, rows - below, halvings - 1)]


def ranges_around(
    column: str, values: pa.Array, wanted: NDArray[np.bool_], job_cost_rows: int
) -> tuple[float, tuple[Slice, ...]]:
    """Find ranges of a column that hold the wanted rows, and few others.

    Parameters
    ----------
    column : str
        Of numbers.
    values : pyarrow.Array, shape (N,)
        Its value in each row of the table.
    wanted : numpy.ndarray of bool, shape (N,)
        Which rows are wanted.
    job_cost_rows : int
        Rows that cost as much as a job.

    Returns
    -------
    tuple of float, tuple of Slice
        What that costs [rows], and the slices, half-open.
    """
    null = values.is_null().to_numpy(zero_copy_only=False)
    slices: list[Slice] = []
    cost = 0.0
    if (null & wanted).any():
        slices.append(Slice(null=column))
        cost += job_cost_rows + int(null.sum())
    numbers = values.drop_null().to_numpy(zero_copy_only=False)
    distinct, place, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    starts = ends - counts
    at = np.unique(place[wanted[~null]])
    if not len(at):
        return cost, tuple(slices)
    far = np.flatnonzero(starts[at[1:]] - ends[at[:-1]] > job_cost_rows)
    firsts, lasts = at[np.concatenate([[0], far + 1])], at[np.concatenate([far, [len(at) - 1]])]
    slices += [
        Slice(Range(column, _start(distinct, first), _stop(distinct, last)))
        for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True)
    ]
    return cost + len(firsts) * job_cost_rows + float((ends[lasts] - starts[firsts]).sum()), tuple(slices)


def _start(distinct: NDArray[np.generic], at: int) -> float | None:
    """Find a bound that the value of this number is not below, and the one before it is; None if it may be open."""
    if at == 0:
        return None
    low, high = distinct[at - 1].item(), distinct[at].item()
    # Every server has NaN above all numbers, or in no range.
    return _between(low, high) if np.isfinite(high) else low if np.isfinite(low) else None


def _stop(distinct: NDArray[np.generic], at: int) -> float | None:
    """Find a bound that the value of this number is below, and the next is not; None if it may be open."""
    if at + 1 == len(distinct) or not np.isfinite(distinct[at + 1].item()):
        return None
    return _between(distinct[at].item(), distinct[at + 1].item())


def _between(low: float, high: float) -> float:
    if isinstance(high, int):
        return high
    # A number of single precision has to be told from its neighbour whatever the server makes of its decimals.
    middle = low / 2 + high / 2
    return middle if low < middle < high else high
