"""Any table as a DuckDB view whose rows are numbered."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import duckdb
from ssap_mirror.core.schema import HEALPIX_COLUMN, Schema
from ssap_mirror.errors import FormatError, ParameterError
from ssap_mirror.tables.voparquet import CONTENT_KEY

from ssap_query.xmatch.inputs import readers
from ssap_query.xmatch.inputs.files import catalog_files, expand, format_of, is_catalog
from ssap_query.xmatch.session import one_line

if TYPE_CHECKING:
    import pyarrow as pa

    from ssap_query.xmatch.session import Session

__all__ = ["FILE", "FILE_SHIFT", "NUMBER", "ROW", "Side", "Table", "TableLike", "every_row", "open_table"]

#: Columns of the view ``<side>_rows`` that number its rows: a file and a row of that file, both from 0.
FILE, ROW = "_xm_file", "_xm_row"
#: SQL expression for a row's number, one integer that is unique and in the table's order.
FILE_SHIFT = 40
NUMBER = f"({FILE}::BIGINT << {FILE_SHIFT}) + {ROW}"

#: What `open_table` takes.
TableLike = Any

_VIRTUAL = ("file_index", "file_row_number")
_PARQUET = Template(
    "SELECT *, file_index AS $file, file_row_number AS $row "
    "FROM read_parquet(?, union_by_name = ?, hive_partitioning = false)"
).substitute(file=FILE, row=ROW)
_PLAIN_PARQUET = "FROM read_parquet(?, union_by_name = ?, hive_partitioning = false)"
_CSV = "FROM read_csv(?, sample_size = 200000, nullstr = ['', 'NULL', 'null', 'NaN', 'nan', '--'])"
_BATCH_ROWS = 122_880
_FORMAT_ERRORS = (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException, duckdb.BinderException)


@dataclass(frozen=True)
class Side:
    """Rows that a query selects, as the engine hands its own side of a match."""

    sql: str
    """``SELECT`` with the columns of `schema`; with ``file_index`` and ``file_row_number`` of ``read_parquet`` too, the
    rows are read where they lie, else they are copied once."""
    values: tuple[object, ...]
    """What is bound to the ``?`` in `sql`."""
    schema: Schema
    """What is known of the columns; its roles ``ra``, ``dec`` and ``t_mid`` are where the rows are, and when."""


@dataclass(frozen=True)
class Table:
    """One side of a match: the view ``<side>_rows`` and what is known of it."""

    side: str
    """``left`` or ``right``."""
    schema: pa.Schema
    """Columns in order, without the internal ones, with metadata (unit, ucd, description)."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """Role -> column, where the owner of the table has chosen them."""
    notes: tuple[str, ...] = ()
    """What a reader of the match should know of the table."""


def open_table(session: Session, source: TableLike, side: str, where: str | None = None) -> Table:
    """Make a table readable as the view ``<side>_rows``.

    Parameters
    ----------
    session : Session
        Where the view is made.
    source : path, list of paths, Side, or a table in memory
        A path is a file, a pattern, a HATS folder or a mirror. See `readers.from_object` for the tables.
    side : str
        ``"left"`` or ``"right"``.
    where : str, optional
        SQL condition on the rows.

    Raises
    ------
    ParameterError
        If it is not a table, or the condition is none.
    SourceError, FormatError, CatalogError
        If a file is not there, or is not what it claims to be.
    """
    table = _opened(session, source, side)
    if where is not None:
        _keep_only(session, side, where)
    return table


def every_row(session: Session, side: str) -> str:
    """Name the view of all rows of a table, those among them that its condition leaves out."""
    unfiltered = f"{side}_every_row"
    (there,) = session.row("SELECT count(*) FROM duckdb_views() WHERE view_name = ?", [unfiltered])
    return unfiltered if there else f"{side}_rows"


def _opened(session: Session, source: TableLike, side: str) -> Table:
    if isinstance(source, Side):
        return _from_query(session, source, side)
    if isinstance(source, (str, os.PathLike)):
        return _from_paths(session, [os.fspath(source)], side)
    if isinstance(source, (list, tuple)) and source and all(isinstance(s, (str, os.PathLike)) for s in source):
        return _from_paths(session, [os.fspath(s) for s in source], side)
    return _from_arrow(session, readers.from_object(source, side), side)


def _keep_only(session: Session, side: str, where: str) -> None:
    """Take the rows of a view that fulfil a condition; they keep their numbers."""
    session.run(f"ALTER VIEW {side}_rows RENAME TO {side}_every_row")
    try:
        session.connection.view(f"{side}_every_row").filter(where).create_view(f"{side}_rows")
    except (duckdb.ProgrammingError, duckdb.NotSupportedError) as error:
        parameter = f"{side}_where"
        raise ParameterError(parameter, where, f"is no condition on the table's rows: {one_line(error)}") from error


def _from_paths(session: Session, paths: Sequence[str], side: str) -> Table:
    found = [path for given in paths for path in expand(given)]
    files = [part for path in found for part in (catalog_files(path) if path.is_dir() else [path])]
    formats = {format_of(files[0])} if any(path.is_dir() for path in found) else {format_of(path) for path in files}
    if formats == {"parquet"}:
        # The files of a catalogue have the same columns; of others each is looked at.
        return _from_parquet(session, files, side, alike=all(is_catalog(path) for path in found))
    if len(files) > 1:
        raise ParameterError(side, list(paths), "is more than one file; only Parquet files can be read as one table")
    kind, path = formats.pop(), files[0]
    if kind == "csv":
        return _from_csv(session, path, side)
    if kind == "arrow":
        return _from_arrow(session, _read_arrow(path), side)
    if kind == "votable":
        stream, notes = readers.read_votable(path)
        return replace(_from_arrow(session, stream, side), notes=notes)
    return _from_arrow(session, readers.read_fits(path) if kind == "fits" else readers.read_ecsv(path), side)


def _from_parquet(session: Session, files: Sequence[Path], side: str, *, alike: bool) -> Table:
    names = [str(path) for path in files]
    values = [names, not alike]
    metadata = _parquet_metadata(files[0])
    try:
        if any(name in metadata for name in _VIRTUAL):  # a real column of that name would hide the row's number
            session.connection.sql(_PLAIN_PARQUET, params=values).to_table(f"{side}_data")
            return _numbered(session, side, metadata)
        _refuse_own_names(side, list(metadata))
        return _describe(session.connection.sql(_PARQUET, params=values), side, metadata)
    except _FORMAT_ERRORS as error:
        message = (
            f"{names[0] if len(names) == 1 else f'one of {len(names)} Parquet files'} cannot be read: {one_line(error)}"
        )
        raise FormatError(message) from error


def _from_query(session: Session, source: Side, side: str) -> Table:
    metadata = {f.name: dict(f.metadata or {}) for f in source.schema.arrow_schema()}
    relation = session.connection.sql(source.sql, params=list(source.values))
    if all(name in relation.columns for name in _VIRTUAL):
        return _numbered_by_file(relation, side, metadata, source.schema)
    relation.to_table(f"{side}_data")
    return _numbered(session, side, metadata, source.schema)


def _from_csv(session: Session, path: Path, side: str) -> Table:
    try:
        session.connection.sql(_CSV, params=[str(path)]).to_table(f"{side}_data")
    except duckdb.Error as error:
        message = f"{path} cannot be read as CSV: {one_line(error)}"
        raise FormatError(message) from error
    return _numbered(session, side, {})


def _from_arrow(session: Session, source: pa.Table | pa.RecordBatchReader, side: str) -> Table:
    import numpy as np
    import pyarrow as pa

    metadata = {f.name: dict(f.metadata or {}) for f in source.schema}
    if isinstance(source, pa.RecordBatchReader):
        _copy_stream(session, source, f"{side}_data")
        return _numbered(session, side, metadata)
    _refuse_own_names(side, source.schema.names)
    numbered = source.append_column(ROW, pa.array(np.arange(source.num_rows, dtype=np.int64)))
    # Threads share a table by its batches: one great chunk would be read by one of them.
    chunks = pa.Table.from_batches(numbered.to_batches(max_chunksize=_BATCH_ROWS), schema=numbered.schema)
    session.connection.register(f"{side}_data", chunks)
    relation = session.connection.table(f"{side}_data").project(f"*, 0::UBIGINT AS {FILE}")
    return _describe(relation, side, metadata)


def _copy_stream(session: Session, source: pa.RecordBatchReader, name: str) -> None:
    """Copy batch by batch: an error of the stream then comes out as it is, not as one of DuckDB's."""
    import pyarrow as pa

    connection = session.connection
    connection.register("arriving", pa.Table.from_batches([], schema=source.schema))
    connection.table("arriving").to_table(name)
    for batch in source:
        connection.register("arriving", pa.Table.from_batches([batch]))
        connection.table("arriving").insert_into(name)
    connection.unregister("arriving")


def _read_arrow(path: Path) -> pa.Table:
    import pyarrow as pa
    from pyarrow import feather

    try:
        return feather.read_table(path, memory_map=True)
    except (pa.ArrowException, OSError) as error:
        message = f"{path} cannot be read as Arrow: {one_line(error)}"
        raise FormatError(message) from error


def _numbered(
    session: Session, side: str, metadata: Mapping[str, Mapping[bytes, bytes]], schema: Schema | None = None
) -> Table:
    data = session.connection.table(f"{side}_data")
    _refuse_own_names(side, data.columns)
    return _describe(data.project(f"*, 0::UBIGINT AS {FILE}, rowid AS {ROW}"), side, metadata, schema)


def _numbered_by_file(
    relation: duckdb.DuckDBPyRelation,
    side: str,
    metadata: Mapping[str, Mapping[bytes, bytes]],
    schema: Schema | None = None,
) -> Table:
    _refuse_own_names(side, relation.columns)
    # Under their own type and name DuckDB uses both to skip files and row groups.
    renamed = f"* EXCLUDE (file_index, file_row_number), file_index AS {FILE}, file_row_number AS {ROW}"
    return _describe(relation.project(renamed), side, metadata, schema)


def _describe(
    relation: duckdb.DuckDBPyRelation,
    side: str,
    metadata: Mapping[str, Mapping[bytes, bytes]],
    known: Schema | None = None,
) -> Table:
    import pyarrow as pa

    relation.create_view(f"{side}_rows")
    fields = []
    for item in relation.limit(0).to_arrow_table().schema:
        if item.name not in (FILE, ROW, HEALPIX_COLUMN) and (known is None or item.name in known):
            fields.append(item.with_metadata(metadata.get(item.name) or None))
    return Table(side, pa.schema(fields), {} if known is None else _side_roles(known))


def _refuse_own_names(side: str, names: Sequence[str]) -> None:
    own = next((name for name in names if name.lower() in (FILE, ROW)), None)
    if own is not None:
        raise ParameterError(side, own, "is a column of the table, and a name that the cross-match needs")


def _side_roles(schema: Schema) -> dict[str, str]:
    roles = {"ra": "ra", "dec": "dec", "t_mid": "epoch"}
    return {ours: schema.roles[theirs] for theirs, ours in roles.items() if theirs in schema.roles}


def _parquet_metadata(path: Path) -> dict[str, dict[bytes, bytes]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        message = f"{path} cannot be read as Parquet: {one_line(error)}"
        raise FormatError(message) from error
    found = {f.name: {k: v for k, v in (f.metadata or {}).items() if not k.startswith(b"PARQUET:")} for f in schema}
    for name, attributes in _votable_fields((schema.metadata or {}).get(CONTENT_KEY, b"")).items():
        if name in found and not found[name]:
            found[name] = attributes
    return found


def _votable_fields(header: bytes) -> dict[str, dict[bytes, bytes]]:
    """FIELD attributes of a VOParquet header by column; nothing if there is none that can be read."""
    if not header:
        return {}
    try:
        root = ET.fromstring(header)
    except ET.ParseError as error:
        message = f"the VOTable header of the Parquet file is damaged: {error}"
        raise FormatError(message) from error
    keys = ("unit", "ucd", "utype", "xtype")
    return {
        field.get("name", ""): {key.encode(): field.get(key, "").encode() for key in keys if field.get(key)}
        for field in root.iter()
        if field.tag.rpartition("}")[2] == "FIELD"
    }
