"""An answer that has arrived: read to its end, checked, and stored as Arrow in the columns that were asked for."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import unescape

from ssap_mirror.core import storage
from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import FormatError, ServiceError, SourceError, TransportError
from ssap_mirror.sources.harvest.shape import changed_columns, named_as
from ssap_mirror.sources.missing_values import MissingValues

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = [
    "DIGEST",
    "MISSING",
    "SURVEY_DIGEST",
    "AnswerWriter",
    "ChangedTableError",
    "Digests",
    "QueryTooLargeError",
    "Stored",
    "error_of",
    "overflow_in",
    "raw_file",
    "read_answer",
]

#: Internal columns of a stored answer: hashes, uint64, of all values of a row, and of those that a survey sees.
DIGEST, SURVEY_DIGEST = "_digest", "_survey_digest"
#: Another one, where values stand for a missing one by somebody's word: names of the columns in which a row had one.
MISSING = "_missing"

_RAW, _PART = ".raw", ".part"
# DaCHS before 2.0 and others tell of truncation by a warning alone.
_TRUNCATION_WARNING = re.compile(
    r"limit was reached|query limit|results? (was |is |were |set )*truncated|overflow", re.I
)
_OVERFLOW_INFO = re.compile(
    rb"<(?:\w+:)?INFO\b(?=[^>]*\bname\s*=\s*[\"']QUERY_STATUS[\"'])(?=[^>]*\bvalue\s*=\s*[\"']OVERFLOW[\"'])[^>]*>",
    re.I,
)
_ERROR_INFO = re.compile(r"<(?:\w+:)?INFO\b[^>]*\bvalue\s*=\s*[\"']ERROR[\"'][^>]*>([^<]*)<", re.I)
# What passes of itself: a database that starts, stops, or has too much to do.
_PASSING = re.compile(
    r"could not connect|connect(ion)? (to \S+ )?(was |is )?(refused|reset|closed|lost|failed|timed out)|starting up"
    r"|shutting down|recovery mode|too many (clients|connections)|connection slots|server closed|deadlock"
    r"|could not serialize|try again|temporar(y|ily)|overloaded|(server|service) (is )?(too )?busy|unavailable"
    r"|terminating connection",
    re.I,
)
_TIMED_OUT = re.compile(r"tim(ed|e)[ -]?out|too long|cancell?ing statement|out of memory|too many rows", re.I)


class ChangedTableError(SourceError):
    """A table is not what it was when its harvest began, so no further answer can be of use."""


class QueryTooLargeError(ServiceError):
    """The service gave up on a question that may be too large for it."""


@dataclass(frozen=True)
class Stored:
    """Rows of one answer, safe on disk."""

    path: Path
    """Arrow IPC file."""
    rows: int
    """Number of rows."""
    overflow: bool
    """Whether the service says that more rows match, or may have kept some back."""
    sha256: str
    """Of the file."""
    size: int
    """Size of the file [byte]."""
    received: int = 0
    """What the answer was on the wire [byte]."""
    bad_cells: dict[str, list[int | str]] = field(default_factory=dict)
    """Column -> number of cells that could not be read and are NULL, and the text of the first."""


def overflow_in(beginning: bytes) -> bool:
    """Whether the beginning of an answer says OVERFLOW: then the rest is not worth its transfer."""
    return _OVERFLOW_INFO.search(beginning) is not None


class Digests:
    """Hashes of rows, by which two answers are compared.

    Parameters
    ----------
    columns : Schema
        Columns of the rows.
    survey_columns : Schema
        Those of them that a survey sees.
    """

    def __init__(self, columns: Schema, survey_columns: Schema) -> None:
        import duckdb
        import pyarrow as pa

        left_out = columns.uncompared
        everything = [name for name in columns.names if name not in left_out]
        surveyed = [name for name in survey_columns.names if name not in left_out]
        self._digested = {SURVEY_DIGEST: surveyed}
        if everything != surveyed:
            self._digested[DIGEST] = everything
        self.schema = pa.schema([*columns.arrow_schema(), *(pa.field(name, pa.uint64()) for name in self._digested)])
        # Answers come from several threads; each call uses a cursor of its own.
        self._duckdb = duckdb.connect(config={"threads": 1})

    def add_to(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Rows with their digests behind them."""
        import pyarrow as pa

        with self._duckdb.cursor() as con:
            digests = [_digest(con, batch.select(names)) for names in self._digested.values()]
        return pa.RecordBatch.from_arrays([*batch.columns, *digests], schema=self.schema)


class AnswerWriter:
    """Turns raw answers into Arrow files of the same columns each.

    Parameters
    ----------
    columns : Schema
        Columns to store, in this order, whatever order an answer has.
    survey_columns : Schema
        Those of them that a survey asks for.
    check_stopped : callable, optional
        Called now and then while an answer is read; raises if that is to end.
    strict : bool
        Whether a cell that cannot be read is an error; else it is NULL, and counted.
    """

    def __init__(
        self,
        columns: Schema,
        survey_columns: Schema,
        check_stopped: Callable[[], None] = lambda: None,
        *,
        strict: bool = False,
    ) -> None:
        self._columns = columns
        self._check_stopped = check_stopped
        self._strict = strict
        self._arrow = columns.arrow_schema()
        self._digests = Digests(columns, survey_columns)
        self._first: Schema | None = None
        said = {name: values for name, values in columns.missing.items() if name in columns}
        self._missing = MissingValues(said, self._arrow)
        self._stored = _with_missing(self._digests.schema) if said else self._digests.schema

    def store(self, raw: Path, target: Path, maxrec: int) -> Stored:
        """Read a VOTable to its end and store its rows.

        Parameters
        ----------
        raw : pathlib.Path
            The answer as it came; left where it is.
        target : pathlib.Path
            Arrow IPC file to write; it appears whole and flushed, or not at all.
        maxrec : int
            The limit that was asked for. An answer that fills it counts as truncated even if it does not say so.

        Raises
        ------
        FormatError
            If the document is damaged, truncated, or lacks a column.
        QueryTooLargeError
            If the service ran out of time or memory.
        ServiceError
            If the service answered with another error.
        TransportError
            If that error is one that may pass.
        ChangedTableError
            If a column means something else than in the first answer.
        """
        from ssap_mirror.tables.votable import read_votable
        from ssap_mirror.tables.votable.cells import BadCells

        bad = BadCells()
        part = target.with_suffix(_PART)
        with raw.open("rb") as file:
            reader = read_votable(file, bad_cells=None if self._strict else bad, join_tables=True)
            _refuse_error(reader)
            schema = named_as(self._columns, reader.schema)
            if len(schema):
                _refuse_lack(self._columns, schema)
                self._refuse_change(schema)
            # Without a TABLE there is no row: some services answer so when nothing matches.
            rows = self._write((batch.rename_columns(schema.names) for batch in reader), part)
            # The status may stand behind the rows (DALI 1.1 §4.4).
            _refuse_error(reader)
            overflow = reader.query_status == "OVERFLOW" or rows >= maxrec or _warned(reader)
        storage.flush(part)
        digest, size = storage.sha256(part), part.stat().st_size
        part.replace(target)
        storage.flush(target.parent)
        return Stored(target, rows, overflow, digest, size, bad_cells=bad.to_json())

    def _refuse_change(self, schema: Schema) -> None:
        """Hold the columns of an answer against those of the first; an answer may describe fewer things than others."""
        first = self._first = self._first or schema
        asked = self._columns.names
        if (changed := changed_columns(first.select(asked), schema.select(asked))) is not None:
            message = f"the table's columns changed while it was read ({changed}); --restart begins anew"
            raise ChangedTableError(message)

    def _write(self, batches: Iterable[pa.RecordBatch], part: Path) -> int:
        """Write rows as they should be, with what is known of each; returns their number."""
        import pyarrow as pa

        options = pa.ipc.IpcWriteOptions(compression="zstd")
        rows = 0
        with (
            pa.OSFile(str(part), "wb") as file,
            pa.ipc.new_file(file, self._stored, options=options) as writer,
        ):
            for batch in batches:
                self._check_stopped()
                arranged, missing = self._missing.applied_to(_arranged(batch, self._arrow))
                digested = self._digests.add_to(arranged)
                if missing:
                    columns = [*digested.columns, _names_by_row(missing)]
                    digested = pa.RecordBatch.from_arrays(columns, schema=self._stored)
                writer.write_batch(digested)
                rows += batch.num_rows
        return rows


def _with_missing(schema: pa.Schema) -> pa.Schema:
    import pyarrow as pa

    return schema.append(pa.field(MISSING, pa.list_(pa.string())))


def _names_by_row(found: Mapping[str, NDArray[np.bool_]]) -> pa.Array:
    """List for each row the names of the columns that are marked in it."""
    import numpy as np
    import pyarrow as pa

    marks = np.stack(list(found.values()), axis=1)
    ends = np.concatenate([[0], np.cumsum(marks.sum(axis=1))])
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array([*found]).take(np.nonzero(marks)[1]))


@contextlib.contextmanager
def raw_file(target: Path) -> Iterator[Path]:
    """Path for an answer on its way, beside the file that its rows go to; in the end nothing half-done is left."""
    raw = target.with_suffix(_RAW)
    try:
        yield raw
    finally:
        raw.unlink(missing_ok=True)
        target.with_suffix(_PART).unlink(missing_ok=True)


def read_answer(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Read some columns of a stored answer, in the order of the file."""
    import pyarrow as pa

    with pa.OSFile(str(path)) as file:
        with pa.ipc.open_file(file) as whole:
            names = whole.schema.names
        options = pa.ipc.IpcReadOptions(included_fields=[names.index(name) for name in columns])
        with pa.ipc.open_file(file, options=options) as reader:
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number).select(columns)


def _digest(con: Any, batch: pa.RecordBatch) -> pa.Array:
    import pyarrow as pa

    table = pa.Table.from_batches([batch])
    hashes = con.from_arrow(table).project("hash(*COLUMNS(*)) AS digest").to_arrow_table().column("digest")
    return pa.concat_arrays(hashes.chunks) if hashes.num_chunks else pa.array([], pa.uint64())


def error_of(text: str) -> ServiceError | TransportError:
    """Make an error of what a service says is wrong: one that is worth another attempt, if that may pass.

    Parameters
    ----------
    text : str
        The message, or the VOTable that holds it.
    """
    info = _ERROR_INFO.search(text)
    said = " ".join((unescape(info[1]) if info else text).split()) or "an error without a message"
    message = f"the service answered: {said[:300]}"
    if _PASSING.search(said):
        return TransportError(message)
    return QueryTooLargeError(message) if _TIMED_OUT.search(said) else ServiceError(message)


def _refuse_error(reader: Any) -> None:
    if reader.query_status == "ERROR":
        raise error_of(reader.query_message or "")


def _refuse_lack(wanted: Schema, there: Schema) -> None:
    missing = [name for name in wanted.names if name not in there]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        message = f"the answer lacks the column {missing[0]!r}{more} that the service announced"
        raise FormatError(message)


def _warned(reader: Any) -> bool:
    if reader.query_status in ("OK", "OVERFLOW"):
        return False
    warnings = (f"{info.value} {info.text}" for info in reader.infos if info.name.lower() == "warning")
    return any(_TRUNCATION_WARNING.search(text) for text in warnings)


def _arranged(batch: pa.RecordBatch, wanted: pa.Schema) -> pa.RecordBatch:
    """Columns by name, in the order and of the types that were announced."""
    import pyarrow as pa

    columns = []
    for item in wanted:
        column = batch.column(item.name)
        if column.type != item.type:
            try:
                column = column.cast(item.type)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                message = f"column {item.name!r} came as {column.type}, announced was {item.type}: {error}"
                raise FormatError(message) from error
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=wanted)
