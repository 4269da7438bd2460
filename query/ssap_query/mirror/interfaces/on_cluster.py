"""A mirror whose requests and matches run on the workers of a Dask cluster; made by `Mirror.cluster`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import ParameterError

from ssap_query.cluster.way import ClusterScan
from ssap_query.engine.engine import Engine
from ssap_query.engine.plan import Nothing, Way
from ssap_query.mirror.answer import (
    ColumnNames,
    ParsedRequest,
    PlannedRequest,
    Request,
    plan_request,
    provenance,
    read_request,
)
from ssap_query.mirror.interfaces.cones import ConeList, answer, around, cones_in
from ssap_query.mirror.result import ResultSet
from ssap_query.ssap.predicate import FALSE
from ssap_query.ssap.python_values import one_request, request_pairs
from ssap_query.ssap.request import parse

if TYPE_CHECKING:
    import pyarrow as pa

    from ssap_query.cluster.files import SnapshotFiles
    from ssap_query.cluster.matching import CatalogMatch
    from ssap_query.mirror.explain import Explanation
    from ssap_query.xmatch.join.rule import JoinKind

__all__ = ["ClusterMatch", "ClusterMirror", "ClusterSearch"]

_REQUEST, _POS = "request", "pos"
_NOT_MOVED = "positions were compared as they are: a cluster applies no proper motions"


class ClusterMirror:
    """A mirror on a cluster; made by `Mirror.cluster`.

    Parameters
    ----------
    engine : Engine
        The open snapshot, which plans.
    client : distributed.Client
        The workers, which search.
    files : SnapshotFiles
        What they read.
    owns_client : bool
        Whether the client is closed with this.
    """

    def __init__(self, engine: Engine, client: Any, files: SnapshotFiles, *, owns_client: bool = False) -> None:
        self._engine, self._files, self._owns_client = engine, files, owns_client
        self.client = client

    @property
    def schema(self) -> Schema:
        """Columns of the snapshot, in the service's order."""
        return self._engine.catalog.schema

    def __enter__(self) -> ClusterMirror:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the client and end the workers, if they were started for this."""
        if self._owns_client:
            self.client.close()

    def ssap(
        self, request: Request, dialect: str | None = None, columns: ColumnNames = None, *,
        ignore_unanswerable: bool = False, cones: ConeList | None = None,
    ) -> ResultSet:  # fmt: skip
        """Answer a request; parameters, result and errors are those of `Mirror.ssap`."""
        return answer(
            self._engine, request, dialect, columns, cones, ignore_unanswerable=ignore_unanswerable, plan=self._plan
        )

    def search(
        self, pos: Any = None, *, columns: ColumnNames = None, dialect: str = "ivoa",
        ignore_unanswerable: bool = False, **parameters: object,
    ) -> ClusterSearch:  # fmt: skip
        """Find spectra, when they are asked for.

        Parameters
        ----------
        pos, columns, dialect, ignore_unanswerable, **parameters
            What `Mirror.search` takes, but for the radius of a cone search.

        Returns
        -------
        ClusterSearch
            Nothing is computed yet.

        Raises
        ------
        ParameterError
            For a bad value, or a constraint that cannot be tested: its parameter, the value, the reason.
        """
        cones = cones_in(pos)
        request = parse(request_pairs({_POS: None if cones is not None else pos, **parameters}), dialect)
        whole = request if cones is None else around(request, None, cones)
        parsed = read_request(self.schema, whole, columns=columns, ignore_unanswerable=ignore_unanswerable)

        def found() -> ResultSet:
            return self.ssap(request, columns=columns, ignore_unanswerable=ignore_unanswerable, cones=cones)

        return ClusterSearch(self._plan(self._engine, parsed).way, found)

    def crossmatch(
        self, other: Any, radius_arcsec: float = 1.0, *, n_neighbors: int = 1, min_radius_arcsec: float = 0.0,
        join: JoinKind = "inner", suffixes: tuple[str, str] = ("", "_2"), columns: ColumnNames = None,
        other_columns: Sequence[str] | None = None, storage_options: Mapping[str, Any] | None = None,
        request: Request | None = None, dialect: str | None = None, ignore_unanswerable: bool = False,
        **parameters: object,
    ) -> ClusterMatch:  # fmt: skip
        """Match spectra with another HATS catalogue by the target's position, as it is: no motions are applied.

        Parameters
        ----------
        other : lsdb.Catalog, path or str
            The catalogue, or the folder or address of a HATS collection. It needs a margin as wide as the radius.
        radius_arcsec : float
            Largest separation [arcsec].
        n_neighbors : int
            At most so many partners of each spectrum, the nearest ones.
        min_radius_arcsec : float
            Least separation [arcsec].
        join : {"inner", "left"}
            Which spectra without a partner to keep: none, or all that have a position.
        suffixes : tuple of str
            Put behind the names of columns that both have.
        columns, request, dialect, ignore_unanswerable, **parameters
            As in `Mirror.crossmatch`: which spectra, and which of their columns.
        other_columns : sequence of str, optional
            Columns of the other catalogue; all that are loaded without it.
        storage_options : mapping of str to object, optional
            What fsspec needs to know of the address of the other catalogue.

        Returns
        -------
        ClusterMatch
            Nothing is computed yet.

        Raises
        ------
        ParameterError
            If an argument is not what it must be, or pairs would be missing.
        SourceError
            If the other catalogue cannot be opened.
        CatalogError
            If the snapshot cannot be read.
        """
        from ssap_query.cluster.matching import match_catalogs, open_other
        from ssap_query.xmatch.join.rule import Rule

        rule = Rule(radius_arcsec, join=join, min_radius_arcsec=min_radius_arcsec, n_neighbors=n_neighbors)
        asked = one_request(request, parameters)
        parsed = read_request(self.schema, asked, dialect, columns, ignore_unanswerable=ignore_unanswerable)
        query = parsed.query
        if query.limit is not None:
            name = "MAXREC" if query.maxrec == query.limit else "TOP"
            raise ParameterError(name, query.limit, "limits the spectra, which a cluster matches without knowing all")
        way = self._plan(self._engine, parsed).way
        if not isinstance(way, ClusterScan):
            raise ParameterError(_REQUEST, "; ".join(query.words), "selects no spectra that could be matched")
        match = match_catalogs(way, open_other(other, other_columns, storage_options), rule, suffixes, other_columns)
        return ClusterMatch(match, provenance(self._engine.catalog), (*query.notes, *_match_notes(way)))

    def explain(
        self, request: Request, dialect: str | None = None, columns: ColumnNames = None, *,
        ignore_unanswerable: bool = False,
    ) -> Explanation:  # fmt: skip
        """Say how a request is read and what the workers will touch; parameters and errors are those of `ssap`."""
        from ssap_query.mirror.explain import explain

        parsed = read_request(self.schema, request, dialect, columns, ignore_unanswerable=ignore_unanswerable)
        return explain(self._engine, parsed.query, parsed.columns, self._plan(self._engine, parsed).way)

    def _plan(self, engine: Engine, parsed: ParsedRequest) -> PlannedRequest:
        """Let the workers find the rows, where there may be any."""
        query = parsed.query
        if not query.selects_rows:
            return plan_request(engine, parsed)
        bound = engine.bind(query, parsed.columns, resolve=False)
        nothing = query.where == FALSE or not bound.cover.paths
        way = Nothing(bound) if nothing else ClusterScan(bound, self.client, self._files)
        return PlannedRequest(engine, parsed, way)


@dataclass(frozen=True, repr=False)
class ClusterSearch:
    """Spectra that a request selects, not looked for before they are asked for; made by `ClusterMirror.search`."""

    way: Way | None
    """How they are found; None where no rows are asked for."""
    _answer: Callable[[], ResultSet]

    def __repr__(self) -> str:
        if self.way is None:
            return "<ClusterSearch: no rows are asked for>"
        return f"<ClusterSearch: {len(self.way.query.cover.paths):,} files, not searched yet>"

    @property
    def catalog(self) -> Any:
        """The rows that match and have coordinates (lsdb.Catalog), for all that LSDB can do; limits do not hold here.

        Raises
        ------
        ParameterError
            If the request cannot select any.
        """
        return self._scan().catalog()

    def unplaced(self) -> pa.Table:
        """Read the rows that match and have no coordinates, which are not in `catalog`."""
        return self._scan().unplaced()

    def compute(self) -> ResultSet:
        """Find all rows, as `Mirror.search` does: with and without coordinates, limits, order, units and status.

        Raises
        ------
        CatalogError
            If the workers cannot read the snapshot.
        """
        return self._answer()

    def _scan(self) -> ClusterScan:
        if not isinstance(self.way, ClusterScan):
            asked = "nothing" if self.way is None else self.way.words()
            raise ParameterError(_REQUEST, asked, "is no selection of spectra")
        return self.way


@dataclass(frozen=True, repr=False)
class ClusterMatch:
    """Pairs of spectra and rows of a catalogue, not looked for before they are asked for."""

    _match: CatalogMatch
    _infos: Mapping[str, str]
    _notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<ClusterMatch: {', '.join(self._match.arrow.names)}; not computed yet>"

    @property
    def catalog(self) -> Any:
        """The pairs (lsdb.Catalog), for all that LSDB can do."""
        return self._match.catalog

    def compute(self) -> ResultSet:
        """Find all pairs, in the order of the sky, with units and a separation [arcsec].

        Raises
        ------
        CatalogError
            If the workers cannot read the snapshot, or the other catalogue.
        """
        arrow = self._match.arrow
        schema = Schema(tuple(Column.from_arrow(one) for one in arrow))
        return ResultSet(schema, self._match.rows(), notes=self._notes, infos=self._infos, arrow_types=arrow)


def _match_notes(way: ClusterScan) -> tuple[str, ...]:
    unplaced = way.query.snapshot.catalog.unplaced
    if unplaced is None:
        return (_NOT_MOVED,)
    told = (
        f"{unplaced.rows:,} spectra of the mirror are in no partition, for they have no target position, and are not "
        "matched; Mirror.crossmatch matches those of them that have other coordinates"
    )
    return (_NOT_MOVED, told)
