"""Statements that a person writes, on the view ``spectra``: read, never write.

A NaN is NULL in that view, as it is to VOTable and to every tool of astronomers: to SQL it would be above all numbers,
and the largest of any. ``spectra_raw`` has the values as the service sent them, and so has ``spectra`` for a statement
that asks for NaN itself (`isnan`), of the columns that it asks about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.checksums import FilePart
from ssap_mirror.core.schema import HEALPIX_COLUMN, Schema
from ssap_mirror.errors import MirrorError, ParameterError

from ssap_query.engine.compile import view_of_files, view_without_nan
from ssap_query.engine.duckdb_session import Session, streamed, translate_errors
from ssap_query.engine.rows import BATCH_ROWS, InMemoryRows, MemoryLimit, Rows
from ssap_query.sql.asked_for_nan import columns_asked_for_nan
from ssap_query.sql.column_cache import VIEW, WholeColumns, columns_read
from ssap_query.sql.foreign import register_tables
from ssap_query.sql.lamost_macros import DECODING_MACROS
from ssap_query.sql.macros import SKY_MACROS
from ssap_query.sql.origins import described
from ssap_query.sql.result_types import ResultTypes
from ssap_query.sql.spooled import SpooledRows, spool
from ssap_query.sql.sql_error import SqlError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["SqlResult", "connection", "run_sql"]

_SQL = "sql"
_QUERIES = ("SELECT", "MULTI")  # MULTI is what PIVOT is made of
_EXPLAIN = re.compile(r"\s*EXPLAIN\s+(?:ANALYZE\s+)?(?:\(.*?\)\s*)?", re.IGNORECASE)

# Types of DuckDB that come out of it as something else: bits and long integers as bytes, times without their zone.
_DUCKDB_ALONE = frozenset({"BIT", "BIGNUM", "TIME WITH TIME ZONE", "VARIANT", "GEOMETRY"})

#: Name of the view that has values as they were sent.
RAW_VIEW = "spectra_raw"
#: Names of both views.
VIEWS = (VIEW, RAW_VIEW)

# What is held in memory of a result.
_IN_MEMORY = MemoryLimit(1_000_000, 256 << 20)


def connection(session: Session, catalog: Catalog, columns: Sequence[str] | None = None) -> duckdb.DuckDBPyConnection:
    """Give a new connection with the views ``spectra`` and ``spectra_raw``, and the macros.

    Parameters
    ----------
    session : Session
        The database.
    catalog : Catalog
        Whose rows both views have: all columns, and ``_healpix_29``.
    columns : sequence of str, optional
        The only ones that are going to be read, if that is known.
    """

    def statements() -> Iterator[str]:
        columns = [*catalog.schema.names, HEALPIX_COLUMN]
        yield view_of_files(RAW_VIEW, catalog.schema, columns, [str(path) for path in catalog.files])
        yield view_without_nan(VIEW, RAW_VIEW, catalog.nan_columns)
        yield from (macro.create for macro in (*SKY_MACROS, *DECODING_MACROS))

    with translate_errors(catalog.path):
        catalog.checksums.check_parts(FilePart(str(path), columns) for path in catalog.files)
        session.prepare(statements)
    return session.cursor()


@dataclass(frozen=True)
class SqlResult:
    """What a query gives."""

    schema: Schema
    """Columns of the result; those that are plain columns of the mirror with their units, UCDs and descriptions."""
    arrow: pa.Schema
    """Their Arrow types, which may be of more kinds than VOTable has."""
    rows: Rows
    """The result."""
    notes: tuple[str, ...] = ()
    """What a person should know about it, one sentence each."""


def run_sql(
    session: Session,
    catalog: Catalog,
    whole_columns: WholeColumns,
    text: str,
    values: Sequence[object] = (),
    tables: Mapping[str, Any] | None = None,
    in_memory: MemoryLimit = _IN_MEMORY,
) -> SqlResult:
    """Answer one query. It runs once: what is random in it is the same each time the rows are asked for.

    Parameters
    ----------
    session : Session
        What runs it.
    catalog : Catalog
        The snapshot.
    whole_columns : WholeColumns
        Gives columns that are asked for often from memory.
    text : str
        One SELECT (or FROM, WITH, SUMMARIZE, DESCRIBE, PIVOT, EXPLAIN).
    values : sequence
        What is bound to its ``?``.
    tables : mapping of str to table, optional
        Tables that it reads by these names: whatever `ssap_mirror.tables.open_table` takes.
    in_memory : MemoryLimit
        Size up to which the result is held in memory; more waits on disk.

    Returns
    -------
    SqlResult

    Raises
    ------
    ParameterError
        If it is not one query, or DuckDB cannot make sense of it, or a column is of a type that only DuckDB has.
    CatalogError
        If the snapshot cannot be read.
    """
    import duckdb
    import pyarrow as pa

    _refuse_statements(session, text)
    with closing(connection(session, catalog, _columns_to_fetch(session, catalog, text))) as cursor:
        try:
            foreign = register_tables(cursor, text, tables or {}, VIEWS)
            views = [view for view in VIEWS if view not in {name.lower() for name in tables or {}}]
            as_sent = _show_nan(cursor, catalog, text) if VIEW in views else ()
            cached = whole_columns if VIEW in views and not as_sent else None
            reader = _reader(cursor, catalog, cached, text, values)
            types = ResultTypes(reader.schema)
            kept = spool(types.batches(streamed(reader)), types.stored, in_memory)
            known = {**dict.fromkeys(views, catalog.schema), **{name: t.columns for name, t in foreign.items()}}
            schema = described(cursor, text, known, types.schema())
        except (duckdb.Error, pa.ArrowException, TypeError) as error:
            raise _told(text, error) from error
    notes = tuple(f"{name}: {note}" for name, table in foreign.items() for note in table.notes)
    notes += tuple(
        f"isnan asks about {name!r}: its values are as sent here, with NaN above all numbers" for name in as_sent
    )
    fields = zip(types.schema(), schema, strict=True)
    arrow = pa.schema(
        [field.with_metadata(c.metadata()) if c.description or c.ucd or c.unit else field for field, c in fields]
    )
    if isinstance(kept, pa.Table):
        return SqlResult(schema, arrow, InMemoryRows(kept.cast(arrow)), notes)
    path, count = kept
    return SqlResult(schema, arrow, SpooledRows(path, count, arrow), notes)


def _columns_to_fetch(session: Session, catalog: Catalog, text: str) -> tuple[str, ...] | None:
    """Columns that a statement can read, where that matters and can be told."""
    if not catalog.is_remote:
        return None
    with closing(session.cursor()) as cursor:
        reading = columns_read(cursor, text, catalog)
    return None if reading is None else reading.columns


def _show_nan(cursor: duckdb.DuckDBPyConnection, catalog: Catalog, text: str) -> tuple[str, ...]:
    """Let this one statement see NaN in the columns of which it asks whether they are NaN."""
    asked = columns_asked_for_nan(cursor, text, VIEW, catalog.nan_columns)
    if asked:
        others = [column for column in catalog.nan_columns if column not in asked]
        cursor.execute(view_without_nan(VIEW, RAW_VIEW, others, temporary=True))
    return asked


def _reader(
    cursor: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    whole_columns: WholeColumns | None,
    text: str,
    values: Sequence[object],
) -> Any:
    """Answer from columns in memory if they are there, else from the files."""
    import duckdb

    columns = None if whole_columns is None else _in_memory(cursor, catalog, whole_columns, text)
    if columns is not None:
        cursor.register(VIEW, columns)
        try:
            return _stream(cursor.sql(text, params=list(values)), text)
        except duckdb.BinderException:  # it names something that only the files have
            cursor.unregister(VIEW)
    return _stream(cursor.sql(text, params=list(values)), text)


def _stream(relation: duckdb.DuckDBPyRelation, text: str) -> Any:
    for name, kind in zip(relation.columns, relation.types, strict=True):
        if str(kind) in _DUCKDB_ALONE:
            reason = f"gives a column {name!r} of type {kind}, which nothing else has: cast it, as in {name}::VARCHAR"
            raise ParameterError(_SQL, text, reason)
    return relation.to_arrow_reader(BATCH_ROWS)


def _in_memory(
    cursor: duckdb.DuckDBPyConnection, catalog: Catalog, whole_columns: WholeColumns, text: str
) -> pa.Table | None:
    reading = columns_read(cursor, text, catalog) if whole_columns.enabled else None
    if reading is None:
        return None
    with translate_errors(catalog.path):
        return whole_columns.table(cursor, reading)


def _refuse_statements(session: Session, text: str) -> None:
    """Let nothing but one query pass: what writes, attaches or configures is refused."""
    import duckdb

    inner = _EXPLAIN.sub("", text, count=1) if _EXPLAIN.match(text) else text
    try:
        statements = session.cursor().extract_statements(inner)
    except duckdb.Error as error:
        raise _told(text, error) from error
    if len(statements) != 1:
        raise ParameterError(_SQL, text, f"is {len(statements)} statements, not one")
    kind = statements[0].type.name
    if kind not in _QUERIES:
        raise ParameterError(_SQL, text, f"is not a query but {kind}; a mirror is only read")


def _told(text: str, error: Exception) -> MirrorError:
    import duckdb

    reason = str(error).strip() or type(error).__name__
    if isinstance(error, duckdb.OutOfMemoryException):
        return MirrorError(f"the query needs more memory than there is: {reason.splitlines()[0]}")
    return SqlError(_SQL, text, reason)
