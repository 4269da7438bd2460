"""Rows by where they are in their files, and the way from there to their columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssap_query.arrow.arrays import as_arrow
from ssap_query.engine.index.row_groups import Group, RowSelection
from ssap_query.engine.plan import BoundQuery
from ssap_query.engine.rows import InMemoryRows, RowGroupRows, Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FoundRows", "gather", "shown_rows"]


@dataclass(frozen=True)
class FoundRows:
    """Rows by where they are, in the order of the result."""

    groups: Sequence[Group]
    """Row groups that hold them."""
    group: NDArray[np.int64]
    """Index into `groups`; shape (n,)."""
    row: NDArray[np.int64]
    """Row of the group; shape (n,)."""
    score: NDArray[np.float32] | None = None
    """How well each row matches; shape (n,)."""

    def __len__(self) -> int:
        return len(self.row)

    def first(self, rows: int) -> FoundRows:
        """Keep the first so many of them."""
        score = None if self.score is None else self.score[:rows]
        return FoundRows(self.groups, self.group[:rows], self.row[:rows], score)

    def best_first(self) -> FoundRows:
        """Put the best-scored rows first; equal scores keep their order."""
        if self.score is None:
            return self
        order = np.argsort(-self.score, kind="stable")
        return FoundRows(self.groups, self.group[order], self.row[order], self.score[order])

    def selections(self, score_column: str | None = None) -> tuple[list[RowSelection], NDArray[np.int64]]:
        """Rows to take from each group, and where each of these belongs in the result.

        Parameters
        ----------
        score_column : str, optional
            Column that gets the scores.

        Returns
        -------
        selections : list of RowSelection
            One for each group that has rows.
        order : numpy.ndarray of int64, shape (n,)
            Rows of the selections, in a line, in the order of the result.
        """
        by_place = np.lexsort((self.row, self.group))
        group, row = self.group[by_place], self.row[by_place]
        cuts = np.flatnonzero(np.diff(group)) + 1
        selections = []
        for part in np.split(np.arange(len(row)), cuts) if len(row) else []:
            computed = {}
            if score_column is not None and self.score is not None:
                computed[score_column] = as_arrow(self.score[by_place[part]])
            selections.append(RowSelection(self.groups[int(group[part[0]])], row[part], computed))
        order = np.empty(len(row), np.int64)
        order[by_place] = np.arange(len(row))
        return selections, order


def shown_rows(query: BoundQuery, found: FoundRows) -> FoundRows:
    """Put all rows that match in the order of the result, and keep those that its limit lets through."""
    ordered = found.best_first() if query.ranked else found
    return ordered if query.limit is None else ordered.first(query.limit)


def gather(query: BoundQuery, found: FoundRows, *, keep: bool) -> tuple[Rows, bool]:
    """Read the columns of the result for the rows that a query has found.

    Parameters
    ----------
    query : BoundQuery
        What is asked.
    found : FoundRows
        All rows that match, or one more than the limit; in the order of the files.
    keep : bool
        Whether what is decoded is worth keeping for the next request. A result of few row groups is held in memory in
        any case, another one if it is small.

    Returns
    -------
    rows : Rows
        At most as many as the limit lets through.
    truncated : bool
        Whether more match.
    """
    import pyarrow as pa

    from ssap_query.arrow import kernels

    shown = shown_rows(query, found)
    selections, order = shown.selections(query.score_column)
    snapshot = query.snapshot
    rows = RowGroupRows(query.columns, snapshot.row_groups, selections, keep=keep, catalog=snapshot.catalog)
    snapshot.row_groups.prepare((selection.group for selection in selections), query.columns.varying)
    truncated = len(shown) < len(found)
    if len(rows) > snapshot.limits.result.rows and not (query.ranked or keep):
        return rows, truncated
    table = pa.Table.from_batches(rows.batches(), query.columns.arrow)
    return InMemoryRows(kernels.take(table, as_arrow(order)) if query.ranked else table), truncated
