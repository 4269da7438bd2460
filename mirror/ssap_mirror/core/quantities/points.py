"""Pairs of coordinates in a column, as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["floats", "location_arrays"]


def location_arrays(array: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two coordinates of each point of a column.

    Parameters
    ----------
    array : pyarrow.Array
        ``fixed_size_list`` or ``list`` of two floats [deg].

    Returns
    -------
    tuple of numpy.ndarray of float64, shape (N,)
        Right ascension and declination; NaN for NULL and for what is not two numbers.
    """
    import pyarrow.compute as pc

    pairs = np.full((len(array), 2), np.nan)
    whole = pc.fill_null(pc.equal(pc.list_value_length(array), 2), fill_value=False)
    chosen = whole.to_numpy(zero_copy_only=False)
    pairs[chosen] = floats(array.filter(whole).flatten()).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def floats(array: pa.Array) -> NDArray[np.float64]:
    """Numbers as float64, NULL as NaN."""
    import pyarrow as pa

    values: NDArray[np.float64] = array.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values
