"""Where and when harvested rows were taken, as the parameters POS and TIME see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ssap_mirror.core.quantities.dates import DateAndExtent
from ssap_mirror.core.quantities.find import candidates
from ssap_mirror.core.quantities.reading import Reading
from ssap_mirror.core.schema import Schema
from ssap_mirror.sources.harvest.slices import DATES_MJD

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["columns_read", "dates", "is_date", "numbers_of_dates", "positions"]

_POSITION, _TIME = "location", "time"


def columns_read(schema: Schema) -> tuple[str, ...]:
    """Names of the columns that `positions` and `dates` look at."""
    readings = [*_readings(schema, _POSITION), *_readings(schema, _TIME)]
    return tuple(dict.fromkeys(column.name for reading in readings for column in reading.columns))


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
    found = _values(schema, _POSITION, rows)
    return None if found is None else (found["ra"], found["dec"])


def dates(schema: Schema, rows: pa.Table | pa.RecordBatch) -> NDArray[np.float64]:
    """Middle of each exposure [MJD], NaN where it is not known or cannot be a date; shape (N,)."""
    middle = numbers_of_dates(schema, rows)
    return np.where(is_date(middle), middle, np.nan)


def numbers_of_dates(schema: Schema, rows: pa.Table | pa.RecordBatch) -> NDArray[np.float64]:
    """Middle of each exposure as a service writes it, be it a date or not; NaN where there is none; shape (N,)."""
    found = _values(schema, _TIME, rows)
    return np.full(rows.num_rows, np.nan) if found is None else found["t_mid"]


def is_date(mjd: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which numbers are dates [MJD] that an observation may have, and that a request can name."""
    return (mjd >= DATES_MJD[0]) & (mjd <= DATES_MJD[1])


def _values(schema: Schema, quantity: str, rows: pa.Table | pa.RecordBatch) -> Mapping[str, NDArray[np.float64]] | None:
    """Values of the best way to read a quantity that the rows have columns for.

    A row without a value there has none, whatever other columns say: the service does not look at them either.
    """
    for reading in _readings(schema, quantity):
        names = [column.name for column in reading.columns]
        if set(names) <= set(rows.schema.names):
            return reading.values(rows.select(names) if isinstance(rows, pa.RecordBatch) else _one_batch(rows, names))
    return None


def _readings(schema: Schema, quantity: str) -> list[Reading]:
    """Ways to read a quantity, the best first; a date needs no column but that of the middle, which surveys have."""
    found = candidates(schema, quantity).readings
    return [reading.of_middle if isinstance(reading, DateAndExtent) else reading for reading in found]


def _one_batch(rows: pa.Table, names: list[str]) -> pa.RecordBatch:
    arrays = [rows.column(name).combine_chunks() for name in names]
    whole = [array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array for array in arrays]
    return pa.RecordBatch.from_arrays(whole, names=names)
