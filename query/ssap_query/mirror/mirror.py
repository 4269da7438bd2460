"""A mirror opened for asking: requests in, answers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from ssap_mirror.core.catalog import Catalog, find_snapshot, open_catalog
from ssap_mirror.core.schema import Schema

from ssap_query.engine.cones.row_groups import DEFAULT_CACHE_BYTES
from ssap_query.engine.engine import Engine
from ssap_query.mirror.answer import ColumnNames, Request, about, answer, ask
from ssap_query.mirror.result import ResultSet
from ssap_query.ssap.python_values import request_pairs

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    from numpy.typing import NDArray

    from ssap_query.mirror.explain import Explanation
    from ssap_query.xmatch import Limits, Match, Positions
    from ssap_query.xmatch.api import Find

__all__ = ["Mirror", "open_mirror"]


class Mirror:
    """A mirror of a spectra service, opened at its live snapshot.

    It goes on reading that snapshot, whatever is synced meanwhile, until `refresh`. It may be used from many threads.

    Parameters
    ----------
    name : str or pathlib.Path
        A mirror's name below the home folder, or the path of a mirror or of one of its snapshots.
    home : pathlib.Path, optional
        Folder of the mirrors.
    cache_bytes : int
        Most that is kept between requests [byte], of row groups for cones and again of columns for statistics; 0 for
        a program that asks once.

    Raises
    ------
    CatalogError
        If there is no such mirror, or its manifest cannot be read.
    """

    def __init__(
        self, name: str | Path, home: str | Path | None = None, *, cache_bytes: int = DEFAULT_CACHE_BYTES
    ) -> None:
        self._name = name
        self._home = None if home is None else Path(home)
        self._engine = Engine(open_catalog(name, self._home), cache_bytes)
        self._lock = Lock()

    @property
    def catalog(self) -> Catalog:
        """The snapshot."""
        return self._engine.catalog

    @property
    def schema(self) -> Schema:
        """Columns of the snapshot, in the service's order."""
        return self.catalog.schema

    @property
    def engine(self) -> Engine:
        """What runs the requests."""
        return self._engine

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
        with self._lock:
            if find_snapshot(self._name, self._home) == self.catalog.path:
                return False
            self._engine = Engine(open_catalog(self._name, self._home), self._engine.row_groups.max_bytes)
            return True

    def ssap(
        self,
        request: Request,
        dialect: str = "ivoa",
        columns: ColumnNames = None,
    ) -> ResultSet:
        """Answer a request as it comes over the wire.

        Parameters
        ----------
        request : str, bytes or iterable of (str, object)
            Query string, or decoded (name, value) pairs in order. REQUEST has to be among them.
        dialect : {'ivoa', 'dachs'}
            Whose reading of the parameters: the standard's, or the reference server's.
        columns : sequence of str, optional
            Names of the columns instead of those that VERB says; ``"all"`` is every column.

        Returns
        -------
        ResultSet
            Rows in the order of the sky; best first where TOP ranks them.

        Raises
        ------
        ParameterError
            For a bad value: its parameter, the value, the reason.
        CatalogError
            If the snapshot cannot be read.
        """
        engine = self._engine
        return answer(engine, ask(engine, request, dialect, columns))

    def search(
        self,
        pos: Any = None,
        size: Any = None,
        band: Any = None,
        time: Any = None,
        snr: Any = None,
        redshift: Any = None,
        *,
        diameter: Any = None,
        aperture: Any = None,
        spatres: Any = None,
        specrp: Any = None,
        targetname: Any = None,
        targetclass: Any = None,
        wildtarget: str | None = None,
        wildtargetcase: str | None = None,
        fluxcalib: Any = None,
        wavecalib: Any = None,
        collection: Any = None,
        pubdid: Any = None,
        creatordid: Any = None,
        mtime: Any = None,
        varampl: Any = None,
        timeres: Any = None,
        format: Any = None,
        top: int | None = None,
        maxrec: int | None = None,
        verb: int | None = None,
        columns: ColumnNames = None,
        dialect: str = "ivoa",
        **parameters: object,
    ) -> ResultSet:
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
            At most so many rows; what is left out is told by the status ``OVERFLOW``. No limit without it.
        verb : {1, 2, 3}, optional
            How many columns: the most important, the useful (default), all.
        columns : sequence of str, optional
            Names of the columns instead; ``"all"`` is every column.
        dialect : {'ivoa', 'dachs'}
            Whose reading of the parameters.
        **parameters : object
            The same parameters in any other case (``SNR=20``).

        Returns
        -------
        ResultSet

        Raises
        ------
        ParameterError
            For a bad value: its parameter, the value, the reason.
        CatalogError
            If the snapshot cannot be read.

        Examples
        --------
        >>> found = mirror.search(pos=(292.06, 43.93), size=0.2, snr=(20, None))  # doctest: +SKIP
        """
        given = {
            "pos": pos,
            "size": size,
            "diameter": diameter,
            "band": band,
            "time": time,
            "snr": snr,
            "redshift": redshift,
            "aperture": aperture,
            "spatres": spatres,
            "specrp": specrp,
            "targetname": targetname,
            "targetclass": targetclass,
            "wildtarget": wildtarget,
            "wildtargetcase": wildtargetcase,
            "fluxcalib": fluxcalib,
            "wavecalib": wavecalib,
            "collection": collection,
            "pubdid": pubdid,
            "creatordid": creatordid,
            "mtime": mtime,
            "varampl": varampl,
            "timeres": timeres,
            "format": format,
            "top": top,
            "maxrec": maxrec,
            "verb": verb,
            **parameters,
        }
        return self.ssap(request_pairs(given), dialect, columns)

    def explain(
        self,
        request: Request,
        dialect: str = "ivoa",
        columns: ColumnNames = None,
    ) -> Explanation:
        """Say how a request is read and what it will touch, without answering it.

        Parameters and errors are those of `ssap`; ``str()`` of the result is for people.
        """
        from ssap_query.mirror.explain import explain

        engine = self._engine
        asked = ask(engine, request, dialect, columns)
        return explain(engine, asked.query, asked.columns)

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
        suffixes: tuple[str, str] = ("", "_2"),
        limits: Limits | None = None,
        dialect: str = "ivoa",
        **parameters: object,
    ) -> Match:
        """Match spectra with another table by the target's position, at the date of each spectrum.

        Parameters
        ----------
        other : path, list of paths, or table
            What `ssap_query.crossmatch` takes: Parquet, CSV, ECSV, FITS, VOTable, Arrow, a HATS folder, or
            an Arrow, pandas, polars or astropy table.
        radius_arcsec : float
            Largest separation, inclusive [arcsec]; above 0, at most 3600.
        find : {"best", "all", "best-other", "anti"}
            ``best``: for each spectrum the nearest row of the other table. ``all``: every pair. ``best-other``: for
            each row of the other table the nearest spectrum. ``anti``: spectra without a counterpart.
        columns : sequence of str, optional
            Columns of the spectra; without it, those of ``verb``.
        other_positions : Positions, optional
            Columns of positions, motions and dates of the other table, where UCD and usual names do not tell.
        other_columns : sequence of str, optional
            Columns of the other table; all without it.
        other_where : str, optional
            Use only the rows of the other table that fulfil a condition in DuckDB's SQL (``phot_g_mean_mag < 15``).
        sigma : float, optional
            Accept a pair only within this many combined errors.
        suffixes : tuple of str
            Put behind the names of columns that both tables have.
        limits : Limits, optional
            Memory, threads and folder for what does not fit.
        dialect : {'ivoa', 'dachs'}
            Whose reading of the parameters.
        **parameters : object
            What `search` takes, to match only some of the spectra (``snr=20``).

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
        from ssap_query.mirror.crossmatch import match_mirror

        engine = self._engine
        return match_mirror(
            engine,
            ask(engine, request_pairs(parameters), dialect, columns),
            other,
            radius_arcsec,
            find,
            other_positions=other_positions,
            other_columns=other_columns,
            other_where=other_where,
            sigma=sigma,
            suffixes=suffixes,
            limits=limits,
        )

    def sql(self, text: str, values: Sequence[object] = (), tables: Mapping[str, Any] | None = None) -> ResultSet:
        """Answer one query in SQL. The view ``spectra`` has all rows and columns, and ``_healpix_29``.

        Beside DuckDB's functions there are ``separation``, ``separation_arcsec``, ``in_cone``, ``healpix`` and
        ``healpix_cell`` (`ssap_query.sql.macros`). Other files can be read (``FROM 'stars.parquet'``); nothing is
        written.

        Parameters
        ----------
        text : str
            One SELECT (or FROM, WITH, SUMMARIZE, DESCRIBE, PIVOT, EXPLAIN).
        values : sequence
            What is bound to its ``?``.
        tables : mapping of str to table, optional
            Tables (Arrow, pandas, polars, dict of numpy arrays) that it reads by these names.

        Returns
        -------
        ResultSet
            Its columns have no units: what an expression means cannot be known.

        Raises
        ------
        ParameterError
            If it is not one query, or DuckDB cannot make sense of it.
        """
        from ssap_query.sql.user_sql import run_sql

        schema, rows = run_sql(self._engine.session, self.catalog, self._engine.hot_columns, text, values, tables)
        return ResultSet(schema, rows, infos=about(self.catalog))

    def relation(self) -> duckdb.DuckDBPyRelation:
        """Give the view ``spectra`` as a DuckDB relation, to filter, aggregate and join in Python.

        Raises
        ------
        CatalogError
            If the snapshot cannot be read.
        """
        from ssap_query.sql.user_sql import connection

        return connection(self._engine.session, self.catalog).view("spectra")

    def healpix_map(
        self, order: int, expression: str = "count(*)", where: str | None = None, empty: float | None = None
    ) -> NDArray[np.float64]:
        """Work out an aggregate in each HEALPix cell, as a map for healpy.

        Parameters
        ----------
        order : int
            HEALPix order, 0 to 12: ``nside = 2**order``.
        expression : str
            SQL aggregate over the rows of a cell (``median(ssa_snr)``).
        where : str, optional
            SQL condition on the rows.
        empty : float, optional
            Value of cells without one; by default 0 for ``count(*)``, else ``healpy.UNSEEN``.

        Returns
        -------
        numpy.ndarray of float64, shape (12 * 4**order,)
            In the NESTED scheme (``healpy.mollview(found, nest=True)``).

        Raises
        ------
        ParameterError
            If the order is out of range, or DuckDB cannot make sense of the expression or the condition.
        """
        from ssap_query.mirror.healpix_map import healpix_map

        return healpix_map(self.sql, order, expression, where, empty)

    def info(self) -> dict[str, Any]:
        """Facts about the mirror: what it holds, where it came from, how large it is.

        Returns
        -------
        dict
            Plain values: ``name``, ``title``, ``synthetic``, ``rows``, ``columns`` (their number), ``partitions``,
            ``unplaced_rows``, ``bytes`` (on disk), ``coverage`` (``ra``, ``dec`` [deg], ``t`` [MJD], ``em`` [m]: least
            and largest), ``max_offset_arcsec``, ``source``, ``created``, ``tool``, ``snapshot``, ``path``, ``harvest``.
        """
        catalog = self.catalog
        manifest = catalog.manifest
        files = [*catalog.row_files, *manifest.get("files", ())]
        return {
            "name": catalog.name,
            "title": catalog.title,
            "synthetic": catalog.synthetic,
            "rows": catalog.rows,
            "columns": len(catalog.schema),
            "partitions": len(catalog.partitions),
            "unplaced_rows": 0 if catalog.unplaced is None else catalog.unplaced.rows,
            "bytes": sum(int(item["bytes"]) for item in files),
            "coverage": manifest.get("coverage") or {},
            "max_offset_arcsec": catalog.max_offset_arcsec,
            "source": manifest.get("source") or {},
            "created": manifest.get("created"),
            "tool": manifest.get("tool"),
            "snapshot": catalog.path.name,
            "path": str(catalog.path),
            "harvest": manifest.get("harvest") or {},
        }


def open_mirror(name: str | Path, home: str | Path | None = None, *, cache_bytes: int = DEFAULT_CACHE_BYTES) -> Mirror:
    """Open a mirror at its live snapshot; parameters as for `Mirror`."""
    return Mirror(name, home, cache_bytes=cache_bytes)
