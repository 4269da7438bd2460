"""What a query comes to on a snapshot, and what each way of running it has to say.

`Engine.plan` chooses one of the ways: `Nothing`, `RowGroups`, `ConeJoin` or `Scan`. All of them give the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.checksums import FilePart
from ssap_mirror.core.schema import HEALPIX_COLUMN

from ssap_query.engine.compile import FILE_INDEX, FILE_ROW, CompiledQuery, columns_of, compile_query, files, in_ranges
from ssap_query.engine.duckdb_session import Session, translate_errors
from ssap_query.engine.index.row_groups import Group, RowGroupReader
from ssap_query.engine.index.sky_cover import Reach, joined
from ssap_query.engine.rows import InMemoryRows, MemoryLimit, OutputColumns, Rows
from ssap_query.engine.score import score_sql
from ssap_query.ssap.predicate import Predicate
from ssap_query.ssap.values.cones import Region

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["BoundQuery", "EngineLimits", "Nothing", "OpenSnapshot", "Way"]

# Above some eight ranges DuckDB spends more on testing them than it saves on rows.
_MAX_RANGES = 8


@dataclass(frozen=True)
class EngineLimits:
    """Bounds on the work and on the memory of one request."""

    pairs: float = 5e9
    """Tests of one row against one cone. One takes some 10 ns of CPU; more than this is no query but a mistake."""
    result: MemoryLimit = field(default_factory=lambda: MemoryLimit(200_000, 128 << 20))
    """What is held in memory of a result; a larger one is read from the snapshot each time its rows are asked for."""


@dataclass(frozen=True)
class OpenSnapshot:
    """A snapshot and what reads it."""

    catalog: Catalog
    """What it holds and where."""
    session: Session
    """Runs statements on its files."""
    row_groups: RowGroupReader
    """Decodes row groups of its files."""
    limits: EngineLimits
    """What a request may take."""


@dataclass(frozen=True)
class BoundQuery:
    """A query bound to a snapshot: which files it touches, and conditions that are ready to run."""

    snapshot: OpenSnapshot = field(repr=False)
    """Where the rows are."""
    cover: Reach
    """Files and ranges of cells that the region touches."""
    region: Region | None
    """Part of the sky; None is all of it."""
    where: tuple[Predicate, ...]
    """Exact conditions beside the region, ready to bind."""
    columns: OutputColumns
    """Columns of the result."""
    scored: bool
    """Whether scores are worked out, to be shown or to rank by."""
    ranked: bool
    """Whether the best-scored rows come first."""
    limit: int | None
    """Most rows of the result; None is no limit."""

    @property
    def fetched(self) -> int | None:
        """Rows to ask for: one more than the limit tells whether there are more."""
        return None if self.limit is None else self.limit + 1

    @property
    def score_column(self) -> str | None:
        """Column of the result that gets the scores; None where they only rank."""
        return self.columns.computed[0] if self.columns.computed else None

    @property
    def with_snr(self) -> bool:
        """Whether the signal to noise is part of the score."""
        return self.snapshot.catalog.schema.role("snr") is not None

    @property
    def cones_only(self) -> bool:
        """Whether to lie in the region is the only condition."""
        return self.region is not None and not self.where

    @property
    def exact(self) -> tuple[Predicate, ...]:
        """All exact conditions, that of the region with one test per cone, so meant for few."""
        return self.where if self.region is None else (self.region.within(), *self.where)

    @property
    def computed(self) -> dict[str, Predicate]:
        """Name -> expression of what is worked out, for few cones."""
        if self.region is None or not self.scored:
            return {}
        return {self.score_column or "score": score_sql(self.region.cones, with_snr=self.with_snr)}

    def without(self, constants: Mapping[str, pa.Array]) -> BoundQuery:
        """Leave out of what is read the columns whose one value is known.

        Parameters
        ----------
        constants : mapping of str to pyarrow.Array
            Column -> an array of its one value.
        """
        return replace(self, columns=replace(self.columns, constants=constants))

    def statement(self, names: Sequence[str] | None = None, *, in_order: bool | None = None) -> CompiledQuery:
        """Write the query as one statement over the files that it touches, for few cones.

        Parameters
        ----------
        names : sequence of str, optional
            Columns to select beside those that are worked out; by default what has to be read for the result.
        in_order : bool, optional
            Whether the rows come in the order of the result. Without it, they do if no columns are named.
        """
        ranges, computed = self.cover.ranges, self.computed
        coarse = () if ranges is None else (in_ranges(joined(ranges, _MAX_RANGES)),)
        return compile_query(
            self.snapshot.catalog.schema,
            self.columns.varying if names is None else names,
            files(self.cover.paths),
            [*coarse, *self.exact],
            computed=computed,
            best_first=[*computed, FILE_INDEX, FILE_ROW] if self.ranked else [],
            in_order=[FILE_INDEX, FILE_ROW] if (names is None if in_order is None else in_order) else [],
            limit=self.fetched,
        )

    def parts(self, names: Sequence[str]) -> list[FilePart]:
        """Say what a statement reads of the files that the query touches.

        Parameters
        ----------
        names : sequence of str
            Columns that it selects; those of the conditions and of what is worked out are added.
        """
        read = columns_of(self.snapshot.catalog.schema, [*self.exact, *self.computed.values()])
        columns = list(dict.fromkeys([HEALPIX_COLUMN, *names, *read]))
        return [FilePart(path, columns) for path in self.cover.paths]

    def touched(self) -> list[Group]:
        """Row groups that the coarse step cannot rule out.

        Raises
        ------
        CatalogError
            If the files cannot be read.
        """
        with translate_errors(self.snapshot.catalog.path):
            return self.snapshot.row_groups.touched(self.cover.paths, self.cover.ranges)


class Way(Protocol):
    """One way to the rows of a query."""

    @property
    def query(self) -> BoundQuery:
        """What is asked."""
        ...

    def rows(self) -> tuple[Rows, bool]:
        """Find the rows: at most as many as the limit lets through, and whether more match.

        Raises
        ------
        CatalogError
            If the snapshot cannot be read.
        ParameterError
            If so many cones overlap that the tests would take minutes.
        """
        ...

    def statement(self) -> CompiledQuery:
        """Write the query as one statement, whether or not it is run as one."""
        ...

    def row_groups(self) -> Sequence[Group]:
        """Row groups that can hold rows of the result, in the order of the files."""
        ...

    def words(self) -> str:
        """Say the way in words."""
        ...


@dataclass(frozen=True)
class Nothing:
    """No row can fulfil the request."""

    query: BoundQuery
    """What is asked."""

    def rows(self) -> tuple[Rows, bool]:
        """Give no rows."""
        import pyarrow as pa

        none: list[pa.RecordBatch] = []
        return InMemoryRows(pa.Table.from_batches(none, self.query.columns.arrow)), False

    def statement(self) -> CompiledQuery:
        """Write the query as one statement."""
        return self.query.statement()

    def row_groups(self) -> Sequence[Group]:
        """Touch no row group."""
        return ()

    def words(self) -> str:
        """Say the way in words."""
        return "no row can fulfil the request; nothing is read"
