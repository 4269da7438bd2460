"""TABLEDATA cells and PARAM values: text to Arrow, a column at a time (VOTable 1.4 §5.1, §6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ssap_mirror.errors import FormatError
from ssap_mirror.schema import Column
from ssap_mirror.votablestream.arrays import fixed_lists, free_lists

__all__ = ["column_from_text"]

_TRUE, _FALSE, _UNKNOWN = {"t", "1", "true"}, {"f", "0", "false"}, {"", "?"}
_INTEGER = {"unsignedByte", "short", "int", "long"}


def column_from_text(column: Column, cells: Sequence[str]) -> pa.Array:
    """Convert the cells of one column.

    Parameters
    ----------
    column : Column
        Its declaration.
    cells : sequence of str
        As written. An empty cell is NULL, for text too: TABLEDATA cannot tell an empty string from none.

    Returns
    -------
    pyarrow.Array
        Of type ``column.arrow_type()``. ``NaN`` stays NaN; the declared null value is NULL.

    Raises
    ------
    FormatError
        If a cell is no value of the column's type.
    """
    if column.is_text and not column.shape:
        values = pc.if_else(pc.equal(strings := pa.array(cells, pa.string()), ""), None, strings)
        return values if column.arraysize else pc.utf8_slice_codeunits(values, 0, 1)
    if column.is_text:
        return _text_arrays(column, cells)
    if not column.shape and "Complex" not in column.datatype:
        return _scalars(column, cells)
    return _arrays(column, cells)


def _scalars(column: Column, cells: Sequence[str]) -> pa.Array:
    datatype = column.datatype
    if datatype in ("boolean", "bit"):
        return pa.array([_truth(column, cell) for cell in cells], pa.bool_())
    kind = getattr(pa, {"float": "float32", "double": "float64"}.get(datatype) or _integer_name(datatype))()
    text = pc.ascii_trim_whitespace(pa.array(cells, pa.string()))
    missing = pc.equal(text, "")
    if column.null:
        missing = pc.or_(missing, pc.equal(text, column.null.strip()))
    text = pc.if_else(missing, None, text)
    try:
        return text.cast(kind)
    except pa.ArrowInvalid:
        # Spellings that Arrow does not read: +Inf, 0x1F, and errors.
        return pa.array([None if v is None else _number(column, v) for v in text.to_pylist()], kind)


def _integer_name(datatype: str) -> str:
    return {"unsignedByte": "uint8", "short": "int16", "int": "int32", "long": "int64"}[datatype]


def _number(column: Column, text: str) -> Any:
    try:
        if column.datatype in _INTEGER:
            value = int(text, 16) if text.lower().lstrip("+-").startswith("0x") else int(text)
            bits = {"unsignedByte": 8, "short": 16, "int": 32, "long": 64}[column.datatype]
            low, high = (0, 255) if column.datatype == "unsignedByte" else (-(1 << bits - 1), (1 << bits - 1) - 1)
            if low <= value <= high:
                return value
        else:
            return float(text)
    except ValueError:
        pass
    message = f"column {column.name!r}: {text[:60]!r} is not a value of type {column.datatype}"
    raise FormatError(message)


def _truth(column: Column, text: str) -> bool | None:
    word = text.strip().lower().strip("\0")
    if word in _UNKNOWN:
        return None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    message = f"column {column.name!r}: {text[:60]!r} is not a value of type {column.datatype}"
    raise FormatError(message)


def _arrays(column: Column, cells: Sequence[str]) -> pa.Array:
    """Numbers separated by blanks; bits may stand together."""
    kind = column.arrow_type()
    lengths = []
    words: list[str] = []
    for cell in cells:
        parts = list(cell.replace(" ", "")) if column.datatype == "bit" else cell.split()
        lengths.append(len(parts))
        words += parts
    element = Column(column.name, column.datatype.replace("Complex", ""), null=column.null)
    if "Complex" in column.datatype:
        element = Column(column.name, "float" if column.datatype == "floatComplex" else "double")
    values = _scalars(element, words)
    present = [length > 0 for length in lengths]
    if pa.types.is_fixed_size_list(kind):
        for cell, length in zip(cells, lengths, strict=True):
            if length not in (0, kind.list_size):
                message = f"column {column.name!r}: {cell[:60]!r} has {length} values, not {kind.list_size}"
                raise FormatError(message)
        return fixed_lists(values, kind, present)
    return free_lists(values, lengths, kind, present)


def _text_arrays(column: Column, cells: Sequence[str]) -> pa.Array:
    """Strings of one length after another (VOTable 1.4 §2.2: the first dimension is the string's own)."""
    length = int((column.arraysize or "1").split("x")[0])
    kind = column.arrow_type()
    rows: list[list[str] | None] = []
    for cell in cells:
        parts = [cell[i : i + length].rstrip(" \0") for i in range(0, len(cell), length)]
        if pa.types.is_fixed_size_list(kind) and parts:
            parts = (parts + [""] * kind.list_size)[: kind.list_size]
        rows.append(parts or None)
    return pa.array(rows, kind)
