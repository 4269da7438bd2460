"""Which rows thousands of cones select, in one scan: rows and cones meet in HEALPix cells, then the test is exact."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from ssap_mirror.core import healpix
from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import HEALPIX_COLUMN
from ssap_mirror.errors import ParameterError

from ssap_query.arrow.arrays import as_arrow
from ssap_query.engine.compile import (
    FILE_INDEX,
    FILE_ROW,
    CompiledQuery,
    Source,
    candidates_in_cones,
    compile_query,
    files_in_cones,
)
from ssap_query.engine.cones.row_groups import Pick, RowGroups
from ssap_query.engine.cones.select_rows import Found, columns_of
from ssap_query.engine.cones.sky_cover import Reach, reach_deg
from ssap_query.engine.duckdb_session import Arrays, Session
from ssap_query.engine.score import score_of_joined
from ssap_query.ssap.params.position import Cone, within_sql
from ssap_query.ssap.predicate import Predicate

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["found_in_cones", "join_statement"]

# Cells of about the radius: some ten of them cover a cone.
_CELL_SIZE_DEG = 58.6
_FINEST_ORDER = 17

# A test of one row against one cone costs some 10 ns of CPU; more pairs than this are no query but a misunderstanding.
_MAX_PAIRS = 5e9

_ROW_BITS = 40
_POS = "POS"

_WITHIN = Predicate(within_sql("{location}[1]", "{location}[2]", "test_ra", "test_dec", "test_sign", "test_limit"))


def found_in_cones(
    session: Session,
    row_groups: RowGroups,
    catalog: Catalog,
    extent: Reach,
    cones: Sequence[Cone],
    where: Sequence[Predicate],
    *,
    scored: bool,
) -> Found:
    """Find the rows that lie in any of many cones and fulfil conditions, in the order of the files.

    Parameters
    ----------
    session : Session
        What runs the statements.
    row_groups : RowGroups
        What reads the row groups.
    catalog : Catalog
        The snapshot.
    extent : Reach
        What the cones touch of it.
    cones : sequence of Cone
        At least one.
    where : sequence of Predicate
        Conditions beside the cones.
    scored : bool
        Whether to work out the score.

    Raises
    ------
    ParameterError
        If so many regions overlap that the tests would take minutes.
    """
    order = _order(catalog, cones)
    table = _cone_table(catalog, cones, order)
    _refuse_too_many_pairs(catalog, cones, table.num_rows, order)

    def run(source: Source, **tables: pa.Table) -> Arrays:
        query = _rows_in_cones(catalog, source, where, scored=scored)
        return session.arrays(query.sql, query.values, cones=table, **tables)

    parts: list[Arrays] = []
    placed = [str(partition.path) for partition in extent.partitions]
    if placed:
        parts.append(run(files_in_cones(placed, order)))
    if extent.unplaced is not None:
        names = columns_of(catalog.schema, [_WITHIN, *where, *_computed(catalog, scored=scored).values()])
        rows = _unplaced_rows(row_groups, catalog, str(extent.unplaced.path), len(placed), names)
        parts.append(run(candidates_in_cones(order), candidates=rows))
    return _located(row_groups, extent.paths, parts, scored=scored)


def join_statement(
    catalog: Catalog, extent: Reach, cones: Sequence[Cone], where: Sequence[Predicate], *, scored: bool
) -> CompiledQuery:
    """Write the statement that finds the placed rows; the table ``cones`` has a row for each cone and cell."""
    paths = [str(partition.path) for partition in extent.partitions]
    return _rows_in_cones(catalog, files_in_cones(paths, _order(catalog, cones)), where, scored=scored)


def _rows_in_cones(catalog: Catalog, source: Source, where: Sequence[Predicate], *, scored: bool) -> CompiledQuery:
    keys = [FILE_INDEX, FILE_ROW]
    computed = _computed(catalog, scored=scored)
    return compile_query(catalog.schema, keys, source, [_WITHIN, *where], computed=computed, group_by=keys)


def _computed(catalog: Catalog, *, scored: bool) -> dict[str, Predicate]:
    return {"score": score_of_joined(with_snr=catalog.schema.role("snr") is not None)} if scored else {}


def _order(catalog: Catalog, cones: Sequence[Cone]) -> int:
    reach = max(reach_deg(catalog, cone) for cone in cones)
    return min(max(math.ceil(math.log2(_CELL_SIZE_DEG / max(reach, 1e-9))), 0), _FINEST_ORDER)


def _cone_table(catalog: Catalog, cones: Sequence[Cone], order: int) -> pa.Table:
    """One row for each cone and each cell of an order that it touches."""
    import pyarrow as pa

    shift = 2 * (healpix.ORDER - order)
    cells, owners = [], []
    for number, cone in enumerate(cones):
        for low, high in healpix.cone_ranges(cone.ra_deg, cone.dec_deg, reach_deg(catalog, cone), order):
            cells.append(np.arange(low >> shift, (high >> shift) + 1))
            owners.append(np.full(len(cells[-1]), number))
    numbers = np.array([(*cone.test, cone.ra_deg, cone.dec_deg, cone.radius_deg) for cone in cones])
    owner = np.concatenate(owners)
    names = ("test_ra", "test_dec", "test_sign", "test_limit", "centre_ra", "centre_dec", "centre_radius")
    columns = {name: numbers[owner, i] for i, name in enumerate(names)}
    return pa.table({"cone_cell": np.concatenate(cells), **columns})


def _refuse_too_many_pairs(catalog: Catalog, cones: Sequence[Cone], cells: int, order: int) -> None:
    pairs = catalog.rows * cells / healpix.cells_in_order(order)
    if pairs > _MAX_PAIRS:
        reason = (
            f"are regions that overlap so much that {pairs:.1g} tests would be needed; ask for fewer or smaller ones"
        )
        raise ParameterError(_POS, f"{len(cones):,} positions", reason)


def _unplaced_rows(
    row_groups: RowGroups, catalog: Catalog, path: str, file_index: int, names: Sequence[str]
) -> pa.Table:
    """Unplaced rows that have a location, with its cell."""
    import pyarrow as pa

    tables = []
    for group in row_groups.footer(path).groups:
        cells = row_groups.location_cells(group, catalog.schema.roles["location"])
        known = np.flatnonzero(cells >= 0)
        columns = row_groups.take(Pick(group, known), names)
        columns[HEALPIX_COLUMN] = as_arrow(cells[known])
        columns[FILE_INDEX] = as_arrow(np.full(len(known), file_index))
        columns[FILE_ROW] = as_arrow(known + group.first_row)
        tables.append(pa.table(columns))
    return pa.concat_tables(tables)


def _located(row_groups: RowGroups, paths: Sequence[str], parts: Sequence[Arrays], *, scored: bool) -> Found:
    """Files and rows of files as row groups and rows of these."""
    groups = [(index, group) for index, path in enumerate(paths) for group in row_groups.footer(path).groups]
    starts = np.array([(index << _ROW_BITS) + group.first_row for index, group in groups], np.int64)
    file_index = np.concatenate([part[FILE_INDEX].astype(np.int64) for part in parts] or [np.empty(0, np.int64)])
    file_row = np.concatenate([part[FILE_ROW].astype(np.int64) for part in parts] or [np.empty(0, np.int64)])
    keys = (file_index << _ROW_BITS) + file_row
    in_order = np.argsort(keys)
    keys = keys[in_order]
    group = np.searchsorted(starts, keys, side="right") - 1
    score = np.concatenate([part["score"] for part in parts])[in_order] if scored and parts else None
    return Found([found for _, found in groups], group, keys - starts[group], score)
