"""Positions of harvested rows, as the parameter POS sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ssap_mirror.core.points import location_arrays
from ssap_mirror.core.schema import Schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["positions"]

_ROUNDING_DEG = 1e-6


def positions(
    schema: Schema, rows: pa.Table | pa.RecordBatch
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Positions that a service's POS is about.

    Returns
    -------
    tuple of numpy.ndarray of float64, shape (N,), or None
        ICRS right ascension and declination [deg], NaN where there is none or none on the sphere; None if the rows
        have no such columns.
    """
    location, ra, dec = (schema.role(role) for role in ("location", "ra", "dec"))
    if location is not None and location.name in rows.schema.names and location.shape:
        column = rows.column(location.name)
        return _on_sphere(*location_arrays(column.combine_chunks() if isinstance(rows, pa.Table) else column))
    if ra is None or dec is None or not {ra.name, dec.name} <= set(rows.schema.names):
        return None
    axes = [np.asarray(rows.column(axis.name).to_numpy(zero_copy_only=False), np.float64) for axis in (ra, dec)]
    return _on_sphere(*axes)


def _on_sphere(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # Servers compute positions, and a pole may come out as 90.0000000000002 degrees.
    good = np.isfinite(ra) & (np.abs(dec) < 90 + _ROUNDING_DEG)
    return np.where(good, ra, np.nan), np.where(good, np.clip(dec, -90, 90), np.nan)
