"""FITS tables, binary and ASCII (FITS 4.0 §7), a stretch of rows at a time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssap_mirror.errors import FormatError
from ssap_mirror.tables.files import unpacked
from ssap_mirror.tables.fits.columns import arrays_in_memory, ascii_array, binary_array, letters
from ssap_mirror.tables.numpy_arrays import arrow_field
from ssap_mirror.tables.table import Table, listed

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["fits_types", "from_fits_rec", "open_fits"]

# Rows after which the file is mapped anew, or all of it would count as memory in use.
_MAPPED_ROWS = 1 << 16
# As TOPCAT and STILTS write what FITS has no keyword for.
_KEYWORDS = {"ucd": "TUCD", "utype": "TUTYP", "description": "TCOMM"}
# What astropy raises for files that are damaged
_DAMAGE = (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)
_NO_HEAP = np.empty(0, np.uint8)
_DEFAULT_EQUINOX = {"FK4": 1950.0, "FK5": 2000.0}


def open_fits(path: Path, batch_rows: int, part: str | None = None) -> Table:
    """Open a table of a FITS file, plain or packed (then unpacked into a temporary file).

    Text without its trailing blanks; text that is empty is NULL, for FITS cannot tell the two apart. TNULL and logical
    values without a value are NULL; NaN is NaN.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    batch_rows : int
        Largest number of rows in a batch.
    part : str, optional
        Number of the HDU, the primary one being 0, or its name; the first table without it.

    Raises
    ------
    FormatError
        If there is no such table, or it is damaged.
    """
    import pyarrow as pa

    with unpacked(path) as plain, _opened(plain, part) as found:
        rows = len(found.hdu.data)
        types, notes = fits_types(found.hdu.columns, found.hdu.data, found.hdu.header)
        if found.others:
            notes.append(f"other tables of the file, not read (name one as {path.name}#NUMBER): {listed(found.others)}")

    def read(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with unpacked(path) as plain:
            for begin in range(0, rows, _MAPPED_ROWS):
                with _opened(plain, part) as found:
                    for start in range(begin, min(begin + _MAPPED_ROWS, rows), batch_rows):
                        data = found.hdu.data[start : min(start + batch_rows, begin + _MAPPED_ROWS)]
                        columns = [_array(found.hdu.columns[name], data, found.heap) for name in names]
                        yield pa.RecordBatch.from_arrays(columns, names=list(names))
                        del data

    return Table("FITS", types, read, rows=rows, files=(path,), opening_notes=tuple(notes))


def from_fits_rec(data: Any, batch_rows: int) -> Table:
    """Open the data of a FITS table that astropy has in memory.

    Raises
    ------
    FormatError
        If a column is of a format that is not read.
    """
    import pyarrow as pa

    types, notes = fits_types(data.columns, data, {})
    arrays, fields = [], []
    for item in types:
        column = data.columns[item.name]
        try:
            is_variable = not column.ascii and letters(column)[0] in "PQ"
            array = arrays_in_memory(column, data) if is_variable else _array(column, data, _NO_HEAP)
        except FormatError as error:
            notes.append(f"left out: {error}")
            continue
        arrays.append(array)
        fields.append(item.with_type(array.type))
    types = pa.schema(fields)
    whole = pa.Table.from_arrays(arrays, schema=types)

    def read(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        yield from whole.select(list(names)).to_batches(batch_rows)

    return Table("FITS", types, read, rows=len(data), in_memory=whole, opening_notes=tuple(notes))


def fits_types(columns: Any, data: Any, header: Any) -> tuple[pa.Schema, list[str]]:
    """Columns that are read, with what the header says of them, and notes on those that are not."""
    import pyarrow as pa

    fields, notes = [], []
    frame = _frame(header)
    for number, column in enumerate(columns, 1):
        said = {key: header.get(f"{word}{number}") for key, word in _KEYWORDS.items()}
        try:
            kind = _array(column, data[:0], _NO_HEAP).type
        except FormatError as error:
            notes.append(f"left out: {error}")
            continue
        if pa.types.is_fixed_size_list(kind) and pa.types.is_string(kind.value_type):
            width = data.dtype[column.name].base.itemsize
            said |= {"datatype": "char", "arraysize": f"{width}x{kind.list_size}"}
        if str(said["ucd"] or "").lower().startswith("pos") or column.unit == "deg":
            said["frame"] = frame
        fields.append(arrow_field(column.name, kind, unit=column.unit, **said))
    return pa.schema(fields), notes


def _frame(header: Any) -> str | None:
    """Frame of the coordinates, as RADESYS and EQUINOX tell (FITS 4.0 §8.3)."""
    system = str(header.get("RADESYS") or header.get("RADECSYS") or "").strip().upper()
    if system not in _DEFAULT_EQUINOX:
        return system or None
    equinox = header.get("EQUINOX", _DEFAULT_EQUINOX[system])
    return f"{system} {'B' if system == 'FK4' else 'J'}{float(equinox):g}"


def _array(column: Any, data: Any, heap: NDArray[np.uint8]) -> pa.Array:
    if column.ascii:
        return ascii_array(column, data)
    return binary_array(column, data, heap)


@dataclass(frozen=True)
class _Found:
    """A table of a file that is open."""

    hdu: Any
    heap: NDArray[np.uint8]
    others: list[str]


@contextmanager
def _opened(path: Path, part: str | None) -> Iterator[_Found]:
    from astropy.io import fits

    with warnings.catch_warnings():
        # That a file is truncated is told by a warning; other warnings are about style.
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message=".*truncated.*")
        try:
            with fits.open(path, memmap=True) as hdus:
                tables = {k: hdu for k, hdu in enumerate(hdus) if type(hdu) in (fits.BinTableHDU, fits.TableHDU)}
                number = _chosen(tables, part)
                hdu = tables.pop(number)
                others = [f"{k} ({other.name})" if other.name else str(k) for k, other in tables.items()]
                yield _Found(hdu, _heap(path, hdu), others)
        except (*_DAMAGE, fits.VerifyError, Warning) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            message = f"a damaged FITS file: {' '.join(str(error).split())[:300]}"
            raise FormatError(message) from error


def _chosen(tables: Mapping[int, Any], part: str | None) -> int:
    if not tables:
        message = "a FITS file without a table"
        raise FormatError(message)
    if part is None:
        return min(tables)
    for number, hdu in tables.items():
        if part == str(number) or part.upper() == hdu.name.upper():
            return number
    known = ", ".join(f"{number} ({hdu.name})" if hdu.name else str(number) for number, hdu in tables.items())
    message = f"it has no table {part!r}; its tables are {known}"
    raise FormatError(message)


def _heap(path: Path, hdu: Any) -> NDArray[np.uint8]:
    """Bytes behind the rows, which variable arrays are in (FITS 4.0 §7.3.5)."""
    header = hdu.header
    rows = header["NAXIS1"] * header["NAXIS2"]
    gap = header.get("THEAP", rows)
    size = rows + header.get("PCOUNT", 0) - gap
    if size <= 0:
        return _NO_HEAP
    start = hdu.fileinfo()["datLoc"] + gap
    size = min(size, path.stat().st_size - start)
    return np.memmap(path, np.uint8, "r", start, (size,)) if size > 0 else _NO_HEAP
