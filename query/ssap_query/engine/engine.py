"""Runs an interpreted request on a snapshot: coarse step, then exact step, one row more than the limit.

Three ways to the same rows, chosen by how much of the snapshot a request can touch:

- a few cones that touch a few row groups: these are decoded (and kept), and DuckDB tests other conditions on what is
  left (`picking`);
- many cones: one scan joins rows and cones by their cells (`manycones`);
- all else: one statement over the files that the cones touch, streamed (`rows.Statement`).

Rows come in the order of the sky (``_healpix_29``), unplaced ones last; best-scored first where TOP ranks them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import Schema

from ssap_query.arrow.arrays import as_arrow
from ssap_query.engine.compile import FILE_INDEX, FILE_ROW, CompiledQuery, compile_query, count_of, files, in_ranges
from ssap_query.engine.cones.row_groups import DEFAULT_CACHE_BYTES, Group, Pick, RowGroups
from ssap_query.engine.cones.sky_cover import Reach, joined, reach
from ssap_query.engine.duckdb_session import Session, failures_told
from ssap_query.engine.rows import Gathered, Rows, Shape, Statement, Stored
from ssap_query.engine.score import score_sql
from ssap_query.sql.column_cache import HotColumns
from ssap_query.ssap.interpret import Query
from ssap_query.ssap.params.position import Cone, cone_predicate
from ssap_query.ssap.predicate import FALSE, TRUE, DistinctValues, Predicate

if TYPE_CHECKING:
    import pyarrow as pa

    from ssap_query.engine.cones.select_rows import Found

__all__ = ["Engine", "Plan"]

# More cones than this are joined with the rows instead of being tested one by one.
_FEW_CONES = 50
# Above some eight ranges DuckDB spends more on testing them than it saves on rows.
_MAX_RANGES = 8
# Row groups that are decoded whole for a cone; beyond, a scan on all cores is faster.
_MAX_GROUPS = 16
_MAX_SCHEMAS = 32
# Answers up to this size are kept in memory, larger ones are read from the snapshot each time.
_STORED_ROWS, _STORED_BYTES = 200_000, 128 << 20


@dataclass(frozen=True)
class Plan:
    """How a request is going to be answered."""

    way: str
    """``row groups``, ``join``, ``scan``; or ``nothing``, if no row can fulfil the request."""
    extent: Reach
    """Files and ranges of cells."""
    groups: Sequence[Group]
    """The row groups, if they are the way."""
    where: tuple[Predicate, ...]
    """Exact conditions, ready to bind; without the cones if they are joined."""
    shape: Shape
    """Columns of the answer."""
    score: Predicate | None
    """Expression of the score, where it is worked out."""
    ranked: bool
    """Whether the best-scored rows come first."""
    limit: int | None
    """Largest number of rows in the answer."""

    @property
    def score_column(self) -> str | None:
        """Column of the answer that gets the score."""
        return self.shape.computed[0] if self.shape.computed else None

    @property
    def fetched(self) -> int | None:
        """Rows to ask for: one more than the limit tells whether there are more."""
        return None if self.limit is None else self.limit + 1

    @property
    def conditions(self) -> tuple[Predicate, ...]:
        """Coarse and exact conditions, for a statement over the files."""
        ranges = self.extent.ranges
        return self.where if ranges is None else (in_ranges(joined(ranges, _MAX_RANGES)), *self.where)

    @property
    def computed(self) -> dict[str, Predicate]:
        """Name -> expression of what is worked out."""
        return {} if self.score is None else {self.score_column or "score": self.score}

    def scan(self, schema: Schema) -> CompiledQuery:
        """Write the request as one statement over the files.

        Parameters
        ----------
        schema : Schema
            Columns of the snapshot.
        """
        return compile_query(
            schema,
            self.shape.varying,
            files(self.extent.paths),
            self.conditions,
            computed=self.computed,
            best_first=[*self.computed, FILE_INDEX, FILE_ROW] if self.ranked else [],
            limit=self.fetched,
        )


class Engine:
    """Answers requests from one snapshot; may be used from many threads.

    Parameters
    ----------
    catalog : Catalog
        The snapshot.
    cache_bytes : int
        Most that is kept between requests [byte], of row groups for cones and again of columns for statistics; 0 for
        a single request.
    """

    def __init__(self, catalog: Catalog, cache_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        self.catalog = catalog
        self.session = Session()
        self.row_groups = RowGroups(cache_bytes)
        self.hot_columns = HotColumns(catalog, self.row_groups, cache_bytes)
        self._distinct: dict[str, tuple[tuple[str, ...], bool]] = {}
        self._constant_row: dict[str, pa.Array] | None = None
        self._arrow_schemas: dict[tuple[str, ...], pa.Schema] = {}
        self._lock = Lock()

    def plan(self, query: Query, columns: Schema) -> Plan:
        """Decide how to answer.

        Parameters
        ----------
        query : Query
            The interpreted request.
        columns : Schema
            Columns of the answer.
        """
        schema, cones = self.catalog.schema, query.cones
        extent = reach(self.catalog, cones)
        many = cones is not None and len(cones) > _FEW_CONES
        keeps = self.row_groups.max_bytes > 0
        # Asked once, conditions beside the cones are better left to one statement: DuckDB has to be started for them.
        decoded = cones is not None and not many and (keeps or query.where == TRUE)
        groups = self.touched(extent) if decoded and len(extent.partitions) <= _MAX_GROUPS else []
        few = bool(groups) and len(groups) <= _MAX_GROUPS
        nothing = query.where == FALSE or not extent.paths
        column = schema.role("score")
        shown = column is not None and column.name in columns
        scored = bool(cones) and query.dialect == "ivoa"
        computed = (column.name,) if column is not None and shown and scored else ()
        where = () if query.where == TRUE else (self._bindable(query.where),)
        constants = self._constants(read=many or (few and keeps))
        return Plan(
            way="nothing" if nothing else "join" if many else "row groups" if few else "scan",
            extent=extent,
            groups=groups if few else (),
            where=(cone_predicate(cones), *where) if cones is not None and not many else where,
            shape=Shape(self._arrow(columns), constants, computed),
            score=score_sql(cones or (), with_snr=schema.role("snr") is not None) if query.ranked or computed else None,
            ranked=query.ranked,
            limit=query.limit,
        )

    def _constants(self, *, read: bool) -> dict[str, pa.Array]:
        """Columns that need not be read for each answer, with one row.

        Those that are NULL throughout, and with `read` those that have one value, which is read once from the files.
        """
        import pyarrow as pa

        known: dict[str, object] = self.catalog.manifest.get("constants") or {}
        if not read:
            return {
                name: pa.nulls(1, self.catalog.schema[name].arrow_type())
                for name, value in known.items()
                if value is None
            }
        if self._constant_row is None:
            with failures_told(self.catalog.path):
                group = self.row_groups.footer(str(self.catalog.files[0])).groups[0]
                self._constant_row = self.row_groups.take(Pick(group, np.zeros(1, np.int64)), list(known), keep=False)
        return self._constant_row

    def _arrow(self, columns: Schema) -> pa.Schema:
        """Arrow schema of some columns; making one takes as long as a small cone."""
        with self._lock:
            if columns.names not in self._arrow_schemas:
                if len(self._arrow_schemas) >= _MAX_SCHEMAS:
                    self._arrow_schemas.clear()
                self._arrow_schemas[columns.names] = columns.arrow_schema()
            return self._arrow_schemas[columns.names]

    def run(self, query: Query, columns: Schema) -> tuple[Rows, bool]:
        """Answer a request.

        Parameters
        ----------
        query : Query
            The interpreted request.
        columns : Schema
            Columns of the answer.

        Returns
        -------
        rows : Rows
            At most as many as the limit lets through.
        truncated : bool
            Whether there are more.

        Raises
        ------
        CatalogError
            If the snapshot cannot be read.
        ParameterError
            If so many regions overlap that no answer could be had in time.
        """
        import pyarrow as pa

        plan = self.plan(query, columns)
        if plan.way == "nothing":
            return Stored(pa.Table.from_batches([], plan.shape.arrow)), False
        if plan.way == "scan":
            return self._scan(plan)
        with failures_told(self.catalog.path):
            found = self._find(plan, query.cones or ())
        rows = self._gathered(plan, found if plan.limit is None else found.first(plan.limit))
        return rows, plan.limit is not None and len(found) > plan.limit

    def statement(self, plan: Plan, query: Query) -> CompiledQuery:
        """Write the request as one statement, whichever way is taken."""
        if plan.way != "join":
            return plan.scan(self.catalog.schema)
        from ssap_query.engine.cones.cone_join import join_statement

        scored = plan.score is not None
        return join_statement(self.catalog, plan.extent, query.cones or (), plan.where, scored=scored)

    def touched(self, extent: Reach) -> list[Group]:
        """Row groups that the coarse step cannot rule out."""
        with failures_told(self.catalog.path):
            return self.row_groups.touched(extent.paths, extent.ranges)

    def _find(self, plan: Plan, cones: Sequence[Cone]) -> Found:
        """Find rows one by one; the modules that do it are loaded when they are needed."""
        schema, scored = self.catalog.schema, plan.score is not None
        if plan.way == "row groups":
            from ssap_query.engine.cones.select_rows import picked

            found = picked(
                self.session,
                self.row_groups,
                schema,
                plan.groups,
                plan.extent.ranges or (),
                plan.where,
                cones=cones if scored else (),
                alone=cones if len(plan.where) == 1 else (),
                limit=None if plan.ranked else plan.fetched,
            )
        else:
            from ssap_query.engine.cones.cone_join import found_in_cones

            found = found_in_cones(
                self.session, self.row_groups, self.catalog, plan.extent, cones, plan.where, scored=scored
            )
        return found.best_first() if plan.ranked else found

    def _gathered(self, plan: Plan, found: Found) -> Rows:
        import pyarrow as pa

        from ssap_query.arrow import kernels

        picks, order = found.picks(plan.score_column)
        few = plan.way == "row groups"
        rows = Gathered(plan.shape, self.row_groups, picks, keep=few, snapshot=self.catalog.path)
        if not (plan.ranked or few) and len(rows) > _STORED_ROWS:
            return rows
        table = pa.Table.from_batches(rows.batches(), plan.shape.arrow)
        return Stored(kernels.take(table, as_arrow(order)) if plan.ranked else table)

    def _scan(self, plan: Plan) -> tuple[Rows, bool]:
        """Run one statement; what turns out to be large is counted, and read again when it is asked for."""
        import pyarrow as pa

        query = plan.scan(self.catalog.schema)
        source = Statement(plan.shape, self.session, query, self.catalog.rows, self.catalog.path)
        kept: list[pa.RecordBatch] = []
        rows = size = 0
        stream = source.batches()
        for batch in stream:
            kept.append(batch)
            rows, size = rows + batch.num_rows, size + batch.nbytes
            if rows > _STORED_ROWS or size > _STORED_BYTES:
                break
        else:
            table = pa.Table.from_batches(kept, plan.shape.arrow)
            return Stored(table.slice(0, plan.limit)), plan.limit is not None and rows > plan.limit
        stream.close()
        counted = count_of(query)
        rows = int(self.session.arrays(counted.sql, counted.values)["n"][0])
        answered = rows if plan.limit is None else min(rows, plan.limit)
        return replace(source, rows=answered), rows > answered

    def distinct(self, role: str) -> tuple[str, ...]:
        """Distinct non-NULL values of a text column, sorted; kept as long as the snapshot is open."""
        return self._distinct_values(role)[0]

    def has_null(self, role: str) -> bool:
        """Whether NULL is among the values of a text column."""
        return self._distinct_values(role)[1]

    def _distinct_values(self, role: str) -> tuple[tuple[str, ...], bool]:
        with self._lock:
            if role not in self._distinct:
                column = self.catalog.schema.roles[role]
                paths = [str(path) for path in self.catalog.files]
                query = compile_query(self.catalog.schema, [column], files(paths), [], group_by=[column])
                with failures_told(self.catalog.path):
                    found = self.session.table(query.sql, query.values)[column].to_pylist()
                self._distinct[role] = tuple(sorted(value for value in found if value is not None)), None in found
            return self._distinct[role]

    def _bindable(self, predicate: Predicate) -> Predicate:
        """Resolve what depends on the snapshot's values, and make lists of sequences."""
        values: list[object] = []
        for value in predicate.values:
            if isinstance(value, DistinctValues):
                values.append(value.select(self.distinct(value.role)))
            else:
                values.append(list(value) if isinstance(value, tuple) else value)
        return replace(predicate, values=tuple(values))
