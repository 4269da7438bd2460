"""The way of thousands of cones: one scan in which rows and cones meet in HEALPix cells, then the test is exact."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ssap_mirror.core import healpix
from ssap_mirror.core.checksums import FilePart
from ssap_mirror.core.schema import HEALPIX_COLUMN
from ssap_mirror.errors import ParameterError

from ssap_query.arrow.arrays import as_arrow
from ssap_query.engine.compile import (
    FILE_INDEX,
    FILE_ROW,
    CompiledQuery,
    Source,
    candidates_in_cones,
    columns_of,
    compile_query,
    files_in_cones,
)
from ssap_query.engine.cones.found_rows import FoundRows, gather
from ssap_query.engine.duckdb_session import Arrays, translate_errors
from ssap_query.engine.index.row_groups import Group, RowSelection
from ssap_query.engine.index.sky_cover import reach_deg
from ssap_query.engine.plan import BoundQuery
from ssap_query.engine.rows import Rows
from ssap_query.engine.score import score_of_joined
from ssap_query.ssap.predicate import Predicate
from ssap_query.ssap.values.cones import Cone, Region, within_sql

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ConeJoin", "cone_table", "meeting_order"]

# Cells of about the radius: some ten of them cover a cone.
_CELL_SIZE_DEG = 58.6
_FINEST_ORDER = 17

_ROW_BITS = 40
_POS = "POS"


@dataclass(frozen=True)
class ConeJoin:
    """One scan that joins the rows with the cones; the cones are the table ``cones``, a row for each and each cell."""

    query: BoundQuery
    """What is asked, with its region."""
    region: Region
    """The cones."""

    def rows(self) -> tuple[Rows, bool]:
        """Join the placed rows with the cones, then the unplaced ones."""
        with translate_errors(self.query.snapshot.catalog.path):
            found = self.find()
        return gather(self.query, found, keep=False)

    def statement(self) -> CompiledQuery:
        """Write the statement that finds the placed rows."""
        return self._statement(files_in_cones(self._placed, self._order))

    def row_groups(self) -> Sequence[Group]:
        """Row groups that the coarse step cannot rule out."""
        return self.query.touched()

    def words(self) -> str:
        """Say the way in words."""
        return "one scan joins the rows with the regions by HEALPix cell, then tests the separations"

    def find(self) -> FoundRows:
        """Find the rows that lie in any cone and fulfil the conditions, in the order of the files."""
        query, session = self.query, self.query.snapshot.session
        order = self._order
        table = cone_table(self.region.cones, self._reaches, order)
        self._refuse_too_many_pairs(table.num_rows, order)

        def run(source: Source, **tables: pa.Table) -> Arrays:
            statement = self._statement(source)
            return session.arrays(statement.sql, statement.values, cones=table, **tables)

        parts: list[Arrays] = []
        if self._placed:
            columns = [HEALPIX_COLUMN, *self._columns_read]
            query.snapshot.catalog.checksums.check_parts(FilePart(path, columns) for path in self._placed)
            parts.append(run(files_in_cones(self._placed, order)))
        if query.cover.unplaced is not None:
            rows = self._unplaced_rows(str(query.cover.unplaced.path))
            parts.append(run(candidates_in_cones(order), candidates=rows))
        return self._located(parts)

    @property
    def _placed(self) -> list[str]:
        """Files of placed rows."""
        return [str(partition.path) for partition in self.query.cover.partitions]

    @property
    def _order(self) -> int:
        """HEALPix order of the cells in which rows and cones meet."""
        return meeting_order(self._reaches)

    @property
    def _reaches(self) -> list[float]:
        """Radius of the coarse step of each cone [deg]."""
        catalog = self.query.snapshot.catalog
        return [reach_deg(catalog, cone, self.region.position) for cone in self.region.cones]

    @property
    def _conditions(self) -> list[Predicate]:
        position = self.region.position
        within = within_sql(position.ra, position.dec, "test_ra", "test_dec", "test_sign", "test_limit")
        return [Predicate(within), *self.query.where]

    @property
    def _computed(self) -> dict[str, Predicate]:
        return {"score": score_of_joined(with_snr=self.query.with_snr)} if self.query.scored else {}

    @property
    def _columns_read(self) -> list[str]:
        return columns_of(self.query.snapshot.catalog.schema, [*self._conditions, *self._computed.values()])

    def _statement(self, source: Source) -> CompiledQuery:
        keys = [FILE_INDEX, FILE_ROW]
        schema = self.query.snapshot.catalog.schema
        return compile_query(schema, keys, source, self._conditions, computed=self._computed, group_by=keys)

    def _refuse_too_many_pairs(self, cells: int, order: int) -> None:
        snapshot = self.query.snapshot
        pairs = snapshot.catalog.rows * cells / healpix.cells_in_order(order)
        if pairs > snapshot.limits.pairs:
            reason = (
                f"are regions that overlap so much that {pairs:.1g} tests would be needed; "
                "ask for fewer or smaller ones"
            )
            raise ParameterError(_POS, f"{len(self.region.cones):,} positions", reason)

    def _unplaced_rows(self, path: str) -> pa.Table:
        """Unplaced rows that have the position, with its cell and where they are."""
        import pyarrow as pa

        snapshot = self.query.snapshot
        schema, reader = snapshot.catalog.schema, snapshot.row_groups
        names = self._columns_read
        position = [schema.roles[role] for role in self.region.position.roles]
        tables = []
        for group in reader.footer(path).groups:
            cells = reader.position_cells(group, position)
            known = np.flatnonzero(cells >= 0)
            columns = reader.take(RowSelection(group, known), names)
            columns[HEALPIX_COLUMN] = as_arrow(cells[known])
            columns[FILE_INDEX] = as_arrow(np.full(len(known), len(self._placed)))
            columns[FILE_ROW] = as_arrow(known + group.first_row)
            tables.append(pa.table(columns))
        return pa.concat_tables(tables)

    def _located(self, parts: Sequence[Arrays]) -> FoundRows:
        """Files and rows of files as row groups and rows of these."""
        query, reader = self.query, self.query.snapshot.row_groups
        groups = [
            (index, group) for index, path in enumerate(query.cover.paths) for group in reader.footer(path).groups
        ]
        starts = np.array([(index << _ROW_BITS) + group.first_row for index, group in groups], np.int64)
        file_index = np.concatenate([part[FILE_INDEX].astype(np.int64) for part in parts] or [np.empty(0, np.int64)])
        file_row = np.concatenate([part[FILE_ROW].astype(np.int64) for part in parts] or [np.empty(0, np.int64)])
        keys = (file_index << _ROW_BITS) + file_row
        in_order = np.argsort(keys)
        keys = keys[in_order]
        group = np.searchsorted(starts, keys, side="right") - 1
        score = np.concatenate([part["score"] for part in parts])[in_order] if query.scored and parts else None
        return FoundRows([found for _, found in groups], group, keys - starts[group], score)


def meeting_order(reaches_deg: Iterable[float]) -> int:
    """HEALPix order of the cells in which cones of some radii [deg] meet with rows."""
    return min(max(math.ceil(math.log2(_CELL_SIZE_DEG / max(max(reaches_deg), 1e-9))), 0), _FINEST_ORDER)


def cone_table(cones: Sequence[Cone], reaches_deg: Sequence[float], order: int) -> pa.Table:
    """Give one row for each cone and each cell of an order that it touches.

    Parameters
    ----------
    cones : sequence of Cone
        At least one.
    reaches_deg : sequence of float
        Radius of the coarse step of each [deg].
    order : int
        HEALPix order of the cells.

    Returns
    -------
    pyarrow.Table
        ``cone`` (number, from 0), ``cone_cell``, the numbers of its test, its centre and radius.
    """
    import pyarrow as pa

    shift = 2 * (healpix.ORDER - order)
    cells, owners = [], []
    for number, (cone, reach) in enumerate(zip(cones, reaches_deg, strict=True)):
        for low, high in healpix.cone_ranges(cone.ra_deg, cone.dec_deg, reach, order):
            cells.append(np.arange(low >> shift, (high >> shift) + 1))
            owners.append(np.full(len(cells[-1]), number))
    numbers = np.array([(*cone.test, cone.ra_deg, cone.dec_deg, cone.radius_deg) for cone in cones])
    owner = np.concatenate(owners)
    names = ("test_ra", "test_dec", "test_sign", "test_limit", "centre_ra", "centre_dec", "centre_radius")
    columns = {name: numbers[owner, i] for i, name in enumerate(names)}
    return pa.table({"cone": owner, "cone_cell": np.concatenate(cells), **columns})
