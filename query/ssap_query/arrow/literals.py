"""Arrow scalars and arrays of Python text and numbers.

``pyarrow.scalar`` and ``pyarrow.array`` import pandas where it is installed, to see whether they deal with a Series;
that takes as long as all the rest of a small query. What is made of buffers does not import it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["bits", "number", "string", "strings"]


@lru_cache(maxsize=256)
def string(text: str) -> pa.Scalar:
    """Make a string scalar."""
    return strings([text])[0]


def strings(values: Iterable[str | None]) -> pa.Array:
    """Make an array of strings, shape (n,); None is NULL."""
    encoded = [None if value is None else value.encode() for value in values]
    offsets = np.zeros(len(encoded) + 1, np.int32)
    np.cumsum([len(value or b"") for value in encoded], out=offsets[1:])
    valid = np.packbits([value is not None for value in encoded], bitorder="little") if None in encoded else None
    data = b"".join(value or b"" for value in encoded)
    buffers = [None if valid is None else pa.py_buffer(valid), pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers)


def bits(array: pa.Array) -> NDArray[np.bool_]:
    """Values of a boolean array without NULLs, shape (n,)."""
    found = np.unpackbits(np.frombuffer(array.buffers()[1], np.uint8), bitorder="little")
    return found[array.offset : array.offset + len(array)].astype(np.bool_)


def number(value: float, kind: pa.DataType) -> pa.Scalar:
    """Make a scalar of a numeric type."""
    data = np.array([value], kind.to_pandas_dtype())
    return pa.Array.from_buffers(kind, 1, [None, pa.py_buffer(data)])[0]
