"""The bytes of one column's cells -> Arrow values (VOTable 1.5 §6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.schema import Column
from ssap_mirror.votable.text import item_type, items_of_slice, null_where, wrap_items

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["BadCellError", "Cells", "bytes_of", "cell_bytes", "cell_reader", "is_variable", "item_bits"]

#: numpy type of the numbers that one item consists of, and how many they are.
_NUMBERS = {
    "unsignedByte": ("u1", 1),
    "short": ("i2", 1),
    "int": ("i4", 1),
    "long": ("i8", 1),
    "float": ("f4", 1),
    "double": ("f8", 1),
    "floatComplex": ("f4", 2),
    "doubleComplex": ("f8", 2),
}
_OTHER_BITS = {"boolean": 8, "bit": 1, "char": 8, "unicodeChar": 16}
_ASCII = 128
_FALSE, _TRUE, _NULL, _BAD = range(4)
_TRUTH = np.full(256, _BAD, np.uint8)
for _codes, _meaning in ((b"Ff0", _FALSE), (b"Tt1", _TRUE), (b"\x00 ?", _NULL)):
    _TRUTH[list(_codes)] = _meaning


class BadCellError(Exception):
    """A cell that cannot be what its column holds: its index, and what is wrong with it."""

    def __init__(self, index: int, reason: str) -> None:
        self.index = index
        self.reason = reason
        super().__init__(index, reason)


@dataclass
class Cells:
    """Cells of one column as they came."""

    data: NDArray[np.uint8]
    """Shape (N, W) where each cell takes W bytes; else all cells that are not NULL one after the other."""
    lengths: NDArray[np.int64] | None
    """Items of each cell, shape (N,), 0 where NULL; None where the size is fixed."""
    nulls: NDArray[np.bool_] | None
    """Which are NULL, shape (N,); None if nothing says so."""


def is_variable(column: Column) -> bool:
    """Whether a length stands before each cell."""
    return "*" in (column.arraysize or "")


def item_bits(column: Column) -> int:
    """Bits of one item: of one that a length counts."""
    if column.datatype in _NUMBERS:
        kind, count = _NUMBERS[column.datatype]
        return 8 * int(kind[1]) * count
    return _OTHER_BITS[column.datatype]


def cell_bytes(column: Column) -> int:
    """Bytes of a cell of fixed size."""
    return item_bits(column) * _fixed_items(column) + 7 >> 3


def bytes_of(pieces: pa.Array) -> NDArray[np.uint8]:
    """Bytes of an Arrow binary array that was just made, one value after the other."""
    _, bounds, data = pieces.buffers()
    if data is None or not len(pieces):
        return np.empty(0, np.uint8)
    end = int(np.frombuffer(bounds, np.int32)[len(pieces)])
    return np.frombuffer(data, np.uint8, end)


def cell_reader(column: Column, *, text_is_null: bool) -> Callable[[Cells], pa.Array]:
    """Choose what turns the cells of a column into Arrow values; it raises `BadCellError`.

    Parameters
    ----------
    column : Column
        What the cells hold.
    text_is_null : bool
        Whether an empty string is NULL.
    """
    if column.is_text:
        return _StringReader(column, text_is_null=text_is_null)
    others = {"boolean": _booleans, "bit": _bits}
    items = others.get(column.datatype) or partial(_numbers, item_type(column))
    if column.shape or column.datatype.endswith("Complex"):
        return lambda cells: _in_lists(column, cells, items)
    return lambda cells: items(column, cells, cells.nulls)


def _in_lists(column: Column, cells: Cells, items: Callable[[Column, Cells, None], pa.Array]) -> pa.Array:
    lengths, nulls = cells.lengths, cells.nulls
    per_item = _NUMBERS.get(column.datatype, ("", 1))[1]
    if lengths is None:
        count = len(cells.data)
        if nulls is not None and nulls.any():
            cells = Cells(cells.data[~nulls], None, None)
        lengths = np.full(count, _fixed_items(column) * per_item, np.int64)
        if nulls is not None:
            lengths[nulls] = 0
    else:
        slice_items = items_of_slice(column) // per_item
        if slice_items > 1 and (lengths % slice_items).any():
            index = int(np.argmax(lengths % slice_items != 0))
            raise BadCellError(index, f"holds {lengths[index]} items, not a multiple of {slice_items}")
        lengths = lengths * per_item
    if nulls is None:
        nulls = np.zeros(len(lengths), bool)
    return wrap_items(column, items(column, cells, None), lengths, nulls)


def _numbers(kind: pa.DataType, column: Column, cells: Cells, nulls: NDArray[np.bool_] | None) -> pa.Array:
    import pyarrow as pa

    native = _NUMBERS[column.datatype][0]
    big = np.ascontiguousarray(cells.data).reshape(-1).view(f">{native}")
    mask = nulls if nulls is not None and nulls.any() else None
    values = pa.array(big.astype(native), type=kind, mask=mask, from_pandas=False)
    if nulls is not None and pa.types.is_floating(kind) and (column.null or "").strip().lower() == "nan":
        # BINARY2 flags its NULLs, and DaCHS, which declares NaN as null, leaves the flag of a NaN alone.
        return values
    return null_where(values, column)


def _booleans(column: Column, cells: Cells, nulls: NDArray[np.bool_] | None) -> pa.Array:
    import pyarrow as pa

    meanings = _TRUTH[cells.data.reshape(-1)]
    if nulls is not None:
        meanings[nulls] = _NULL
    bad = meanings == _BAD
    if bad.any():
        item = int(np.argmax(bad))
        code = int(cells.data.reshape(-1)[item])
        index = _cell_of(cells, item)
        raise BadCellError(index, f"has the byte {code}, which is no boolean")
    return null_where(pa.array(meanings == _TRUE, mask=meanings == _NULL), column)


def _bits(column: Column, cells: Cells, nulls: NDArray[np.bool_] | None) -> pa.Array:
    import pyarrow as pa

    if cells.lengths is not None:
        # Each cell begins with a byte of its own: take from all bits those that are counted.
        sizes = cells.lengths + 7 >> 3
        starts = 8 * (np.cumsum(sizes) - sizes)
        before = np.cumsum(cells.lengths) - cells.lengths
        places = np.arange(int(cells.lengths.sum())) + np.repeat(starts - before, cells.lengths)
        values = np.unpackbits(cells.data)[places].view(bool)
    elif column.shape:
        values = np.unpackbits(cells.data, axis=1, count=_fixed_items(column)).reshape(-1).view(bool)
    else:
        # The standard's bit is the first of the byte, astropy writes the fifth; padding is 0 in either case.
        values = cells.data.reshape(-1) != 0
    mask = nulls if nulls is not None and nulls.any() else None
    return null_where(pa.array(values, mask=mask), column)


class _StringReader:
    """Strings of ``char`` (UTF-8, of which ASCII is a part) and ``unicodeChar`` (UTF-16); a NUL ends them."""

    def __init__(self, column: Column, *, text_is_null: bool) -> None:
        self._column = column
        self._text_is_null = text_is_null
        self._unit = 2 if column.datatype == "unicodeChar" else 1

    def __call__(self, cells: Cells) -> pa.Array:
        if self._column.shape:
            return self._arrays(cells)
        units, lengths = self._units(cells)
        nulls = cells.nulls
        if self._text_is_null:
            nulls = lengths == 0 if nulls is None else nulls | (lengths == 0)
        return null_where(self._strings(units, lengths, nulls), self._column)

    def _units(self, cells: Cells) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], NDArray[np.int64]]:
        """Code units of all cells one after the other, without what follows a NUL, and how many each cell has."""
        data = np.ascontiguousarray(cells.data)
        if cells.lengths is not None:
            lengths = cells.lengths
            units = data.view(">u2").astype(np.uint16) if self._unit == 2 else data
        else:
            lengths = np.full(len(data), data.shape[1] // self._unit, np.int64)
            if cells.nulls is not None:
                data, lengths[cells.nulls] = data[~cells.nulls], 0
            data = data.reshape(-1)
            units = data.view(">u2").astype(np.uint16) if self._unit == 2 else data
        return _cut_at_nul(units, lengths)

    def _strings(
        self,
        units: NDArray[np.uint8] | NDArray[np.uint16],
        lengths: NDArray[np.int64],
        nulls: NDArray[np.bool_] | None,
    ) -> pa.Array:
        import pyarrow as pa

        bounds = np.zeros(len(lengths) + 1, np.int32)
        np.cumsum(lengths, out=bounds[1:])
        data = units.astype(np.uint8, copy=False)
        if self._unit == 2 and units.size and units.max() >= _ASCII:
            data, bounds = _utf8_of_utf16(units.astype(np.uint16, copy=False), bounds)
        valid = None if nulls is None or not nulls.any() else pa.py_buffer(np.packbits(~nulls, bitorder="little"))
        buffers = [valid, pa.py_buffer(bounds), pa.py_buffer(data)]
        if not data.size or data.max() < _ASCII:
            return pa.Array.from_buffers(pa.string(), len(lengths), buffers)
        raw = pa.Array.from_buffers(pa.binary(), len(lengths), buffers)
        try:
            return raw.cast(pa.string())
        except pa.ArrowInvalid:
            raise self._first_bad(raw) from None

    def _first_bad(self, raw: pa.Array) -> BadCellError:
        for index, value in enumerate(raw.to_pylist()):
            try:
                (value or b"").decode()
            except UnicodeDecodeError:
                return BadCellError(index, f"holds {value[:40]!r}, which is not UTF-8")
        return BadCellError(0, "holds text that is not UTF-8")

    def _arrays(self, cells: Cells) -> pa.Array:
        column = self._column
        assert column.arraysize is not None
        width = int(column.arraysize.split("x")[0])
        count = len(cells.data) if cells.lengths is None else len(cells.lengths)
        nulls = np.zeros(count, bool) if cells.nulls is None else cells.nulls
        data = np.ascontiguousarray(cells.data)
        if cells.lengths is None:
            data = data[~nulls]
            lengths = np.full(count, _fixed_items(column) // width, np.int64)
            lengths[nulls] = 0
        else:
            if (cells.lengths % width).any():
                index = int(np.argmax(cells.lengths % width != 0))
                raise BadCellError(index, f"holds {cells.lengths[index]} characters, not a multiple of {width}")
            lengths = cells.lengths // width
        each = Cells(data.reshape(-1, width * self._unit), None, None)
        units, sizes = self._units(each)
        try:
            strings = self._strings(units, sizes, None)
        except BadCellError as error:
            index = int(np.searchsorted(np.cumsum(lengths), error.index, side="right"))
            raise BadCellError(index, error.reason) from None
        return wrap_items(column, null_where(_without_padding(strings), column), lengths, nulls)


def _without_padding(strings: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return pc.utf8_rtrim(strings, " ")


def _cut_at_nul(
    units: NDArray[np.uint8] | NDArray[np.uint16], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], NDArray[np.int64]]:
    zeros = np.flatnonzero(units == 0)
    if not zeros.size:
        return units, lengths
    stops = np.cumsum(lengths)
    starts = stops - lengths
    # The first NUL at or after the start of each cell, if it lies within the cell.
    following = np.append(zeros, units.size)[np.searchsorted(zeros, starts)]
    kept = np.minimum(following, stops) - starts
    keep = np.arange(units.size) - np.repeat(starts, lengths) < np.repeat(kept, lengths)
    return units[keep], kept


def _utf8_of_utf16(units: NDArray[np.uint16], bounds: NDArray[np.int32]) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    # Each half of a surrogate pair stands for two of the pair's four bytes.
    surrogate = (units >= 0xD800) & (units < 0xE000)
    sizes = 1 + (units > 0x7F) + ((units > 0x7FF) & ~surrogate)
    ends = np.zeros(units.size + 1, np.int32)
    np.cumsum(sizes, out=ends[1:])
    try:
        data = np.frombuffer(units.astype("<u2").tobytes().decode("utf-16-le").encode(), np.uint8)
    except UnicodeDecodeError as error:
        index = int(np.searchsorted(bounds, error.start // 2, side="right")) - 1
        raise BadCellError(index, "holds half a surrogate pair, which is no character") from None
    return data, ends[bounds]


def _fixed_items(column: Column) -> int:
    items = 1
    for part in (column.arraysize or "1").split("x"):
        items *= int(part)
    return items


def _cell_of(cells: Cells, item: int) -> int:
    """Index of the cell that has an item."""
    if cells.lengths is None:
        return item // int(cells.data.shape[1])
    return int(np.searchsorted(np.cumsum(cells.lengths), item, side="right"))
