"""The database that queries in ADQL run in: it reads the files of its snapshots, and nothing else on the machine.

A query is translated, so no text of it reaches DuckDB. Should that ever fail, there is a second wall: no file but those
of the snapshots can be opened, nothing can be installed, and the settings are locked.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from threading import Timer
from typing import TYPE_CHECKING, Any

from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import MirrorError, ParameterError

from ssap_query.adql import macros
from ssap_query.adql.interrupt import Interrupt
from ssap_query.adql.language.translate import QUERY, Statement, translate
from ssap_query.adql.tables.table import AdqlTable, Tables
from ssap_query.adql.views import make_table, prepare_part, without_nan
from ssap_query.engine.duckdb_session import streamed
from ssap_query.engine.rows import BATCH_ROWS, InMemoryRows, MemoryLimit, Rows
from ssap_query.sql.result_types import ResultTypes
from ssap_query.sql.spooled import SpooledRows, spool
from ssap_query.ssap.predicate import quoted

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["AdqlDatabase", "AdqlResult"]

# What is held in memory of a result.
_IN_MEMORY = MemoryLimit(1_000_000, 256 << 20)


@dataclass(frozen=True)
class AdqlResult:
    """What a query gives."""

    schema: Schema
    """Columns of the result, with what is known of them."""
    arrow: pa.Schema
    """Their Arrow types."""
    rows: Rows
    """The rows."""
    truncated: bool
    """Whether there are more."""


class AdqlDatabase:
    """Tables to ask in ADQL; may be used from many threads.

    Parameters
    ----------
    tables : Tables
        What there is to read.
    memory_bytes : int, optional
        Most memory that the queries together take; what DuckDB takes without it.

    Raises
    ------
    CatalogError
        If a snapshot cannot be read.
    """

    def __init__(self, tables: Tables, memory_bytes: int | None = None) -> None:
        import duckdb

        self.tables = tables
        spill = tempfile.mkdtemp(prefix="ssap-adql-")
        config: dict[str, Any] = {
            "temp_directory": spill,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
            # As on the servers that astronomers know: 1/3600 is 0, 1/3600. is not.
            "integer_division": True,
        }
        if memory_bytes is not None:
            config["memory_limit"] = f"{memory_bytes}B"
        self._root = duckdb.connect(":memory:", config=config)
        weakref.finalize(self, _end, self._root, spill)
        catalogs = {table.catalog.path: table.catalog for table in tables if table.catalog is not None}
        files = [str(path) for catalog in catalogs.values() for path in catalog.files]
        self._root.execute("SET GLOBAL parquet_metadata_cache = true")
        self._root.execute("SET allowed_paths = " + _listed(files))
        self._root.execute("SET enable_external_access = false")
        self._root.execute("SET lock_configuration = true")
        macros.install(self._root)
        for table in sorted(tables, key=lambda table: table.is_view):
            make_table(self._root, table)

    def run(
        self,
        text: str,
        uploads: Iterable[AdqlTable] = (),
        maxrec: int | None = None,
        seconds: float | None = None,
        in_memory: MemoryLimit = _IN_MEMORY,
        interrupt: Interrupt | None = None,
    ) -> AdqlResult:
        """Answer a query.

        Parameters
        ----------
        text : str
            ADQL.
        uploads : iterable of AdqlTable
            Tables that come with it.
        maxrec : int, optional
            At most so many rows.
        seconds : float, optional
            Longest time for it [s].
        in_memory : MemoryLimit
            Size up to which the result is held in memory; more waits on disk.
        interrupt : Interrupt, optional
            Breaks it off from another thread.

        Raises
        ------
        ParameterError
            If it is no ADQL, cannot be answered, or takes too long.
        CatalogError
            If a snapshot cannot be read.
        """
        import duckdb
        import pyarrow as pa

        given = list(uploads)
        statement = translate(text, self.tables.with_uploads(given), None if maxrec is None else maxrec + 1)
        stop = interrupt or Interrupt()
        with closing(self._root.cursor()) as cursor, _limited(cursor, seconds), stop.of(cursor.interrupt):
            try:
                self._prepare(cursor, statement, given)
                relation = cursor.sql(statement.sql, params=dict(statement.values))
                reader = relation.to_arrow_reader(BATCH_ROWS)
                types = ResultTypes(_named(reader.schema, statement))
                shown = _Shown(maxrec)
                kept = spool(types.batches(shown.batches(streamed(reader), types.stored)), types.stored, in_memory)
            except duckdb.InterruptException:
                reason = "was broken off" if stop.is_set else f"takes longer than the {seconds:g} s allowed"
                raise ParameterError(QUERY, text, reason) from None
            except (duckdb.Error, pa.ArrowException) as error:
                raise _told(text, error) from error
        found = types.schema()
        columns = [_described(o.column, o.name, field) for o, field in zip(statement.outputs, found, strict=True)]
        arrow = pa.schema([field.with_metadata(c.metadata()) for field, c in zip(found, columns, strict=True)])
        schema = Schema(tuple(columns))
        if isinstance(kept, pa.Table):
            return AdqlResult(schema, arrow, InMemoryRows(kept.cast(arrow)), shown.truncated)
        path, count = kept
        return AdqlResult(schema, arrow, SpooledRows(path, count, arrow), shown.truncated)

    def _prepare(self, cursor: duckdb.DuckDBPyConnection, statement: Statement, uploads: Sequence[AdqlTable]) -> None:
        """Make what is this statement's own: uploads, and tables about the places that it asks for."""
        for upload in uploads:
            cursor.register(f"{upload.name}@", upload.data)
            columns = ", ".join(without_nan(column) for column in upload.columns)
            source = " ".join(("SELECT", columns, "FROM", quoted(f"{upload.name}@")))
            cursor.execute(f"CREATE TEMPORARY VIEW {quoted(upload.name)} AS {source}")
        for part in statement.parts:
            prepare_part(cursor, part)


def _end(connection: duckdb.DuckDBPyConnection, spill: str) -> None:
    """Close the database before Python takes its modules down, which DuckDB complains about, and clear its folder."""
    connection.close()
    shutil.rmtree(spill, ignore_errors=True)


def _listed(values: Iterable[str]) -> str:
    return "[" + ", ".join("'" + value.replace("'", "''") + "'" for value in values) + "]"


@contextmanager
def _limited(cursor: duckdb.DuckDBPyConnection, seconds: float | None) -> Iterator[None]:
    """Break a statement off after some time."""
    if seconds is None:
        yield
        return
    timer = Timer(seconds, cursor.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


class _Shown:
    """The rows that a limit lets through, and whether there was one more."""

    def __init__(self, maxrec: int | None) -> None:
        self._left = maxrec
        self.truncated = False

    def batches(self, found: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Rows of a stream up to the limit."""
        for batch in found:
            if self._left is not None and batch.num_rows > self._left:
                self.truncated = True
                batch = batch.slice(0, self._left)
            if self._left is not None:
                self._left -= batch.num_rows
            if batch.num_rows:
                yield batch.rename_columns(schema.names)


def _named(found: pa.Schema, statement: Statement) -> pa.Schema:
    """Types of a result under the names that the query has given."""
    import pyarrow as pa

    return pa.schema([field.with_name(output.name) for field, output in zip(found, statement.outputs, strict=True)])


def _described(column: Column | None, name: str, field: pa.Field) -> Column:
    """Describe a column of a result: by all that is known of a plain one, and of another by its type, unit and UCD."""
    plain = Column.from_arrow(field.remove_metadata())
    if column is None:
        return plain
    if column.datatype and column.arrow_type().equals(field.type):
        return replace(column, name=name)
    return replace(
        plain, unit=column.unit, ucd=column.ucd, xtype=column.xtype if column.shape else None,
        description=column.description,
    )  # fmt: skip


def _told(text: str, error: Exception) -> MirrorError:
    import duckdb

    if isinstance(error, duckdb.OutOfMemoryException):
        message = "the query needs more memory than it may use"
        return MirrorError(message)
    if isinstance(error, duckdb.IOException):
        message = f"a snapshot cannot be read: {str(error).splitlines()[0]}"
        return MirrorError(message)
    return ParameterError(QUERY, text, f"cannot be answered: {str(error).strip().splitlines()[0]}")
