"""What is in the columns of a result, in a table: units, missing values, least and largest, meanings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from ssap_mirror.core.schema import Column, Schema

from ssap_query.render.columns.plain import PlainColumn, plain_columns
from ssap_query.render.renderable import Renderable, pieces

__all__ = ["COLUMNS", "described"]

#: Columns of a description.
COLUMNS = Schema(
    (
        Column("name", "char", "*", verbosity=1, description="Name of the column"),
        Column("unit", "char", "*", verbosity=1, description="VOUnits string"),
        Column("ucd", "char", "*", verbosity=10, description="UCD1+ words"),
        Column("type", "char", "*", verbosity=5, description="VOTable datatype"),
        Column("missing", "double", verbosity=1, description="Share of the rows without a value (NULL or NaN)"),
        Column("least", "char", "*", verbosity=1, description="Least value"),
        Column("largest", "char", "*", verbosity=1, description="Largest value"),
        Column("description", "char", "*", verbosity=1, description="What the values are"),
    )
)


@dataclass
class _Extent:
    """What has been seen of a column."""

    missing: int = 0
    """Values that are NULL or NaN."""
    least: Any = None
    """Least value; None if there is none, or the values have no order."""
    largest: Any = None
    """Largest value."""

    def add(self, array: pa.Array) -> None:
        """Look at some rows."""
        if pa.types.is_floating(array.type):
            array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
        self.missing += array.null_count
        if pa.types.is_nested(array.type) or pa.types.is_null(array.type) or pa.types.is_binary(array.type):
            return
        found = pc.min_max(array.drop_null()).as_py()
        if found["min"] is not None:
            self.least = found["min"] if self.least is None else min(self.least, found["min"])
            self.largest = found["max"] if self.largest is None else max(self.largest, found["max"])


def described(result: Renderable) -> pa.Table:
    """Describe the columns of a result.

    Parameters
    ----------
    result : Renderable
        What is read, once.

    Returns
    -------
    pyarrow.Table
        A row for each column, with the columns `COLUMNS`.
    """
    columns = plain_columns(result)
    extents = [_Extent() for _ in columns]
    for batch in pieces(result):
        for column, extent in zip(columns, extents, strict=True):
            extent.add(column.values(batch))
    rows = [_row(column, extent, len(result)) for column, extent in zip(columns, extents, strict=True)]
    return pa.Table.from_pylist(rows, schema=COLUMNS.arrow_schema())


def _row(plain: PlainColumn, extent: _Extent, rows: int) -> dict[str, Any]:
    column = plain.column
    return {
        "name": column.name,
        "unit": column.unit,
        "ucd": column.ucd,
        "type": column.datatype + (f"[{column.arraysize}]" if column.arraysize else ""),
        "missing": round(extent.missing / rows, 6) if rows else None,
        "least": _shown(extent.least, plain),
        "largest": _shown(extent.largest, plain),
        "description": column.description,
    }


def _shown(value: Any, plain: PlainColumn) -> str | None:
    if value is None:
        return None
    return f"{value:.9g}" if pa.types.is_floating(plain.kind) else str(value)
