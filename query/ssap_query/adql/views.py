"""The tables of a database as views of the files of snapshots, whole or about a place on the sky."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.checksums import FilePart
from ssap_mirror.core.schema import HEALPIX_COLUMN, Column

from ssap_query.adql.language.translate import Part
from ssap_query.adql.tables.mirrors import visible
from ssap_query.adql.tables.table import AdqlTable, files_view
from ssap_query.engine.compile import view_of_files
from ssap_query.engine.duckdb_session import translate_errors
from ssap_query.engine.index.sky_cover import joined, reach
from ssap_query.ssap.predicate import quoted
from ssap_query.ssap.values.cones import FIBRE, Region

if TYPE_CHECKING:
    import duckdb

__all__ = ["make_table", "prepare_part", "without_nan"]

# More ranges of cells than this cost more than the rows between them.
_MAX_RANGES = 50


def make_table(connection: duckdb.DuckDBPyConnection, table: AdqlTable) -> None:
    """Make a table of a database; one that has the rows of others comes after these.

    Raises
    ------
    CatalogError
        If the files of its snapshot cannot be read.
    """
    if table.catalog is not None:
        with translate_errors(table.catalog.path):
            files = [str(path) for path in table.catalog.files]
            # DuckDB looks whether all files of a view are there, and reads its columns from the first one.
            table.catalog.checksums.reserve(files)
            table.catalog.checksums.check_parts([FilePart(files[0], columns=())])
            connection.execute(_of_files(files_view(table.name), table.catalog, files))
            connection.execute(_of_mirror(table.name, table.catalog, files_view(table.name)))
    elif table.data is not None:
        connection.register("incoming", table.data)
        connection.execute(f"CREATE TABLE {quoted(table.name)} AS FROM incoming")
        connection.unregister("incoming")
    else:
        connection.execute(_of_several(table.name, (part.statement() for part in table.parts)))


def prepare_part(cursor: duckdb.DuckDBPyConnection, part: Part) -> None:
    """See that the files that a statement reads of a table are as they were written, and that it reads no others.

    Raises
    ------
    CatalogError
        If they are not, or cannot be read.
    """
    table = part.table
    catalogs = [piece.catalog for piece in table.parts] or ([] if table.catalog is None else [table.catalog])
    if part.region is None:
        for catalog in catalogs:
            catalog.checksums.check(catalog.files)
        return
    found = [f"{part.name}@{number}" for number in range(len(catalogs))]
    for name, catalog in zip(found, catalogs, strict=True):
        _about(cursor, name, catalog, part.region)
    if table.catalog is not None:
        cursor.execute(_of_mirror(part.name, table.catalog, found[0], temporary=True))
    else:
        statements = (piece.statement(name) for piece, name in zip(table.parts, found, strict=True))
        cursor.execute(_of_several(part.name, statements, temporary=True))


def without_nan(column: Column) -> str:
    """Select a column, with NULL for NaN."""
    name = quoted(column.name)
    return f"nullif({name}, 'nan') AS {name}" if column.datatype in ("float", "double") and not column.shape else name


def _about(cursor: duckdb.DuckDBPyConnection, name: str, catalog: Catalog, region: Region) -> None:
    """Make a view of the rows in the files and cells that a region touches, as they are."""
    if not {"ra", "dec"} <= set(catalog.schema.roles):  # then the one position that there is tells the cells
        region = replace(region, position=FIBRE)
    cover = reach(catalog, region)
    paths = cover.paths or [str(path) for path in catalog.files[:1]]
    catalog.checksums.check(paths)
    ranges = joined(cover.ranges or (), _MAX_RANGES)
    within = [f"{HEALPIX_COLUMN} BETWEEN {low:d} AND {high:d}" for low, high in ranges]
    condition = " OR ".join([f"{HEALPIX_COLUMN} IS NULL", *within])
    with translate_errors(catalog.path):
        cursor.execute(_of_files(files_view(name), catalog, paths, temporary=True))
    rows = " ".join(("SELECT * FROM", quoted(files_view(name)), "WHERE", condition))
    cursor.execute(f"CREATE OR REPLACE TEMPORARY VIEW {quoted(name)} AS {rows}")


def _of_files(name: str, catalog: Catalog, paths: Sequence[str], *, temporary: bool = False) -> str:
    text = view_of_files(quoted(name), catalog.schema, [*catalog.schema.names, HEALPIX_COLUMN], paths)
    return text.replace("CREATE OR REPLACE VIEW", _create(temporary=temporary), 1)


def _of_mirror(name: str, catalog: Catalog, files: str, *, temporary: bool = False) -> str:
    """Write the view of a mirror: NULL for NaN, and no column that it worked out."""
    nan = set(catalog.nan_columns)
    selected = [without_nan(c) if c.name in nan else quoted(c.name) for c in visible(catalog)]
    rows = " ".join(("SELECT", ", ".join(selected), "FROM", quoted(files)))
    return f"{_create(temporary=temporary)} {quoted(name)} AS {rows}"


def _of_several(name: str, statements: Iterable[str], *, temporary: bool = False) -> str:
    return f"{_create(temporary=temporary)} {quoted(name)} AS {' UNION ALL '.join(statements)}"


def _create(*, temporary: bool) -> str:
    return "CREATE OR REPLACE TEMPORARY VIEW" if temporary else "CREATE OR REPLACE VIEW"
