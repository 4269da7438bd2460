"""A table, wherever it comes from: its columns first, then its rows in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import FormatError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Ending", "Read", "Table", "arrow_errors", "listed"]

#: Gives rows of some columns, from the first row on.
Read = Callable[[Sequence[str]], Iterator["pa.RecordBatch"]]

_LISTED = 8


@dataclass
class Ending:
    """What a table says of itself behind its rows, or what is found out while they are read."""

    truncated: bool = False
    """Whether the table says that rows are missing."""
    notes: list[str] = field(default_factory=list)
    """What was unusual, one sentence each."""
    header: bytes = b""
    """VOTable without rows, with what stands behind them: blocks of services on the rows (DataLink 1.1 §4)."""

    def note(self, text: str) -> None:
        """Add a note, once however often the rows are read."""
        if text not in self.notes:
            self.notes.append(text)


@dataclass(frozen=True)
class Table:
    """A table that is open: `ssap_mirror.tables.open.open_table` makes it, whatever it is in."""

    kind: str
    """``VOTable``, ``FITS``, ``CSV``, ``ECSV``, ``IPAC``, ``Parquet``, ``Arrow``, or what kind of object it is."""
    types: pa.Schema
    """Names and Arrow types of its columns, with what is known of them (unit, ucd, ...) as metadata of the fields."""
    read: Read
    """Rows of some columns, from the first row on; NULL is what is missing or masked."""
    rows: int | None = None
    """Number of rows, where it is known beforehand."""
    opening_header: bytes = b""
    """VOTable up to its rows, where the table is one."""
    files: tuple[Path, ...] = ()
    """Files that it is in."""
    plain_parquet: bool = False
    """Whether any reader of Parquet sees in `files` the rows that `read` gives, under the same names and units."""
    in_memory: pa.Table | None = None
    """The whole table, where it is in memory anyhow."""
    blank: frozenset[str] = frozenset()
    """Columns of text tables that have no value at all, of whose type nothing is known."""
    opening_notes: tuple[str, ...] = ()
    """What was unusual when it was opened, one sentence each."""
    ending: Ending = field(default_factory=Ending)
    """What is known once rows have been read."""

    @cached_property
    def columns(self) -> Schema:
        """What is known of its columns, as a VOTable would describe them."""
        return Schema(tuple(_described(item) for item in self.types))

    @property
    def notes(self) -> tuple[str, ...]:
        """What one might want to know of it, one sentence each; more once the rows have been read."""
        return tuple(dict.fromkeys((*self.opening_notes, *self.ending.notes)))

    @property
    def header(self) -> bytes:
        """VOTable without rows, where the table is one; all of it once they have been read."""
        return self.ending.header or self.opening_header

    @property
    def truncated(self) -> bool:
        """Whether the table says, as far as it was read, that rows are missing."""
        return self.ending.truncated

    def batches(self, names: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Rows in order, in bounded memory; may be asked for again and again, unless the table is a stream.

        Parameters
        ----------
        names : sequence of str, optional
            Columns; all without it.

        Raises
        ------
        FormatError
            If the table is damaged; the rows before the damage have been given then.
        """
        return self.read(self.types.names if names is None else names)


def _described(item: pa.Field) -> Column:
    """Column of a field; a description that somebody else made of another type does not count."""
    column = Column.from_arrow(item)
    if (item.metadata or {}).get(b"datatype") is None or column.arrow_type() == item.type:
        return column
    kept = {key: value for key, value in item.metadata.items() if key not in (b"datatype", b"arraysize")}
    return Column.from_arrow(item.with_metadata(kept))


def listed(names: Sequence[str]) -> str:
    """Put some names into a sentence: the first few, and how many more there are."""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


@contextmanager
def arrow_errors(what: str = "") -> Iterator[None]:
    """Turn what Arrow finds wrong with a table into a FormatError.

    Parameters
    ----------
    what : str
        Put before Arrow's own words.
    """
    import pyarrow as pa

    try:
        yield
    except pa.ArrowException as error:
        raise FormatError(what + " ".join(str(error).split())) from error
