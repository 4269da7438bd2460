"""Rows of a FITS binary table in bytes, made column by column in compiled code."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from ssap_mirror.errors import FormatError

from ssap_query.render.columns.cells import string_values
from ssap_query.render.columns.lists import bytes_as_numbers, elements_of_fixed, is_array
from ssap_query.render.fits.layout import FitsColumn
from ssap_query.render.renderable import LossWarning

__all__ = ["Records"]

# FITS text is printable ASCII (§4.2.1.1).
_NOT_TEXT = "[^ -~]"


class Records:
    """Makes the rows of a table, and keeps the arrays of free length that lie behind it.

    Parameters
    ----------
    columns : sequence of FitsColumn
        Of the table.
    heap : binary file
        Where the arrays of free length are put.
    """

    def __init__(self, columns: Sequence[FitsColumn], heap: IO[bytes]) -> None:
        self.heap_bytes = 0
        self.rows = 0
        self._columns = columns
        self._heap = heap
        self._told: set[str] = set()
        self._dtype = np.dtype([(f"f{i}", *column.row_type) for i, column in enumerate(columns)])

    @property
    def row_bytes(self) -> int:
        """Bytes of a row (NAXIS1)."""
        return self._dtype.itemsize

    def of(self, batch: pa.RecordBatch) -> bytes:
        """Bytes of some rows."""
        rows = np.zeros(batch.num_rows, self._dtype)
        self.rows += batch.num_rows
        for i, column in enumerate(self._columns):
            values = column.source.values(batch)
            if column.pointer:
                rows[f"f{i}"] = self._pointers(values, column)
            elif column.letter == "A":
                rows[f"f{i}"] = self._texts(values, column)
            elif pa.types.is_fixed_size_list(values.type):
                rows[f"f{i}"] = _fixed(values, column)
            else:
                rows[f"f{i}"] = _numbers(values, column)
        return rows.tobytes()

    def _texts(self, values: pa.Array, column: FitsColumn) -> NDArray[Any]:
        texts = pc.fill_null(string_values(values), "")
        if not pc.all(pc.string_is_ascii(texts), min_count=0).as_py() or _has_controls(texts):
            if column.column.name not in self._told:
                self._told.add(column.column.name)
                message = f"{column.source.column.name}: characters that FITS cannot hold are written as '?'"
                warnings.warn(message, LossWarning, stacklevel=2)
            texts = pc.replace_substring_regex(texts, _NOT_TEXT, "?")
        padded = pc.ascii_rpad(texts, width=column.count, padding="\0")
        whole = pc.binary_join(pa.ListArray.from_arrays([0, len(padded)], padded), "") if len(padded) else None
        data = b"" if whole is None else whole[0].as_buffer()
        return np.frombuffer(data, f"S{column.count}")

    def _pointers(self, values: pa.Array, column: FitsColumn) -> NDArray[Any]:
        """Put the arrays on the heap; returns the length of each and where it is (§7.3.5)."""
        lists = values if is_array(values.type) else bytes_as_numbers(values)
        lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        elements = _numbers(lists.flatten(), column)
        width = elements.dtype.itemsize
        ends = np.cumsum(lengths * width)
        found = np.stack([lengths // column.parts, self.heap_bytes + ends - lengths * width], axis=1)
        self._heap.write(elements.tobytes())
        self.heap_bytes += elements.nbytes
        return found


def _has_controls(texts: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, _NOT_TEXT), min_count=0).as_py())


def _fixed(values: pa.Array, column: FitsColumn) -> NDArray[Any]:
    """Arrays of fixed size, shape (n, size); one that is missing is of missing elements."""
    size = values.type.list_size
    rows = _numbers(elements_of_fixed(values), column).reshape(-1, size)
    if values.null_count:
        missing = _numbers(pa.nulls(1, values.type.value_type), column)
        rows = np.where(values.is_null().to_numpy(zero_copy_only=False)[:, None], missing, rows)
    return rows


def _numbers(values: pa.Array, column: FitsColumn) -> NDArray[Any]:
    """Numbers as they are stored: a missing float is NaN, a missing integer TNULL."""
    kind = values.type
    if pa.types.is_boolean(kind):
        if column.letter == "L":
            truth = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
            return np.where(truth, np.uint8(ord("T")), np.uint8(ord("F")))
        values, kind = values.cast(pa.int8()), pa.int8()
    if column.zero:
        return _shifted(values.to_numpy(zero_copy_only=False), column)
    if column.letter == "D":
        values, kind = values.cast(pa.float64()), pa.float64()
    if pa.types.is_integer(kind):
        values = values.cast(pa.int64()) if column.letter == "K" else values
        if values.null_count:
            values = pc.fill_null(values.cast(pa.int64()), _null(column))
    elif values.null_count:
        values = pc.fill_null(values, float("nan"))
    found: NDArray[Any] = values.to_numpy(zero_copy_only=False).astype(column.storage)
    return found


def _shifted(values: NDArray[Any], column: FitsColumn) -> NDArray[Any]:
    """Unsigned integers as the signed ones that lie TZERO lower: the same bits but for the highest."""
    lower: NDArray[Any] = (values ^ values.dtype.type(column.zero)).astype(column.storage.replace("i", "u"))
    return lower.view(column.storage)


def _null(column: FitsColumn) -> int:
    if column.null is None:  # the first reading saw no NULL: the rows have changed since
        message = f"column {column.source.column.name!r} has changed while it was written"
        raise FormatError(message)
    return column.null
