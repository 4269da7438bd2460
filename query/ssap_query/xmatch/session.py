"""A private DuckDB connection for one cross-match: bounded memory, spilling to disk, plans that do not change."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from ssap_mirror.core.storage import forget_scratch, note_scratch
from ssap_mirror.core.units import Conversion
from ssap_mirror.errors import FormatError, MirrorError, ParameterError

__all__ = ["Limits", "MatchSession", "Tuning", "converted", "one_line", "translate_errors"]

# What DuckDB raises for the content of a file; the rest would be faults of ours and stays as it is
_UNREADABLE = (
    duckdb.IOException,
    duckdb.InvalidInputException,
    duckdb.ConversionException,
    duckdb.OutOfRangeException,
    duckdb.SerializationException,
    duckdb.NotImplementedException,
)
_MEMORY, _THREADS, _TEMP_DIRECTORY = "memory", "threads", "temp_directory"
_DEFAULT_MEMORY_BYTES = 3_000_000_000
_SHARE_OF_MACHINE = 0.6

# The statements say which side of a join is kept in memory (the second) and which is streamed past it (the first).
_FIXED_PLANS = "join_order,build_side_probe_side"


@dataclass(frozen=True)
class Tuning:
    """Sizes at which a match changes its method. They change what it costs, never its rows."""

    many_points: int = 500_000
    """A side this large is first cut down to the fields of half a degree that the other is in."""
    piece_rows: int = 400_000
    """Rows that are put in order at one time."""
    max_runs: int = 2_000
    """Of a table that DuckDB gives in more runs than this, the rows are taken one by one."""
    few_files: int = 16
    """From so few files rows are fetched file by file: DuckDB then decodes only what is wanted of a row group."""


@dataclass(frozen=True)
class Limits:
    """What a cross-match may use of the machine."""

    memory: str | None = None
    """Most that DuckDB keeps in memory, as in ``"2GB"``; more goes to disk. None: 3 GB, or 60 % of a small machine."""
    threads: int | None = None
    """Number of threads; None: as many as there are cores."""
    temp_directory: str | os.PathLike[str] | None = None
    """Folder for what does not fit in memory; None: a folder of its own in the system's temporary folder."""
    tuning: Tuning = Tuning()
    """Where one method takes over from another."""

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:
            raise ParameterError(_THREADS, self.threads, "must be at least 1")


class MatchSession:
    """A DuckDB database in memory that lives as long as the match it belongs to.

    Parameters
    ----------
    limits : Limits
        Memory, threads and the folder to spill to.

    Raises
    ------
    ParameterError
        If the memory limit is not one that DuckDB can read.
    """

    def __init__(self, limits: Limits) -> None:
        self.tuning = limits.tuning
        parent = None if limits.temp_directory is None else Path(limits.temp_directory)
        if parent is not None and not parent.is_dir():
            raise ParameterError(_TEMP_DIRECTORY, str(parent), "is not a folder")
        spill = tempfile.mkdtemp(prefix="ssap-crossmatch-", dir=parent)
        note_scratch(Path(spill))
        config: dict[str, Any] = {
            "memory_limit": limits.memory or f"{_default_memory_bytes()}B",
            "temp_directory": spill,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
        }
        if limits.threads is not None:
            config["threads"] = limits.threads
        try:
            database = duckdb.connect(":memory:", config=config)
        except duckdb.Error as error:
            shutil.rmtree(spill, ignore_errors=True)
            reason = "is not an amount of memory such as 2GB"
            raise ParameterError(_MEMORY, limits.memory, reason) from error
        weakref.finalize(self, _end, database, spill)
        # In a notebook without ipywidgets the first connection of a database refuses to be told of progress bars, even
        # that there are to be none.
        self.connection = database.cursor()
        self.connection.execute("SET disabled_optimizers = ?", [_FIXED_PLANS])
        # A notebook without ipywidgets has no progress bar, and DuckDB refuses to be told about it there.
        with suppress(duckdb.InvalidInputException):
            self.connection.execute("SET enable_progress_bar = false")

    def run(self, *statements: str) -> None:
        """Execute statements that have no answer."""
        self.connection.execute(";\n".join(statements))

    def row(self, query: str, values: Sequence[object] | Mapping[str, object] = ()) -> tuple[Any, ...]:
        """First row of an answer."""
        found = self.connection.execute(query, values if isinstance(values, Mapping) else list(values)).fetchall()
        if not found:
            message = "an internal query had no answer"
            raise MirrorError(message)
        first: tuple[Any, ...] = found[0]
        return first

    def keep_footers(self) -> None:
        """Keep what the ends of Parquet files say from now on: tens of MB, which pay for files that are read often."""
        self.connection.execute("SET parquet_metadata_cache = true")

    def set(self, **variables: float | int) -> None:
        """Bind numbers that statements and macros read with ``getvariable``."""
        for name, value in variables.items():
            self.connection.execute(f"SET VARIABLE {name} = ?", [value])


def _end(connection: duckdb.DuckDBPyConnection, spill: str) -> None:
    """Close the database before Python takes its modules down, which DuckDB complains about, and clear its folder."""
    connection.close()
    shutil.rmtree(spill, ignore_errors=True)
    forget_scratch(Path(spill))


def _default_memory_bytes() -> int:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(_DEFAULT_MEMORY_BYTES, int(machine * _SHARE_OF_MACHINE))


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn what DuckDB says when a match fails into one sentence.

    Raises
    ------
    MirrorError
        If memory or disk do not suffice.
    FormatError
        If a table cannot be read to its end.
    """
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        message = f"the match needs more memory or disk than it may use (Limits): {one_line(error)}"
        raise MirrorError(message) from error
    except _UNREADABLE as error:
        message = f"a table of the match cannot be read: {one_line(error)}"
        raise FormatError(message) from error


def one_line(error: Exception) -> str:
    """Give the message of someone else's error as one line."""
    return " ".join(str(error).split())


def converted(number: str, factor: Conversion) -> str:
    """Apply a factor to an SQL expression of doubles."""
    if factor.is_identity:
        return number
    times = "" if factor.times == 1 else f" * {factor.times!r}::DOUBLE"
    over = "" if factor.over == 1 else f" / {factor.over!r}::DOUBLE"
    return f"{number}{times}{over}"
