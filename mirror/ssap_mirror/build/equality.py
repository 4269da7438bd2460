"""Which rows differ: value by value, NULL equal to NULL and NaN to NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["unequal"]


def unequal(left: pa.Array, right: pa.Array) -> NDArray[np.bool_]:
    """Compare two columns row by row.

    Parameters
    ----------
    left, right : pyarrow.Array, shape (N,)
        Of one type: scalars, or lists of any depth.

    Returns
    -------
    numpy.ndarray of bool, shape (N,)
        Whether the values differ. NULL equals NULL alone, NaN equals NaN alone; -0 equals 0.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    differ: NDArray[np.bool_] = _mask(left.is_null()) != _mask(right.is_null())
    if pa.types.is_nested(left.type):
        lengths = pc.list_value_length(left)
        differ |= _mask(pc.not_equal(lengths, pc.list_value_length(right)))
        alike = pa.array(~differ & _mask(left.is_valid()))
        sizes = lengths.filter(alike).to_numpy()
        inner = unequal(left.filter(alike).flatten(), right.filter(alike).flatten())
        # Number of unequal elements before each: lists may be empty, which numpy's reduceat cannot do.
        before = np.concatenate([[0], np.cumsum(inner)])
        ends = np.cumsum(sizes)
        differ[_mask(alike)] = before[ends] != before[ends - sizes]
    elif pa.types.is_floating(left.type):
        one, other = (side.to_numpy(zero_copy_only=False) for side in (left, right))
        differ |= (one != other) & ~(np.isnan(one) & np.isnan(other))
    else:
        differ |= _mask(pc.not_equal(left, right))
    return differ


def _mask(array: pa.BooleanArray) -> NDArray[np.bool_]:
    """Arrow booleans as numpy's, NULL as False."""
    values: NDArray[np.bool_] = array.fill_null(fill_value=False).to_numpy(zero_copy_only=False)
    return values
