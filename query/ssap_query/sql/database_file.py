"""A whole mirror as one file of DuckDB, which any DuckDB opens without anything of this program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import HEALPIX_COLUMN, Column
from ssap_mirror.core.storage import replacing, translate_write_errors
from ssap_mirror.errors import MirrorError

from ssap_query.engine.compile import table_of_files, view_without_nan
from ssap_query.engine.duckdb_session import translate_errors
from ssap_query.sql.column_cache import VIEW
from ssap_query.sql.lamost_macros import DECODING_MACROS
from ssap_query.sql.macros import SKY_MACROS
from ssap_query.sql.user_sql import RAW_VIEW
from ssap_query.ssap.predicate import quoted

__all__ = ["write_database"]


def write_database(catalog: Catalog, path: Path) -> None:
    """Write all rows as a database: what `Mirror.sql` reads, with the same names.

    ``spectra_raw`` has the rows as they were sent, ``spectra`` is the view of them with NULL for NaN. The functions
    of `Mirror.sql` are there too. Units and descriptions are comments on the columns (``duckdb_columns()``).

    Parameters
    ----------
    catalog : Catalog
        The snapshot.
    path : pathlib.Path
        The file; it takes its name when it is complete.

    Raises
    ------
    CatalogError
        If the snapshot cannot be read.
    MirrorError
        If the file cannot be written.
    """
    import duckdb

    catalog.checksums.check(catalog.files)
    columns = [*catalog.schema.names, HEALPIX_COLUMN]
    table = table_of_files(RAW_VIEW, catalog.schema, columns, [str(file) for file in catalog.files])
    try:
        with (
            translate_write_errors(path),
            replacing(path) as beside,
            closing(duckdb.connect(str(beside))) as connection,
        ):
            with translate_errors(catalog.path):
                connection.execute(table.sql, list(table.values))
            for statement in _descriptions(catalog):
                connection.execute(statement)
    except duckdb.IOException as error:  # DuckDB's own, which names no file
        message = f"{path} cannot be written: {error}"
        raise MirrorError(message) from error


def _descriptions(catalog: Catalog) -> Iterator[str]:
    """Statements for the view, the macros and all comments."""
    yield view_without_nan(VIEW, RAW_VIEW, catalog.nan_columns)
    yield from (macro.create for macro in (*SKY_MACROS, *DECODING_MACROS))
    made_up = "SYNTHETIC rows, which are made up. " if catalog.synthetic else ""
    about = f"{catalog.title}. {made_up}Mirror {catalog.name}, snapshot {catalog.path.name}."
    yield f"COMMENT ON TABLE {RAW_VIEW} IS {_text(f'{about} Values as sent, NaN among them.')}"
    yield f"COMMENT ON VIEW {VIEW} IS {_text(f'{about} NaN is NULL.')}"
    for relation in (RAW_VIEW, VIEW):
        for column in catalog.schema:
            if words := _words(column):
                yield f"COMMENT ON COLUMN {relation}.{quoted(column.name)} IS {_text(words)}"


def _words(column: Column) -> str:
    unit = f"[{column.unit}]" if column.unit else ""
    ucd = f"(UCD {column.ucd})" if column.ucd else ""
    return " ".join(part for part in (column.description, unit, ucd) if part)


def _text(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"
