"""A mirror opened for asking: requests in, results out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import ParameterError

from ssap_query.engine.engine import Engine
from ssap_query.engine.plan import EngineLimits
from ssap_query.engine.snapshot_cache import DEFAULT_CACHE_BYTES
from ssap_query.mirror.adql_mirror import AdqlMirror
from ssap_query.mirror.answer import ColumnNames, Request, plan_request, provenance, read_request
from ssap_query.mirror.live_engine import LiveEngine
from ssap_query.mirror.result import ResultSet
from ssap_query.ssap.python_values import request_pairs

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    from numpy.typing import NDArray

    from ssap_query.mirror.explain import Explanation
    from ssap_query.xmatch import Limits, Match, Positions
    from ssap_query.xmatch.join.rule import Find, JoinKind

__all__ = ["Mirror", "open_mirror"]


class Mirror(AdqlMirror):
    """A mirror of a spectra service, opened at its live snapshot.

    It goes on reading that snapshot, whatever is synced meanwhile, until `refresh`; as long as it does, and as long as
    a result reads from it, the snapshot is not pruned. It may be used from many threads.

    Parameters
    ----------
    name : str or pathlib.Path
        A mirror's name below the home folder, or the path of a mirror or of one of its snapshots.
    home : pathlib.Path, optional
        Folder of the mirrors.
    cache_bytes : int
        Most that is kept between requests [byte], of everything; 0 for a program that asks once.
    limits : EngineLimits, optional
        What a single request may take.

    Raises
    ------
    CatalogError
        If there is no such mirror, or it is damaged.
    """

    def __init__(
        self,
        name: str | Path,
        home: str | Path | None = None,
        *,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
        limits: EngineLimits | None = None,
    ) -> None:
        self._live = LiveEngine(name, None if home is None else Path(home), cache_bytes, limits)

    @property
    def catalog(self) -> Catalog:
        """The snapshot."""
        return self.engine.catalog

    @property
    def schema(self) -> Schema:
        """Columns of the snapshot, in the service's order."""
        return self.catalog.schema

    @property
    def engine(self) -> Engine:
        """What runs the requests."""
        return self._live.engine

    def refresh(self) -> bool:
        """Open the live snapshot if it is another one by now, and drop all that was kept of the old one.

        Returns
        -------
        bool
            Whether there was another one.

        Raises
        ------
        CatalogError
            If the mirror is gone or damaged; the old snapshot stays open.
        """
        return self._live.refresh()

    def ssap(
        self, request: Request, dialect: str | None = None, columns: ColumnNames = None, *,
        ignore_unanswerable: bool = False,
    ) -> ResultSet:  # fmt: skip
        """Answer a request as it comes over the wire.

        Parameters
        ----------
        request : str, bytes, iterable of (str, object), or SsapRequest
            Query string, decoded (name, value) pairs in order, or what `ssap_query.ssap.request.parse` made of either.
            REQUEST has to be among them.
        dialect : {'ivoa', 'dachs'}, optional
            Whose reading of the parameters: the standard's, or the reference server's. By default ``ivoa``, or that
            of a parsed request.
        columns : sequence of str, optional
            Names of the columns instead of those that VERB says; ``"all"`` is every column.
        ignore_unanswerable : bool
            As in `search`.

        Returns
        -------
        ResultSet
            Rows in the order of the sky; best first where TOP ranks them.

        Raises
        ------
        ParameterError
            For a bad value, or a constraint that cannot be tested: its parameter, the value, the reason.
        CatalogError
            If the snapshot cannot be read.
        """

        def asked(engine: Engine) -> ResultSet:
            schema, ignored = engine.catalog.schema, ignore_unanswerable
            parsed = read_request(schema, request, dialect, columns, ignore_unanswerable=ignored)
            return plan_request(engine, parsed).result()

        return self._live.ask(asked)

    def search(
        self, pos: Any = None, size: Any = None, band: Any = None, time: Any = None, snr: Any = None,
        redshift: Any = None, *, diameter: Any = None, aperture: Any = None, spatres: Any = None, specrp: Any = None,
        targetname: Any = None, targetclass: Any = None, wildtarget: str | None = None,
        wildtargetcase: str | None = None, fluxcalib: Any = None, wavecalib: Any = None, collection: Any = None,
        pubdid: Any = None, creatordid: Any = None, mtime: Any = None, varampl: Any = None, timeres: Any = None,
        format: Any = None, top: int | None = None, maxrec: int | None = None, verb: int | None = None,
        columns: ColumnNames = None, dialect: str = "ivoa", ignore_unanswerable: bool = False, **parameters: object,
    ) -> ResultSet:  # fmt: skip
        """Find spectra. Each parameter is that of SSA 1.1 with the same name; all of them have to hold.

        What `pyvo.dal.SSAService.search` takes is taken here. Text is read as the standard writes it
        (``snr="20/"``, ``time="2018-05/2018-06"``).

        Parameters
        ----------
        pos : SkyCoord, pair of float [deg], array of shape (N, 2), sequence of pairs, or str, optional
            Centre of the region, or many of them (one pass over the table).
        size, diameter : float [deg], Quantity or str, optional
            Diameter of the region; without it, one arcminute.
        band : float [m], Quantity (wavelength, frequency, energy), pair of them, or str, optional
            Wavelength that the spectrum covers; a pair is a range that it overlaps.
        time, mtime : Time, datetime, date, float [MJD], pair of them, or str, optional
            When the spectrum was taken, and when its record was published.
        snr : float or pair of float, optional
            Signal to noise; a single value is a lower limit. In any pair, None is an open end.
        redshift, aperture, spatres, specrp, varampl, timeres : number, Quantity, pair of them, or str, optional
            Further numbers; aperture and spatres in degrees, timeres in seconds.
        targetname, targetclass, fluxcalib, wavecalib, collection, format : str or sequence of str, optional
            Words; a sequence is a union.
        pubdid, creatordid : str or sequence of str, optional
            Dataset identifiers, up to hundreds of thousands.
        wildtarget, wildtargetcase : str, optional
            Shell pattern of the target's name.
        top : int, optional
            Only so many rows; with `pos`, the best-scored ones, best first.
        maxrec : int, optional
            At most so many rows; if more match, the status is ``OVERFLOW``. No limit without it.
        verb : {1, 2, 3}, optional
            How many columns: the most important, the useful (default), all.
        columns : sequence of str, optional
            Names of the columns instead; ``"all"`` is every column.
        dialect : {'ivoa', 'dachs'}
            Whose reading of the parameters.
        ignore_unanswerable : bool
            Go on without the constraints about which no column of the mirror tells, with a note, instead of refusing
            them. In dialect ``dachs`` they are never refused.
        **parameters : object
            The same parameters in any other case (``SNR=20``).

        Returns
        -------
        ResultSet

        Raises
        ------
        ParameterError
            For a bad value, or a constraint that cannot be tested: its parameter, the value, the reason.
        CatalogError
            If the snapshot cannot be read.

        Examples
        --------
        >>> found = mirror.search(pos=(292.06, 43.93), size=0.2, snr=(20, None))  # doctest: +SKIP
        """
        given = {
            "pos": pos, "size": size, "band": band, "time": time, "snr": snr, "redshift": redshift,
            "diameter": diameter, "aperture": aperture, "spatres": spatres, "specrp": specrp, "targetname": targetname,
            "targetclass": targetclass, "wildtarget": wildtarget, "wildtargetcase": wildtargetcase,
            "fluxcalib": fluxcalib, "wavecalib": wavecalib, "collection": collection, "pubdid": pubdid,
            "creatordid": creatordid, "mtime": mtime, "varampl": varampl, "timeres": timeres, "format": format,
            "top": top, "maxrec": maxrec, "verb": verb, **parameters,
        }  # fmt: skip
        return self.ssap(request_pairs(given), dialect, columns, ignore_unanswerable=ignore_unanswerable)

    def explain(
        self, request: Request, dialect: str | None = None, columns: ColumnNames = None, *,
        ignore_unanswerable: bool = False,
    ) -> Explanation:  # fmt: skip
        """Say how a request is read and what it will touch, without answering it.

        Parameters and errors are those of `ssap`; ``str()`` of the result is for people.
        """
        from ssap_query.mirror.explain import explain

        engine = self.engine
        schema = engine.catalog.schema
        parsed = read_request(schema, request, dialect, columns, ignore_unanswerable=ignore_unanswerable)
        return explain(engine, parsed.query, parsed.columns)

    def crossmatch(
        self,
        other: Any,
        radius_arcsec: float = 1.0,
        find: Find = "best",
        *,
        columns: ColumnNames = None,
        other_positions: Positions | None = None,
        other_columns: Sequence[str] | None = None,
        other_where: str | None = None,
        sigma: float | None = None,
        motions: bool = True,
        join: JoinKind = "inner",
        n_neighbors: int = 1,
        min_radius_arcsec: float = 0.0,
        best_by: str | None = None,
        row_numbers: bool = False,
        suffixes: tuple[str, str] = ("", "_2"),
        limits: Limits | None = None,
        request: Request | None = None,
        dialect: str | None = None,
        ignore_unanswerable: bool = False,
        **parameters: object,
    ) -> Match:
        """Match spectra with another table by the target's position, at the date of each spectrum.

        Parameters
        ----------
        other, radius_arcsec, find, other_positions, other_columns, other_where, sigma, motions, suffixes, limits
            As `ssap_query.crossmatch` has them: the spectra are its left table, `other` is its right one.
        join, n_neighbors, min_radius_arcsec, best_by, row_numbers
            As `ssap_query.crossmatch` has them: ``find="best-other", best_by="ssa_snr"`` gives the best spectrum of
            each row of the other table.
        columns : sequence of str, optional
            Columns of the spectra; without it, those of ``verb``.
        request, dialect, ignore_unanswerable
            As in `ssap`: a request that selects the spectra, and how it is read.
        **parameters : object
            What `search` takes, to match only some of the spectra (``snr=20``), in place of a request.

        Returns
        -------
        Match
            Nothing is computed before it is asked for.

        Raises
        ------
        ParameterError
            If an argument is not what it must be.
        SourceError
            If the other table cannot be read.
        CatalogError
            If the snapshot cannot be read.
        """
        from ssap_query.mirror.selection import selected_table
        from ssap_query.xmatch import crossmatch

        if request is None:
            request = request_pairs(parameters)
        elif parameters:
            name, value = next(iter(parameters.items()))
            raise ParameterError(name, value, "is given beside a whole request, which says what selects the spectra")
        engine = self.engine
        parsed = read_request(engine.catalog.schema, request, dialect, columns, ignore_unanswerable=ignore_unanswerable)
        left, left_positions = selected_table(engine, parsed)
        match = crossmatch(
            left, other, radius_arcsec, find, left_positions=left_positions, right_positions=other_positions,
            left_columns=parsed.columns.names, right_columns=other_columns, right_where=other_where, sigma=sigma,
            motions=motions, join=join, n_neighbors=n_neighbors, min_radius_arcsec=min_radius_arcsec, best_by=best_by,
            row_numbers=row_numbers, suffixes=suffixes, limits=limits,
        )  # fmt: skip
        return match.of(provenance(engine.catalog), parsed.query.notes)

    def sql(self, text: str, values: Sequence[object] = (), tables: Mapping[str, Any] | None = None) -> ResultSet:
        """Answer one query in SQL. The view ``spectra`` has all rows and columns, and ``_healpix_29``.

        A NaN is NULL there, as it is to VOTable; ``spectra_raw`` has the values as sent, with NaN above all numbers.
        A query that asks for NaN itself (``isnan(ssa_snr)``) sees that column as sent in ``spectra`` too, and a note
        says so.
        Beside DuckDB's functions there are ``separation``, ``separation_arcsec``, ``in_cone``, ``healpix`` and
        ``healpix_cell`` (`ssap_query.sql.macros`). Other files of any format can be read (``FROM 'stars.fits'``), with
        their units and UCDs; nothing is written.

        Parameters
        ----------
        text : str
            One SELECT (or FROM, WITH, SUMMARIZE, DESCRIBE, PIVOT, EXPLAIN).
        values : sequence
            What is bound to its ``?``.
        tables : mapping of str to table, optional
            Tables that it reads by these names: paths, and tables in memory as `crossmatch` takes them.

        Returns
        -------
        ResultSet
            Columns of the mirror keep their units, UCDs and descriptions; what an expression means cannot be known.

        Raises
        ------
        ParameterError
            If it is not one query, or DuckDB cannot make sense of it.
        CatalogError
            If the snapshot cannot be read.
        """
        from ssap_query.sql.column_cache import WholeColumns
        from ssap_query.sql.user_sql import run_sql

        def asked(engine: Engine) -> ResultSet:
            columns = WholeColumns(engine.catalog, engine.row_groups, engine.cache)
            found = run_sql(engine.session, engine.catalog, columns, text, values, tables)
            return ResultSet(
                found.schema,
                found.rows,
                notes=found.notes,
                infos=provenance(engine.catalog),
                arrow_types=found.arrow,
            )

        return self._live.ask(asked)

    def relation(self) -> duckdb.DuckDBPyRelation:
        """Give the view ``spectra`` (NaN is NULL) as a DuckDB relation, to filter, aggregate and join in Python.

        Raises
        ------
        CatalogError
            If the snapshot cannot be read.
        """
        from ssap_query.sql.user_sql import connection

        engine = self.engine
        return connection(engine.session, engine.catalog).view("spectra")

    def healpix_map(
        self, order: int, expression: str = "count(*)", where: str | None = None, empty: float | None = None
    ) -> NDArray[np.float64]:
        """Work out an aggregate over the rows of each HEALPix cell, as a map in the NESTED scheme for healpy.

        Parameters, result and errors are those of `ssap_query.mirror.healpix_map.healpix_map`
        (``healpix_map(6, "median(ssa_snr)", where="objtype = 'star'")``).
        """
        from ssap_query.mirror.healpix_map import healpix_map

        return healpix_map(self.sql, order, expression, where, empty)

    def info(self) -> dict[str, Any]:
        """Facts about the mirror: what it holds, where it came from, how large it is.

        Returns
        -------
        dict
            Plain values by the names of `ssap_query.mirror.info.facts_of`.
        """
        from ssap_query.mirror.info import facts_of

        return facts_of(self.catalog)


def open_mirror(
    name: str | Path,
    home: str | Path | None = None,
    *,
    cache_bytes: int = DEFAULT_CACHE_BYTES,
    limits: EngineLimits | None = None,
) -> Mirror:
    """Open a mirror at its live snapshot; parameters as for `Mirror`."""
    return Mirror(name, home, cache_bytes=cache_bytes, limits=limits)
