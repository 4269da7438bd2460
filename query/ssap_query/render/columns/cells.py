"""Arrow columns as columns of text, and columns of text as lines; all of it in compiled code, a batch at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from ssap_query.arrow import kernels as pc
from ssap_query.arrow.literals import number, string, strings
from ssap_query.render.columns.lists import is_array, relist

__all__ = [
    "TextStyle",
    "data_of",
    "is_text",
    "join_rows",
    "joined_with",
    "json_strings",
    "shortened",
    "string_values",
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
        Shape (n,), of a type that `ssap_query.render.columns.plain.plain_type` gives.
    style : TextStyle
        The format's spellings.

    Returns
    -------
    pyarrow.StringArray
        Shape (n,), without nulls. Floats have the shortest text that reads back as the same value of their own width,
        bytes are hexadecimal digits.
    """
    return pc.coalesce(_texts(column, style), string(style.null))


def _texts(column: pa.Array, style: TextStyle) -> pa.Array:
    kind = column.type
    if pa.types.is_floating(kind):
        return _float_texts(column, style)
    if pa.types.is_integer(kind):
        return pc.cast(column, pa.string())
    if pa.types.is_boolean(kind):
        return pc.if_else(column, *map(string, style.true_false))
    if is_array(kind):
        return _array_texts(column, style)
    return style.strings(string_values(column))


def string_values(column: pa.Array) -> pa.Array:
    """Values that are neither numbers nor arrays of numbers as unquoted strings.

    Parameters
    ----------
    column : pyarrow.Array
        Shape (n,), of strings, bytes, lists of strings, or NULL throughout.

    Returns
    -------
    pyarrow.StringArray
        Text as it is, bytes as hexadecimal digits, lists as JSON.
    """
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_binary(kind):
        from ssap_query.render.columns.json_values import hex_texts

        return hex_texts(column)
    if is_array(kind):
        return strings(None if v is None else json.dumps(v, ensure_ascii=False) for v in column.to_pylist())
    return pc.cast(column, pa.string())


def is_text(kind: pa.DataType) -> bool:
    """Whether values of a type are text, lists of text, or NULL throughout."""
    return pa.types.is_string(kind) or pa.types.is_null(kind) or (is_array(kind) and is_text(kind.value_type))


def _float_texts(column: pa.Array, style: TextStyle) -> pa.Array:
    found = pc.cast(column, pa.string())
    if pc.all(pc.is_finite(column), min_count=0).as_py():
        return found
    for text, spelled in zip(("nan", "inf", "-inf"), style.specials, strict=True):
        found = pc.if_else(pc.equal(found, string(text)), string(spelled), found)
    return found


def _array_texts(column: pa.Array, style: TextStyle) -> pa.Array:
    opened, between, closed = style.array
    elements = pc.list_flatten(column)
    values = json_strings(elements) if pa.types.is_string(elements.type) else _texts(elements, style)
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


def shortened(column: pa.Array, longest: int) -> pa.Array:
    """Cut strings that are longer than so many characters, with an ellipsis at the end."""
    from pyarrow import compute

    too_long = compute.greater(compute.utf8_length(column), number(longest, pa.int32()))
    cut = joined_with("", compute.utf8_slice_codeunits(column, 0, longest - 1), string("…"))
    return pc.if_else(too_long, cut, column)


def data_of(column: pa.Array) -> bytes:
    """Bytes of the values of a freshly made array of strings or bytes, one after the other."""
    return bytes(memoryview(column.buffers()[2])[: pc.sum(pc.binary_length(column)).as_py()])
