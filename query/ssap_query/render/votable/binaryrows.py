"""Rows in the bytes of BINARY and BINARY2 (VOTable 1.4 §5.3, §5.4), made column by column in compiled code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from ssap_mirror.core.schema import Column

from ssap_query.arrow.arrays import as_numpy
from ssap_query.arrow.literals import bits, number, string, strings
from ssap_query.render.columns.cells import data_of
from ssap_query.render.columns.fields import Field

__all__ = ["binary_rows"]

Bytes = NDArray[np.uint8]


def binary_rows(batch: pa.RecordBatch, fields: Sequence[Field], *, null_flags: bool) -> bytes:
    """Bytes of some rows, one after the other.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        At least one row.
    fields : sequence of Field
        The FIELDs, as `ssap_query.render.columns.fields.declare` gives them.
    null_flags : bool
        Whether each row begins with a bit for each of its values, set where it is NULL (BINARY2).

    Returns
    -------
    bytes
        As §5.4 has them.
    """
    arrays = [field.values(batch) for field in fields]
    parts: list[Bytes | pa.Array] = []
    if null_flags:
        missing = np.stack([bits(array.is_null()) for array in arrays], axis=1)
        parts.append(np.packbits(missing, axis=1))
    for array, field in zip(arrays, fields, strict=True):
        parts += _bytes(array, field.column)
    joined = pc.binary_join_element_wise(*_merged(parts), strings([""]).cast(pa.binary())[0])
    return data_of(joined)


def _bytes(array: pa.Array, column: Column) -> list[Bytes | pa.Array]:
    """Bytes of a column: those that have the same length in each row as a matrix, others as an array of bytes."""
    if column.is_text:
        return _text_bytes(array, wide=column.datatype == "unicodeChar")
    if not column.shape:
        return [_matrix(_numbers(array, column.null), 1)]
    elements = _numbers(array.flatten(), column.null)
    if pa.types.is_fixed_size_list(array.type):
        size = array.type.list_size
        missing = _numbers(pa.nulls(1, array.type.value_type), column.null)
        rows = np.repeat(missing, len(array) * size).reshape(-1, size)
        rows[bits(array.is_valid())] = elements.reshape(-1, size)
        return [_matrix(rows.reshape(-1), size)]
    lengths = as_numpy(pc.coalesce(pc.list_value_length(array), number(0, pa.int32()))).astype(np.int64)
    return [_matrix(_counts(lengths, column), 1), _pieces(elements.tobytes(), elements.dtype.itemsize * lengths)]


def _counts(lengths: NDArray[np.int64], column: Column) -> NDArray[np.uint32]:
    """Count the elements of arrays of free length; an element of a complex column is two floats."""
    return (lengths // (2 if column.datatype.endswith("Complex") else 1)).astype(">u4")


def _text_bytes(array: pa.Array, *, wide: bool) -> list[Bytes | pa.Array]:
    filled = pc.coalesce(array, string(""))
    if wide:
        encoded = [text.encode("utf-16-be") for text in filled.to_pylist()]
        units = np.array([len(text) // 2 for text in encoded], ">u4")
        return [_matrix(units, 1), _pieces(b"".join(encoded), 2 * units.astype(np.int64))]
    return [_matrix(as_numpy(pc.binary_length(filled)).astype(">u4"), 1), filled.cast(pa.binary())]


def _pieces(data: bytes, lengths: NDArray[np.int64]) -> pa.Array:
    """Cut bytes into an array of pieces."""
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.Array.from_buffers(pa.binary(), len(lengths), [None, pa.py_buffer(ends), pa.py_buffer(data)])


def _numbers(array: pa.Array, null: str | None) -> NDArray[np.generic]:
    """Values big-endian; a missing float is NaN, a missing integer what stands for it, a missing boolean ``?``."""
    if pa.types.is_boolean(array.type):
        letters = pc.if_else(array, *(number(ord(letter), pa.uint8()) for letter in "TF"))
        return as_numpy(pc.coalesce(letters, number(ord("?"), pa.uint8())))
    if array.null_count:
        missing = float("nan") if pa.types.is_floating(array.type) else int(null or 0)
        array = pc.coalesce(array, number(missing, array.type))
    values = as_numpy(array)
    return values.astype(values.dtype.newbyteorder(">"))


def _matrix(values: NDArray[np.generic], per_row: int) -> Bytes:
    rows = len(values) // per_row if per_row else 0
    return np.ascontiguousarray(values).view(np.uint8).reshape(rows, per_row * values.dtype.itemsize)


def _merged(parts: Sequence[Bytes | pa.Array]) -> list[pa.Array]:
    """Put neighbouring matrices side by side: one array of bytes for each run of columns of fixed length."""
    merged: list[pa.Array] = []
    run: list[Bytes] = []
    for part in [*parts, None]:
        if isinstance(part, np.ndarray):
            run.append(part)
            continue
        if run:
            merged.append(_fixed(np.concatenate(run, axis=1)))
            run = []
        if part is not None:
            merged.append(part)
    return merged


def _fixed(rows: Bytes) -> pa.Array:
    count, width = rows.shape
    return _pieces(rows.tobytes(), np.full(count, width, np.int64))
