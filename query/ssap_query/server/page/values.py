"""Columns and cells for the page, as JSON can hold them."""

from __future__ import annotations

import math
from datetime import date, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from ssap_mirror.core.schema import Column

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["cells", "described", "is_number"]

# JavaScript rounds larger integers.
_LARGEST_INTEGER = 1 << 53
_NUMBERS = frozenset({"unsignedByte", "short", "int", "long", "float", "double"})


def is_number(column: Column) -> bool:
    """Whether a column has one number in each row."""
    return column.datatype in _NUMBERS and not column.shape


def described(column: Column) -> dict[str, Any]:
    """Describe a column."""
    return {
        "name": column.name,
        "unit": column.unit,
        "ucd": column.ucd,
        "description": column.description,
        "number": is_number(column),
        "verb": max(1, -(-column.verbosity // 10)),
    }


def cells(table: pa.Table) -> list[list[Any]]:
    """Rows of a table, each a list."""
    import pyarrow as pa

    columns = []
    for column in table.columns:
        kind = column.type
        while pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind) or pa.types.is_large_list(kind):
            kind = kind.value_type
        single = pa.types.is_float32(kind)
        columns.append([_plain(value, single=single) for value in column.to_pylist()])
    return [list(row) for row in zip(*columns, strict=True)]


def _plain(value: Any, *, single: bool = False) -> Any:
    """Make a value that JSON can hold; NaN, infinities and integers that would be rounded become text.

    A number of single precision gets the digits that it has: 50.15, not 50.150001525878906.
    """
    if isinstance(value, float):
        if math.isfinite(value):
            return float(str(np.float32(value))) if single else value
        return "NaN" if math.isnan(value) else f"{'-' * (value < 0)}Infinity"
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST_INTEGER else str(value)
    if isinstance(value, list | tuple):
        return [_plain(item, single=single) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if isinstance(value, Decimal | timedelta) else value
