"""Chooses a way to the rows of an interpreted request: coarse step, then exact step, one row more than the limit.

The ways differ in how much of the snapshot a request can touch:

- a few cones that touch a few row groups: `RowGroups` decodes these (and keeps them) and tests their rows;
- many cones: `ConeJoin` joins rows and cones by their cells in one scan;
- all else: `Scan` streams one statement over the files that the cones touch.

Rows come in the order of the sky (``_healpix_29``), unplaced ones last; best-scored first where TOP ranks them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from sys import getsizeof
from typing import TYPE_CHECKING

import numpy as np
from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.checksums import FilePart
from ssap_mirror.core.schema import Schema

from ssap_query.engine.compile import compile_query, files
from ssap_query.engine.duckdb_session import Session, translate_errors
from ssap_query.engine.index.row_groups import Group, RowGroupReader, RowSelection
from ssap_query.engine.index.sky_cover import reach
from ssap_query.engine.plan import BoundQuery, EngineLimits, Nothing, OpenSnapshot, Way
from ssap_query.engine.rows import OutputColumns
from ssap_query.engine.snapshot_cache import DEFAULT_CACHE_BYTES, SnapshotCache
from ssap_query.ssap.interpret import Query
from ssap_query.ssap.predicate import FALSE, TRUE, DistinctValues, Predicate

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Engine"]

# More cones than this are joined with the rows instead of being tested one by one.
_FEW_CONES = 50
# Row groups that are decoded whole for a cone; beyond, a scan on all cores is faster.
_MAX_GROUPS = 16
# Kinds of what is kept in the cache.
_ARROW_SCHEMA, _CONSTANTS, _DISTINCT = "Arrow schema", "constants", "distinct values"
# A field of an Arrow schema with its metadata [byte], about.
_FIELD_BYTES = 400


class Engine:
    """Finds the rows of requests in one snapshot; may be used from many threads.

    Parameters
    ----------
    catalog : Catalog
        The snapshot.
    cache_bytes : int
        Most that is kept between requests [byte]; 0 for a single request.
    limits : EngineLimits, optional
        What a request may take.
    """

    def __init__(
        self, catalog: Catalog, cache_bytes: int = DEFAULT_CACHE_BYTES, limits: EngineLimits | None = None
    ) -> None:
        self.catalog = catalog
        self.session = Session()
        self.cache = SnapshotCache(cache_bytes)
        self.row_groups = RowGroupReader(self.cache, catalog.checksums)
        self.snapshot = OpenSnapshot(catalog, self.session, self.row_groups, limits or EngineLimits())

    def drop(self) -> None:
        """Forget all that is kept of the snapshot; what still runs on it does without."""
        self.cache.drop()
        self.row_groups.close()

    def plan(self, query: Query, columns: Schema) -> Way:
        """Choose the way to the rows of a query.

        Parameters
        ----------
        query : Query
            The interpreted request.
        columns : Schema
            Columns of the result.

        Raises
        ------
        CatalogError
            If the snapshot cannot be read.
        """
        score = self.catalog.schema.role("score")
        computed = (score.name,) if query.scored and score is not None and score.name in columns else ()
        bound = BoundQuery(
            snapshot=self.snapshot,
            cover=reach(self.catalog, query.region),
            region=query.region,
            where=() if query.where == TRUE else (self._bindable(query.where),),
            columns=OutputColumns(self._arrow(columns), {}, computed),
            scored=query.ranked or bool(computed),
            ranked=query.ranked,
            limit=query.limit,
        )
        if query.where == FALSE or not bound.cover.paths:
            return Nothing(bound.without(self._null_columns()))
        # The modules of the other ways are loaded when they are taken: a cold start pays for one.
        region = query.region
        if region is not None and len(region.cones) > _FEW_CONES:
            from ssap_query.engine.cones.cone_join import ConeJoin

            return ConeJoin(bound.without(self._constants()), region)
        if region is not None and (groups := self._worth_decoding(bound)):
            from ssap_query.engine.cones.select_rows import RowGroups

            return RowGroups(
                bound.without(self._null_columns() if self._asked_once else self._constants()), region, groups
            )
        from ssap_query.engine.scan import Scan

        return Scan(bound.without(self._null_columns()))

    @property
    def _asked_once(self) -> bool:
        """Whether nothing is kept for another request."""
        return self.cache.max_bytes == 0

    def _worth_decoding(self, query: BoundQuery) -> Sequence[Group]:
        """Row groups that a few cones touch, if decoding them is the cheapest; else none."""
        # Asked once, conditions beside the cones are better left to one statement: DuckDB has to be started for them.
        # Over a network, what has to be fetched counts more.
        by_statement = self._asked_once and query.where and not self.catalog.is_remote
        if by_statement or len(query.cover.partitions) > _MAX_GROUPS:
            return ()
        groups = query.touched()
        return groups if len(groups) <= _MAX_GROUPS else ()

    def _null_columns(self) -> dict[str, pa.Array]:
        """Columns that are NULL throughout, which need not be read, with one row."""
        import pyarrow as pa

        known: dict[str, object] = self.catalog.manifest.get("constants") or {}
        return {
            name: pa.nulls(1, self.catalog.schema[name].arrow_type()) for name, value in known.items() if value is None
        }

    def _constants(self) -> dict[str, pa.Array]:
        """Columns that have one value throughout, with one row, which is read once from the files.

        Over a network they are read with the rest instead: that is one request less.
        """
        if self.catalog.is_remote:
            return self._null_columns()

        def load() -> dict[str, pa.Array]:
            known: dict[str, object] = self.catalog.manifest.get("constants") or {}
            with translate_errors(self.catalog.path):
                group = self.row_groups.footer(str(self.catalog.files[0])).groups[0]
                first = RowSelection(group, np.zeros(1, np.int64))
                return self.row_groups.take(first, list(known), keep=False)

        return self.cache.get((_CONSTANTS,), load, lambda row: sum(array.nbytes for array in row.values()))

    def _arrow(self, columns: Schema) -> pa.Schema:
        """Arrow schema of some columns; making one takes as long as a small cone."""
        key = (_ARROW_SCHEMA, columns.names)
        return self.cache.get(key, columns.arrow_schema, lambda schema: _FIELD_BYTES * len(schema))

    def distinct(self, role: str) -> tuple[str, ...]:
        """Distinct non-NULL values of a text column, sorted."""
        return self._distinct_values(role)[0]

    def has_null(self, role: str) -> bool:
        """Whether NULL is among the values of a text column."""
        return self._distinct_values(role)[1]

    def _distinct_values(self, role: str) -> tuple[tuple[str, ...], bool]:
        def load() -> tuple[tuple[str, ...], bool]:
            column = self.catalog.schema.roles[role]
            paths = [str(path) for path in self.catalog.files]
            query = compile_query(self.catalog.schema, [column], files(paths), [], group_by=[column])
            with translate_errors(self.catalog.path):
                self.catalog.checksums.check_parts(FilePart(path, [column]) for path in paths)
                found = self.session.table(query.sql, query.values)[column].to_pylist()
            return tuple(sorted(value for value in found if value is not None)), None in found

        return self.cache.get((_DISTINCT, role), load, lambda found: sum(map(getsizeof, found[0])))

    def _bindable(self, predicate: Predicate) -> Predicate:
        """Resolve what depends on the snapshot's values, and make lists of sequences."""
        values: list[object] = []
        for value in predicate.values:
            if isinstance(value, DistinctValues):
                values.append(value.select(self.distinct(value.role)))
            else:
                values.append(list(value) if isinstance(value, tuple) else value)
        return replace(predicate, values=tuple(values))
