"""Values that stand for a missing one by somebody's word, as -9999: in a mirror they are NULL, and they are counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ssap_mirror.errors import ParameterError

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["MissingValues", "missing_words"]


class MissingValues:
    """What stands for a missing value in some columns.

    Parameters
    ----------
    said : mapping of str to tuple of str
        Name of a column -> its values that stand for a missing one, as texts.
    schema : pyarrow.Schema
        Columns of the rows.
    said_by : str
        What errors begin with; ends in a colon and a blank, if there is something.

    Raises
    ------
    ParameterError
        If there is no such column, or it cannot have such a value, or no part of its cells can be missing.
    """

    def __init__(self, said: Mapping[str, tuple[str, ...]], schema: pa.Schema, said_by: str = "") -> None:
        self._values = {}
        for column, texts in said.items():
            name = f"{said_by}nulls.{column}"
            if column not in schema.names:
                raise ParameterError(name, ", ".join(texts), "is said of what is no column of the source")
            kind = schema.field(column).type
            self._values[column] = _merged([_read(name, text, kind) for text in texts])

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self._values)

    def applied_to(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Mapping[str, NDArray[np.bool_]]]:
        """Rows in which such cells are NULL, or NaN within arrays; and for each column, which rows had one.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
            Rows of the columns, or of some of them.
        """
        found = {}
        for number, name in enumerate(batch.schema.names):
            if name in self._values:
                column, found[name] = _without(batch.column(number), self._values[name])
                batch = batch.set_column(number, batch.schema.field(number), column)
        return batch, found


def missing_words(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Say how many cells of each column stood for a missing value, a sentence for each."""
    return tuple(
        f"{cells:,} cells of {column} held what was said to stand for a missing value, and are taken as that"
        for column, cells in counts.items()
    )


def _merged(values: Iterable[pa.Array]) -> pa.Array:
    import pyarrow as pa

    return pa.concat_arrays(list(values))


def _is_list(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _read(name: str, text: str, kind: pa.DataType) -> pa.Array:
    """Read a value of a column, or of the parts of its cells."""
    import pyarrow as pa

    if _is_list(kind):
        if not pa.types.is_floating(kind.value_type):
            raise ParameterError(name, text, f"cannot be part of a cell of {kind}: only floating-point numbers can")
        kind = kind.value_type
    value: Any = text.strip()
    try:
        if pa.types.is_integer(kind):
            number = float(value)
            value = int(value) if not number.is_integer() or abs(number) > 2**53 else int(number)
            return pa.array([value], kind)
        if pa.types.is_floating(kind):
            return pa.array([float(value)], pa.float64()).cast(kind)
        return pa.array([value], pa.string()).cast(kind)
    except (ValueError, OverflowError, pa.ArrowException) as error:
        raise ParameterError(name, text, f"cannot be a value of a column of {kind}") from error


def _without(column: pa.Array, values: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Cells without those that have one of some values, and which rows these are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if _is_list(column.type):
        return _parts_without(column, values)
    compared = column
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        compared = pc.utf8_trim_whitespace(column)
    hits = pc.is_in(compared, value_set=values, skip_nulls=True)
    rows = hits.to_numpy(zero_copy_only=False)
    return (pc.if_else(hits, pa.scalar(None, column.type), column), rows) if rows.any() else (column, rows)


def _parts_without(column: pa.Array, values: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Cells with NaN in the place of such parts, NULL where there is nothing else; and which rows had one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    valid: NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
    known = column.drop_null()
    parts = known.flatten()
    hits = pc.is_in(parts, value_set=values, skip_nulls=True)
    ends = np.concatenate([[0], np.cumsum(pc.list_value_length(known).to_numpy(zero_copy_only=False))])
    before = np.concatenate([[0], np.cumsum(hits.to_numpy(zero_copy_only=False))])
    in_cell = np.diff(before[ends])
    rows = np.zeros(len(column), np.bool_)
    rows[valid] = in_cell > 0
    if not rows.any():
        return column, rows
    parts = pc.if_else(hits, pa.scalar(float("nan"), parts.type), parts)
    if pa.types.is_fixed_size_list(column.type):
        replaced = pa.FixedSizeListArray.from_arrays(parts, type=column.type)
    else:
        kind = pa.LargeListArray if pa.types.is_large_list(column.type) else pa.ListArray
        index = pa.int64() if kind is pa.LargeListArray else pa.int32()
        replaced = kind.from_arrays(pa.array(ends, index), parts, type=column.type)
    places = np.zeros(len(column), np.int64)
    places[valid] = np.arange(len(known))
    missing = ~valid
    missing[valid] = (in_cell > 0) & (in_cell == np.diff(ends))
    return replaced.take(pa.array(places, mask=missing)), rows
