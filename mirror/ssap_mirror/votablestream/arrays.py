"""Arrow list arrays out of flat values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

__all__ = ["fixed_lists", "free_lists"]


def fixed_lists(values: pa.Array, kind: pa.DataType, present: Sequence[bool]) -> pa.Array:
    """Make lists of one length.

    Parameters
    ----------
    values : pyarrow.Array
        Elements of the rows that are present, one after another.
    kind : pyarrow.FixedSizeListType
        Type of the result.
    present : sequence of bool, shape (rows,)
        Which rows are not NULL.
    """
    here = np.asarray(present, bool)
    if here.all():
        return pa.FixedSizeListArray.from_arrays(values, type=kind)
    # A NULL row has elements too, in Arrow: each takes those of the last row before it.
    row = np.maximum(np.cumsum(here) - 1, 0)
    places = (row[:, None] * kind.list_size + np.arange(kind.list_size)).ravel()
    filled = values.take(pa.array(places)) if len(values) else pa.nulls(len(places), kind.value_type)
    return pa.FixedSizeListArray.from_arrays(filled, type=kind, mask=pa.array(~here))


def free_lists(values: pa.Array, lengths: Sequence[int], kind: pa.DataType, present: Sequence[bool]) -> pa.Array:
    """Make lists of any length; ``values`` holds nothing for rows that are NULL."""
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    here = np.asarray(present, bool)
    mask = None if here.all() else pa.array(~here)
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=kind, mask=mask)
