"""A VOTable as a stream of Arrow record batches, in bounded memory."""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.core.schema.column_names import told_apart
from ssap_mirror.errors import FormatError
from ssap_mirror.tables.votable.binary import Base64, BinaryRows
from ssap_mirror.tables.votable.cells import BadCells, least_bytes
from ssap_mirror.tables.votable.document import Document
from ssap_mirror.tables.votable.model import Info, Param, is_whole_column
from ssap_mirror.tables.votable.stream import Buffer
from ssap_mirror.tables.votable.tabledata import cells_of_block
from ssap_mirror.tables.votable.text import TextColumn

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["VOTableReader", "read_votable"]

# The tag after which rows come; what looks like it in a comment is told from it by the parser.
_OPENS_ROWS = re.compile(rb"<(?:[\w.-]+:)?(?:TABLEDATA|STREAM)(?:\s[^<>]*)?>")
_LONGEST_TAG = 1 << 16
_END_OF_ROW, _END_OF_ROWS, _END_OF_STREAM = b"</TR>", b"</TABLEDATA", b"</STREAM"
_LARGEST, _BLOCK, _PARSED = 16 << 20, 4 << 20, 1 << 20


@dataclass(frozen=True)
class _Rows:
    """Rows that are cut out of the document. Text becomes values as late as possible, for NULLs may take much room."""

    columns: list[pa.Array]
    first: int
    are_text: bool


class VOTableReader:
    """A VOTable whose rows come as record batches; made by `read_votable`, and read once.

    The header is known from the start, what stands behind the rows only when all batches have been taken.
    """

    def __init__(
        self,
        source: BinaryIO | Path,
        *,
        batch_rows: int,
        max_bytes: int,
        bad_cells: BadCells | None = None,
        join_tables: bool = False,
        block_bytes: int = _BLOCK,
        parsed_bytes: int = _PARSED,
    ) -> None:
        self._batch_rows = batch_rows
        self._max_bytes = max_bytes
        self._block_bytes, self._parsed_bytes = block_bytes, parsed_bytes
        self._document = Document(max_bytes, join_tables=join_tables)
        self._buffer = Buffer(source)
        self._finished = False
        # Whether rows are cut from the bytes, and not by the XML parser.
        self._direct = False
        self._waiting: deque[_Rows] = deque()
        self._rows = 0
        self._base64 = Base64()
        self._binary: BinaryRows | None = None
        self._read_header()
        table = self._document.declarations.table
        fields = tuple(_unique(self._document.declarations.located_fields()))
        constants = _constant_columns(fields, table.params if table is not None else [])
        columns, self._renamed = _told_apart([*fields, *constants])
        self.fields = tuple(columns[: len(fields)])
        """FIELDs as columns, in order. One whose name is taken, or differs in case alone, has a number behind it."""
        self._constants = list(constants.values())
        self.schema = Schema(tuple(columns))
        """FIELDs, then the PARAMs of the table that stand for a column with one value (SSA utype, not an input)."""
        self._arrow = self.schema.arrow_schema()
        self._texts = [TextColumn(column, bad_cells) for column in self.fields]
        row_bytes = sum(least_bytes(column) for column in self.fields)
        if row_bytes > max_bytes:
            message = f"each of its rows takes {row_bytes:,} bytes; at most {max_bytes:,} are read"
            raise FormatError(message)
        self._rows_at_once = min(batch_rows, max(1, 2 * block_bytes // max(row_bytes, 1)))

    @property
    def params(self) -> tuple[Param, ...]:
        """PARAMs of the table and of the RESOURCEs, with values and options; ``INPUT:...`` in a metadata answer."""
        table = self._document.declarations.table
        return (*(table.params if table is not None else ()), *self._document.declarations.params)

    @property
    def infos(self) -> tuple[Info, ...]:
        """INFOs seen so far."""
        return tuple(self._document.declarations.infos)

    @property
    def query_status(self) -> str | None:
        """``ERROR`` or else ``OVERFLOW`` if any QUERY_STATUS seen so far says so; else ``OK``, or None without any.

        An INFO or PARAM ``Error`` is one too, which is how a cone search says it (Simple Cone Search 1.03 §2.3).
        """
        if self._cone_error() is not None:
            return "ERROR"
        said = [info.value.strip().upper() for info in self._statuses()]
        for status in ("ERROR", "OVERFLOW"):
            if status in said:
                return status
        return said[-1] if said else None

    @property
    def query_message(self) -> str:
        """What the INFO that decides the `query_status` says beside it."""
        error = self._cone_error()
        if error is not None:
            return error
        status = self.query_status
        return next((info.text.strip() for info in self._statuses() if info.value.strip().upper() == status), "")

    @property
    def header(self) -> bytes:
        """The document without its rows, UTF-8: FIELDs, PARAMs, INFOs, COOSYS, TIMESYS, datalink resource."""
        return self._document.header()

    @property
    def notes(self) -> tuple[str, ...]:
        """What was unusual and is not an error, one sentence each."""
        table = self._document.declarations.table
        notes = []
        if table is not None and table.texts_only:
            notes.append(f"read as text, for their datatype is none of VOTable's: {', '.join(table.texts_only)}")
        if table is not None:
            renamed = [
                f"{old.name} -> {new.name}"
                for old, new in zip(table.fields, self.fields, strict=True)
                if old.name != (new.source_name or new.name)
            ]
            if renamed:
                notes.append(f"columns of a name that was taken have another: {', '.join(renamed)}")
        notes += self._renamed
        others = self._document.declarations.other_tables
        if others:
            notes.append(f"other tables of the document, after the first table, that are not read: {others}")
        return tuple(notes)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Batches of at most ``batch_rows`` rows, with the columns of `schema`.

        Raises
        ------
        FormatError
            As soon as something is wrong; the rows before it have been yielded then.
        """
        self._take_parsed()
        while True:
            while self._waiting:
                yield self._batch(self._waiting.popleft())
            if self._finished:
                return
            self._read_on()

    def _statuses(self) -> list[Info]:
        return [info for info in self._document.declarations.infos if info.name.upper() == "QUERY_STATUS"]

    def _cone_error(self) -> str | None:
        """Read what a cone search says went wrong; only where it sends no rows, for a table may have such a PARAM."""
        if self._rows or (self.fields and self._document.content is not None):
            return None
        infos = ((info.name, info.value or info.text) for info in self.infos)
        said = [*infos, *((param.name, param.text) for param in self.params)]
        return next((text.strip() for name, text in said if name == "Error"), None)

    def _feed(self, size: int) -> None:
        """Give the beginning of the buffer to the parser."""
        self._document.feed(self._buffer.cut(size))

    def _read_header(self) -> None:
        """Read up to the first row, or to the end of a document without rows.

        The tag that opens the rows goes to the parser on its own, so that what follows need not.
        """
        document = self._document
        while document.content is None and not document.rows_done:
            found = self._buffer.search(_OPENS_ROWS)
            if found is not None:
                start, end = found
                self._feed(start)
                place = document.fed
                self._feed(end - start)
                self._direct = document.content is not None and document.content_start == place
                continue
            last_tag = self._buffer.rfind(b"<")
            kept = len(self._buffer) - last_tag if last_tag >= 0 else 0
            self._feed(len(self._buffer) - (kept if kept < _LONGEST_TAG else 0))
            if document.content is None and not self._buffer.fill():
                self._finish()
                return

    def _read_on(self) -> None:
        if self._direct:
            if self._document.content == "TABLEDATA":
                self._read_text_rows()
            else:
                self._read_binary_rows()
        else:
            self._read_parsed()

    def _read_text_rows(self) -> None:
        end = self._buffer.fill_to(_END_OF_ROWS, self._block_bytes)
        size = end if end >= 0 else self._buffer.rfind(_END_OF_ROW) + len(_END_OF_ROW)
        if end < 0 and size < len(_END_OF_ROW):
            if len(self._buffer) > self._max_bytes:
                message = f"row {self._rows + 1:,} is larger than {self._max_bytes:,} bytes"
                raise FormatError(message)
            self._direct = self._buffer.fill()
            return
        cells = cells_of_block(self._buffer.peek(size), len(self.fields))
        if cells is None:
            self._direct = False
        else:
            self._buffer.drop(size)
            self._direct = end < 0
            self._add_texts(cells)
        self._document.rows_before = self._rows

    def _read_binary_rows(self) -> None:
        end = self._buffer.fill_to(b"<", self._block_bytes)
        while end >= 0 and len(self._buffer) < end + len(_END_OF_STREAM) and self._buffer.fill():
            pass
        size = end if end >= 0 else len(self._buffer)
        if self._buffer.find(b"&", size) >= 0 or (end >= 0 and not self._buffer.startswith(_END_OF_STREAM, end)):
            # A comment, CDATA or a reference: rare enough to let the parser see to it.
            self._direct = False
            return
        self._direct = size > 0 and end < 0
        self._add_base64(self._buffer.cut(size))
        self._document.rows_before = self._rows

    def _read_parsed(self) -> None:
        if not len(self._buffer) and not self._buffer.fill():
            self._finish()
        else:
            self._feed(min(len(self._buffer), self._parsed_bytes))
        self._take_parsed()

    def _take_parsed(self) -> None:
        """Take the rows that came through the parser, and check that binary ones end where a row ends."""
        document = self._document
        if document.rows:
            rows, document.rows = document.rows, []
            self._add_texts(_columns_of_rows(rows))
        texts, document.base64 = document.base64, []
        for is_end, pieces in itertools.groupby(texts, lambda text: text is None):
            if is_end:
                self._end_base64()
            else:
                self._add_base64("".join(text for text in pieces if text).encode())

    def _finish(self) -> None:
        self._document.feed(self._buffer.cut(len(self._buffer)), last=True)
        self._finished = True

    def _add_texts(self, cells: Sequence[pa.Array]) -> None:
        rows = len(cells[0]) if cells else 0
        for start in range(0, rows, self._rows_at_once):
            parts = [column.slice(start, self._rows_at_once) for column in cells]
            self._waiting.append(_Rows(parts, first=self._rows + start + 1, are_text=True))
        self._rows += rows

    def _add_base64(self, text: bytes) -> None:
        if self._binary is None:
            table = self._document.declarations.table
            flags = table is not None and table.serialization == "BINARY2"
            self._binary = BinaryRows(self.fields, flags=flags, max_bytes=self._max_bytes)
        columns = self._binary.push(self._base64.decode(text))
        if columns is None:
            return
        rows = len(columns[0])
        for start in range(0, rows, self._batch_rows):
            parts = [column.slice(start, self._batch_rows) for column in columns]
            self._waiting.append(_Rows(parts, first=self._rows + start + 1, are_text=False))
        self._rows += rows

    def _end_base64(self) -> None:
        """Check that what was encoded ends where a row ends; rows of another table may come."""
        if self._binary is not None:
            self._base64.finish()
            self._binary.finish()
        self._base64, self._binary = Base64(), None

    def _batch(self, rows: _Rows) -> pa.RecordBatch:
        import pyarrow as pa

        columns = rows.columns
        if rows.are_text:
            columns = [text.parse(cells, rows.first) for text, cells in zip(self._texts, columns, strict=True)]
        repeated = pa.array([0] * len(columns[0]), pa.int8())
        columns = [*columns, *(value.take(repeated) for value in self._constants)]
        return pa.RecordBatch.from_arrays(columns, schema=self._arrow)


def read_votable(
    source: BinaryIO | Path,
    *,
    batch_rows: int = 8192,
    max_bytes: int = _LARGEST,
    bad_cells: BadCells | None = None,
    join_tables: bool = False,
    block_bytes: int = _BLOCK,
    parsed_bytes: int = _PARSED,
) -> VOTableReader:
    """Open a VOTable, plain or gzip, of any version and serialisation (but not FITS inside a VOTable).

    Nothing outside the document is ever fetched. A DOCTYPE that defines anything is refused, and with it all
    entities of the document's own.
    What a cell without a value becomes is told at `TextColumn` and `BinaryRows`. An answer with ``QUERY_STATUS=ERROR``
    is not an error here: look at `VOTableReader.query_status`, before and after the rows.

    Parameters
    ----------
    source : binary file or pathlib.Path
        The document; need not be seekable.
    batch_rows : int
        Largest number of rows in a batch.
    max_bytes : int
        Largest row and largest header that are taken [byte]; what is held at a time follows from it.
    bad_cells : BadCells, optional
        Told of cells of TABLEDATA that cannot be read, which are NULL then; without it they are errors.
    join_tables : bool
        Whether rows of later tables of the results are read as well, which have to have the same columns; else a note
        says that there are others.
    block_bytes : int
        Text that is turned into columns at once [byte].
    parsed_bytes : int
        Text that is given to the XML parser at once [byte], where it has to see the rows.

    Raises
    ------
    FormatError
        If it is not a VOTable, is damaged, or is hostile.
    OSError
        If it cannot be read.
    """
    return VOTableReader(
        source,
        batch_rows=batch_rows,
        max_bytes=max_bytes,
        bad_cells=bad_cells,
        join_tables=join_tables,
        block_bytes=block_bytes,
        parsed_bytes=parsed_bytes,
    )


def _unique(columns: Sequence[Column]) -> Iterator[Column]:
    """Columns of different names, as Arrow and Parquet need them."""
    taken = {column.name for column in columns}
    seen: set[str] = set()
    for column in columns:
        name, number = column.name, 1
        while name in seen or (number > 1 and name in taken):
            number += 1
            name = f"{column.name}_{number}"
        seen.add(name)
        yield column if name == column.name else replace(column, name=name)


def _told_apart(columns: Sequence[Column]) -> tuple[list[Column], list[str]]:
    """Columns of names that SQL can tell apart, and notes on those that had to change."""
    names, notes = told_apart([column.name for column in columns])
    pairs = zip(columns, names, strict=True)
    return [c if name == c.name else replace(c, name=name, source_name=c.name) for c, name in pairs], notes


def _constant_columns(fields: Sequence[Column], params: Sequence[Param]) -> dict[Column, pa.Array]:
    """PARAMs that stand for a column with one value, and this value."""
    import pyarrow as pa

    taken = {column.name for column in fields}
    constants = {}
    for param in params:
        if is_whole_column(param) and param.name not in taken:
            taken.add(param.name)
            text = pa.array([param.text or None], pa.string())
            constants[param.column] = TextColumn(param.column).parse(text, -1)
    return constants


def _columns_of_rows(rows: Sequence[Sequence[str | None]]) -> list[pa.Array]:
    import pyarrow as pa

    return [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
