"""All rows that a request finds, by where they are in the files of the snapshot."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from ssap_mirror.errors import ParameterError

from ssap_query.arrow.arrays import as_arrow
from ssap_query.engine.browse.statements import first_of
from ssap_query.engine.compile import CANDIDATES, FILE_INDEX, FILE_ROW, CompiledQuery, compile_query
from ssap_query.engine.cones.cone_join import ConeJoin
from ssap_query.engine.cones.found_rows import FoundRows, shown_rows
from ssap_query.engine.duckdb_session import translate_errors
from ssap_query.engine.index.row_groups import Group
from ssap_query.engine.plan import BoundQuery, Nothing, Way

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Match", "MatchSource", "match_of"]

# Name under which a session knows rows that have been taken out of the files.
_TABLE = CANDIDATES.sql


@dataclass(frozen=True)
class MatchSource:
    """The rows of a match as one statement, to ask another one of."""

    query: CompiledQuery
    """Selects the columns that were asked for, `FILE_INDEX` and `FILE_ROW`."""
    tables: dict[str, Any] = field(default_factory=dict, repr=False)
    """Arrow tables that it reads, by name."""
    ranked_by: str | None = None
    """Column by which its rows come, the largest first; None where they are in the order of the files."""


class Match(Protocol):
    """All rows that a request finds."""

    @property
    def query(self) -> BoundQuery:
        """What was asked."""
        ...

    def source(self, names: Sequence[str]) -> MatchSource:
        """Select columns of all rows, in the order of the result.

        Raises
        ------
        CatalogError
            If the snapshot cannot be read.
        """
        ...

    def at(self, places: pa.Table) -> FoundRows:
        """Find rows by what their `FILE_INDEX` and `FILE_ROW` are in the source."""
        ...


def match_of(way: Way) -> Match:
    """Make a match of the way to its rows.

    Raises
    ------
    CatalogError
        If the snapshot cannot be read.
    ParameterError
        If so many cones overlap that the tests would take minutes, or the rows of the mirror cannot be numbered.
    """
    taken = {FILE_INDEX, FILE_ROW} & {name.lower() for name in way.query.snapshot.catalog.schema.names}
    if taken:
        name, reason = "column", "has the name of what numbers the rows: this mirror cannot be looked through in pages"
        raise ParameterError(name, taken.pop(), reason)
    if isinstance(way, ConeJoin):
        with translate_errors(way.query.snapshot.catalog.path):
            return ListedMatch(way.query, shown_rows(way.query, way.find()))
    if isinstance(way, Nothing):
        none = np.empty(0, np.int64)
        return ListedMatch(way.query, FoundRows((), none, none, none.astype(np.float32) if way.query.scored else None))
    return StatementMatch(way.query)


@dataclass(frozen=True)
class StatementMatch:
    """Rows that one statement over the files selects, each time anew."""

    query: BoundQuery
    """What was asked."""

    def source(self, names: Sequence[str]) -> MatchSource:
        """Select columns of all rows."""
        query, catalog = self.query, self.query.snapshot.catalog
        read = [name for name in names if name not in query.computed]
        statement = query.statement([*read, FILE_INDEX, FILE_ROW], in_order=True)
        catalog.checksums.check_parts(query.parts(read))
        # The statement asks for one row more than the limit.
        ranked_by = next(iter(query.computed)) if query.ranked else None
        return MatchSource(statement if query.limit is None else first_of(statement, query.limit), ranked_by=ranked_by)

    def at(self, places: pa.Table) -> FoundRows:
        """Find rows by file and row."""
        paths, reader = self.query.cover.paths, self.query.snapshot.row_groups
        groups: list[Group] = []
        numbers: dict[tuple[int, int], int] = {}
        group, row = [], []
        for index, place in zip(places[FILE_INDEX].to_pylist(), places[FILE_ROW].to_pylist(), strict=True):
            members = reader.footer(paths[index]).groups
            number = bisect_right(members, place, key=lambda member: member.first_row) - 1
            if (index, number) not in numbers:
                numbers[index, number] = len(groups)
                groups.append(members[number])
            group.append(numbers[index, number])
            row.append(place - members[number].first_row)
        name = self.query.score_column
        score = None if name is None else places[name].to_numpy().astype(np.float32)
        return FoundRows(groups, np.array(group, np.int64), np.array(row, np.int64), score)


@dataclass(frozen=True)
class ListedMatch:
    """Rows that have been found: of many cones, or none."""

    query: BoundQuery
    """What was asked."""
    found: FoundRows
    """The rows in the order of the result."""

    def source(self, names: Sequence[str]) -> MatchSource:
        """Read columns of all rows; a row's number in the result stands for its place."""
        import pyarrow as pa

        score, catalog = self.query.score_column, self.query.snapshot.catalog
        rows = len(self.found)
        table = self._read([name for name in dict.fromkeys(names) if name != score])
        columns = dict(zip(table.column_names, table.columns, strict=True))
        if score is not None and self.found.score is not None:
            columns[score] = as_arrow(self.found.score)
        columns[FILE_INDEX] = as_arrow(np.zeros(rows, np.int64))
        columns[FILE_ROW] = as_arrow(np.arange(rows))
        statement = compile_query(catalog.schema, list(columns), CANDIDATES)
        return MatchSource(statement, {_TABLE: pa.table(columns)})

    def _read(self, names: Sequence[str]) -> pa.Table:
        """Read columns of all rows, in the order of the result."""
        import pyarrow as pa

        from ssap_query.arrow import kernels

        snapshot = self.query.snapshot
        if not (names and len(self.found)):
            schema = snapshot.catalog.schema
            return pa.table({n: pa.nulls(0, schema[n].arrow_type() if n in schema else pa.int64()) for n in names})
        selections, order = self.found.selections()
        with translate_errors(snapshot.catalog.path):
            pieces = [pa.table(snapshot.row_groups.take(part, names, keep=False)) for part in selections]
        return kernels.take(pa.concat_tables(pieces), as_arrow(order))

    def at(self, places: pa.Table) -> FoundRows:
        """Find rows by their number in the result."""
        chosen = places[FILE_ROW].to_numpy()
        found = self.found
        score = None if found.score is None else found.score[chosen]
        return replace(found, group=found.group[chosen], row=found.row[chosen], score=score)
