"""Bytes of strings -> Arrow values (VOTable 1.5 §6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core.schema import Column
from ssap_mirror.tables.votable.cells import BadCellError, Cells, fixed_items
from ssap_mirror.tables.votable.text import null_where, wrap_items

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["StringReader"]

_ASCII = 128


class StringReader:
    """Reads ``char`` (UTF-8, of which ASCII is a part) and ``unicodeChar`` (UTF-16); a NUL ends a string.

    Parameters
    ----------
    column : Column
        What the cells hold.
    empty_is_null : bool
        Whether an empty string is NULL.
    """

    def __init__(self, column: Column, *, empty_is_null: bool) -> None:
        self._column = column
        self._empty_is_null = empty_is_null
        self._unit = 2 if column.datatype == "unicodeChar" else 1

    def __call__(self, cells: Cells) -> pa.Array:
        """Arrow values of some cells; raises `BadCellError`."""
        if self._column.shape:
            return self._arrays(cells)
        units, lengths = self._units(cells)
        nulls = cells.nulls
        if self._empty_is_null:
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
        import pyarrow.compute as pc

        column = self._column
        assert column.arraysize is not None
        width = int(column.arraysize.split("x")[0])
        count = len(cells.data) if cells.lengths is None else len(cells.lengths)
        nulls = np.zeros(count, bool) if cells.nulls is None else cells.nulls
        data = np.ascontiguousarray(cells.data)
        if cells.lengths is None:
            data = data[~nulls]
            lengths = np.full(count, fixed_items(column) // width, np.int64)
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
        # Blanks fill up what TABLEDATA has no NUL for, so they are none of the string here either.
        return wrap_items(column, null_where(pc.utf8_rtrim(strings, " "), column), lengths, nulls)


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
