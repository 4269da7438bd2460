"""Answers as `astropy.table.Table`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from ssap_mirror.core.schema import Column

from ssap_query.render.columns.lists import elements_of_fixed, is_array
from ssap_query.render.columns.plain import PlainColumn, plain_columns
from ssap_query.render.renderable import Renderable

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = ["to_astropy", "values_and_missing"]

_COMPLEX = {"floatComplex": np.complex64, "doubleComplex": np.complex128}


def to_astropy(result: Renderable) -> Table:
    """Rows of a result as an astropy table.

    Parameters
    ----------
    result : Renderable
        What to convert; all of it is in memory.

    Returns
    -------
    astropy.table.Table
        NULL is masked, NaN stays NaN. Arrays of fixed size are columns of more than one dimension, those of free
        length are arrays of their own in each row. Units are VOUnits; UCD, utype and xtype are in a column's ``meta``,
        the status and the facts about the result in the table's.
    """
    from astropy.table import Table

    columns = plain_columns(result)
    parts: list[list[pa.Array]] = [[] for _ in columns]
    for batch in result.batches():
        for column, values in zip(columns, parts, strict=True):
            values.append(column.values(batch))
    made = Table(meta={"QUERY_STATUS": result.status, **result.infos})
    for column, values in zip(columns, parts, strict=True):
        whole = pa.concat_arrays(values) if values else pa.array([], column.kind)
        made.add_column(_column(whole, column))
    return made


def _column(array: pa.Array, plain: PlainColumn) -> Any:
    from astropy import units
    from astropy.table import Column as AstropyColumn
    from astropy.table import MaskedColumn

    column = plain.column
    values, missing = values_and_missing(array)
    if column.datatype in _COMPLEX and pa.types.is_fixed_size_list(array.type):
        values, missing = _complex(values, missing, column)
    meta = {key: value for key in ("ucd", "utype", "xtype") if (value := getattr(column, key))}
    unit = units.Unit(column.unit, format="vounit", parse_strict="silent") if column.unit else None
    known = {"name": column.name, "unit": unit, "description": column.description, "meta": meta}
    if missing.any():
        return MaskedColumn(values, mask=missing, **known)
    return AstropyColumn(values, **known)


def _complex(
    values: NDArray[Any], missing: NDArray[np.bool_], column: Column
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Pairs of real and imaginary parts as complex numbers."""
    numbers: NDArray[Any] = np.ascontiguousarray(values).view(_COMPLEX[column.datatype])
    gone = missing[:, ::2] | missing[:, 1::2]
    return (numbers, gone) if column.shape else (numbers[:, 0], gone[:, 0])


def values_and_missing(array: pa.Array) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Values of a plain column and where they are missing; rows of a free length are arrays of their own.

    Parameters
    ----------
    array : pyarrow.Array
        Shape (n,), of a type that `ssap_query.render.columns.plain.plain_type` gives.

    Returns
    -------
    values, missing : numpy.ndarray
        Shape (n,), or (n, m) for arrays of m elements each. Under `missing` a value means nothing.
    """
    kind = array.type
    missing = array.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_fixed_size_list(kind) and not pa.types.is_string(kind.value_type):
        elements, shape = elements_of_fixed(array), (len(array), kind.list_size)
        gone = elements.is_null().to_numpy(zero_copy_only=False).reshape(shape) | missing[:, None]
        return np.where(gone, _zero(elements), _filled(elements).reshape(shape)), gone
    if is_array(kind):
        return _ragged(array), missing
    return _filled(array), missing


def _ragged(array: pa.Array) -> NDArray[np.object_]:
    elements = array.flatten()
    ends = np.cumsum(pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False))
    starts = np.concatenate([[0], ends])[:-1]
    masked = np.ma.MaskedArray(_filled(elements), elements.is_null().to_numpy(zero_copy_only=False))
    ragged = np.empty(len(array), object)
    for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
        piece = masked[start:end]
        ragged[row] = piece if np.ma.is_masked(piece) else piece.data
    return ragged


def _filled(array: pa.Array) -> NDArray[Any]:
    """Values with something in place of NULL."""
    if pa.types.is_string(array.type) or pa.types.is_null(array.type):
        return np.array(pc.fill_null(array.cast(pa.string()), "").to_pylist(), np.str_)
    if pa.types.is_binary(array.type):
        return np.array(pc.fill_null(array, b"").to_pylist(), object)
    filled = pc.fill_null(array, _zero(array)) if array.null_count else array
    values: NDArray[Any] = filled.to_numpy(zero_copy_only=False)
    return values


def _zero(array: pa.Array) -> bool | int:
    return False if pa.types.is_boolean(array.type) else 0
