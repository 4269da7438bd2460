"""BINARY and BINARY2 rows to Arrow, a block at a time (VOTable 1.4 §5.3, §5.4).

Rows have no fixed length, so one tight loop finds where the cells of free length begin; after that each column of a
block is gathered at once with numpy.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ssap_mirror.errors import FormatError
from ssap_mirror.schema import Column
from ssap_mirror.votablestream.arrays import fixed_lists, free_lists

__all__ = ["MAX_CELL", "BinaryRows"]

#: Longest cell that is believed [byte].
MAX_CELL = 32 << 20

_NUMPY = {
    "unsignedByte": "u1",
    "short": ">i2",
    "int": ">i4",
    "long": ">i8",
    "float": ">f4",
    "double": ">f8",
    "floatComplex": ">f4",
    "doubleComplex": ">f8",
}
_SIZE = {"boolean": 1, "bit": 1, "unsignedByte": 1, "short": 2, "int": 4, "long": 8, "char": 1, "unicodeChar": 2}
_SIZE |= {"float": 4, "double": 8, "floatComplex": 8, "doubleComplex": 16}
_LENGTH = struct.Struct(">I")
_TRUE, _FALSE = np.frombuffer(b"Tt1", np.uint8), np.frombuffer(b"Ff0", np.uint8)


@dataclass(frozen=True)
class _Cell:
    """Where the cells of one column stand in a row."""

    column: Column
    free: bool
    """Preceded by a length of its own."""
    item: int
    """Bytes of one item of a free cell (a row of a two-dimensional array), or of the whole fixed cell."""
    segment: int
    """How many free cells stand before it."""
    offset: int
    """Bytes between the end of the free cell before it and its own begin."""


class BinaryRows:
    """Decoder for the rows of one table.

    Parameters
    ----------
    columns : tuple of Column
        FIELDs of the table in order.
    masked : bool
        BINARY2: each row begins with one bit for each column, set where the cell is NULL.
    """

    def __init__(self, columns: tuple[Column, ...], *, masked: bool) -> None:
        self._mask_bytes = (len(columns) + 7) // 8 if masked else 0
        self._cells: list[_Cell] = []
        gaps = []
        offset, segment = self._mask_bytes, 0
        for column in columns:
            free = any(size is None for size in column.shape) or (column.is_text and "*" in (column.arraysize or ""))
            item = _fixed_bytes(column)
            self._cells.append(_Cell(column, free, item, segment, offset))
            if free:
                gaps.append((offset, item))
                offset, segment = 0, segment + 1
            else:
                offset += item
        self._gaps = tuple(gaps)
        self._tail = offset
        self._rest = b""

    def decode(self, data: bytes, *, last: bool = False) -> pa.RecordBatch | None:
        """Decode the rows that are complete; the rest waits for the next piece.

        Returns
        -------
        pyarrow.RecordBatch or None
            The rows; None if no row is complete yet.

        Raises
        ------
        FormatError
            If a length field cannot be true, a text is not in its encoding, or the last row is cut off.
        """
        data = self._rest + data
        starts, lengths, used = self._walk(data)
        if last and used != len(data):
            message = f"the data ends within a row: {len(data) - used:,} bytes are left over"
            raise FormatError(message)
        self._rest = data[used:]
        if not len(starts):
            return None
        return self._columns(np.frombuffer(data, np.uint8), starts, lengths)

    def _walk(self, data: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
        """Find, for each complete row, where each segment starts and how many bytes each free cell has."""
        end, unpack = len(data), _LENGTH.unpack_from
        if not self._gaps:
            width = self._tail
            rows = end // width if width else 0
            return (np.arange(rows, dtype=np.int64) * width)[:, None], np.empty((rows, 0), np.int64), rows * width
        starts: list[int] = []
        lengths: list[int] = []
        gaps, tail, position, row = self._gaps, self._tail, 0, 0
        put_start, put_length = starts.append, lengths.append
        try:
            while row < end:
                position = row
                for gap, item in gaps:
                    put_start(position)
                    position += gap
                    size = unpack(data, position)[0] * item
                    put_length(size)
                    position += 4 + size
                    if size > MAX_CELL:
                        message = f"a cell claims {size:,} bytes; more than {MAX_CELL >> 20} MiB is not believed"
                        raise FormatError(message)
                put_start(position)
                position += tail
                if position > end:
                    break
                row = position
        except struct.error:
            pass
        width = len(gaps) + 1
        rows = len(lengths) // (width - 1) if row == end else (len(starts) - 1) // width
        begin = np.array(starts[: rows * width], np.int64).reshape(rows, width)
        size = np.array(lengths[: rows * (width - 1)], np.int64).reshape(rows, width - 1)
        return begin, size, row

    def _columns(
        self, data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> pa.RecordBatch:
        rows = len(starts)
        null = np.zeros((rows, len(self._cells)), bool)
        if self._mask_bytes:
            bits = np.unpackbits(_gather(data, starts[:, 0], self._mask_bytes), axis=1)
            null = bits[:, : len(self._cells)].astype(bool)
        arrays, fields = [], []
        for number, cell in enumerate(self._cells):
            begin = starts[:, cell.segment] + cell.offset
            missing = np.ascontiguousarray(null[:, number])
            if cell.free:
                arrays.append(_free(cell, data, begin + 4, lengths[:, cell.segment], missing, bool(self._mask_bytes)))
            else:
                arrays.append(_fixed(cell, data, begin, missing))
            fields.append(cell.column.arrow_field())
        return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def _fixed_bytes(column: Column) -> int:
    """Bytes of a cell, without the free dimension."""
    size = 1
    for part in (column.arraysize or "").split("x"):
        if part.isdecimal():
            size *= int(part)
    if column.datatype == "bit":
        return (size + 7) // 8
    return size * _SIZE[column.datatype]


def _gather(data: NDArray[np.uint8], begin: NDArray[np.int64], size: int) -> NDArray[np.uint8]:
    """``size`` bytes from each place: shape (places, size)."""
    if size == 0 or len(begin) == 0:
        return np.empty((len(begin), size), np.uint8)
    return np.ascontiguousarray(sliding_window_view(data, size)[begin])


def _gather_free(data: NDArray[np.uint8], begin: NDArray[np.int64], size: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Bytes of cells of differing length, one after another."""
    if len(size) and (size == size[0]).all():
        return _gather(data, begin, int(size[0])).ravel()
    before = np.cumsum(size) - size
    places = np.repeat(begin - before, size)
    places += np.arange(len(places))
    return data[places]


def _fixed(cell: _Cell, data: NDArray[np.uint8], begin: NDArray[np.int64], missing: NDArray[np.bool_]) -> pa.Array:
    column = cell.column
    raw = _gather(data, begin, cell.item)
    if column.is_text:
        sizes = np.full(len(begin), cell.item, np.int64)
        return _texts(column, raw.ravel(), sizes, missing)
    if not column.shape and "Complex" not in column.datatype:
        return _numbers(column, raw, missing)
    kind = column.arrow_type()
    here = ~missing
    values = _numbers(column, raw[here], None)
    return fixed_lists(values, kind, here.tolist())


def _free(
    cell: _Cell,
    data: NDArray[np.uint8],
    begin: NDArray[np.int64],
    size: NDArray[np.int64],
    missing: NDArray[np.bool_],
    masked: bool,  # noqa: FBT001
) -> pa.Array:
    column = cell.column
    if not masked:
        # BINARY has no other way to say NULL for what has a length.
        missing = missing | (size == 0)
    size = np.where(missing, 0, size)
    raw = _gather_free(data, begin, size)
    if column.is_text:
        return _texts(column, raw, size, missing)
    values = _numbers(column, raw.reshape(-1, cell.item), None)
    per_item = len(values) * cell.item // len(raw) if len(raw) else 1
    return free_lists(values, (size // cell.item * per_item).tolist(), column.arrow_type(), (~missing).tolist())


def _numbers(column: Column, raw: NDArray[np.uint8], missing: NDArray[np.bool_] | None) -> pa.Array:
    """Flat elements out of bytes of shape (cells, bytes of a cell)."""
    datatype = column.datatype
    if datatype == "bit":
        size = _bit_count(column)
        # A single bit is written as the highest one by the standard and as 0x08 by astropy.
        bits = raw.any(axis=1) if size == 1 else np.unpackbits(raw, axis=1)[:, :size].ravel()
        return pa.array(bits.astype(bool), mask=missing)
    if datatype == "boolean":
        flat = raw.ravel()
        truth, unknown = np.isin(flat, _TRUE), ~np.isin(flat, np.concatenate((_TRUE, _FALSE)))
        return pa.array(truth, mask=unknown if missing is None else unknown | missing)
    values: Any = raw.ravel().view(_NUMPY[datatype])
    values = values.astype(values.dtype.newbyteorder("="))
    if column.null and datatype not in ("float", "double", "floatComplex", "doubleComplex"):
        declared = values == int(column.null, 0)
        missing = declared if missing is None else missing | declared
    return pa.array(values, mask=missing)


def _bit_count(column: Column) -> int:
    size = 1
    for part in column.shape:
        size *= part or 1
    return size


def _texts(
    column: Column,
    raw: NDArray[np.uint8],
    size: NDArray[np.int64],
    missing: NDArray[np.bool_],
) -> pa.Array:
    """Strings out of bytes one after another; a NUL ends a string (VOTable 1.4 §6)."""
    offsets = np.zeros(len(size) + 1, np.int64)
    np.cumsum(size, out=offsets[1:])
    if column.datatype == "unicodeChar" or column.shape or not raw.all():
        return _slow_texts(column, raw, offsets, missing)
    packed = pa.Array.from_buffers(
        pa.binary(), len(size), [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(raw)]
    )
    try:
        texts = packed.cast(pa.string())
    except pa.ArrowInvalid as error:
        raise _not_text(column) from error
    return pc.if_else(pa.array(missing), None, texts) if missing.any() else texts


def _slow_texts(
    column: Column, raw: NDArray[np.uint8], offsets: NDArray[np.int64], missing: NDArray[np.bool_]
) -> pa.Array:
    whole = raw.tobytes()
    encoding, unit = ("utf-16-be", 2) if column.datatype == "unicodeChar" else ("utf-8", 1)
    step = int((column.arraysize or "1").split("x")[0].rstrip("*") or 0) * unit if column.shape else 0
    rows: list[Any] = []
    try:
        for begin, end, none in zip(offsets[:-1].tolist(), offsets[1:].tolist(), missing.tolist(), strict=True):
            if none:
                rows.append(None)
            elif step:
                parts = [whole[i : i + step].decode(encoding) for i in range(begin, end, step)]
                rows.append([part.partition("\0")[0].rstrip(" ") for part in parts])
            else:
                rows.append(whole[begin:end].decode(encoding).partition("\0")[0])
    except UnicodeDecodeError as error:
        raise _not_text(column) from error
    return pa.array(rows, column.arrow_type())


def _not_text(column: Column) -> FormatError:
    coding = "UTF-16" if column.datatype == "unicodeChar" else "UTF-8"
    return FormatError(f"column {column.name!r} holds bytes that are not {coding} text")
