"""What a manifest says of all rows at once, gathered piece by piece: constant columns, ranges, coverage."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ssap_mirror.core.quantities.points import floats, location_arrays
from ssap_mirror.core.schema import Schema
from ssap_mirror.core.times import SECONDS_PER_DAY

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Summary"]

_UNSET = object()


class Summary:
    """Constants, ranges and coverage of a stream of rows.

    Parameters
    ----------
    schema : Schema
        Columns of the rows.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._constants: dict[str, Any] = dict.fromkeys(schema.names, _UNSET)
        self._ranges: dict[str, list[float]] = {}
        self._coverage: dict[str, list[float]] = {}
        self._nan: dict[str, bool] = {
            c.name: False for c in schema if c.datatype in ("float", "double") and not c.shape
        }
        self._ascii: dict[str, bool] = {c.name: True for c in schema if c.is_text}
        self._without: dict[str, int] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Take some rows, at least one."""
        import pyarrow as pa

        for name in list(self._constants):
            self._constant(name, batch.column(name))
        for name in self._schema.names:
            array = batch.column(name)
            if pa.types.is_integer(array.type) or pa.types.is_floating(array.type):
                _widen(self._ranges, name, _extremes(array))
        for name, known in self._nan.items():
            self._nan[name] = known or _has_nan(batch.column(name))
        for name, known in self._ascii.items():
            self._ascii[name] = known and _is_ascii(batch.column(name))
        self._cover(batch)

    def _constant(self, name: str, array: pa.Array) -> None:
        """Forget the column if it has a second value, or one that JSON cannot write."""
        import pyarrow.compute as pc

        first = array[0]
        value = first.as_py()
        if self._constants[name] is _UNSET and _is_plain(value):
            self._constants[name] = value
        known = self._constants[name]
        if known != value or type(known) is not type(value):
            del self._constants[name]
        elif value is None:
            if array.null_count < len(array):
                del self._constants[name]
        elif isinstance(value, list):
            if array.null_count or array.to_pylist() != [value] * len(array):
                del self._constants[name]
        elif array.null_count or not pc.all(pc.equal(array, first)).as_py():
            del self._constants[name]

    def _cover(self, batch: pa.RecordBatch) -> None:
        position = self._position(batch)
        for axis in ("ra", "dec"):
            _widen(self._coverage, axis, _extremes(self._numbers(batch, axis)))
        band = [self._numbers(batch, end) for end in ("em_min", "em_max")]
        for bound in band:
            _widen(self._coverage, "em", _extremes(bound))
        first, last = self._exposure(batch)
        for bound in (first, last):
            _widen(self._coverage, "t", _extremes(bound))
        known = {"position": position, "date": np.isfinite(first + last), "band": np.isfinite(band[0] + band[1])}
        for what, there in known.items():
            self._without[what] = self._without.get(what, 0) + int((~there).sum())

    def _position(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        """Whether each row has a position that cones are tested on; shape (N,)."""
        column = self._schema.role("location")
        if column is None or column.shape not in ((2,), (None,)):
            return np.zeros(batch.num_rows, np.bool_)
        ra, dec = location_arrays(batch.column(column.name))
        known: NDArray[np.bool_] = np.isfinite(ra) & np.isfinite(dec)
        return known

    def _exposure(self, batch: pa.RecordBatch) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Beginning and end of each exposure [MJD], NaN where they are not known; shape (N,)."""
        if {"t_min", "t_max"} <= self._schema.roles.keys():
            return self._numbers(batch, "t_min"), self._numbers(batch, "t_max")
        mid, exposure = self._numbers(batch, "t_mid"), self._numbers(batch, "t_exptime")
        half = np.nan_to_num(exposure, nan=0.0, posinf=0.0, neginf=0.0) / 2 / SECONDS_PER_DAY
        return mid - half, mid + half

    def _numbers(self, batch: pa.RecordBatch, role: str) -> NDArray[np.float64]:
        """Values of a role in its unit, NaN where they are not known; shape (N,)."""
        column = self._schema.role(role)
        if column is None or column.shape or column.is_text:
            return np.full(batch.num_rows, np.nan)
        return floats(batch.column(column.name))

    @property
    def constants(self) -> dict[str, Any]:
        """Value of each column that has the same one, or NULL, in all rows."""
        return {name: value for name, value in self._constants.items() if value is not _UNSET}

    @property
    def ranges(self) -> dict[str, list[float]]:
        """Least and largest finite value of each numeric column."""
        return dict(self._ranges)

    @property
    def nan_columns(self) -> list[str]:
        """Scalar columns that hold NaN, which the statistics of Parquet do not tell."""
        return [name for name, has_nan in self._nan.items() if has_nan]

    @property
    def unicode_columns(self) -> list[str]:
        """Columns of text with a letter in it that is not of ASCII, which ``char`` is (VOTable 1.4 §2.1)."""
        return [name for name, is_ascii in self._ascii.items() if not is_ascii]

    @property
    def coverage(self) -> dict[str, list[float]]:
        """``ra`` and ``dec`` [deg], ``t`` [MJD] and ``em`` [m] of the rows, each least and largest."""
        return dict(self._coverage)

    @property
    def without(self) -> dict[str, int]:
        """How many rows have no ``position``, no ``date`` and no ``band`` to compare a request with."""
        return dict(self._without)


def _is_plain(value: object) -> bool:
    """Whether JSON can write a value and give it back."""
    if isinstance(value, list):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, (str, bool, int)) or (isinstance(value, float) and math.isfinite(value))


def _has_nan(array: pa.Array) -> bool:
    import pyarrow.compute as pc

    return bool(pc.any(pc.is_nan(array), min_count=0).as_py())


def _is_ascii(array: pa.Array) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    while pa.types.is_list(array.type) or pa.types.is_fixed_size_list(array.type):
        array = array.flatten()
    return bool(pc.all(pc.string_is_ascii(array), min_count=0).as_py())


def _extremes(values: pa.Array | NDArray[np.float64]) -> tuple[float, float] | None:
    """Least and largest finite value; integers stay integers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(values, pa.Array) and pa.types.is_integer(values.type):
        least, largest = pc.min_max(values).values()
        return None if least.as_py() is None else (least.as_py(), largest.as_py())
    numbers = values.to_numpy(zero_copy_only=False) if isinstance(values, pa.Array) else values
    finite = numbers[np.isfinite(numbers)]
    return (float(finite.min()), float(finite.max())) if len(finite) else None


def _widen(ranges: dict[str, list[float]], name: str, found: tuple[float, float] | None) -> None:
    if found is None:
        return
    known = ranges.setdefault(name, list(found))
    known[:] = [min(known[0], found[0]), max(known[1], found[1])]
