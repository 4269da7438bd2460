"""What a request comes to on the rows of one partition, wherever these are: made once, sent to the workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from ssap_mirror.core import healpix
from ssap_mirror.core.schema import HEALPIX_COLUMN

from ssap_query.arrow.arrays import as_arrow, coordinates
from ssap_query.engine.compile import CANDIDATES, ROW, CompiledQuery, candidates_in_cones, columns_of, compile_query
from ssap_query.engine.cones.cone_join import cone_table, meeting_order
from ssap_query.engine.duckdb_session import Session
from ssap_query.engine.plan import FEW_CONES, BoundQuery
from ssap_query.engine.score import score_of_joined
from ssap_query.ssap.predicate import DistinctValues, Predicate
from ssap_query.ssap.values.cones import Region, within_sql

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["PartitionQuery", "SelectedRows", "partition_query"]

# Name of the scores in a statement.
_SCORE = "score"
_POLE_DEG = 90


@dataclass(frozen=True)
class SelectedRows:
    """Rows of a partition."""

    rows: NDArray[np.int64]
    """Their numbers in the partition, from 0, in the order of the result; shape (n,)."""
    score: NDArray[np.float32] | None
    """How well each matches, shape (n,); None where that is not asked."""


@dataclass(frozen=True)
class PartitionQuery:
    """A request as one statement over the rows of a partition."""

    statement: CompiledQuery
    """Selects numbers of the rows of ``candidates``, and scores; lists that depend on the rows are not bound yet."""
    columns: tuple[str, ...]
    """Columns that it reads."""
    names: Mapping[str, str]
    """Role -> column, of the lists that depend on the rows."""
    region: Region | None = None
    """Where the rows have to lie, if that is tested by a join with many cones instead of in the conditions."""
    position: tuple[str, ...] = ()
    """Columns of the position that has to lie in `region`."""
    scored: bool = False
    """Whether the statement gives scores."""
    ranked: bool = False
    """Whether the best-scored rows come first."""
    limit: int | None = None
    """Most rows; None is no limit."""

    def select(self, table: pa.Table) -> SelectedRows:
        """Select rows of a partition; selecting among the selected rows of several gives those of all of them.

        Parameters
        ----------
        table : pyarrow.Table
            Its rows, with `columns` at least.
        """
        import pyarrow as pa

        candidates = pa.table({ROW: as_arrow(np.arange(len(table)))})
        for name in self.columns:
            candidates = candidates.append_column(name, table[name])
        tables = {"candidates": candidates}
        if self.region is not None:
            tables["cones"] = _cones(self.region)[0]
            tables["candidates"] = candidates.append_column(HEALPIX_COLUMN, as_arrow(self._cells(table)))
        found = _session().arrays(self.statement.sql, self._values(table), **tables)
        rows: NDArray[np.int64] = found[ROW].astype(np.int64)
        score: NDArray[np.float32] | None = found[_SCORE] if self.scored else None
        in_order = np.lexsort((rows, -score)) if self.ranked and score is not None else np.argsort(rows)
        chosen = in_order[: self.limit]
        return SelectedRows(rows[chosen], None if score is None else score[chosen])

    def _cells(self, table: pa.Table) -> NDArray[np.int64]:
        """Cell of the position of each row; -1, which no cone has, where there is none on the sphere."""
        ra, dec = coordinates([table[name].combine_chunks() for name in self.position]).T
        known = np.isfinite(ra) & (np.abs(dec) <= _POLE_DEG)
        cells = np.full(len(table), -1)
        cells[known] = healpix.healpix_29(ra[known], dec[known])
        return cells

    def _values(self, table: pa.Table) -> list[object]:
        """Bind what depends on the rows: which of a column's values are meant is told of each value alone."""
        values: list[object] = []
        for value in self.statement.values:
            if isinstance(value, DistinctValues):
                known = table[self.names[value.role]].unique().drop_null().to_pylist()
                values.append(value.select(sorted(known)))
            else:
                values.append(value)
        return values


def partition_query(query: BoundQuery, *, limited: bool) -> PartitionQuery:
    """Compile a query for the rows of a partition.

    Parameters
    ----------
    query : BoundQuery
        Made by `Engine.bind`, nothing in it resolved.
    limited : bool
        Whether a partition gives no more rows than the result may need: enough to know what all partitions come to
        together, and not all rows that match.
    """
    schema, region = query.snapshot.catalog.schema, query.region
    limit = query.fetched if limited else None
    ranked = query.ranked and limited
    scored = query.scored and (ranked or query.score_column is not None)
    many = region is not None and len(region.cones) > FEW_CONES
    position = () if region is None else tuple(schema.roles[role] for role in region.position.roles)
    if region is not None and many:
        at = region.position
        within = within_sql(at.ra, at.dec, "test_ra", "test_dec", "test_sign", "test_limit")
        conditions, source = (Predicate(within), *query.where), candidates_in_cones(_cones(region)[1])
        computed = {_SCORE: score_of_joined(with_snr=query.with_snr)} if scored else {}
    else:
        conditions, source = query.exact, CANDIDATES
        computed = {_SCORE: next(iter(query.computed.values()))} if scored else {}
    statement = compile_query(
        schema,
        [ROW],
        source,
        conditions,
        computed=computed,
        group_by=[ROW] if many else [],
        best_first=[*computed, ROW] if ranked else [],
        in_order=[ROW],
        limit=None if many else limit,
    )
    roles = {value.role for value in statement.values if isinstance(value, DistinctValues)}
    read = list(dict.fromkeys([*columns_of(schema, [*conditions, *computed.values()]), *position]))
    return PartitionQuery(
        statement=statement,
        columns=tuple(read or query.columns.arrow.names[:1]),  # a table without any column has no rows
        names={role: schema.roles[role] for role in roles},
        region=region if many else None,
        position=position,
        scored=scored,
        ranked=ranked,
        limit=limit,
    )


@lru_cache(maxsize=4)
def _cones(region: Region) -> tuple[pa.Table, int]:
    """Cones for a join with positions, and the order of the cells in which they meet."""
    reaches = [cone.reach_deg for cone in region.cones]
    order = meeting_order(reaches)
    return cone_table(region.cones, reaches, order), order


@cache
def _session() -> Session:
    """Database of this process; it takes one thread, since the workers share the cores among themselves."""
    return Session(threads=1)
