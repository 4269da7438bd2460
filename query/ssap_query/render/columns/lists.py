"""Arrow lists and bytes: what they are, and lists of other elements in their place."""

from __future__ import annotations

import pyarrow as pa

from ssap_query.arrow import kernels
from ssap_query.arrow.literals import number

__all__ = ["bytes_as_numbers", "elements_of_fixed", "is_array", "is_bytes", "refixed", "relist"]


def is_array(kind: pa.DataType) -> bool:
    """Whether values of a type are one-dimensional arrays."""
    is_list = (
        pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_fixed_size_list(kind)
        or pa.types.is_list_view(kind)
        or pa.types.is_large_list_view(kind)
    )
    return bool(is_list and not pa.types.is_nested(kind.value_type))


def is_bytes(kind: pa.DataType) -> bool:
    """Whether values of a type are bytes that are no text."""
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )


def relist(column: pa.Array, elements: pa.Array) -> pa.Array:
    """Make lists as long as those of a column out of other elements; missing lists stay missing."""
    none = number(0, pa.int32())
    lengths = kernels.coalesce(kernels.cast(kernels.list_value_length(column), pa.int32()), none)
    offsets = pa.concat_arrays([pa.repeat(none, 1), kernels.cumulative_sum(lengths)])
    valid = kernels.is_valid(column).buffers()[1] if column.null_count else None
    buffers = [valid, offsets.buffers()[1]]
    return pa.Array.from_buffers(pa.list_(elements.type), len(column), buffers, children=[elements])


def elements_of_fixed(column: pa.Array) -> pa.Array:
    """Elements of arrays of fixed size, those that a missing array would have among them."""
    size = column.type.list_size
    return column.values.slice(size * column.offset, size * len(column))


def refixed(column: pa.Array, elements: pa.Array) -> pa.Array:
    """Make arrays of fixed size out of other elements, as many as `elements_of_fixed` gives."""
    missing = column.is_null() if column.null_count else None
    return pa.FixedSizeListArray.from_arrays(elements, column.type.list_size, mask=missing)


def bytes_as_numbers(column: pa.Array) -> pa.Array:
    """Make lists of unsigned 8-bit integers of values of the type binary; the bytes are not copied."""
    valid, offsets, data = column.buffers()
    count = 0 if data is None else data.size
    numbers = pa.Array.from_buffers(pa.uint8(), count, [None, data if count else pa.py_buffer(b"")])
    return pa.Array.from_buffers(
        pa.list_(pa.uint8()), len(column), [valid, offsets], offset=column.offset, children=[numbers]
    )
