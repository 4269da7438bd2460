"""Columns of a result in the few types that the formats know.

SQL, a HATS table or a person's own file bring types that neither VOTable nor FITS has. What a format writes is first
made plain: numbers and booleans stay what they are, dates and spans of time are ISO 8601 text, exact decimals are
numbers where a number holds all their digits, and what is nested is JSON text. A structure gives a column for each of
its fields, ``name.field``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa
from ssap_mirror.core.schema import Column

from ssap_query.arrow import kernels
from ssap_query.render.columns.lists import elements_of_fixed, is_array, is_bytes, refixed, relist
from ssap_query.render.renderable import Renderable

__all__ = ["PlainColumn", "plain", "plain_columns", "plain_type"]

# Every decimal number of so many digits has a double of its own; and so many digits fit 64 bits.
_DOUBLE_DIGITS, _LONG_DIGITS = 15, 18
# Digits of an angle behind the point, where a person reads it.
_DIGITS = {"deg": 7, "arcsec": 4}


@dataclass(frozen=True)
class PlainColumn:
    """A column as a format writes it."""

    column: Column
    """What is known of it; the field of a structure has the name of the structure before its own."""
    kind: pa.DataType
    """Arrow type of the values, one of those that `plain_type` gives."""
    path: tuple[int, ...]
    """Which column of the result; then, within structures, which field."""
    is_json: bool = False
    """Whether the values are nested, and their text is JSON."""

    def values(self, batch: pa.RecordBatch) -> pa.Array:
        """Values in some rows, shape (n,)."""
        array = batch.column(self.path[0])
        for number in self.path[1:]:
            array = _storage(array).flatten()[number]  # NULL where the structure is
        return array if array.type.equals(self.kind) else plain(array)

    def rounded(self, batch: pa.RecordBatch) -> pa.Array:
        """Values in some rows as a person reads them, shape (n,): angles to a third of a milliarcsecond."""
        values = self.values(batch)
        digits = _DIGITS.get(self.column.unit or "")
        if digits is None or not pa.types.is_float64(values.type):
            return values
        import pyarrow.compute as pc

        return pc.round(values, digits)


def plain_columns(result: Renderable, *, flatten: bool = True) -> list[PlainColumn]:
    """Columns of a result in plain types.

    Parameters
    ----------
    result : Renderable
        What is going to be written.
    flatten : bool
        Whether structures give a column for each field; else they are JSON.

    Returns
    -------
    list of PlainColumn
        In order; without structures one for each column of the result.
    """
    found: list[PlainColumn] = []
    for number, (column, field) in enumerate(zip(result.schema, result.arrow_schema, strict=True)):
        found += _fields(column, field.type, (number,)) if flatten else [_plain_column(column, field.type, (number,))]
    return found


def _fields(column: Column, kind: pa.DataType, path: tuple[int, ...]) -> Iterator[PlainColumn]:
    kind = _storage_type(kind)
    if not pa.types.is_struct(kind):
        yield _plain_column(column, kind, path)
        return
    for number, field in enumerate(kind):
        inner = replace(Column.from_arrow(field), name=f"{column.name}.{field.name}", verbosity=column.verbosity)
        yield from _fields(inner, field.type, (*path, number))


def _plain_column(column: Column, kind: pa.DataType, path: tuple[int, ...]) -> PlainColumn:
    kind = _storage_type(kind)
    return PlainColumn(column, plain_type(kind), path, is_json=pa.types.is_nested(kind) and not is_array(kind))


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Type that the values of a type have once they are plain.

    Parameters
    ----------
    kind : pyarrow.DataType
        Any type.

    Returns
    -------
    pyarrow.DataType
        Null, bool, an integer, float32, float64, string or binary; or a list, of free or fixed size, of booleans,
        numbers or strings.
    """
    kind = _storage_type(kind)
    if is_array(kind):
        element = plain_type(kind.value_type)
        if pa.types.is_null(element) or pa.types.is_binary(element):
            element = pa.string()
        size = kind.list_size if pa.types.is_fixed_size_list(kind) else -1
        kept = element.equals(kind.value_type) and (size >= 0 or pa.types.is_list(kind))
        return kind if kept else pa.list_(element, size)
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return plain_type(kind.value_type)
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_decimal(kind):
        if kind.scale == 0 and kind.precision <= _LONG_DIGITS:
            return pa.int64()
        return pa.float64() if kind.precision <= _DOUBLE_DIGITS else pa.string()
    if is_bytes(kind):
        return pa.binary()
    simple = pa.types.is_null(kind) or pa.types.is_boolean(kind) or pa.types.is_integer(kind)
    return kind if simple or pa.types.is_floating(kind) else pa.string()


def plain(array: pa.Array) -> pa.Array:
    """Values in the type that `plain_type` says.

    Parameters
    ----------
    array : pyarrow.Array
        Shape (n,), of any type.

    Returns
    -------
    pyarrow.Array
        Shape (n,). NULL stays NULL.
    """
    array = _storage(array)
    kind, wanted = array.type, plain_type(array.type)
    if kind.equals(wanted):
        return array
    if pa.types.is_dictionary(kind):
        return plain(array.dictionary_decode())
    if is_array(kind):
        return _plain_lists(array, wanted)
    if pa.types.is_nested(kind):
        from ssap_query.render.columns.json_values import json_texts

        return json_texts(array)
    if pa.types.is_temporal(kind):
        from ssap_query.render.columns.iso8601 import iso_texts

        return iso_texts(array)
    if pa.types.is_decimal(kind):  # by its digits, which are rounded once; Arrow's own way may be off by the last bit
        return kernels.cast(kernels.cast(array, pa.string()), wanted)
    if pa.types.is_run_end_encoded(kind):
        from pyarrow.compute import run_end_decode

        return plain(run_end_decode(array))
    return kernels.cast(array, wanted)


def _plain_lists(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Make lists with plain elements."""
    if pa.types.is_fixed_size_list(wanted):
        return refixed(array, _plain_elements(elements_of_fixed(array), wanted.value_type))
    if not pa.types.is_list(array.type):
        array = kernels.cast(array, pa.list_(array.type.value_type))
    return relist(array, _plain_elements(kernels.list_flatten(array), wanted.value_type))


def _plain_elements(elements: pa.Array, wanted: pa.DataType) -> pa.Array:
    if is_bytes(elements.type):
        from ssap_query.render.columns.json_values import hex_texts

        return hex_texts(elements)
    found = plain(elements)
    return found if found.type.equals(wanted) else kernels.cast(found, wanted)


def _storage(array: pa.Array) -> pa.Array:
    """Values below a type that somebody has added to Arrow's own."""
    while isinstance(array, pa.ExtensionArray):
        array = array.storage
    return array


def _storage_type(kind: pa.DataType) -> pa.DataType:
    while isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    return kind
