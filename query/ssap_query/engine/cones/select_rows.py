"""Which rows a cone selects, from the few row groups it touches.

The coarse step takes rows by their cell out of decoded columns; DuckDB then tests the exact conditions on what is left,
which is hundreds of rows instead of a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING

import numpy as np
from ssap_mirror.core.schema import HEALPIX_COLUMN, Schema

from ssap_query.arrow.arrays import as_arrow, as_numpy, points, taken
from ssap_query.engine.compile import CANDIDATES, ROW, compile_query
from ssap_query.engine.cones.row_groups import Group, Pick, RowGroups, rows_in, rows_in_any_order
from ssap_query.engine.cones.sky_cover import Ranges
from ssap_query.engine.duckdb_session import Session
from ssap_query.engine.score import scores
from ssap_query.ssap.params.position import Cone
from ssap_query.ssap.predicate import Predicate

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Found", "columns_of", "picked"]

# A thousand times the rounding of an angle [rad]
_DOUBT = 1e-12


@dataclass(frozen=True)
class Found:
    """Rows by where they are, in the order of the answer."""

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

    def first(self, rows: int) -> Found:
        """Keep the first so many of them."""
        score = None if self.score is None else self.score[:rows]
        return Found(self.groups, self.group[:rows], self.row[:rows], score)

    def best_first(self) -> Found:
        """Put the best-scored rows first; equal scores keep their order."""
        if self.score is None:
            return self
        order = np.argsort(-self.score, kind="stable")
        return Found(self.groups, self.group[order], self.row[order], self.score[order])

    def picks(self, score_column: str | None = None) -> tuple[list[Pick], NDArray[np.int64]]:
        """Rows to take from each group, and where each of these belongs in the answer.

        Parameters
        ----------
        score_column : str, optional
            Column that gets the scores.

        Returns
        -------
        picks : list of Pick
            One for each group that has rows.
        order : numpy.ndarray of int64, shape (n,)
            Rows of the picks, in a line, in the order of the answer.
        """
        by_place = np.lexsort((self.row, self.group))
        group, row = self.group[by_place], self.row[by_place]
        cuts = np.flatnonzero(np.diff(group)) + 1
        picks = []
        for part in np.split(np.arange(len(row)), cuts) if len(row) else []:
            computed = {}
            if score_column is not None and self.score is not None:
                computed[score_column] = as_arrow(self.score[by_place[part]])
            picks.append(Pick(self.groups[int(group[part[0]])], row[part], computed))
        order = np.empty(len(row), np.int64)
        order[by_place] = np.arange(len(row))
        return picks, order


def columns_of(schema: Schema, predicates: Sequence[Predicate]) -> list[str]:
    """Names of the columns that predicates read, without repeats."""
    roles = [role for part in predicates for _, role, _, _ in Formatter().parse(part.sql) if role]
    return list(dict.fromkeys(schema.roles[role] for role in roles))


def picked(
    session: Session,
    row_groups: RowGroups,
    schema: Schema,
    groups: Sequence[Group],
    ranges: Ranges,
    where: Sequence[Predicate],
    *,
    cones: Sequence[Cone] = (),
    alone: Sequence[Cone] = (),
    limit: int | None = None,
) -> Found:
    """Find the rows of some row groups that lie in ranges of cells and fulfil conditions.

    Parameters
    ----------
    session : Session
        What tests the conditions.
    row_groups : RowGroups
        What reads the row groups.
    schema : Schema
        Columns of the snapshot.
    groups : sequence of Group
        Row groups that the ranges touch.
    ranges : Ranges
        Coarse step, of the cell of the target or, for unplaced rows, of the location.
    where : sequence of Predicate
        Exact conditions.
    cones : sequence of Cone
        What to score the rows by; without any they have no score.
    alone : sequence of Cone
        The cones, where to lie in one of them is the only condition.
    limit : int, optional
        Largest number of rows.

    Returns
    -------
    Found
        In the order of the groups.
    """
    import pyarrow as pa

    from ssap_query.arrow import kernels

    shown = [role for role in ("location", "snr") if cones and role in schema.roles]
    names = list(dict.fromkeys([*columns_of(schema, where), *(schema.roles[role] for role in shown)]))
    pieces: list[dict[str, pa.Array]] = []
    owners: list[NDArray[np.int64]] = []
    rows: list[NDArray[np.int64]] = []
    for number, group in enumerate(groups):
        if group.cells is None:
            candidates = rows_in_any_order(row_groups.location_cells(group, schema.roles["location"]), ranges)
        else:
            # Decoded together with the rest: of what a cone's ranges touch nearly all has candidates.
            cells = row_groups.arrays(group, [HEALPIX_COLUMN, *names])[HEALPIX_COLUMN]
            candidates = rows_in(as_numpy(cells), ranges)
        if len(candidates):
            pieces.append(taken(row_groups.arrays(group, names), candidates))
            rows.append(candidates)
            owners.append(np.full(len(candidates), number))
    if not pieces:
        nothing = np.empty(0, np.int64)
        return Found(groups, nothing, nothing, nothing.astype(np.float32) if cones else None)
    row, owner = np.concatenate(rows), np.concatenate(owners)
    table = pa.table({name: pa.chunked_array([piece[name] for piece in pieces]) for name in names})
    found = _inside(table[schema.roles["location"]].combine_chunks(), alone) if alone else None
    if found is None:
        table = table.append_column(ROW, as_arrow(np.arange(len(row))))
        query = compile_query(schema, [ROW], CANDIDATES, where, limit=limit)
        found = session.arrays(query.sql, query.values, candidates=table)[ROW]
    else:
        found = found[:limit]
    score = None
    if cones:
        chosen = as_arrow(found)
        score = scores(
            {role: kernels.take(table[schema.roles[role]], chosen).combine_chunks() for role in shown}, cones
        )
    return Found(groups, owner[found], row[found], score)


def _inside(location: pa.Array, cones: Sequence[Cone]) -> NDArray[np.int64] | None:
    """Rows that lie in a cone, where that is beyond doubt.

    The test is that of `cone_predicate`, whose planning takes DuckDB as long as all the rest of a cone that was asked
    before. Where a row is so near an edge that the last digits of a sine may decide, DuckDB does.

    Parameters
    ----------
    location : pyarrow.Array, shape (n,)
        Pairs of right ascension and declination [deg]; NULL lies in no cone.
    cones : sequence of Cone
        At least one; meant for few.

    Returns
    -------
    numpy.ndarray of int64, or None
        Row numbers, ascending; None if there is a doubt.
    """
    at = points(location)
    known = np.flatnonzero(np.isfinite(at).all(axis=1))
    if len(known) + location.null_count != len(at):
        return None
    inside = np.zeros(len(known), np.bool_)
    row_ra, row_dec = np.radians(at[known]).T
    for cone in cones:
        ra, dec, sign, limit = cone.test
        ra, dec = np.radians(ra), np.radians(dec)
        haversine = np.sin((row_dec - dec) / 2) ** 2 + np.cos(row_dec) * np.cos(dec) * np.sin((row_ra - ra) / 2) ** 2
        beyond = sign * haversine - limit
        # An angle is off by 1e-15 rad at most, and the haversine by as much times the sine of half the angle.
        if not (np.abs(beyond) > _DOUBT * max(np.sqrt(abs(limit)), _DOUBT)).all():
            return None
        inside |= beyond <= 0
    return known[inside]
