"""From NumPy to Arrow columns of a service's own types."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from ssap_mirror.core.schema import Column


def as_column(values: Any, column: Column, rows: int) -> pa.Array:
    """Make an Arrow array in the column's own type.

    Parameters
    ----------
    values
        An Arrow array; a NumPy array of shape (rows,) or (rows, k), NULL where masked; one value for all rows, None for
        NULL.
    column
        Which column.
    rows
        How many.

    Returns
    -------
    pyarrow.Array
        Of `column.arrow_type()`. A row of a two-dimensional array is NULL if all its elements are masked.
    """
    kind = column.arrow_type()
    if isinstance(values, pa.Array):
        return values
    if values is None:
        return pa.nulls(rows, kind)
    if isinstance(values, (str, float)):
        return pa.repeat(pa.scalar(values, kind), rows)
    mask = np.ma.getmaskarray(values)
    data = np.ma.getdata(values)
    if data.ndim == 1:
        return pa.array(data, mask=mask).cast(kind, safe=False)
    elements = pa.array(data.ravel(), mask=mask.ravel()).cast(kind.value_type, safe=False)
    return pa.FixedSizeListArray.from_arrays(elements, type=kind, mask=pa.array(mask.all(axis=1)))
