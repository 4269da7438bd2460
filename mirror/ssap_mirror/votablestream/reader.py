"""A VOTable as a stream of Arrow record batches."""

from __future__ import annotations

import binascii
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from ssap_mirror.errors import FormatError, SourceError
from ssap_mirror.schema import Column, Schema
from ssap_mirror.votablestream.binary import BinaryRows
from ssap_mirror.votablestream.document import Document
from ssap_mirror.votablestream.header import Info, Param, unique_columns
from ssap_mirror.votablestream.text import column_from_text

__all__ = ["VOTableReader", "read_votable"]

_PIECE = 1 << 18
_GZIP = b"\x1f\x8b"
_BLANKS = b" \t\r\n"
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="


class VOTableReader:
    """One VOTable document: its header at once, its rows on iteration.

    Parameters
    ----------
    stream : binary file
        The document, plain or gzipped.
    batch_rows : int
        About how many rows a batch holds.

    Raises
    ------
    FormatError
        If the document is no VOTable, or damaged before its rows begin.
    """

    def __init__(self, stream: BinaryIO, batch_rows: int) -> None:
        self._stream = _plain(stream)
        self._batch_rows = batch_rows
        self._document = Document()
        self._ended = False
        self._started = False
        document = self._document
        while document.serialization is None and not self._ended:
            self._feed()
        fields = unique_columns([*document.fields, *document.table_params])
        self._columns = fields[: len(document.fields)]
        self._constants = [
            (column, param) for column, param in zip(fields[len(document.fields) :], document.table_params, strict=True)
        ]
        self.schema = Schema(tuple(Column(**_plain_column(column)) for column in fields))

    @property
    def fields(self) -> tuple[Column, ...]:
        """FIELDs, without the PARAMs that stand for a column."""
        return self._columns

    @property
    def params(self) -> tuple[Param, ...]:
        """PARAMs of the table and its resource, ``INPUT:`` ones among them."""
        return tuple(self._document.params)

    @property
    def infos(self) -> tuple[Info, ...]:
        """INFOs read so far; some services put theirs after the rows."""
        return tuple(self._document.infos)

    @property
    def query_status(self) -> str | None:
        """``OK``, ``OVERFLOW``, ``ERROR`` or None: of all that is said so far the gravest (DALI 1.1 §4.4)."""
        said = [info.value.upper() for info in self.infos if info.name.upper() == "QUERY_STATUS"]
        return next((status for status in ("ERROR", "OVERFLOW") if status in said), said[0] if said else None)

    @property
    def query_message(self) -> str:
        """What goes with `query_status`."""
        status = self.query_status
        found = [i for i in self.infos if i.name.upper() == "QUERY_STATUS" and i.value.upper() == status]
        return found[-1].content if found else ""

    @property
    def header(self) -> bytes:
        """The document without its data; complete when the rows have been read."""
        return self._document.header

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows, once.

        Raises
        ------
        FormatError
            If the document is damaged or ends too early.
        """
        if self._started:
            message = "the rows of a VOTable can be read once"
            raise RuntimeError(message)
        self._started = True
        batches = self._text_batches() if self._document.serialization == "TABLEDATA" else self._binary_batches()
        for batch in batches:
            if batch.num_rows:
                yield self._with_constants(batch)
        while not self._ended:
            self._feed()

    def _feed(self) -> None:
        try:
            piece = self._stream.read(_PIECE)
        except (OSError, EOFError, zlib.error) as error:
            message = f"the compressed document is damaged: {error}"
            raise FormatError(message) from error
        self._ended = not piece
        self._document.feed(piece, last=self._ended)

    def _text_batches(self) -> Iterator[pa.RecordBatch]:
        document, columns = self._document, self._columns
        schema = pa.schema([column.arrow_field() for column in columns])
        width = len(columns)
        while True:
            rows = len(document.cells) // width if width else 0
            if rows >= self._batch_rows or (document.data_done and rows):
                taken = document.cells[: rows * width]
                del document.cells[: rows * width]
                arrays = [column_from_text(column, taken[i::width]) for i, column in enumerate(columns)]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)
            elif document.data_done or self._ended:
                return
            else:
                self._feed()

    def _binary_batches(self) -> Iterator[pa.RecordBatch]:
        document = self._document
        if document.serialization is None:
            return
        rows = BinaryRows(self._columns, masked=document.serialization == "BINARY2")
        carry, size = b"", 0
        held: list[bytes] = []
        wanted = 1 << 20
        while True:
            done = document.data_done or self._ended
            if document.chunks:
                text = (carry.decode("ascii") + "".join(document.chunks)).encode("ascii", "replace")
                document.chunks.clear()
                text = text.translate(None, _BLANKS)
                cut = len(text) if done else len(text) // 4 * 4
                data, carry = _decoded(text[:cut]), text[cut:]
                held.append(data)
                size += len(data)
            elif done and carry:
                held.append(_decoded(carry))
                carry = b""
            if size >= wanted or done:
                batch = rows.decode(b"".join(held), last=done)
                held, size = [], 0
                # A row longer than the block must not be walked again with every piece that comes.
                wanted = 1 << 20 if batch is not None else min(wanted * 2, 64 << 20)
                if batch is not None:
                    yield batch
            if done:
                return
            self._feed()

    def _with_constants(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if not self._constants:
            return batch
        arrays, fields = list(batch.columns), list(batch.schema)
        for column, param in self._constants:
            one = column_from_text(column, [param.value])
            arrays.append(pa.repeat(one[0], batch.num_rows))
            fields.append(self.schema[column.name].arrow_field())
        return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def read_votable(source: BinaryIO | Path, *, batch_rows: int = 8192) -> VOTableReader:
    """Open a VOTable.

    Parameters
    ----------
    source : binary file or pathlib.Path
        The document, plain or gzipped, in any serialisation: TABLEDATA, BINARY or BINARY2.
    batch_rows : int
        About how many rows a batch holds; what is held in memory grows with it.

    Returns
    -------
    VOTableReader
        With the header read. Iterate over it for the rows, as `pyarrow.RecordBatch` es of types
        ``Column.arrow_type()``. A PARAM of the table stands for a whole column and becomes one.

    Raises
    ------
    FormatError
        If the document is no VOTable (an HTML page, say), is damaged, or asks for entities or documents elsewhere.
    SourceError
        If the file cannot be opened.
    """
    if isinstance(source, Path):
        try:
            source = io.BytesIO(source.read_bytes()) if source.stat().st_size < _PIECE else source.open("rb")
        except OSError as error:
            message = f"{source} cannot be read: {error.strerror}"
            raise SourceError(message) from error
    return VOTableReader(source, batch_rows)


def _plain(stream: BinaryIO) -> BinaryIO:
    buffered = stream if hasattr(stream, "peek") else io.BufferedReader(stream)  # type: ignore[type-var]
    if buffered.peek(2)[:2] == _GZIP:
        return gzip.GzipFile(fileobj=buffered)  # type: ignore[return-value]
    return buffered  # type: ignore[return-value]


def _plain_column(column: Column) -> dict[str, object]:
    return {name: getattr(column, name) for name in Column.__dataclass_fields__}


def _decoded(text: bytes) -> bytes:
    strange = text.translate(None, _BASE64)
    if strange:
        message = f"the base64 data holds the character {chr(strange[0])!r}"
        raise FormatError(message)
    try:
        return binascii.a2b_base64(text)
    except binascii.Error as error:
        message = f"the base64 data is damaged: {error}"
        raise FormatError(message) from error
