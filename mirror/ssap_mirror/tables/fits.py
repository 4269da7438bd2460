"""FITS binary tables (FITS 4.0 §7.3), a stretch of rows at a time."""

from __future__ import annotations

import gzip
import re
import shutil
import tempfile
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import FormatError
from ssap_mirror.tables.numpy_arrays import arrow_array, arrow_field
from ssap_mirror.tables.tablefile import TableFile

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["open_fits"]

_FORMAT = re.compile(r"(\d*)([LXBIJKAEDCMPQ])(.*)")
# Rows after which the file is mapped anew, or all of it would count as memory in use.
_MAPPED_ROWS = 1 << 16
# As TOPCAT and STILTS write what FITS has no keyword for.
_KEYWORDS = {"ucd": "TUCD", "utype": "TUTYP", "description": "TCOMM"}
_TRUE, _FALSE = ord("T"), ord("F")


def open_fits(path: Path, batch_rows: int) -> TableFile:
    """Open the first binary table of a FITS file, plain or gzip (then unpacked into a temporary file).

    Text without its trailing blanks; text that is empty is NULL, for FITS cannot tell the two apart. TNULL and logical
    values without a value are NULL; NaN is NaN.

    Raises
    ------
    FormatError
        If it has none, or is damaged.
    """
    import pyarrow as pa

    with _unpacked(path) as plain, _table(plain) as hdu:
        header, rows = hdu.header, len(hdu.data)
        fields = []
        for number, column in enumerate(hdu.columns, 1):
            said = {key: header.get(f"{word}{number}") for key, word in _KEYWORDS.items()}
            kind = _array(column, hdu.data[:0]).type
            if pa.types.is_fixed_size_list(kind) and pa.types.is_string(kind.value_type):
                width = hdu.data.dtype[column.name].base.itemsize
                said |= {"datatype": "char", "arraysize": f"{width}x{kind.list_size}"}
            fields.append(arrow_field(column.name, kind, unit=column.unit, **said))
    types = pa.schema(fields)

    def batches(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with _unpacked(path) as plain:
            for begin in range(0, rows, _MAPPED_ROWS):
                with _table(plain) as hdu:
                    for start in range(begin, min(begin + _MAPPED_ROWS, rows), batch_rows):
                        data = hdu.data[start : min(start + batch_rows, begin + _MAPPED_ROWS)]
                        arrays = [_array(hdu.columns[name], data) for name in names]
                        yield pa.RecordBatch.from_arrays(arrays, names=list(names))
                        del data

    return TableFile("FITS", Schema.from_arrow(types), types, batches, rows=rows)


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if not packed:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "table.fits"
        try:
            with gzip.open(path) as source, plain.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            message = f"damaged or truncated gzip data: {error}"
            raise FormatError(message) from error
        yield plain


@contextmanager
def _table(path: Path) -> Iterator[Any]:
    from astropy.io import fits

    with warnings.catch_warnings():
        # That a file is truncated is told by a warning; other warnings are about style.
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message=".*truncated.*")
        try:
            with fits.open(path, memmap=True) as hdus:
                found = [hdu for hdu in hdus if type(hdu) is fits.BinTableHDU]
                if not found:
                    message = "a FITS file without a binary table"
                    raise FormatError(message)
                yield found[0]
        except (OSError, ValueError, TypeError, KeyError, IndexError, Warning) as error:
            message = f"a damaged FITS file: {' '.join(str(error).split())[:300]}"
            raise FormatError(message) from error


def _array(column: Any, data: Any) -> pa.Array:
    found = _FORMAT.match(str(column.format))
    if found is None:
        message = f"column {column.name!r} has the format {column.format!r}, which is not read"
        raise FormatError(message)
    letter = found[2]
    values = data[column.name]
    if letter in "PQ":
        return _variable(column, values, found[3])
    raw: NDArray[Any] = data.view(np.ndarray)[column.name]
    if letter == "A":
        return _text(np.asarray(raw))
    if letter == "L":
        return arrow_array(column.name, raw == _TRUE, (raw != _TRUE) & (raw != _FALSE))
    nulls = raw == column.null if column.null not in (None, "") and letter in "BIJK" else None
    return arrow_array(column.name, np.asarray(values), nulls)


def _text(raw: NDArray[Any]) -> pa.Array:
    import pyarrow as pa

    try:
        texts = [text.partition(b"\0")[0].rstrip(b" ").decode() for text in raw.reshape(-1).tolist()]
    except UnicodeDecodeError as error:
        message = f"text that is not UTF-8: {error.object[:40]!r}"
        raise FormatError(message) from error
    if raw.ndim == 1:
        return pa.array([text or None for text in texts], pa.string())
    return pa.FixedSizeListArray.from_arrays(pa.array(texts, pa.string()), int(np.prod(raw.shape[1:])))


def _variable(column: Any, values: Any, described: str) -> pa.Array:
    import pyarrow as pa

    letter = described[:1]
    if letter == "A":
        return pa.array([str(value).rstrip() or None for value in values], pa.string())
    kinds = {"L": pa.bool_(), "B": pa.uint8(), "I": pa.int16(), "J": pa.int32(), "K": pa.int64()}
    kinds |= {"E": pa.float32(), "D": pa.float64()}
    if letter not in kinds:
        message = f"column {column.name!r} has arrays of the format {described!r}, which are not read"
        raise FormatError(message)
    lists = [np.asarray(value).reshape(-1).tolist() for value in values]
    return pa.array(lists, pa.list_(kinds[letter]))
