"""The way of all requests that are not about few places: one statement over the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ssap_query.engine.compile import CompiledQuery, count_of
from ssap_query.engine.duckdb_session import translate_errors
from ssap_query.engine.index.row_groups import Group
from ssap_query.engine.plan import BoundQuery
from ssap_query.engine.rows import InMemoryRows, QueryRows, Rows, read_up_to

__all__ = ["Scan"]


@dataclass(frozen=True)
class Scan:
    """One statement over the files that the region touches, streamed."""

    query: BoundQuery
    """What is asked."""

    def rows(self) -> tuple[Rows, bool]:
        """Run the statement; a large result is counted, and read again when its rows are asked for."""
        import pyarrow as pa

        query, snapshot = self.query, self.query.snapshot
        statement, path = self.statement(), snapshot.catalog.path
        rows, parts = snapshot.catalog.rows, query.parts(query.columns.varying)
        source = QueryRows(query.columns, snapshot.session, statement, rows, snapshot.catalog, parts)
        stream = source.batches()
        read, is_all = read_up_to(stream, snapshot.limits.result)
        found = sum(batch.num_rows for batch in read)
        if not is_all:
            read.clear()
            stream.close()
            counting = count_of(statement)
            with translate_errors(path):
                snapshot.catalog.checksums.check_parts(parts)
                found = int(snapshot.session.arrays(counting.sql, counting.values)["n"][0])
        shown = found if query.limit is None else min(found, query.limit)
        if not is_all:
            return replace(source, rows=shown), found > shown
        return InMemoryRows(pa.Table.from_batches(read, query.columns.arrow).slice(0, shown)), found > shown

    def statement(self) -> CompiledQuery:
        """Write the statement."""
        return self.query.statement()

    def row_groups(self) -> Sequence[Group]:
        """Row groups that the coarse step cannot rule out; DuckDB may skip more by other columns' extremes."""
        return self.query.touched()

    def words(self) -> str:
        """Say the way in words."""
        return "one statement over the files below"
