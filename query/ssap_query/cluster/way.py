"""The way of a request that is run on a cluster: its partitions are read and searched by the workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ssap_mirror.core import layout

from ssap_query.arrow.arrays import as_arrow
from ssap_query.cluster.files import CheckedPaths, SnapshotFiles
from ssap_query.cluster.gathering import gather, partitions_in_order, translate_errors
from ssap_query.cluster.partition_query import PartitionQuery, partition_query
from ssap_query.cluster.unplaced import selected_unplaced
from ssap_query.engine.compile import CompiledQuery
from ssap_query.engine.index.row_groups import Group
from ssap_query.engine.plan import BoundQuery
from ssap_query.engine.rows import InMemoryRows, Rows

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ClusterScan"]

# So many times the rows of a ranked result are held before the best of them are chosen.
_MOST_WAITING = 4


@dataclass(frozen=True)
class ClusterScan:
    """The touched partitions, each read and searched by some worker; the unplaced rows are one more."""

    query: BoundQuery
    """What is asked; nothing in it depends on the snapshot's values."""
    client: Any = field(repr=False)
    """The workers (distributed.Client)."""
    files: SnapshotFiles
    """What they read."""

    def rows(self) -> tuple[Rows, bool]:
        """Search all partitions, and gather what they give in order; more than fits in memory goes to a file."""
        query = self.query
        if query.ranked:
            return self._best()
        batches = (self._batch(table) for table in self._selected(self._shown))
        return gather(batches, query.columns.arrow, query.limit, query.snapshot.limits.result)

    def statement(self) -> CompiledQuery:
        """Give the statement that is run on the rows of each partition."""
        return self._limited.statement

    def row_groups(self) -> Sequence[Group]:
        """Row groups that the coarse step cannot rule out."""
        return self.query.touched()

    def words(self) -> str:
        """Say the way in words."""
        return "the workers of a cluster read the files below, and run the statement on the rows of each"

    def catalog(self) -> Any:
        """Open the placed rows that match as LSDB has them: lazily, with the margin if there is one, without a limit.

        Returns
        -------
        lsdb.Catalog
        """
        return self._opened(partition_query(self.query, limited=False))

    def unplaced(self) -> pa.Table:
        """Read the rows that match and have no coordinates, for which LSDB has no partition."""
        import pyarrow as pa

        task = self._unplaced(partition_query(self.query, limited=False), self._shown)
        if task is None:
            return self.query.columns.arrow.empty_table()
        with translate_errors(self.files):
            return pa.Table.from_batches([self._batch(task.result())])

    @cached_property
    def _limited(self) -> PartitionQuery:
        """What makes out the result: a partition gives no more rows than that may need."""
        return partition_query(self.query, limited=True)

    @property
    def _shown(self) -> tuple[str, ...]:
        """Columns of the result that the partitions give."""
        return (*self.query.columns.varying, *self.query.columns.computed)

    def _opened(self, selection: PartitionQuery) -> Any:
        import lsdb

        from ssap_query.cluster.search import SsapSearch

        margin = self.files.margin
        with translate_errors(self.files):
            return lsdb.open_catalog(
                self.files.snapshot,
                search_filter=SsapSearch(selection, self.query.cover.ranges, self.query.score_column),
                columns=list(dict.fromkeys([*self.query.columns.arrow.names, *selection.columns])),
                margin_cache=margin if (margin / layout.PROPERTIES).exists() else None,
                error_empty_filter=False,
                path_generator=CheckedPaths(self.files),
                page_checksum_verification=True,
            )

    def _unplaced(self, selection: PartitionQuery, names: Sequence[str]) -> Any:
        """Task (distributed.Future) for the selected rows without coordinates; None where there are none."""
        unplaced = self.query.cover.unplaced
        if unplaced is None:
            return None
        path = unplaced.path.relative_to(self.query.snapshot.catalog.path).as_posix()
        return self.client.submit(
            selected_unplaced, self.files, path, tuple(names), selection, self.query.score_column, pure=False
        )

    def _selected(self, names: Sequence[str]) -> Iterator[pa.Table]:
        """Columns of the selected rows, a table for each partition in the order of the sky, the unplaced ones last."""
        from ssap_query.cluster.search import arrow_table

        with translate_errors(self.files):
            unplaced = self._unplaced(self._limited, names)
            if self.query.cover.partitions:
                for frame in partitions_in_order(self.client, self._opened(self._limited)):
                    yield arrow_table(frame, names)
            if unplaced is not None:
                yield unplaced.result()

    def _batch(self, table: pa.Table) -> pa.RecordBatch:
        columns = self.query.columns
        arrays = {name: table[name].cast(columns.arrow.field(name).type).combine_chunks() for name in self._shown}
        return columns.batch(arrays, table.num_rows)

    def _best(self) -> tuple[Rows, bool]:
        """Gather the best-scored rows: what selects those of a partition selects among those of all partitions."""
        import pyarrow as pa

        most = _MOST_WAITING * (self.query.fetched or 0)
        waiting: list[pa.Table] = []
        for table in self._selected(tuple(dict.fromkeys([*self._shown, *self._limited.columns]))):
            waiting.append(table)
            if sum(len(part) for part in waiting) > most:
                waiting = [self._best_of(waiting)]
        best = self._best_of(waiting)
        shown = best.slice(0, self.query.limit)
        return InMemoryRows(pa.Table.from_batches([self._batch(shown)])), len(best) > len(shown)

    def _best_of(self, tables: Sequence[pa.Table]) -> pa.Table:
        import pyarrow as pa

        together = pa.concat_tables(tables)
        return together.take(as_arrow(self._limited.select(together).rows))
