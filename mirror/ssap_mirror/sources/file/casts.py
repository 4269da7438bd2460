"""Values of a file's column -> values of a service's column, without loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ssap_mirror.core.schema import Column
from ssap_mirror.core.times import J2000_MJD, JULIAN_YEAR_DAYS, SECONDS_PER_DAY, UNIX_EPOCH_MJD
from ssap_mirror.core.units import Conversion
from ssap_mirror.errors import FormatError
from ssap_mirror.tables.votable import TextColumn
from ssap_mirror.tables.votable.text import items_of_slice, wrap_items

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["NAN_TO_NULL", "ROUNDED", "Cast", "cast_to"]

#: What a cast may do that is worth a note.
ROUNDED, NAN_TO_NULL = "rounded to single precision", "NaN became NULL, for it is an integer"

#: Takes cells and the number of the first row; remembers in the set what it had to do.
Cast = Callable[["pa.Array", int], "pa.Array"]

_YEARS, _DAYS = ("a", "yr"), ("d",)
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def cast_to(column: Column, given: pa.DataType, conversion: Conversion, done: set[str]) -> Cast:
    """Choose how values of a type become those of a column.

    * Numbers: if nothing is lost. A double may be rounded to the single precision of the service (noted), but not
      overflow; NaN in an integer column is NULL (noted).
    * Text to numbers, booleans and arrays as in TABLEDATA; whole numbers to text; other numbers not, for text would fix
      a spelling that nobody chose.
    * Dates and times to text: ``YYYY-MM-DDTHH:MM:SS`` in UTC, with a fraction only if it is not 0 (DALI 1.1 §3.3.3). To
      a number in years: the Julian epoch, for the unit ``a`` is 365.25 d. To one in days: MJD, if the column is one
      (xtype ``mjd`` or UCD ``time.epoch``).
    * Lists to lists of the service's size.

    Parameters
    ----------
    column : Column
        The service's.
    given : pyarrow.DataType
        Type of the file's column.
    conversion : Conversion
        From the file's unit to the service's.
    done : set of str
        Takes what is worth a note: `ROUNDED`, `NAN_TO_NULL`.

    Raises
    ------
    FormatError
        If there is no way from the type to the column's.
    """
    import pyarrow as pa

    wanted = column.arrow_type()
    if pa.types.is_dictionary(given):
        inner = cast_to(column, given.value_type, conversion, done)
        return lambda cells, row: inner(cells.cast(given.value_type), row)
    if pa.types.is_null(given):
        return lambda cells, row: pa.nulls(len(cells), wanted)
    if _is_text(given):
        return _from_text(column, conversion, done)
    if _is_list(wanted):
        if not _is_list(given) or (column.is_text and not _is_text(given.value_type)):
            raise _no_way(column, given)
        return _from_lists(column, given, conversion, done)
    if pa.types.is_temporal(given):
        return _from_times(column, given)
    if column.is_text:
        if not pa.types.is_integer(given):
            raise _no_way(column, given)
        return lambda cells, row: cells.cast(wanted)
    if not any(is_kind(given) for is_kind in _number_kinds()):
        raise _no_way(column, given)
    return _from_numbers(column, given, conversion, done)


def _number_kinds() -> tuple[Callable[[pa.DataType], bool], ...]:
    import pyarrow as pa

    return pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_list(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _no_way(column: Column, given: pa.DataType) -> FormatError:
    size = f"[{column.arraysize}]" if column.arraysize and not (column.is_text and not column.shape) else ""
    message = f"column {column.name!r} is {given} in the file, which cannot become {column.datatype}{size}"
    return FormatError(message)


def _bad(column: Column, row: int, value: object, reason: str) -> FormatError:
    message = f"row {row:,}: column {column.name!r}: {value!r} {reason}"
    return FormatError(message)


def _from_text(column: Column, conversion: Conversion, done: set[str]) -> Cast:
    import pyarrow as pa

    if column.is_text and not column.shape:
        return lambda cells, row: cells.cast(pa.string())
    if column.is_text or conversion.is_identity:
        reader = TextColumn(replace(column, null=None))
        return lambda cells, row: reader.parse(cells.cast(pa.string()), row)
    datatype = "doubleComplex" if column.datatype.endswith("Complex") else "double"
    reader = TextColumn(replace(column, datatype=datatype, null=None))
    cast = cast_to(column, reader.type, conversion, done)
    return lambda cells, row: cast(reader.parse(cells.cast(pa.string()), row), row)


def _from_times(column: Column, given: pa.DataType) -> Cast:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_time(given) or pa.types.is_duration(given):
        raise _no_way(column, given)
    if column.is_text:
        return lambda cells, row: _iso(cells)
    if column.datatype not in ("float", "double"):
        raise _no_way(column, given)
    is_mjd = column.xtype == "mjd" or (column.ucd or "").startswith("time.epoch")
    in_years = column.unit in _YEARS
    if not in_years and not (column.unit in _DAYS and is_mjd):
        raise _no_way(column, given)

    def convert(cells: pa.Array, row: int) -> pa.Array:
        days, seconds = _days_and_seconds(cells)
        numbers = days + UNIX_EPOCH_MJD + seconds / SECONDS_PER_DAY
        if in_years:
            numbers = 2000.0 + (numbers - J2000_MJD) / JULIAN_YEAR_DAYS
        values = pa.array(numbers, mask=np.array(cells.is_null()))
        return pc.cast(values, column.arrow_type())

    return convert


def _days_and_seconds(cells: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Whole days since 1970-01-01 and seconds of the day, shape (N,); anything where NULL."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_date(cells.type):
        days = pc.fill_null(cells.cast(pa.date32()).cast(pa.int32()), 0).to_numpy(zero_copy_only=False)
        return days.astype(np.int64), np.zeros(len(cells))
    per_second = _PER_SECOND[cells.type.unit]
    ticks = pc.fill_null(cells.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    days, rest = np.divmod(ticks, per_second * SECONDS_PER_DAY)
    return days, rest / per_second


def _iso(cells: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_date(cells.type):
        return pc.strftime(cells.cast(pa.timestamp("s")), format="%Y-%m-%dT%H:%M:%S")
    digits = {"s": 0, "ms": 3, "us": 6, "ns": 9}[cells.type.unit]
    ticks = cells.cast(pa.int64())
    naive = ticks.cast(pa.timestamp(cells.type.unit))
    whole = pc.floor_temporal(naive, unit="second").cast(pa.timestamp("s"))
    text = pc.strftime(whole, format="%Y-%m-%dT%H:%M:%S")
    parts = pc.fill_null(ticks, 0).to_numpy(zero_copy_only=False) % _PER_SECOND[cells.type.unit]
    if not parts.any():
        return text
    fractions = [f".{part:0{digits}d}".rstrip("0").rstrip(".") for part in parts.tolist()]
    return pc.binary_join_element_wise(text, pa.array(fractions), "")


def _from_lists(column: Column, given: pa.DataType, conversion: Conversion, done: set[str]) -> Cast:
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = column.arrow_type()
    datatype = {"floatComplex": "float", "doubleComplex": "double"}.get(column.datatype, column.datatype)
    item = replace(column, datatype=datatype, arraysize="*" if column.is_text else None)
    cast_item = cast_to(item, given.value_type, conversion, done)
    fixed = pa.types.is_fixed_size_list(wanted)
    size = wanted.list_size if fixed else items_of_slice(column)

    def convert(cells: pa.Array, row: int) -> pa.Array:
        nulls = np.array(cells.is_null())
        lengths = pc.fill_null(pc.list_value_length(cells), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        lengths[nulls] = 0
        wrong = ~nulls & (lengths != size if fixed else lengths % size != 0)
        if wrong.any():
            at = int(np.argmax(wrong))
            reason = f"has {lengths[at]} items, where the service has {'' if fixed else 'a multiple of '}{size}"
            raise _bad(column, row + at, cells[at].as_py(), reason)
        items = cells.flatten()
        try:
            values = cast_item(items, 0)
        except FormatError:
            at = _first_failing(cells, lambda part: cast_item(part.flatten(), 0))
            raise _bad(column, row + at, cells[at].as_py(), f"cannot become {column.datatype} without loss") from None
        return wrap_items(column, values, lengths, nulls)

    return convert


def _first_failing(cells: pa.Array, attempt: Callable[[pa.Array], Any]) -> int:
    """Index of the first cell that an attempt on its own raises FormatError or ArrowInvalid for."""
    import pyarrow as pa

    low, high = 0, len(cells)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            attempt(cells.slice(low, middle - low))
            low = middle
        except (FormatError, pa.ArrowInvalid):
            high = middle
    return low


def _from_numbers(column: Column, given: pa.DataType, conversion: Conversion, done: set[str]) -> Cast:
    import pyarrow as pa

    wanted = column.arrow_type()
    if pa.types.is_boolean(wanted) != pa.types.is_boolean(given) and not pa.types.is_integer(
        given if pa.types.is_boolean(wanted) else wanted
    ):
        raise _no_way(column, given)

    def convert(cells: pa.Array, row: int) -> pa.Array:
        numbers = cells if conversion.is_identity else _converted(cells, conversion)
        try:
            return _numbers(numbers, wanted, done)
        except pa.ArrowInvalid:
            at = _first_failing(numbers, lambda part: _numbers(part, wanted, done))
            reason = f"cannot become {column.datatype} without loss"
            raise _bad(column, row + at, cells[at].as_py(), reason) from None

    return convert


def _converted(cells: pa.Array, conversion: Conversion) -> pa.Array:
    import pyarrow as pa

    nulls = np.array(cells.is_null())
    values = cells.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False)
    return pa.array(conversion.apply(values), mask=nulls)


def _numbers(cells: pa.Array, wanted: pa.DataType, done: set[str]) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if cells.type == wanted:
        return cells
    if pa.types.is_decimal(cells.type) and pa.types.is_floating(wanted):
        cells = cells.cast(pa.float64())
    if pa.types.is_boolean(wanted):
        # 0 and 1 are what some formats have for booleans; nothing else is.
        ones = pc.cast(cells, pa.int64())
        if not pc.all(pc.is_in(ones, pa.array([0, 1, None], pa.int64()))).as_py():
            message = "neither 0 nor 1"
            raise pa.ArrowInvalid(message)
        return cells.cast(wanted)
    if pa.types.is_floating(cells.type) and pa.types.is_integer(wanted):
        missing = pc.is_nan(cells)
        if pc.any(missing).as_py():
            done.add(NAN_TO_NULL)
            cells = pc.if_else(missing, pa.scalar(None, cells.type), cells)
        return cells.cast(wanted)
    if not (pa.types.is_float32(wanted) and pa.types.is_float64(cells.type)):
        return cells.cast(wanted)
    rounded = cells.cast(wanted)
    if pc.any(pc.and_(pc.is_inf(rounded), pc.is_finite(cells))).as_py():
        message = "beyond single precision"
        raise pa.ArrowInvalid(message)
    back = rounded.cast(cells.type)
    if pc.any(pc.and_(pc.not_equal(back, cells), pc.invert(pc.is_nan(cells)))).as_py():
        done.add(ROUNDED)
    return rounded
