"""ECSV files (astropy APE 6). They are read whole: the format is meant for tables that one can also read by eye."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import FormatError
from ssap_mirror.tables.numpy_arrays import arrow_array, arrow_field
from ssap_mirror.tables.tablefile import TableFile

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["open_ecsv"]


def open_ecsv(path: Path, batch_rows: int) -> TableFile:
    """Open an ECSV file. An empty cell is NULL, in quotes or not, as astropy has it.

    Raises
    ------
    FormatError
        If it is damaged, or has columns that are not plain (times, coordinates).
    """
    import pyarrow as pa
    from astropy.table import Table

    try:
        read = Table.read(path, format="ascii.ecsv")
    except (ValueError, TypeError, KeyError, IndexError, UnicodeError) as error:
        message = f"a damaged ECSV file: {' '.join(str(error).split())[:300]}"
        raise FormatError(message) from error
    columns = {name: _array(name, read[name]) for name in read.colnames}
    fields = [_field(name, read[name], columns[name].type) for name in read.colnames]
    table = pa.table(columns, schema=pa.schema(fields))

    def batches(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        yield from table.select(list(names)).to_batches(batch_rows)

    return TableFile("ECSV", Schema.from_arrow(table.schema), table.schema, batches, rows=table.num_rows)


def _array(name: str, column: Any) -> pa.Array:
    from astropy.table import Column

    if not isinstance(column, Column):
        message = f"column {name!r} is a {type(column).__name__}; only numbers, text and arrays of them are read"
        raise FormatError(message)
    values = np.ma.getdata(column.data)
    mask = np.ma.getmaskarray(column.data) if isinstance(column.data, np.ma.MaskedArray) else None
    return arrow_array(name, values, mask)


def _field(name: str, column: Any, kind: pa.DataType) -> pa.Field:
    unit = column.unit
    text = None if unit is None else _unit(unit)
    said = {key: str(column.meta[key]) for key in ("ucd", "utype") if column.meta.get(key)}
    if column.dtype.kind == "U" and column.ndim > 1:
        said |= {"datatype": "unicodeChar", "arraysize": f"{column.dtype.itemsize // 4}x{column[0].size}"}
    return arrow_field(name, kind, unit=text, description=column.description, **said)


def _unit(unit: Any) -> str:
    for form in ("vounit", "fits"):
        try:
            return str(unit.to_string(format=form))
        except ValueError:
            continue
    return str(unit)
