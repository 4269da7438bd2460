"""Rows of BINARY and BINARY2 -> Arrow (VOTable 1.5 §5.3, §5.4 and §6).

A row is a sequence of fixed stretches and of cells with a length before them. Only these lengths are read one by one;
they give every offset, and then whole columns are taken at once.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core.schema import Column
from ssap_mirror.errors import FormatError
from ssap_mirror.tables.votable.cells import BadCellError, Cells, bytes_of, cell_bytes, is_variable, item_bits
from ssap_mirror.tables.votable.numbers import number_reader
from ssap_mirror.tables.votable.strings import StringReader

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Base64", "BinaryRows"]

_LENGTH = struct.Struct(">I")
_LENGTH_BYTES = 4
_BLANKS = (b"\n", b" ", b"\r", b"\t")


class Base64:
    """Decodes base64 text that comes in pieces."""

    def __init__(self) -> None:
        self._rest = b""
        self._padded = False

    def decode(self, piece: bytes) -> bytes:
        """Bytes that are complete.

        Raises
        ------
        FormatError
            If a character is none of base64's.
        """
        if any(blank in piece for blank in _BLANKS):
            piece = piece.translate(None, b"".join(_BLANKS))
        text = self._rest + piece
        whole = len(text) - len(text) % 4
        self._rest = text[whole:]
        if not whole:
            return b""
        if self._padded:
            message = "base64 data go on after their end"
            raise FormatError(message)
        self._padded = text[whole - 1] == ord("=")
        try:
            return binascii.a2b_base64(text[:whole], strict_mode=True)
        except binascii.Error as error:
            message = f"damaged base64 data: {error}"
            raise FormatError(message) from None

    def finish(self) -> None:
        """Say that the text is over.

        Raises
        ------
        FormatError
            If it ends within a group of four characters.
        """
        if self._rest:
            message = "the base64 data end too early"
            raise FormatError(message)


class BinaryRows:
    """Cuts bytes into rows and rows into columns.

    Parameters
    ----------
    columns : sequence of Column
        FIELDs in order.
    flags : bool
        Whether each row begins with a NULL flag for each cell (BINARY2). Then a cell is NULL if it is flagged, and NaN
        and empty strings are values. Without flags (BINARY) a string or array of length 0 is NULL, as in TABLEDATA.
    max_bytes : int
        Largest row that is taken [byte].

    Raises
    ------
    FormatError
        If a row takes more, whatever its variable cells hold.
    """

    def __init__(self, columns: Sequence[Column], *, flags: bool, max_bytes: int) -> None:
        self._columns = columns
        self._flags = flags
        self._max_bytes = max_bytes
        self._flag_bytes = (len(columns) + 7) // 8 if flags else 0
        self._data = b""
        self._rows = 0
        # Widths of the stretches of fixed cells; each but the last ends with the length of the variable cell after it.
        self._stretches = [self._flag_bytes]
        self._places: list[tuple[int, int]] = []
        self._variable: list[Column] = []
        for column in columns:
            self._places.append((len(self._stretches) - 1, self._stretches[-1]))
            if is_variable(column):
                self._variable.append(column)
                self._stretches[-1] += _LENGTH_BYTES
                self._stretches.append(0)
            else:
                self._stretches[-1] += cell_bytes(column)
        self._bits = np.array([item_bits(column) for column in self._variable], np.int64)
        # Bytes from the end of one variable cell's items, its length included, to the next length, and bytes of an item
        # there (0: they are bits).
        skips = [width - (0 if number else _LENGTH_BYTES) for number, width in enumerate(self._stretches[:-1])]
        self._steps = list(zip(skips, (self._bits // 8).tolist(), strict=True))
        self._readers = [
            StringReader(column, empty_is_null=not flags) if column.is_text else number_reader(column)
            for column in columns
        ]
        if not sum(self._stretches):
            message = "a table without columns has binary rows"
            raise FormatError(message)

    def push(self, data: bytes) -> list[pa.Array] | None:
        """Columns of the rows that are complete with these bytes; None if there is none.

        Raises
        ------
        FormatError
            If a row or a value in it is impossible.
        """
        data = self._data + data
        lengths, used = self._walk(data)
        rows = len(lengths)
        self._data = data[used:]
        if len(self._data) > self._max_bytes:
            message = f"row {self._rows + rows + 1:,} is larger than {self._max_bytes:,} bytes"
            raise FormatError(message)
        if not rows:
            return None
        columns = self._decode(data[:used], lengths, rows)
        self._rows += rows
        return columns

    def finish(self) -> None:
        """Say that the bytes are over.

        Raises
        ------
        FormatError
            If they end within a row.
        """
        if self._data:
            message = f"row {self._rows + 1:,} is incomplete"
            raise FormatError(message)

    def _walk(self, data: bytes) -> tuple[NDArray[np.int64], int]:
        """Items of the variable cells of all complete rows, shape (rows, variable cells), and where they end."""
        size = len(data)
        if not self._steps:
            rows = size // self._stretches[0]
            return np.empty((rows, 0), np.int64), rows * self._stretches[0]
        lengths: list[int] = []
        add, read, steps = lengths.append, _LENGTH.unpack_from, self._steps
        tail = _LENGTH_BYTES + self._stretches[-1]
        at = end = rows = 0
        try:
            while True:
                for skip, item_bytes in steps:
                    at += skip
                    (items,) = read(data, at)
                    at += items * item_bytes if item_bytes else items + 7 >> 3
                    add(items)
                at += tail
                if at > size:
                    break
                end = at
                rows += 1
        except struct.error:
            # A length that has not come yet.
            pass
        complete = rows * len(steps)
        self._refuse_large(lengths[complete:], rows)
        return np.array(lengths[:complete], np.int64).reshape(rows, len(steps)), end

    def _refuse_large(self, lengths: list[int], row: int) -> None:
        """Look at an incomplete row: it may never become complete."""
        for items, column in zip(lengths, self._variable, strict=False):
            if items * item_bits(column) > 8 * self._max_bytes:
                message = (
                    f"row {self._rows + row + 1:,}: column {column.name!r} claims to hold {items:,} items, "
                    f"more than {self._max_bytes:,} bytes"
                )
                raise FormatError(message)

    def _decode(self, data: bytes, lengths: NDArray[np.int64], rows: int) -> list[pa.Array]:
        import pyarrow as pa

        pieces = 2 * len(self._variable) + 1
        sizes = np.empty((rows, pieces), np.int64)
        sizes[:, 0::2] = self._stretches
        sizes[:, 1::2] = lengths * self._bits + 7 >> 3
        bounds = np.zeros(rows * pieces + 1, np.int32)
        np.cumsum(sizes, out=bounds[1:])
        whole = pa.Array.from_buffers(
            pa.binary(), rows * pieces, [None, pa.py_buffer(bounds), pa.py_buffer(data)], null_count=0
        )
        numbers = np.arange(rows * pieces, dtype=np.int32).reshape(rows, pieces)
        stretches = [
            bytes_of(whole.take(pa.array(numbers[:, 2 * k]))).reshape(rows, width) if width else None
            for k, width in enumerate(self._stretches)
        ]
        nulls = self._null_flags(stretches[0], rows)
        columns = []
        variable = 0
        for index, column in enumerate(self._columns):
            stretch, start = self._places[index]
            flagged = None if nulls is None else nulls[index]
            if is_variable(column):
                items = lengths[:, variable]
                absent = items == 0 if flagged is None else flagged
                payload = whole.take(pa.array(numbers[:, 2 * variable + 1], mask=absent if absent.any() else None))
                cells = Cells(bytes_of(payload), np.where(absent, 0, items), absent)
                variable += 1
            else:
                block = stretches[stretch]
                assert block is not None
                cells = Cells(block[:, start : start + cell_bytes(column)], None, flagged)
            try:
                columns.append(self._readers[index](cells))
            except BadCellError as error:
                message = f"row {self._rows + error.index + 1:,}: column {column.name!r} {error.reason}"
                raise FormatError(message) from None
        return columns

    def _null_flags(self, stretch: NDArray[np.uint8] | None, rows: int) -> NDArray[np.bool_] | None:
        """NULL flags by column and row, shape (columns, rows)."""
        if stretch is None or not self._flags:
            return None
        bits = np.unpackbits(stretch[:, : self._flag_bytes], axis=1, count=len(self._columns))
        return np.ascontiguousarray(bits.T).view(bool).reshape(len(self._columns), rows)
