"""The rows of a region once for each of the positions that was asked for, with the number of that position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ssap_mirror.core import healpix
from ssap_mirror.errors import ParameterError

from ssap_query.arrow.arrays import as_arrow, coordinates
from ssap_query.engine.compile import points_in_cones
from ssap_query.engine.cones.cone_join import cone_table, meeting_order
from ssap_query.engine.duckdb_session import Session
from ssap_query.engine.rows import Rows
from ssap_query.ssap.values.cones import Cone, Region

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["RowsByCone", "rows_by_cone"]

_POS = "POS"
# Of the numbers of a pair, some 50 bytes are held while they are put in order.
_MOST_PAIRS = 50_000_000


@dataclass(frozen=True)
class RowsByCone:
    """Rows of a result, each as often as there are positions it belongs to, in the order of the result."""

    found: Rows
    """Every row once, with the columns of its position."""
    row: NDArray[np.int64]
    """Number of a row of `found`, ascending; shape (n,)."""
    position: NDArray[np.int64]
    """Number of the position that it belongs to, from 0; shape (n,)."""
    arrow: pa.Schema
    """Columns of the result: what tells of the position, then columns of `found`."""
    added: Sequence[pa.Array]
    """Columns that tell of the position, of shape (number of positions,) each."""

    def __len__(self) -> int:
        return len(self.row)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, piece by piece."""
        import pyarrow as pa

        names = self.arrow.names[len(self.added) :]
        start = 0
        for batch in self.found.batches():
            first, last = np.searchsorted(self.row, [start, start + batch.num_rows])
            part = batch.select(names).take(as_arrow(self.row[first:last] - start))
            told = as_arrow(self.position[first:last])
            columns = [*(column.take(told) for column in self.added), *part.columns]
            yield pa.RecordBatch.from_arrays(columns, schema=self.arrow)
            start += batch.num_rows

    def first(self, rows: int) -> RowsByCone:
        """Keep the first rows."""
        return RowsByCone(self.found, self.row[:rows], self.position[:rows], self.arrow, self.added)


def rows_by_cone(
    session: Session, found: Rows, region: Region, columns: Sequence[str], arrow: pa.Schema, added: Sequence[pa.Array]
) -> RowsByCone:
    """Tell which positions the rows of a region belong to.

    Parameters
    ----------
    session : Session
        Tests the rows, as the query has done.
    found : Rows
        All rows that lie in the region.
    region : Region
        The cones, and the positions that were asked for.
    columns : sequence of str
        Columns of the rows' position.
    arrow, added
        As `RowsByCone` has them.

    Raises
    ------
    ParameterError
        If the cones overlap so much that there are tens of millions of rows.
    """
    at = np.concatenate(
        [np.empty((0, 2)), *(coordinates([batch.column(name) for name in columns]) for batch in found.batches())]
    )
    row, cone = _pairs(session, at, region.cones)
    # Positions that are equal have one cone.
    owners = np.argsort(region.numbers, kind="stable")
    starts = np.searchsorted(np.asarray(region.numbers)[owners], np.arange(len(region.cones) + 1))
    counts = (starts[1:] - starts[:-1])[cone]
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    row, position = np.repeat(row, counts), owners[np.repeat(starts[:-1][cone], counts) + within]
    in_order = np.lexsort((position, row))
    return RowsByCone(found, row[in_order], position[in_order].astype(np.int64), arrow, added)


def _pairs(
    session: Session, at: NDArray[np.float64], cones: Sequence[Cone]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and the cones that each lies in, tested as the query tests them; every row lies in one at least."""
    if not len(at):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    reaches = [cone.reach_deg for cone in cones]
    order = meeting_order(reaches)
    table = cone_table(cones, reaches, order)
    # What is beyond a pole has no cell.
    placed = np.flatnonzero(np.isfinite(at).all(axis=1) & (np.abs(at[:, 1]) <= 90))
    cells = healpix.cell_of(healpix.healpix_29(*at[placed].T), order)
    _refuse_too_many(cells, table["cone_cell"].to_numpy(), len(cones))
    found = [_tested(session, at, placed, cells, table)]
    left = np.setdiff1d(np.arange(len(at)), found[0][0])
    if len(left):
        firsts = np.unique(table["cone"].to_numpy(), return_index=True)[1]
        found.append(_tested(session, at, left, None, table.take(as_arrow(firsts))))
    rows, owners = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return rows, owners


def _refuse_too_many(rows: NDArray[np.int64], cones: NDArray[np.int64], number: int) -> None:
    known, counts = np.unique(cones, return_counts=True)
    pairs = int(counts[np.searchsorted(known, rows[np.isin(rows, known)])].sum())
    if pairs > _MOST_PAIRS:
        reason = f"are regions that overlap so much that up to {pairs:,} rows would be told of; ask for smaller ones"
        raise ParameterError(_POS, f"{number:,} positions", reason)


def _tested(
    session: Session,
    at: NDArray[np.float64],
    rows: NDArray[np.int64],
    cells: NDArray[np.int64] | None,
    cones: pa.Table,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of a row and a cone in which it lies."""
    import pyarrow as pa

    points = {"point": as_arrow(rows), "ra": as_arrow(at[rows, 0]), "dec": as_arrow(at[rows, 1])}
    if cells is not None:
        points["cell"] = as_arrow(cells)
    statement = points_in_cones(by_cell=cells is not None)
    pairs = session.arrays(statement, [], points=pa.table(points), cones=cones)
    return pairs["point"], pairs["cone"]
