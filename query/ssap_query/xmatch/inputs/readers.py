"""Rows of a match as an astropy Table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa
    from astropy.table import Table as AstropyTable

__all__ = ["to_astropy"]


def to_astropy(table: pa.Table) -> AstropyTable:
    """Astropy Table with units, descriptions and UCDs (``info.meta["ucd"]``); NULL is masked, NaN stays NaN."""
    import numpy as np
    import pyarrow as pa
    from astropy.table import Column, MaskedColumn, Table

    made = Table()
    for field, chunks in zip(table.schema, table.columns, strict=True):
        array = chunks.combine_chunks()
        gone = np.asarray(array.is_null())
        if pa.types.is_fixed_size_list(field.type):
            flat = pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
            values = np.array(flat.to_pylist(), dtype=object)
        elif pa.types.is_floating(field.type) or pa.types.is_integer(field.type) or pa.types.is_boolean(field.type):
            values = np.asarray(array.fill_null(False if pa.types.is_boolean(field.type) else 0))
        else:
            values = np.array(["" if v is None else str(v) for v in array.to_pylist()])
        known = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        kind = {"unit": known.get("unit"), "description": known.get("description"), "name": field.name}
        column = MaskedColumn(values, mask=gone, **kind) if gone.any() else Column(values, **kind)
        if "ucd" in known:
            column.info.meta = {"ucd": known["ucd"]}
        made.add_column(column)
    return made
