"""Bytes of numbers, booleans and bits -> Arrow values (VOTable 1.5 §6)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core.schema import Column
from ssap_mirror.tables.votable.cells import NUMBERS, BadCellError, Cells, fixed_items
from ssap_mirror.tables.votable.text import item_type, items_of_slice, null_where, wrap_items

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["number_reader"]

_FALSE, _TRUE, _NULL, _BAD = range(4)
_TRUTH = np.full(256, _BAD, np.uint8)
for _codes, _meaning in ((b"Ff0", _FALSE), (b"Tt1", _TRUE), (b"\x00 ?", _NULL)):
    _TRUTH[list(_codes)] = _meaning


def number_reader(column: Column) -> Callable[[Cells], pa.Array]:
    """Choose what turns the cells of a column without text into Arrow values; it raises `BadCellError`."""
    others = {"boolean": _booleans, "bit": _bits}
    items = others.get(column.datatype) or partial(_numbers, item_type(column))
    if column.shape or column.datatype.endswith("Complex"):
        return lambda cells: _in_lists(column, cells, items)
    return lambda cells: items(column, cells, cells.nulls)


def _in_lists(column: Column, cells: Cells, items: Callable[[Column, Cells, None], pa.Array]) -> pa.Array:
    lengths, nulls = cells.lengths, cells.nulls
    per_item = NUMBERS.get(column.datatype, ("", 1))[1]
    if lengths is None:
        count = len(cells.data)
        if nulls is not None and nulls.any():
            cells = Cells(cells.data[~nulls], None, None)
        lengths = np.full(count, fixed_items(column) * per_item, np.int64)
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

    native = NUMBERS[column.datatype][0]
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
        values = np.unpackbits(cells.data, axis=1, count=fixed_items(column)).reshape(-1).view(bool)
    else:
        # The standard's bit is the first of the byte, astropy writes the fifth; padding is 0 in either case.
        values = cells.data.reshape(-1) != 0
    mask = nulls if nulls is not None and nulls.any() else None
    return null_where(pa.array(values, mask=mask), column)


def _cell_of(cells: Cells, item: int) -> int:
    """Index of the cell that has an item."""
    if cells.lengths is None:
        return item // int(cells.data.shape[1])
    return int(np.searchsorted(np.cumsum(cells.lengths), item, side="right"))
