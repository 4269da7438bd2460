"""Headers of a FITS file with one binary table (FITS 4.0 §4.4.1, §7.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ssap_query.render.fits.layout import FitsColumn, ascii_text
from ssap_query.render.renderable import Renderable

if TYPE_CHECKING:
    from astropy.io import fits

__all__ = ["BLOCK", "primary_header", "table_header"]

#: Headers and data are filled up to a multiple of this [byte].
BLOCK = 2880
# UCD, utype, xtype and description, where STILTS and TOPCAT look for them.
_KEYWORDS = {"ucd": "TUCD", "utype": "TUTYP", "xtype": "TXTYP", "description": "TCOMM"}


def primary_header() -> bytes:
    """Header of the first unit, which has no data."""
    from astropy.io import fits

    return _bytes(fits.PrimaryHDU().header)


def table_header(result: Renderable, columns: Sequence[FitsColumn], row_bytes: int, heap_bytes: int) -> bytes:
    """Header of the table.

    Parameters
    ----------
    result : Renderable
        What is written.
    columns : sequence of FitsColumn
        Of the table.
    row_bytes, heap_bytes : int
        Bytes of a row, and of all that lies behind the rows.

    Returns
    -------
    bytes
        Whole blocks.
    """
    from astropy.io import fits

    header = fits.Header()
    header["XTENSION"] = ("BINTABLE", "binary table extension")
    header["BITPIX"] = 8
    header["NAXIS"] = 2
    header["NAXIS1"] = (row_bytes, "bytes of a row")
    header["NAXIS2"] = (len(result), "rows")
    header["PCOUNT"] = (heap_bytes, "bytes behind the rows")
    header["GCOUNT"] = 1
    header["TFIELDS"] = (len(columns), "columns")
    header["EXTNAME"] = "RESULT"
    header["QSTATUS"] = (result.status, "QUERY_STATUS of the result")
    for number, column in enumerate(columns, 1):
        _describe(header, number, column)
    for name, value in result.infos.items():
        header.add_comment(ascii_text(f"{name}: {value}"))
    return _bytes(header)


def _describe(header: fits.Header, number: int, column: FitsColumn) -> None:
    header[f"TTYPE{number}"] = column.column.name
    header[f"TFORM{number}"] = column.form
    known = {
        "TUNIT": column.column.unit,
        "TNULL": column.null,
        "TDIM": column.dimensions,
        **({"TSCAL": 1, "TZERO": column.zero} if column.zero else {}),
    }
    for keyword, value in known.items():
        if value not in (None, ""):
            header[f"{keyword}{number}"] = value
    for attribute, keyword in _KEYWORDS.items():
        if text := getattr(column.column, attribute):
            header[f"{keyword}{number}"] = ascii_text(" ".join(text.split()))


def _bytes(header: fits.Header) -> bytes:
    text: str = header.tostring()
    return text.encode("ascii")
