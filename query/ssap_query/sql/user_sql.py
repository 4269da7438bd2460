"""Statements that a person writes, on the view ``spectra``: read, never write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import HEALPIX_COLUMN, Column, Schema
from ssap_mirror.errors import MirrorError, ParameterError

from ssap_query.engine.compile import view_of_files
from ssap_query.engine.duckdb_session import Session, translate_errors
from ssap_query.engine.rows import BATCH_ROWS, InMemoryRows, MemoryLimit, Rows, read_if_small
from ssap_query.sql.column_cache import VIEW, WholeColumns, columns_read
from ssap_query.sql.lamost_macros import DECODING_MACROS
from ssap_query.sql.macros import SKY_MACROS

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["connection", "run_sql"]

_SQL = "sql"
_QUERIES = ("SELECT", "MULTI")  # MULTI is what PIVOT is made of
_EXPLAIN = re.compile(r"\s*EXPLAIN\s+(?:ANALYZE\s+)?(?:\(.*?\)\s*)?", re.IGNORECASE)

# What is held in memory of a result; a larger one is worked out anew each time its rows are asked for.
_IN_MEMORY = MemoryLimit(1_000_000, 256 << 20)


def connection(session: Session, catalog: Catalog) -> duckdb.DuckDBPyConnection:
    """Give a new connection with the view ``spectra`` and the macros.

    Parameters
    ----------
    session : Session
        The database.
    catalog : Catalog
        Whose rows the view has: all columns, and ``_healpix_29``.
    """

    def statements() -> Iterator[str]:
        columns = [*catalog.schema.names, HEALPIX_COLUMN]
        yield view_of_files(catalog.schema, columns, [str(path) for path in catalog.files])
        yield from (macro.create for macro in (*SKY_MACROS, *DECODING_MACROS))

    with translate_errors(catalog.path):
        catalog.checksums.check(catalog.files)
        session.prepare(statements)
    return session.cursor()


def run_sql(
    session: Session,
    catalog: Catalog,
    whole_columns: WholeColumns,
    text: str,
    values: Sequence[object] = (),
    tables: Mapping[str, Any] | None = None,
    in_memory: MemoryLimit = _IN_MEMORY,
) -> tuple[Schema, Rows]:
    """Answer one query.

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
        Tables (Arrow, pandas, polars, numpy) that it reads by these names.
    in_memory : MemoryLimit
        Size up to which the result is held in memory.

    Returns
    -------
    schema : Schema
        Columns of the result; without units, as what an expression means cannot be known.
    rows : Rows
        The result.

    Raises
    ------
    ParameterError
        If it is not one query, or DuckDB cannot make sense of it.
    CatalogError
        If the snapshot cannot be read.
    """
    _refuse_statements(session, text)
    query = _Query(session, catalog, whole_columns, text, tuple(values), dict(tables or {}))
    arrow_schema, stream = query.stream()
    schema = Schema(tuple(Column.from_arrow(field) for field in arrow_schema))
    table, read = read_if_small(stream, arrow_schema, in_memory)
    if table is None:
        return schema, replace(query, rows=read + sum(batch.num_rows for batch in stream))
    return schema, InMemoryRows(table)


@dataclass(frozen=True)
class _Query:
    """Rows of a query, worked out each time they are asked for."""

    session: Session
    catalog: Catalog
    whole_columns: WholeColumns
    text: str
    values: tuple[object, ...]
    tables: Mapping[str, Any]
    rows: int = 0

    def __len__(self) -> int:
        return self.rows

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, piece by piece."""
        return self.stream()[1]

    def stream(self) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """Columns and rows."""
        import duckdb

        cursor = connection(self.session, self.catalog)
        try:
            for name, table in self.tables.items():
                cursor.register(name, table)
            reader = self._reader(cursor)
        except (duckdb.Error, TypeError) as error:
            cursor.close()
            raise _told(self.text, error) from error
        schema = _plain_schema(reader.schema)
        return schema, self._read(cursor, reader, schema)

    def _reader(self, cursor: duckdb.DuckDBPyConnection) -> Any:
        """Answer from columns in memory if they are there, else from the files."""
        import duckdb

        columns = self._in_memory(cursor)
        if columns is not None:
            cursor.register(VIEW, columns)
            try:
                return cursor.sql(self.text, params=list(self.values)).to_arrow_reader(BATCH_ROWS)
            except duckdb.BinderException:  # it names something that only the files have
                cursor.unregister(VIEW)
        return cursor.sql(self.text, params=list(self.values)).to_arrow_reader(BATCH_ROWS)

    def _in_memory(self, cursor: duckdb.DuckDBPyConnection) -> pa.Table | None:
        if not self.whole_columns.enabled or any(name.lower() == VIEW for name in self.tables):
            return None
        reading = columns_read(cursor, self.text, self.catalog)
        if reading is None:
            return None
        with translate_errors(self.catalog.path):
            return self.whole_columns.table(cursor, reading)

    def _read(self, cursor: duckdb.DuckDBPyConnection, reader: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        import duckdb
        import pyarrow as pa

        try:
            for batch in reader:
                yield batch if batch.schema.equals(schema) else batch.cast(schema)
        except (duckdb.Error, pa.ArrowException) as error:
            raise _told(self.text, error) from error
        finally:
            cursor.close()


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


def _plain_schema(schema: pa.Schema) -> pa.Schema:
    """Types that every format can hold, for those that only DuckDB has: sums of integers, ENUMs, untyped NULLs."""
    import pyarrow as pa

    def plain(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_decimal(kind):
            return pa.int64() if kind.scale == 0 else pa.float64()
        return pa.string() if pa.types.is_dictionary(kind) or pa.types.is_null(kind) else kind

    return pa.schema([field.with_type(plain(field.type)) for field in schema])


def _told(text: str, error: Exception) -> MirrorError:
    import duckdb

    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if isinstance(error, duckdb.OutOfMemoryException):
        return MirrorError(f"the query needs more memory than there is: {reason}")
    return ParameterError(_SQL, text, f"cannot be answered: {reason}")
