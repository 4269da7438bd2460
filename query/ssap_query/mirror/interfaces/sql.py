"""What can be asked of a mirror in SQL, and by data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssap_mirror.errors import needs_extra

from ssap_query.engine.engine import Engine
from ssap_query.mirror.answer import provenance
from ssap_query.mirror.live_engine import LiveEngine
from ssap_query.mirror.result import ResultSet

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["SqlMirror"]


class SqlMirror:
    """The part of a mirror that answers SQL."""

    _live: LiveEngine

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

        engine = self._live.engine
        return connection(engine.session, engine.catalog).view("spectra")

    def scan(self) -> pl.LazyFrame:
        """Give all rows as a polars LazyFrame, those without coordinates included; NaN stays NaN.

        Raises
        ------
        CatalogError
            If the snapshot cannot be read.
        MissingPackageError
            If polars is not installed.
        """
        with needs_extra("polars"):
            import polars as pl

        catalog = self._live.engine.catalog
        catalog.checksums.check(catalog.files)
        names = [column.name for column in catalog.schema if not column.is_hidden]
        return pl.scan_parquet(list(catalog.files), hive_partitioning=False).select(names)

    def to_duckdb(self, path: str | PathLike[str]) -> None:
        """Write all rows into a database file that any DuckDB opens: tables, functions and NaN rule as `sql` has them.

        Parameters
        ----------
        path : path
            The file; it takes its name when it is complete.

        Raises
        ------
        CatalogError
            If the snapshot cannot be read.
        MirrorError
            If the file cannot be written.
        """
        from ssap_query.sql.database_file import write_database

        write_database(self._live.engine.catalog, Path(path))

    def healpix_map(
        self, order: int, expression: str = "count(*)", where: str | None = None, empty: float | None = None
    ) -> NDArray[np.float64]:
        """Work out an aggregate over the rows of each HEALPix cell, as a map in the NESTED scheme for healpy.

        Parameters, result and errors are those of `ssap_query.mirror.interfaces.healpix_map.healpix_map`
        (``healpix_map(6, "median(ssa_snr)", where="objtype = 'star'")``).
        """
        from ssap_query.mirror.interfaces.healpix_map import healpix_map

        return healpix_map(self.sql, order, expression, where, empty)
