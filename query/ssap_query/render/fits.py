"""FITS binary table (FITS 4.0 §7.3), written by astropy: the whole answer is in memory.

A missing integer is TNULLn, a missing float NaN, a missing string empty. FITS text is printable ASCII (§4.2.1.1): other
characters become ``?``, which a `LossWarning` tells. UCD, utype, xtype and description are in TUCDn, TUTYPn, TXTYPn and
TCOMMn, where STILTS and TOPCAT look for them.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from ssap_mirror.core.schema import Column

from ssap_query.render.answer import Answer, LossWarning
from ssap_query.render.fields import as_declared, declare

__all__ = ["fits_chunks"]

# VOTable datatype -> TFORM letter.
_LETTERS = {
    "boolean": "L",
    "unsignedByte": "B",
    "short": "I",
    "int": "J",
    "long": "K",
    "float": "E",
    "double": "D",
    "floatComplex": "C",
    "doubleComplex": "M",
}
_KEYWORDS = {"ucd": "TUCD", "utype": "TUTYP", "xtype": "TXTYP", "description": "TCOMM"}
_NOT_TEXT = "[^ -~]"
_CHUNK = 1 << 20


def fits_chunks(answer: Answer) -> Iterator[bytes]:
    """Yield an answer as FITS."""
    from astropy.io import fits

    columns = declare(answer, null_literals=True)
    table = answer.to_arrow()
    made = [_column(table.column(i).combine_chunks(), column) for i, column in enumerate(columns)]
    hdu = fits.BinTableHDU.from_columns(made, nrows=table.num_rows, name="RESULT")
    hdu.header["QSTATUS"] = (answer.status, "QUERY_STATUS of the answer")
    for number, column in enumerate(columns, 1):
        for attribute, keyword in _KEYWORDS.items():
            if value := getattr(column, attribute):
                hdu.header[f"{keyword}{number}"] = _ascii(value)
    for name, value in answer.infos.items():
        hdu.header.add_comment(_ascii(f"{name}: {value}"))
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(buffer)
    view = buffer.getbuffer()
    for start in range(0, len(view), _CHUNK):
        yield bytes(view[start : start + _CHUNK])


def _column(array: pa.Array | pa.ChunkedArray, column: Column) -> Any:
    from astropy.io import fits

    values = as_declared(_one(array), column)
    if column.datatype == "boolean" and values.null_count:
        # A FITS logical has no missing value that readers agree on.
        column = replace(column, datatype="short", null="-1")
        values = values.cast(column.arrow_type())
    tform, data = _text(values, column) if column.is_text else _numeric(values, column)
    null = None if column.null is None or column.is_text else int(column.null)
    return fits.Column(column.name, tform, unit=column.unit, null=null, array=data)


def _one(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    return array if isinstance(array, pa.Array) else pa.concat_arrays(array.chunks)


def _text(values: pa.Array, column: Column) -> tuple[str, NDArray[np.bytes_]]:
    filled = pc.fill_null(values, "")
    if pc.any(pc.match_substring_regex(filled, _NOT_TEXT), min_count=0).as_py():
        message = f"{column.name}: characters that FITS cannot hold are written as '?'"
        warnings.warn(message, LossWarning, stacklevel=2)
        filled = pc.replace_substring_regex(filled, _NOT_TEXT, "?")
    data = np.array([text.encode("ascii") for text in filled.to_pylist()], np.bytes_)
    return f"{max(1, data.dtype.itemsize)}A", data


def _numeric(values: pa.Array, column: Column) -> tuple[str, NDArray[Any]]:
    letter = _LETTERS[column.datatype]
    missing: Any = float("nan") if pa.types.is_floating(_element(values.type)) else int(column.null or 0)
    if letter == "L":
        missing = False
    if not column.shape:
        return letter, pc.fill_null(values, missing).to_numpy(zero_copy_only=False)
    parts = 2 if column.datatype.endswith("Complex") else 1
    kind = {"floatComplex": np.complex64, "doubleComplex": np.complex128}.get(column.datatype)
    elements = pc.fill_null(values.flatten(), missing).to_numpy(zero_copy_only=False)
    valid = values.is_valid().to_numpy(zero_copy_only=False)
    if pa.types.is_fixed_size_list(values.type):
        size = values.type.list_size
        rows = np.full((len(values), size), missing, elements.dtype)
        rows[valid] = elements.reshape(-1, size)
        return f"{size // parts}{letter}", rows if kind is None else rows.view(kind)
    ends = np.cumsum(pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False))
    pieces = np.split(elements, ends[:-1])
    return f"P{letter}()", np.array([*(p if kind is None else p.view(kind) for p in pieces), None], object)[:-1]


def _element(kind: pa.DataType) -> pa.DataType:
    return getattr(kind, "value_type", kind)


def _ascii(text: str) -> str:
    return "".join(character if " " <= character <= "~" else "?" for character in text)
