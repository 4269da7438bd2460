"""Columns as everything behind the door can have them: types that others know, and names that SQL can tell apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ssap_mirror.core.schema.column_names import told_apart
from ssap_mirror.errors import FormatError
from ssap_mirror.tables.table import Table

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["plain_type", "tidied"]

# Digits of the widest decimal number of DuckDB and of most other programs
_DECIMAL_DIGITS = 38


def tidied(table: Table) -> Table:
    """Give a table's columns plain types, and names that are neither empty nor alike in SQL.

    SQL does not tell ``Rmag`` from ``rmag``, and would give the values of one for the other. So all names that differ
    in case alone get a number behind them; the name in the source stays known (`Column.source_name`).

    Raises
    ------
    FormatError
        If two columns have the same name.
    """
    import pyarrow as pa

    given = table.types.names
    doubled = next((name for number, name in enumerate(given) if name in given[:number]), None)
    if doubled:
        message = f"two of its columns are called {doubled!r}"
        raise FormatError(message)
    names, notes = told_apart(given)
    fields = []
    for field, name in zip(table.types, names, strict=True):
        metadata = dict(field.metadata or {}) | ({} if name == field.name else {b"source_name": field.name.encode()})
        fields.append(pa.field(name, plain_type(field.type), metadata=metadata or None))
    types = pa.schema(fields)
    if names == given and types.types == table.types.types:
        return table
    source = dict(zip(names, given, strict=True))

    def read(wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        schema = pa.schema([types.field(name) for name in wanted])
        for batch in table.read([source[name] for name in wanted]):
            columns = [plain_array(column, field.type) for column, field in zip(batch.columns, schema, strict=True)]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    memory = table.in_memory
    if memory is not None:
        chunked = [
            pa.chunked_array([plain_array(chunk, field.type) for chunk in column.chunks], field.type)
            for column, field in zip(memory.columns, types, strict=True)
        ]
        memory = pa.Table.from_arrays(chunked, schema=types)
    return replace(
        table,
        types=types,
        read=read,
        in_memory=memory,
        plain_parquet=table.plain_parquet and names == given,
        opening_notes=(*table.opening_notes, *notes),
    )


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Type of the same values without what only Arrow has: dictionaries, runs, views, extensions, half precision."""
    import pyarrow as pa

    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return plain_type(kind.storage_type)
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return plain_type(kind.value_type)
    if types.is_float16(kind):
        return pa.float32()
    if types.is_string_view(kind):
        return pa.string()
    if types.is_binary_view(kind) or types.is_fixed_size_binary(kind):
        return pa.binary()
    if types.is_decimal(kind) and kind.precision > _DECIMAL_DIGITS:
        return pa.float64()
    if types.is_decimal(kind):
        return pa.decimal128(kind.precision, kind.scale)
    if types.is_fixed_size_list(kind):
        return pa.list_(plain_type(kind.value_type), kind.list_size)
    if types.is_list(kind) or types.is_list_view(kind):
        return pa.list_(plain_type(kind.value_type))
    if types.is_large_list(kind) or types.is_large_list_view(kind):
        return pa.large_list(plain_type(kind.value_type))
    return kind


def plain_array(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Values as a type that `plain_type` gave."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if values.type == kind:
        return values
    if isinstance(values.type, pa.BaseExtensionType):
        return plain_array(values.storage, kind)
    if pa.types.is_run_end_encoded(values.type):
        return plain_array(pc.run_end_decode(values), kind)
    return values.cast(kind)
