"""Numbers between numpy and Arrow, without a copy where that can be.

``pyarrow.array`` and ``Array.to_numpy`` import pandas to see whether they deal with a Series, which takes longer than a
cone; these do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from ssap_mirror.core.quantities.points import location_arrays

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["as_arrow", "as_numpy", "coordinates", "points", "taken"]

_PAIR = 2


def as_arrow(values: NDArray[Any]) -> pa.Array:
    """Make an Arrow array of numpy numbers or truths.

    Parameters
    ----------
    values : numpy.ndarray of a numeric type or bool, shape (n,)
        The values.

    Returns
    -------
    pyarrow.Array, shape (n,)
        Of the same type, without NULLs.
    """
    import pyarrow as pa

    # Arrow has a bit for a truth.
    contiguous = np.packbits(values, bitorder="little") if values.dtype == np.bool_ else np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(contiguous)])


def as_numpy(array: pa.Array) -> NDArray[Any]:
    """Make a numpy array of Arrow numbers.

    Parameters
    ----------
    array : pyarrow.Array of a numeric type, shape (n,)
        The numbers; only floats may have NULLs.

    Returns
    -------
    numpy.ndarray, shape (n,)
        Of the same type; NULL is NaN.
    """
    if not len(array):  # there may be no buffers then
        return np.empty(0, array.type.to_pandas_dtype())
    rows = slice(array.offset, array.offset + len(array))
    values: NDArray[Any] = np.frombuffer(array.buffers()[1], array.type.to_pandas_dtype())[rows]
    if array.null_count:
        values = np.where(_valid(array), values, values.dtype.type(np.nan))
    return values


def _valid(array: pa.Array) -> NDArray[np.bool_]:
    bits = np.unpackbits(np.frombuffer(array.buffers()[0], np.uint8), bitorder="little")
    return bits[array.offset : array.offset + len(array)].astype(np.bool_)


def points(array: pa.Array) -> NDArray[np.float64]:
    """Make a numpy array of an Arrow array of points.

    Parameters
    ----------
    array : pyarrow.Array, shape (n,)
        ``fixed_size_list`` or ``list`` of two floats.

    Returns
    -------
    numpy.ndarray of float64, shape (n, 2)
        NaN for NULL and for what is not two numbers.
    """
    import pyarrow as pa

    if not pa.types.is_fixed_size_list(array.type) or array.type.list_size != _PAIR:
        return np.stack(location_arrays(array), axis=1)
    first, last = _PAIR * array.offset, _PAIR * (array.offset + len(array))
    values = as_numpy(array.values.slice(first, last - first)).astype(np.float64).reshape(-1, _PAIR)
    if array.null_count:
        valid = _valid(array)
        values = np.where(valid[:, None], values, np.nan)
    return values


def coordinates(columns: Sequence[pa.Array]) -> NDArray[np.float64]:
    """Make a numpy array of the columns of a position.

    Parameters
    ----------
    columns : sequence of pyarrow.Array, shape (n,)
        One of points, or two of floats.

    Returns
    -------
    numpy.ndarray of float64, shape (n, 2)
        NaN for NULL and for what is not two numbers.
    """
    if len(columns) == 1:
        return points(columns[0])
    return np.stack([as_numpy(column).astype(np.float64) for column in columns], axis=1)


def taken(arrays: Mapping[str, pa.Array], rows: NDArray[np.int64]) -> dict[str, pa.Array]:
    """Take rows of columns, of all at once.

    Parameters
    ----------
    arrays : mapping of str to pyarrow.Array, shape (N,)
        The columns.
    rows : numpy.ndarray of int64, shape (n,)
        Which rows.

    Returns
    -------
    dict of str to pyarrow.Array, shape (n,)
        Dictionaries are undone.
    """
    import pyarrow as pa

    from ssap_query.arrow import kernels

    if not arrays:
        return {}
    whole = pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays))
    columns = kernels.take(whole, as_arrow(rows)).columns
    return {
        name: kernels.cast(column, column.type.value_type) if isinstance(column, pa.DictionaryArray) else column
        for name, column in zip(arrays, columns, strict=True)
    }
