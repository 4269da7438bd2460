"""VOTables as services write them, by the book and otherwise."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from xml.sax.saxutils import escape, quoteattr

from ssap_mirror.core.schema import Column

__all__ = [
    "BY_THE_BOOK",
    "Layout",
    "Raw",
    "Serialization",
    "document",
    "encoded_rows",
    "error_document",
    "field",
    "without_table",
]

Serialization = Literal["TABLEDATA", "BINARY", "BINARY2"]
_PACK = {"double": "d", "float": "f", "long": "q", "int": "i", "short": "h", "unsignedByte": "B"}


class Raw(str):
    """A cell of TABLEDATA that is written as it is, whatever its column's datatype."""


@dataclass(frozen=True)
class Layout:
    """How a service lays its documents out."""

    version: str = "1.4"
    """Of VOTable."""
    doctype: str = ""
    """Between the XML declaration and the document."""
    id_instead_of_name: bool = False
    """Whether FIELDs have an ID and no name."""
    cdata: bool = False
    """Whether cells of text are CDATA sections between line breaks."""
    missing: str = ""
    """What stands for a missing number in TABLEDATA."""
    status: Literal["before", "after", "warning"] = "before"
    """Where truncation is told: in front of the table, behind it, or by a sentence in an INFO ``warning`` alone."""
    constants: tuple[str, ...] = ()
    """PARAMs of the table, as they stand in the document."""
    tables: Literal["one", "same columns", "other columns"] = "one"
    """Whether the rows come in two tables."""
    arraysize: str = ""
    """Further attributes of each scalar FIELD."""
    text_datatype: str = "char"
    """Datatype of columns of text."""
    time_origin: str | None = None
    """Origin of the column ``t_mid``, told by a TIMESYS (VOTable 1.4 §3.4)."""


#: Nothing unusual.
BY_THE_BOOK = Layout()


def document(
    columns: Sequence[Column],
    rows: Sequence[bytes],
    serialization: Serialization = "TABLEDATA",
    layout: Layout = Layout(),
    status: Literal["OK", "OVERFLOW"] = "OK",
    resource: str = "",
) -> bytes:
    """Write a whole answer.

    Parameters
    ----------
    columns : sequence of Column
        Of the rows.
    rows : sequence of bytes
        From `encoded_rows`.
    serialization : {'TABLEDATA', 'BINARY', 'BINARY2'}
        How the rows are written.
    layout : Layout
        What is unusual.
    status : {'OK', 'OVERFLOW'}
        Whether it is truncated.
    resource : str
        What else stands in the RESOURCE, before the table.
    """
    before, after = _status(layout, status)
    if layout.time_origin:
        before += f'<TIMESYS ID="clock" timeorigin="{layout.time_origin}" timescale="UTC" refposition="TOPOCENTER"/>'
    return "".join(
        [
            *_beginning(layout),
            f'<RESOURCE type="results"><DESCRIPTION>Synthetic rows</DESCRIPTION>{before}{resource}',
            *_tables(columns, rows, serialization, layout),
            f"{after}</RESOURCE></VOTABLE>",
        ]
    ).encode()


def without_table(layout: Layout) -> bytes:
    """Write an answer that says OK and has no TABLE."""
    return "".join(
        [*_beginning(layout), '<RESOURCE type="results"><INFO name="QUERY_STATUS" value="OK"/></RESOURCE></VOTABLE>']
    ).encode()


def error_document(message: str) -> bytes:
    """Write an answer that is an error (DALI 1.1 §4.2)."""
    return (
        '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results">'
        f'<INFO name="QUERY_STATUS" value="ERROR">{escape(message)}</INFO></RESOURCE></VOTABLE>'
    ).encode()


def field(column: Column, layout: Layout = Layout()) -> str:
    """Write the FIELD of a column."""
    names = ("name", "datatype", "arraysize", "unit", "ucd", "utype", "xtype")
    attributes = {name: getattr(column, name) for name in names if getattr(column, name)}
    if layout.id_instead_of_name:
        attributes = {"ID" if name == "name" else name: value for name, value in attributes.items()}
    if column.is_text:
        attributes["datatype"] = layout.text_datatype
    written = " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items())
    extra = layout.arraysize if column.arraysize is None else ""
    extra += ' ref="clock"' if layout.time_origin and column.name == "t_mid" else ""
    values = f"<VALUES null={quoteattr(column.null)}/>" if column.null else ""
    return f"<FIELD {written}{extra}>{values}</FIELD>"


def encoded_rows(
    columns: Sequence[Column], cells: Sequence[Sequence[Any]], serialization: Serialization, layout: Layout
) -> list[bytes]:
    """Write rows for `document`.

    Parameters
    ----------
    columns : sequence of Column
        Of the rows.
    cells : sequence of sequence
        For each column its values: a Python value, a list for an array, None for a missing one.
    serialization : {'TABLEDATA', 'BINARY', 'BINARY2'}
        How.
    layout : Layout
        What is unusual.
    """
    rows = zip(*cells, strict=True)
    if serialization == "TABLEDATA":
        return [_tabledata(row, columns, layout) for row in rows]
    return [_binary(row, columns, flags=serialization == "BINARY2") for row in rows]


def _beginning(layout: Layout) -> list[str]:
    namespace = "" if layout.version < "1.1" else f' xmlns="http://www.ivoa.net/xml/VOTable/v{layout.version}"'
    if layout.version > "1.3":
        namespace = ' xmlns="http://www.ivoa.net/xml/VOTable/v1.3"'
    return [f'<?xml version="1.0"?>\n{layout.doctype}<VOTABLE version="{layout.version}"{namespace}>']


def _status(layout: Layout, status: str) -> tuple[str, str]:
    """What stands before and after the table."""
    said = f'<INFO name="QUERY_STATUS" value="{status}"/>'
    if layout.status == "before":
        return said, ""
    if layout.status == "after":
        return '<INFO name="QUERY_STATUS" value="OK"/>', said if status == "OVERFLOW" else ""
    sentence = "The result was truncated: more rows match than the limit lets through"
    return "", f'<INFO name="warning" value="{sentence}"/>' if status == "OVERFLOW" else ""


def _tables(
    columns: Sequence[Column], rows: Sequence[bytes], serialization: Serialization, layout: Layout
) -> list[str]:
    if layout.tables == "one" or len(rows) < 2:
        return [_table(columns, rows, serialization, layout)]
    half = len(rows) // 2
    first = _table(columns, rows[:half], serialization, layout)
    if layout.tables == "same columns":
        return [first, _table(columns, rows[half:], serialization, layout)]
    other = Column("remark", "char", "*")
    return [first, _table([other], [b"<TR><TD>more of them</TD></TR>"] * (len(rows) - half), "TABLEDATA", layout)]


def _table(columns: Sequence[Column], rows: Sequence[bytes], serialization: Serialization, layout: Layout) -> str:
    fields = "".join(field(column, layout) for column in columns)
    if serialization == "TABLEDATA":
        data = f"<TABLEDATA>{b''.join(rows).decode()}</TABLEDATA>"
    else:
        stream = base64.encodebytes(b"".join(rows)).decode()
        data = f'<{serialization}><STREAM encoding="base64">{stream}</STREAM></{serialization}>'
    return f"<TABLE>{''.join(layout.constants)}{fields}<DATA>{data}</DATA></TABLE>"


def _tabledata(row: Sequence[Any], columns: Sequence[Column], layout: Layout) -> bytes:
    cells = (_text(value, column, layout) for value, column in zip(row, columns, strict=True))
    return f"<TR>{''.join(f'<TD>{cell}</TD>' for cell in cells)}</TR>".encode()


def _text(value: Any, column: Column, layout: Layout) -> str:
    if isinstance(value, Raw):
        return str(value)
    if value is None:
        if column.is_text or column.shape:
            return ""
        return layout.missing or column.null or ("NaN" if column.datatype in ("float", "double") else "")
    if isinstance(value, list):
        return " ".join(repr(part) for part in value)
    if isinstance(value, str):
        return f"\n<![CDATA[{value}]]>\n" if layout.cdata else escape(value)
    return repr(value)


def _binary(row: Sequence[Any], columns: Sequence[Column], *, flags: bool) -> bytes:
    width = (len(columns) + 7) // 8
    mask = 0
    cells = bytearray()
    for at, (value, column) in enumerate(zip(row, columns, strict=True)):
        if value is None:
            mask |= 1 << (8 * width - 1 - at)
        if column.is_text:
            encoded = (value or "").encode()
            cells += struct.pack(">I", len(encoded)) + encoded
        elif column.shape:
            size = column.shape[0] or 0
            cells += struct.pack(f">{size}{_PACK[column.datatype]}", *(value or [float("nan")] * size))
        else:
            empty = float("nan") if column.datatype in ("float", "double") else int(column.null or 0)
            cells += struct.pack(f">{_PACK[column.datatype]}", empty if value is None else value)
    return (mask.to_bytes(width, "big") if flags else b"") + bytes(cells)
