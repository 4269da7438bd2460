"""Arrays of numpy -> Arrow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from ssap_mirror.errors import FormatError

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["arrow_array", "arrow_field", "unit_text", "vounit"]

_PLAIN_UNIT = re.compile(r"[A-Za-z]*|%")


def arrow_array(name: str, values: NDArray[Any], nulls: NDArray[np.bool_] | None) -> pa.Array:
    """Arrow array of a column.

    Parameters
    ----------
    name : str
        Of the column, for errors.
    values : numpy.ndarray, shape (N, ...)
        Of any byte order. Objects are arrays of any length, strings, or None. Bytes are UTF-8.
    nulls : numpy.ndarray of bool, shape (N, ...), or None
        Which values, or which items of lists, are NULL.

    Raises
    ------
    FormatError
        If there is no Arrow type for it.
    """
    import pyarrow as pa

    if values.dtype.kind == "c":
        parts = np.ascontiguousarray(values)
        values = parts.view(parts.real.dtype).reshape(*values.shape, 2)
        nulls = None if nulls is None else np.repeat(nulls[..., None], 2, axis=-1)
    if values.ndim > 1:
        size = int(np.prod(values.shape[1:]))
        items = arrow_array(name, values.reshape(-1), None if nulls is None else nulls.reshape(-1))
        return pa.FixedSizeListArray.from_arrays(items, size)
    mask = nulls if nulls is not None and nulls.any() else None
    try:
        if values.dtype.kind == "S":
            texts = [text.decode() for text in values.tolist()]
            return pa.array(texts, pa.string(), mask=mask)
        if values.dtype.kind in "UT":
            return pa.array(values.tolist(), pa.string(), mask=mask)
        if values.dtype.kind == "O":
            plain = [None if mask is not None and mask[k] else _plain(value) for k, value in enumerate(values)]
            return pa.array(plain)
        if values.dtype.kind == "f" and values.dtype.itemsize > 8:
            values = values.astype(np.float64)
        return pa.array(values.astype(values.dtype.newbyteorder("=")), mask=mask, from_pandas=False)
    except (pa.ArrowException, TypeError, ValueError) as error:
        message = f"column {name!r} has values that are neither numbers, text nor arrays of one kind of them"
        raise FormatError(message) from error


def arrow_field(name: str, kind: pa.DataType, **said: str | None) -> pa.Field:
    """Arrow field with what a table says of a column (unit, ucd, utype, description)."""
    import pyarrow as pa

    return pa.field(name, kind, metadata={key: str(value) for key, value in said.items() if value})


def unit_text(unit: Any) -> str | None:
    """Text of a unit of astropy: as VOUnits or FITS write it, else its own."""
    if unit is None:
        return None
    for form in ("vounit", "fits"):
        try:
            return str(unit.to_string(format=form))
        except (ValueError, AttributeError):
            continue
    return str(unit)


def vounit(text: str) -> str:
    """Text of a unit that astropy has written, as VOUnits or FITS write it; as it is where they have no way to."""
    if _PLAIN_UNIT.fullmatch(text):
        return text
    from astropy import units

    try:
        return unit_text(units.Unit(text)) or ""
    except (ValueError, TypeError):
        return text


def _plain(value: Any) -> Any:
    if isinstance(value, np.ma.MaskedArray):
        return [None if item is np.ma.masked else item for item in value.reshape(-1).tolist()]
    if isinstance(value, np.ndarray):
        return value.reshape(-1).tolist()
    if value is np.ma.masked:
        return None
    return value.item() if isinstance(value, np.generic) else value
