"""Answers as `astropy.table.Table`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from ssap_mirror.core.schema import Column

from ssap_query.render.answer import Answer
from ssap_query.render.cells import is_array, is_text_like, plain_strings

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = ["to_astropy"]


def to_astropy(answer: Answer) -> Table:
    """Rows of an answer as an astropy table.

    Parameters
    ----------
    answer : Answer
        What to convert; all of it is in memory.

    Returns
    -------
    astropy.table.Table
        NULL is masked, NaN stays NaN. Units are VOUnits; UCD, utype and xtype are in a column's ``meta``, the status
        and the facts about the answer in the table's.
    """
    from astropy.table import Table

    arrow = answer.to_arrow()
    made = Table(meta={"QUERY_STATUS": answer.status, **answer.infos})
    for column, chunked in zip(answer.schema, arrow.columns, strict=True):
        made.add_column(_column(pa.concat_arrays(chunked.chunks) if chunked.num_chunks else _empty(chunked), column))
    return made


def _empty(chunked: pa.ChunkedArray) -> pa.Array:
    return pa.array([], chunked.type)


def _column(array: pa.Array, column: Column) -> Any:
    from astropy import units
    from astropy.table import Column as AstropyColumn
    from astropy.table import MaskedColumn

    values, missing = _values(array)
    meta = {key: value for key in ("ucd", "utype", "xtype") if (value := getattr(column, key))}
    unit = units.Unit(column.unit, format="vounit", parse_strict="silent") if column.unit else None
    known = {"name": column.name, "unit": unit, "description": column.description, "meta": meta}
    if missing is None or not missing.any():
        return AstropyColumn(values, **known)
    return MaskedColumn(values, mask=missing, **known)


def _values(array: pa.Array) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Values and where they are missing; rows of a free length are arrays of their own."""
    if is_text_like(array.type):
        texts = plain_strings(array)
        data = np.array(pc.fill_null(texts, "").to_pylist(), np.str_)
        return data, texts.is_null().to_numpy(zero_copy_only=False)
    missing = array.is_null().to_numpy(zero_copy_only=False)
    if not is_array(array.type):
        return _filled(array), missing
    elements = array.flatten()
    if pa.types.is_fixed_size_list(array.type):
        size = array.type.list_size
        rows = np.zeros((len(array), size), _filled(elements).dtype)
        rows[~missing] = _filled(elements).reshape(-1, size)
        gone = np.repeat(missing[:, None], size, axis=1)
        gone[~missing] |= elements.is_null().to_numpy(zero_copy_only=False).reshape(-1, size)
        return rows, gone
    ends = np.cumsum(pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False))
    starts = np.concatenate([[0], ends])[:-1]
    masked = np.ma.MaskedArray(_filled(elements), elements.is_null().to_numpy(zero_copy_only=False))
    ragged = np.empty(len(array), object)
    for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
        piece = masked[start:end]
        ragged[row] = piece if np.ma.is_masked(piece) else piece.data
    return ragged, missing


def _filled(array: pa.Array) -> NDArray[Any]:
    zero: object = False if pa.types.is_boolean(array.type) else 0
    values: NDArray[Any] = (pc.fill_null(array, zero) if array.null_count else array).to_numpy(zero_copy_only=False)
    return values
