"""Arrow columns as columns of text, and columns of text as lines; all of it in compiled code, a batch at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from ssap_query.arrow import kernels as pc
from ssap_query.arrow.literals import number, string, strings

__all__ = [
    "TextStyle",
    "data_of",
    "is_text_like",
    "join_rows",
    "joined_with",
    "json_strings",
    "plain_strings",
    "relist",
    "texts",
]


@dataclass(frozen=True)
class TextStyle:
    """How one format spells the values that formats spell differently."""

    null: str
    """A missing value."""
    specials: tuple[str, str, str]
    """NaN, positive and negative infinity."""
    true_false: tuple[str, str]
    """The two booleans."""
    strings: Callable[[pa.Array], pa.Array]
    """Quotes or escapes an array of strings."""
    array: tuple[str, str, str]
    """What opens an array, stands between its elements, and closes it."""
    missing_element: str
    """A missing element of an array."""
    quote_arrays: Callable[[pa.Array], pa.Array] | None = None
    """Quotes the text of an array; None where it never needs quotes."""


def texts(column: pa.Array, style: TextStyle) -> pa.Array:
    """Text of each value of a column.

    Parameters
    ----------
    column : pyarrow.Array
        Shape (n,), of any type.
    style : TextStyle
        The format's spellings.

    Returns
    -------
    pyarrow.StringArray
        Shape (n,), without nulls. Floats have the shortest text that reads back as the same value of their own width.
    """
    return pc.coalesce(_texts(column, style), string(style.null))


def _texts(column: pa.Array, style: TextStyle) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _texts(column.dictionary_decode(), style)
    if pa.types.is_null(kind):
        return pa.nulls(len(column), pa.string())
    if pa.types.is_floating(kind):
        return _float_texts(column, style)
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return pc.cast(column, pa.string())
    if pa.types.is_boolean(kind):
        return pc.if_else(column, *map(string, style.true_false))
    if is_array(kind):
        return _array_texts(column, style)
    return style.strings(plain_strings(column))


def plain_strings(column: pa.Array) -> pa.Array:
    """Values that are neither numbers nor arrays of numbers as unquoted strings.

    Parameters
    ----------
    column : pyarrow.Array
        Shape (n,).

    Returns
    -------
    pyarrow.StringArray
        Text as it is, ISO 8601 for times, JSON for what is nested.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return plain_strings(column.dictionary_decode())
    if pa.types.is_timestamp(kind):
        return pc.replace_substring(pc.cast(column, pa.string()), " ", "T", max_replacements=1)
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return strings(None if v is None else json.dumps(v, default=str) for v in column.to_pylist())
    return column if pa.types.is_string(kind) else pc.cast(column, pa.string())


def is_text_like(kind: pa.DataType) -> bool:
    """Whether values of a type are neither numbers or booleans nor arrays of them."""
    if is_array(kind):
        return is_text_like(kind.value_type)
    return not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def is_array(kind: pa.DataType) -> bool:
    """Whether values of a type are one-dimensional arrays."""
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return is_list and not pa.types.is_nested(kind.value_type)


def relist(column: pa.Array, elements: pa.Array) -> pa.Array:
    """Make lists as long as those of a column out of other elements; missing lists stay missing."""
    none = number(0, pa.int32())
    lengths = pc.coalesce(pc.cast(pc.list_value_length(column), pa.int32()), none)
    offsets = pa.concat_arrays([pa.repeat(none, 1), pc.cumulative_sum(lengths)])
    valid = pc.is_valid(column).buffers()[1] if column.null_count else None
    buffers = [valid, offsets.buffers()[1]]
    return pa.Array.from_buffers(pa.list_(elements.type), len(column), buffers, children=[elements])


def _float_texts(column: pa.Array, style: TextStyle) -> pa.Array:
    if pa.types.is_float16(column.type):
        column = pc.cast(column, pa.float32())
    found = pc.cast(column, pa.string())
    if pc.all(pc.is_finite(column), min_count=0).as_py():
        return found
    for text, spelled in zip(("nan", "inf", "-inf"), style.specials, strict=True):
        found = pc.if_else(pc.equal(found, string(text)), string(spelled), found)
    return found


def _array_texts(column: pa.Array, style: TextStyle) -> pa.Array:
    opened, between, closed = style.array
    elements = pc.list_flatten(column)
    values = json_strings(plain_strings(elements)) if is_text_like(elements.type) else _texts(elements, style)
    joined = pc.binary_join(relist(column, pc.coalesce(values, string(style.missing_element))), string(between))
    if opened:
        joined = joined_with("", string(opened), joined, string(closed))
    return joined if style.quote_arrays is None else style.quote_arrays(joined)


def json_strings(column: pa.Array) -> pa.Array:
    """Strings as JSON strings, in their quotes (RFC 8259 §7)."""
    if pc.any(pc.match_substring_regex(column, "[\x00-\x1f\x7f]")).as_py():
        return strings(None if v is None else json.dumps(v, ensure_ascii=False) for v in column.to_pylist())
    escaped = pc.replace_substring(pc.replace_substring(column, "\\", "\\\\"), '"', '\\"')
    return joined_with("", string('"'), escaped, string('"'))


def join_rows(columns: Sequence[pa.Array], opening: str, between: str, closing: str) -> bytes:
    """Lines of text from columns of text.

    Parameters
    ----------
    columns : sequence of pyarrow.StringArray
        At least one, each of shape (n,) and without nulls.
    opening, between, closing : str
        What stands before the first value of a row, between two values, and after the last.

    Returns
    -------
    bytes
        UTF-8, all rows one after the other.
    """
    return data_of(joined_with("", string(opening), joined_with(between, *columns), string(closing)))


def joined_with(between: str, *parts: pa.Array | pa.Scalar) -> pa.Array:
    """Join strings row by row; the row of a NULL is NULL."""
    return pc.binary_join_element_wise(*parts, string(between))


def data_of(column: pa.Array) -> bytes:
    """Bytes of the values of a freshly made array of strings or bytes, one after the other."""
    return bytes(memoryview(column.buffers()[2])[: pc.sum(pc.binary_length(column)).as_py()])
