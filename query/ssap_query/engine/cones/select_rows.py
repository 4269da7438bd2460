"""The way of a few cones that touch a few row groups: these are decoded, and their rows tested.

The coarse step takes rows by their cell out of decoded columns; the exact conditions are then tested on what is left,
which is hundreds of rows instead of a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ssap_mirror.core.schema import HEALPIX_COLUMN
from ssap_mirror.core.sphere import haversine

from ssap_query.arrow.arrays import as_arrow, as_numpy, coordinates, taken
from ssap_query.engine.compile import CANDIDATES, ROW, CompiledQuery, columns_of, compile_query
from ssap_query.engine.cones.found_rows import FoundRows, gather
from ssap_query.engine.duckdb_session import translate_errors
from ssap_query.engine.index.row_groups import Group, rows_in, rows_in_any_order
from ssap_query.engine.plan import BoundQuery
from ssap_query.engine.rows import Rows
from ssap_query.engine.score import SCORE_ROLES, scores
from ssap_query.ssap.values.cones import Cone, Region

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["RowGroups", "rows_inside"]

# A thousand times the rounding of an angle [rad].
_EDGE_TOLERANCE = 1e-12


@dataclass(frozen=True)
class RowGroups:
    """A few row groups, decoded, and kept for the next request if the mirror keeps anything."""

    query: BoundQuery
    """What is asked, with its region."""
    region: Region
    """A few cones."""
    groups: Sequence[Group]
    """Row groups that the region touches, in the order of the files."""

    def rows(self) -> tuple[Rows, bool]:
        """Decode the row groups and test their rows."""
        with translate_errors(self.query.snapshot.catalog.path):
            found = self._select_rows()
        return gather(self.query, found, keep=True)

    def statement(self) -> CompiledQuery:
        """Write the query as the statement that a scan would run."""
        return self.query.statement()

    def row_groups(self) -> Sequence[Group]:
        """Give the row groups."""
        return self.groups

    def words(self) -> str:
        """Say the way in words."""
        return "the row groups below are decoded, and the conditions tested on their rows"

    def _select_rows(self) -> FoundRows:
        """Find the rows that lie in the region and fulfil the conditions, in the order of the groups."""
        import pyarrow as pa

        from ssap_query.arrow import kernels

        query, schema = self.query, self.query.snapshot.catalog.schema
        scored = [role for role in SCORE_ROLES if query.scored and role in schema.roles]
        names = list(dict.fromkeys([*columns_of(schema, query.exact), *(schema.roles[role] for role in scored)]))
        self._prepare(names)
        pieces: list[dict[str, pa.Array]] = []
        owners: list[NDArray[np.int64]] = []
        rows: list[NDArray[np.int64]] = []
        for number, group in enumerate(self.groups):
            candidates, columns = self._candidates(group, names)
            if len(candidates):
                pieces.append(taken(columns, candidates))
                rows.append(candidates)
                owners.append(np.full(len(candidates), number))
        if not pieces:
            none = np.empty(0, np.int64)
            return FoundRows(self.groups, none, none, none.astype(np.float32) if query.scored else None)
        row, owner = np.concatenate(rows), np.concatenate(owners)
        table = pa.table({name: pa.chunked_array([piece[name] for piece in pieces]) for name in names})
        found = self._tested(table)
        score = None
        if query.scored:
            chosen = as_arrow(found)
            columns = {role: kernels.take(table[schema.roles[role]], chosen).combine_chunks() for role in scored}
            score = scores(columns, self.region.cones)
        return FoundRows(self.groups, owner[found], row[found], score)

    def _prepare(self, names: Sequence[str]) -> None:
        """Have at hand what will be decoded: of placed rows all that the result needs, of the others their position."""
        reader, shown = self.query.snapshot.row_groups, self.query.columns.varying
        placed = [group for group in self.groups if group.cells is not None]
        reader.prepare(placed, list(dict.fromkeys([HEALPIX_COLUMN, *names, *shown])))
        reader.prepare([group for group in self.groups if group.cells is None], self._position)

    @property
    def _position(self) -> list[str]:
        """Columns of the position that has to lie in the region."""
        roles = self.query.snapshot.catalog.schema.roles
        return [roles[role] for role in self.region.position.roles]

    def _candidates(self, group: Group, names: Sequence[str]) -> tuple[NDArray[np.int64], dict[str, pa.Array]]:
        """Rows of a group that the coarse step leaves, by the cell of the target or, unplaced, of the position.

        Parameters
        ----------
        group : Group
            The row group.
        names : sequence of str
            Columns to read.

        Returns
        -------
        rows : numpy.ndarray of int64
            Row numbers, ascending.
        columns : dict of str to pyarrow.Array, shape (group.rows,)
            The columns; none if no row is left.
        """
        reader, ranges = self.query.snapshot.row_groups, self.query.cover.ranges or ()
        if group.cells is None:
            rows = rows_in_any_order(reader.position_cells(group, self._position), ranges)
            return rows, reader.arrays(group, names) if len(rows) else {}
        # Cells are decoded together with the rest: of what a cone's ranges touch nearly all has candidates.
        columns = reader.arrays(group, [HEALPIX_COLUMN, *names])
        return rows_in(as_numpy(columns.pop(HEALPIX_COLUMN)), ranges), columns

    def _tested(self, table: pa.Table) -> NDArray[np.int64]:
        """Candidates that fulfil the exact conditions, ascending; one more than the limit is enough."""
        query = self.query
        limit = None if query.ranked else query.fetched
        if query.cones_only:
            columns = [table[name].combine_chunks() for name in self._position]
            found = rows_inside(columns, self.region.cones)
            if found is not None:
                return found[:limit]
        numbered = table.append_column(ROW, as_arrow(np.arange(table.num_rows)))
        snapshot = query.snapshot
        statement = compile_query(snapshot.catalog.schema, [ROW], CANDIDATES, query.exact, in_order=[ROW], limit=limit)
        rows: NDArray[np.int64] = snapshot.session.arrays(statement.sql, statement.values, candidates=numbered)[ROW]
        return rows


def rows_inside(position: Sequence[pa.Array], cones: Sequence[Cone]) -> NDArray[np.int64] | None:
    """Rows that lie in a cone, where all are outside the rounding error of its edge.

    The test is that of `Region.within`, whose planning takes DuckDB as long as all the rest of a cone that was asked
    before. Where a row is so near an edge that the last digits of a sine may decide, DuckDB does.

    Parameters
    ----------
    position : sequence of pyarrow.Array, shape (n,)
        Columns of the position [deg]: one of pairs, or right ascension and declination; NULL lies in no cone.
    cones : sequence of Cone
        At least one; meant for few.

    Returns
    -------
    numpy.ndarray of int64, or None
        Row numbers, ascending; None if a row is too near an edge, or at no finite position.
    """
    at = coordinates(position)
    known = np.flatnonzero(np.isfinite(at).all(axis=1))
    if len(known) + position[0].null_count != len(at):
        return None
    inside = np.zeros(len(known), np.bool_)
    row_ra, row_dec = at[known].T
    for cone in cones:
        ra, dec, sign, limit = cone.test
        beyond = sign * haversine(row_ra, row_dec, ra, dec) - limit
        # An angle is off by 1e-15 rad at most, and the haversine by as much times the sine of half the angle.
        if not (np.abs(beyond) > _EDGE_TOLERANCE * max(np.sqrt(abs(limit)), _EDGE_TOLERANCE)).all():
            return None
        inside |= beyond <= 0
    return known[inside]
