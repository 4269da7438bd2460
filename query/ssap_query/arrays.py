"""Numbers between numpy and Arrow, without a copy where that can be.

``pyarrow.array`` and ``Array.to_numpy`` import pandas to see whether they deal with a Series, which takes longer than a
cone; these do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["as_arrow", "as_numpy"]


def as_arrow(values: NDArray[Any]) -> pa.Array:
    """Make an Arrow array of numpy numbers.

    Parameters
    ----------
    values : numpy.ndarray of a numeric type, shape (n,)
        The numbers.

    Returns
    -------
    pyarrow.Array, shape (n,)
        Of the same type, without NULLs.
    """
    import pyarrow as pa

    contiguous = np.ascontiguousarray(values)
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
    validity, data = array.buffers()
    rows = slice(array.offset, array.offset + len(array))
    values: NDArray[Any] = np.frombuffer(data, array.type.to_pandas_dtype())[rows]
    if array.null_count:
        valid = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")[rows]
        values = np.where(valid, values, values.dtype.type(np.nan))
    return values
