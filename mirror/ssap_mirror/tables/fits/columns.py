"""Columns of FITS tables (FITS 4.0 §7.2 and §7.3) -> Arrow, from the bytes as they are stored."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from ssap_mirror.errors import FormatError
from ssap_mirror.tables.cell_types import as_type
from ssap_mirror.tables.numpy_arrays import arrow_array

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["arrays_in_memory", "ascii_array", "binary_array", "letters"]

_FORMAT = re.compile(r"(\d*)([LXBIJKAEDCMPQ])(.*)")
_ASCII_FORMAT = re.compile(r"([AIFED])(\d*)(?:\.\d+)?")
_INTEGERS = "BIJK"
# What astropy puts in place of masked integers: 999999, as far as the type holds it
_ASTROPY_FILLS = {"I": 16959, "J": 999_999, "K": 999_999}
_STORED = {"L": "u1", "B": "u1", "A": "S1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
_STORED |= {"C": ">c8", "M": ">c16"}
_TRUE, _FALSE = ord("T"), ord("F")


def letters(column: Any) -> tuple[str, str]:
    """Letter of a binary column's format, and that of the items of its variable arrays.

    Raises
    ------
    FormatError
        If the format is none that is read.
    """
    found = _FORMAT.match(str(column.format))
    items = found[3][:1] if found is not None and found[2] in "PQ" else ""
    if found is None or (found[2] in "PQ" and items not in _STORED):
        message = f"column {column.name!r} has the format {str(column.format)!r}, which is not read"
        raise FormatError(message)
    return found[2], items


def binary_array(column: Any, rows: Any, heap: NDArray[np.uint8]) -> pa.Array:
    """Values of a column of a binary table.

    Parameters
    ----------
    column : astropy.io.fits.Column
        Its format, TNULL, TSCAL and TZERO.
    rows : astropy.io.fits.FITS_rec
        Some rows.
    heap : numpy.ndarray of uint8
        What variable arrays are in.

    Raises
    ------
    FormatError
        If it is damaged, or of a format that is not read.
    """
    letter, items = letters(column)
    if letter == "X":
        return arrow_array(column.name, np.asarray(rows[column.name]), None)
    raw = np.asarray(rows.view(np.ndarray)[column.name])
    if letter in "PQ":
        return _variable(column, items, raw, heap)
    if letter == "A":
        return _text(raw)
    values, nulls = _decoded(column, letter, raw)
    return arrow_array(column.name, values, nulls)


def arrays_in_memory(column: Any, rows: Any) -> pa.Array:
    """Values of a column of variable arrays whose heap is out of reach, as astropy gives them.

    Raises
    ------
    FormatError
        If they are scaled, which astropy sees to for some and not for others.
    """
    import pyarrow as pa

    _, items = letters(column)
    if _is_scaled(column):
        message = f"column {column.name!r} has scaled arrays of variable length, which are read from files alone"
        raise FormatError(message)
    pieces = [np.asarray(value).reshape(-1) for value in rows[column.name]]
    if items == "A":
        texts = ["".join(piece.astype("U").tolist()).rstrip() for piece in pieces]
        return pa.array([text or None for text in texts], pa.string())
    lengths = np.array([len(piece) for piece in pieces], np.int64)
    values = np.concatenate(pieces) if len(pieces) else np.empty(0, _STORED[items])
    return _lists(column, values, None, lengths)


def ascii_array(column: Any, rows: Any) -> pa.Array:
    """Values of a column of an ASCII table; a blank cell, and one that equals TNULL, is NULL.

    Raises
    ------
    FormatError
        If a cell is no number where its format says so.
    """
    import pyarrow as pa

    found = _ASCII_FORMAT.match(str(column.format))
    raw = np.asarray(rows.view(np.ndarray)[column.name])
    words = [text.decode("ascii", "replace").strip() for text in raw.tolist()]
    null = None if column.null in (None, "") else str(column.null).strip()
    cells = pa.array([None if word in ("", null) else word for word in words], pa.string())
    if found is None or found[1] == "A":
        return cells
    try:
        values = as_type(cells, "int64" if found[1] == "I" and not _is_scaled(column) else "double")
    except pa.ArrowInvalid as error:
        message = f"column {column.name!r} has text where its format {column.format!r} has numbers"
        raise FormatError(message) from error
    if not _is_scaled(column):
        return values
    scale, zero = _scaling(column)
    numbers = values.to_numpy(zero_copy_only=False) * scale + zero
    return pa.array(numbers, mask=values.is_null().to_numpy(zero_copy_only=False))


def _scaling(column: Any) -> tuple[float, float]:
    scale = 1 if column.bscale in (None, "") else column.bscale
    zero = 0 if column.bzero in (None, "") else column.bzero
    return scale, zero


def _is_scaled(column: Any) -> bool:
    return _scaling(column) != (1, 0)


def _decoded(column: Any, letter: str, raw: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Values as they are meant, and which are NULL: TNULL is about the stored number (FITS 4.0 §7.3.2)."""
    if letter == "L":
        return raw == _TRUE, (raw != _TRUE) & (raw != _FALSE)
    nulls = raw == column.null if letter in _INTEGERS and column.null not in (None, "") else None
    if not _is_scaled(column):
        return raw, nulls
    scale, zero = _scaling(column)
    bits = 8 * raw.dtype.itemsize
    if scale == 1 and letter in _INTEGERS and zero == (-128 if letter == "B" else 2 ** (bits - 1)):
        values = _other_sign(raw, letter)
        # Astropy writes the number that it fills masked values with, and not what is stored for it.
        return values, values == column.null if column.null == _ASTROPY_FILLS.get(letter) else nulls
    if scale == 1 and letter in "BIJ" and float(zero).is_integer() and abs(zero) < 2**53:
        return raw.astype(np.int64) + int(zero), nulls
    if letter in "CM":
        return raw.astype(np.complex128) * scale + zero, nulls
    return raw.astype(np.float64) * scale + zero, nulls


def _other_sign(raw: NDArray[Any], letter: str) -> NDArray[Any]:
    """Unsigned integers, or signed bytes, which FITS stores with the first bit turned over."""
    native = np.ascontiguousarray(raw.astype(raw.dtype.newbyteorder("=")))
    unsigned = native.view(f"u{native.dtype.itemsize}")
    turned = unsigned ^ unsigned.dtype.type(1 << (8 * native.dtype.itemsize - 1))
    values: NDArray[Any] = turned.view(np.int8) if letter == "B" else turned
    return values


def _text(raw: NDArray[Any]) -> pa.Array:
    import pyarrow as pa

    texts = [_decode(text) for text in raw.reshape(-1).tolist()]
    if raw.ndim == 1:
        return pa.array([text or None for text in texts], pa.string())
    return pa.FixedSizeListArray.from_arrays(pa.array(texts, pa.string()), int(np.prod(raw.shape[1:])))


def _decode(text: bytes) -> str:
    try:
        return text.partition(b"\0")[0].rstrip(b" ").decode()
    except UnicodeDecodeError as error:
        message = f"text that is not UTF-8: {error.object[:40]!r}"
        raise FormatError(message) from error


def _variable(column: Any, letter: str, descriptors: NDArray[Any], heap: NDArray[np.uint8]) -> pa.Array:
    """Arrays of variable length: each row has the number of its items and their place in the heap."""
    import pyarrow as pa

    lengths, places = (descriptors[:, axis].astype(np.int64) for axis in (0, 1))
    stored = np.dtype(_STORED[letter])
    ends = places + lengths * stored.itemsize
    if len(lengths) and (min(lengths.min(), places.min()) < 0 or ends[lengths > 0].max(initial=0) > len(heap)):
        message = f"column {column.name!r} has arrays beyond the end of the file"
        raise FormatError(message)
    pieces = [heap[place:end] for place, end, n in zip(places, ends, lengths, strict=True) if n]
    if letter == "A":
        texts = iter([_decode(piece.tobytes()) for piece in pieces])
        return pa.array([(next(texts) or None) if n else None for n in lengths], pa.string())
    raw = (np.concatenate(pieces) if pieces else heap[:0]).view(stored)
    values, nulls = _decoded(column, letter, raw)
    return _lists(column, values, nulls, lengths)


def _lists(column: Any, values: NDArray[Any], nulls: NDArray[np.bool_] | None, lengths: NDArray[np.int64]) -> pa.Array:
    """Make lists of the values of all rows, which stand one after the other."""
    import pyarrow as pa

    items = arrow_array(column.name, values, nulls)
    parts = 1
    if pa.types.is_fixed_size_list(items.type):
        items, parts = items.flatten(), items.type.list_size
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths * parts, out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), items)
