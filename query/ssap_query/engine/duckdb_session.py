"""DuckDB, in memory: one database per open mirror, one connection per statement.

It is loaded and started by the first statement. A cone can do without one, and takes a third less time from a cold
start if it does.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any

from ssap_mirror.errors import CatalogError

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb
    import pyarrow as pa

__all__ = ["Session", "streamed", "translate_errors"]

# Nothing is fetched from anywhere, and a name in a statement never means a Python variable that happens to be about.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}

Arrays = dict[str, Any]


class Session:
    """A DuckDB database that may be used from many threads at once."""

    def __init__(self) -> None:
        self._idle: list[duckdb.DuckDBPyConnection] = []
        self._prepared = False
        self._lock = RLock()

    @cached_property
    def _root(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        root = duckdb.connect(":memory:", config=_CONFIG)
        root.execute("SET GLOBAL parquet_metadata_cache = true")
        weakref.finalize(self, _close, root, self._idle)
        return root

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Give a new connection to the database; its temporary tables are its own."""
        import duckdb

        with self._lock:
            root = self._root
        connection = root.cursor()
        # A notebook without ipywidgets has no progress bar, and DuckDB refuses to be told about it there.
        with suppress(duckdb.InvalidInputException):
            connection.execute("SET enable_progress_bar = false")
        return connection

    def prepare(self, statements: Callable[[], Iterable[str]]) -> None:
        """Run statements that make views and macros, the first time this is called.

        Parameters
        ----------
        statements : callable
            Gives them.
        """
        with self._lock:
            if not self._prepared:
                with closing(self.cursor()) as connection:
                    for statement in statements():
                        connection.execute(statement)
                self._prepared = True

    def arrays(self, sql: str, values: Sequence[object], **tables: pa.Table) -> Arrays:
        """Answer of a statement as numpy arrays by column name.

        Parameters
        ----------
        sql : str
            A statement made by `ssap_query.engine.compile`.
        values : sequence
            What is bound.
        **tables : pyarrow.Table
            Tables that the statement reads by these names.
        """
        with self._with_tables(tables) as connection:
            found: Arrays = connection.execute(sql, list(values)).fetchnumpy()
            return found

    def table(self, sql: str, values: Sequence[object], **tables: pa.Table) -> pa.Table:
        """Answer of a statement as an Arrow table; parameters as for `arrays`."""
        with self._with_tables(tables) as connection:
            return connection.sql(sql, params=list(values)).to_arrow_table()

    def batches(self, sql: str, values: Sequence[object], batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Answer of a statement as a stream of record batches.

        Parameters
        ----------
        sql, values
            As for `arrays`.
        batch_rows : int
            About how many rows a batch holds.
        """
        connection = self.cursor()  # not one to use again: a stream that is broken off leaves it busy
        try:
            yield from connection.sql(sql, params=list(values)).to_arrow_reader(batch_rows)
        finally:
            connection.close()

    @contextmanager
    def _with_tables(self, tables: dict[str, pa.Table]) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self.cursor()
        try:
            for name, table in tables.items():
                connection.register(name, table)
            yield connection
        finally:
            for name in tables:
                connection.unregister(name)
            self._idle.append(connection)


def _close(root: duckdb.DuckDBPyConnection, idle: Sequence[duckdb.DuckDBPyConnection]) -> None:
    """Close a database before Python takes its modules down, which DuckDB complains about."""
    for connection in (*idle, root):
        connection.close()


def streamed(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Batches of a statement that runs while they are read.

    Raises
    ------
    duckdb.Error
        For what goes wrong in the middle, of DuckDB's own kind: Arrow makes an `OSError` of each, as of a full disk.
    """
    import duckdb

    kinds: dict[str, type[duckdb.Error]] = {
        "INTERRUPT Error": duckdb.InterruptException,
        "IO Error": duckdb.IOException,
        "Out of Memory Error": duckdb.OutOfMemoryException,
    }
    try:
        yield from reader
    except OSError as error:
        text = str(error)
        raise kinds.get(text.partition(":")[0], duckdb.Error)(text) from error


@contextmanager
def translate_errors(snapshot: Path) -> Iterator[None]:
    """Turn what DuckDB and Arrow say of files they cannot read into one sentence.

    Parameters
    ----------
    snapshot : pathlib.Path
        Folder of the snapshot that is read.

    Raises
    ------
    CatalogError
        In place of the libraries' own errors.
    """
    try:
        yield
    except Exception as error:
        import duckdb
        import pyarrow as pa

        if not isinstance(error, duckdb.Error | pa.ArrowException | OSError):
            raise
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        message = f"snapshot {snapshot} cannot be read: {reason} (ssap-mirror verify says which files are damaged)"
        raise CatalogError(message) from error
