"""Dates that are numbers, such as MJD, as text in ISO 8601: which columns they are, and their text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from ssap_mirror.core.quantities.time_systems import NumericDates, count_of_days, numeric_dates
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.core.times import UNIX_EPOCH_MJD

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["date_columns", "described_dates", "iso_batches"]

_ROLES = frozenset({"t_mid", "t_min", "t_max"})
_XTYPES = ("mjd", "jd")
# UCDs of moments, not of lengths of time (UCD1+ 1.5).
_MOMENTS = ("time.epoch", "time.start", "time.end", "time.creation", "time.processing", "time.release")
_DAYS = ("", "d", "day", "days")
_MS_PER_DAY, _US_PER_MS = 86_400_000, 1000
# The years 1 to 9999, which are those that the text has four digits for [MJD].
_FIRST, _END = -678_575.0, 2_973_484.0


def date_columns(schema: Schema) -> dict[int, NumericDates]:
    """Find the columns that hold dates as numbers.

    Parameters
    ----------
    schema : Schema
        Columns.

    Returns
    -------
    dict of int to NumericDates
        Number of the column -> how its numbers become MJD, UTC. What is counted from a day that nobody tells is none.
    """
    by_role = {name for role, name in schema.roles.items() if role in _ROLES}
    found = {}
    for number, column in enumerate(schema):
        if column.is_text or column.shape or not (column.name in by_role or _is_date(column)):
            continue
        try:
            found[number] = numeric_dates(column)
        except ValueError:
            continue
    return found


def _is_date(column: Column) -> bool:
    unit = (column.unit or "").strip()
    if (column.xtype or "").lower() in _XTYPES or column.time_origin or count_of_days(unit) is not None:
        return True
    return (column.ucd or "").lower().startswith(_MOMENTS) and unit.lower() in _DAYS


def described_dates(schema: Schema, arrow: pa.Schema, dates: Mapping[int, NumericDates]) -> tuple[Schema, pa.Schema]:
    """Describe the columns of a result whose dates are text.

    Parameters
    ----------
    schema, arrow
        Columns, and their Arrow types.
    dates : mapping of int to NumericDates
        Which of them are dates.
    """
    columns = list(schema)
    for number in dates:
        column = replace(columns[number], datatype="char", arraysize="*", unit=None, xtype="timestamp", null=None,
                         time_origin=None, time_scale=None)  # fmt: skip
        columns[number] = column
        arrow = arrow.set(number, pa.field(arrow.field(number).name, pa.string(), metadata=column.metadata()))
    # What is text is no number that something could be compared with.
    taken = {role: "" for role, name in schema.roles.items() if role in _ROLES and name in schema}
    return replace(schema, columns=tuple(columns), overrides={**schema.overrides, **taken}), arrow


def iso_batches(
    batches: Iterable[pa.RecordBatch], arrow: pa.Schema, dates: Mapping[int, NumericDates]
) -> Iterator[pa.RecordBatch]:
    """Yield rows with text for their dates.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        The rows.
    arrow : pyarrow.Schema
        Columns with text for the dates.
    dates : mapping of int to NumericDates
        Number of the column -> how its numbers become MJD, UTC.
    """
    for batch in batches:
        arrays = [
            _iso(array, dates[number]) if number in dates else array for number, array in enumerate(batch.columns)
        ]
        yield pa.RecordBatch.from_arrays(arrays, schema=arrow)


def _iso(array: pa.Array, dates: NumericDates) -> pa.Array:
    """Text of dates; NULL for NaN and beyond the years 1 to 9999. A whole number is a day."""
    import numpy as np

    whole = pa.types.is_integer(array.type)
    mjd = dates.apply(array.cast(pa.float64()).to_numpy(zero_copy_only=False))
    known = np.isfinite(mjd) & (mjd >= _FIRST) & (mjd < _END)
    # By whole microseconds, since a double of days has no exact thousandths of a second.
    us = np.rint((np.where(known, mjd, 0.0) - UNIX_EPOCH_MJD) * (_MS_PER_DAY * _US_PER_MS)).astype(np.int64)
    return _texts(us // _US_PER_MS, ~known, days=whole and dates.is_identity)


def _texts(ms: NDArray[np.int64], missing: NDArray[np.bool_], *, days: bool) -> pa.Array:
    moments = pa.array(ms, pa.timestamp("ms"), mask=missing)
    if days:
        return moments.cast(pa.date32()).cast(pa.string())
    return pc.replace_substring(moments.cast(pa.string()), " ", "T", max_replacements=1)
