"""Arrow tables as data frames of pandas and polars that lose nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from ssap_mirror.errors import needs_extra

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

__all__ = ["compact", "to_pandas", "to_polars"]


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Arrow table as a pandas data frame.

    Parameters
    ----------
    table : pyarrow.Table
        The rows.

    Returns
    -------
    pandas.DataFrame
        Integers and booleans with NULL among them in pandas' nullable types, all else as pyarrow converts it.

    Raises
    ------
    MissingPackageError
        If pandas is not installed.
    """
    with needs_extra("pandas"):
        import pandas as pd

    nullable = {
        pa.int8(): pd.Int8Dtype(),
        pa.int16(): pd.Int16Dtype(),
        pa.int32(): pd.Int32Dtype(),
        pa.int64(): pd.Int64Dtype(),
        pa.uint8(): pd.UInt8Dtype(),
        pa.uint16(): pd.UInt16Dtype(),
        pa.uint32(): pd.UInt32Dtype(),
        pa.uint64(): pd.UInt64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
    }
    # By place, not by name: names may be there twice.
    plain = table.rename_columns([str(i) for i in range(table.num_columns)])
    whole = [i for i, column in enumerate(plain.columns) if column.null_count and column.type in nullable]
    frame = plain.drop_columns([str(i) for i in whole]).to_pandas()
    for i in whole:
        frame.insert(i, str(i), nullable[plain.column(i).type].__from_arrow__(plain.column(i)))
    frame.columns = pd.Index(table.column_names)
    return frame


def to_polars(table: pa.Table) -> pl.DataFrame:
    """Arrow table as a polars data frame.

    Raises
    ------
    MissingPackageError
        If polars is not installed.
    """
    with needs_extra("polars"):
        import polars as pl

    batches = [compact(batch) for batch in table.to_batches()]
    found = pl.from_arrow(pa.Table.from_batches(batches, table.schema))
    if not isinstance(found, pl.DataFrame):
        message = "polars made no data frame of an Arrow table"
        raise TypeError(message)
    return found


def compact(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Copy arrays of fixed size that are parts of longer ones: polars (1.42, 2.1) takes the length of the whole."""
    arrays = [
        array.take(pa.array(range(len(array)), pa.int64())) if _has_fixed(array.type) else array
        for array in batch.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)


def _has_fixed(kind: pa.DataType) -> bool:
    return pa.types.is_fixed_size_list(kind) or any(_has_fixed(kind.field(i).type) for i in range(kind.num_fields))
