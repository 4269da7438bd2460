"""VOTables of every datatype, arraysize and null convention, written by the book (VOTable 1.5 §5 and §6).

A cell is a Python value: None for NULL, a list for an array, with None for a NULL item where the column has a null
literal. Complex numbers are two floats. What a serialisation cannot say (NULL or empty string in TABLEDATA) is told by
`as_read`.
"""

from __future__ import annotations

import base64
import math
import struct
from dataclasses import replace
from random import Random
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from ssap_mirror.core.schema import Column

SERIALIZATIONS = ("TABLEDATA", "BINARY", "BINARY2")
_INTEGERS = {"unsignedByte": (0, 2**8 - 1, "B"), "short": (-(2**15), 2**15 - 1, "h")}
_INTEGERS |= {"int": (-(2**31), 2**31 - 1, "i"), "long": (-(2**63), 2**63 - 1, "q")}
_FLOATS = {"float": "f", "double": "d", "floatComplex": "f", "doubleComplex": "d"}
_SPECIAL = (math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-30, -2.5e30, 1.5)
_LETTERS = "abc XYZ 0123 <&>'\"\t\n;,é–Ωα漢"
_NON_BMP = "🔭"


def columns(*, string_arrays: bool = True) -> list[Column]:
    """One column of every kind."""
    kinds: list[tuple[str, str | None, str | None]] = []
    for datatype in ("boolean", "bit", *_INTEGERS, *_FLOATS):
        kinds += [(datatype, size, None) for size in (None, "1", "3", "2x3", "*", "4*", "2x*", "2x2x*")]
    for datatype, null in (("unsignedByte", "255"), ("short", "-1"), ("int", "-9999"), ("long", str(-(2**63)))):
        kinds += [(datatype, size, null) for size in (None, "2", "*")]
    kinds += [("double", None, "NaN"), ("float", None, "-9999"), ("float", "2", "-9999")]
    for datatype in ("char", "unicodeChar"):
        kinds += [(datatype, size, None) for size in (None, "1", "5", "*", "12*")]
        if string_arrays:
            kinds += [(datatype, size, None) for size in ("4x2", "3x*", "3x4*")]
    kinds += [("char", "*", "n/a"), ("char", "3", "n/a")]
    return [Column(f"c{k}", datatype, size, null=null) for k, (datatype, size, null) in enumerate(kinds)]


def random_rows(random: Random, schema: list[Column], count: int) -> list[list[Any]]:
    """Rows of random values, a fifth of them NULL."""
    return [
        [None if random.random() < 0.2 else random_value(random, column) for column in schema] for _ in range(count)
    ]


def random_value(random: Random, column: Column) -> Any:
    """A value that is not NULL."""
    if column.is_text and not column.shape:
        return _string(random, column, _width(column))
    if not column.shape and not column.datatype.endswith("Complex"):
        return _item(random, column)
    size = 1
    for part in column.shape:
        size *= random.choice((0, 1, 2, 5)) if part is None else part
    if column.is_text:
        return [_string(random, column, _width(column)).rstrip(" ") for _ in range(size)]
    size *= 2 if column.datatype.endswith("Complex") else 1
    nullable = column.null is not None and not column.datatype.endswith("Complex")
    return [None if nullable and random.random() < 0.2 else _item(random, column) for _ in range(size)]


def as_read(value: Any, column: Column, serialization: str) -> Any:
    """What the value is after a way through a serialisation."""
    if serialization == "BINARY" and value is None:
        return _magic(column)
    if value in ("", []) and serialization != "BINARY2":
        return None
    return value


def document(schema: list[Column], rows: list[list[Any]], serialization: str, *, random: Random | None = None) -> bytes:
    """A whole VOTable; with `random`, its layout and the ways to say NULL vary."""
    random = random or Random(0)
    fields = "".join(field(column) for column in schema)
    if serialization == "TABLEDATA":
        body = "".join(_text_row(random, schema, row) for row in rows)
        data = f"<TABLEDATA>{body}</TABLEDATA>"
    else:
        raw = b"".join(_binary_row(random, schema, row, serialization) for row in rows)
        encoded = base64.encodebytes(raw) if random.random() < 0.5 else base64.b64encode(raw)
        data = f'<{serialization}><STREAM encoding="base64">{encoded.decode()}</STREAM></{serialization}>'
    return (
        '<?xml version="1.0"?>\n<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
        f'<RESOURCE type="results"><TABLE name="t">{fields}<DATA>{data}</DATA></TABLE></RESOURCE></VOTABLE>'
    ).encode()


def field(column: Column) -> str:
    """The FIELD of a column."""
    names = ("name", "datatype", "arraysize", "unit", "ucd", "utype", "xtype")
    attributes = " ".join(f"{name}={quoteattr(getattr(column, name))}" for name in names if getattr(column, name))
    inner = f"<DESCRIPTION>{escape(column.description)}</DESCRIPTION>" if column.description else ""
    inner += f"<VALUES null={quoteattr(column.null)}/>" if column.null is not None else ""
    return f"<FIELD {attributes}>{inner}</FIELD>"


def _width(column: Column) -> int | None:
    first = (column.arraysize or "1").split("x")[0]
    return None if first == "*" else int(first.rstrip("*"))


def _string(random: Random, column: Column, width: int | None) -> str:
    # ``char`` is ASCII up to VOTable 1.5.
    letters = "".join(filter(str.isascii, _LETTERS)) if column.datatype == "char" else _LETTERS
    letters += _NON_BMP if width is None and column.datatype == "unicodeChar" else ""
    size = random.randint(0 if "*" in (column.arraysize or "") else 1, 9) if width is None else random.randint(1, width)
    return "".join(random.choice(letters) for _ in range(size))


def _item(random: Random, column: Column) -> Any:
    if column.datatype in ("boolean", "bit"):
        return random.random() < 0.5
    if column.datatype in _INTEGERS:
        low, high, _ = _INTEGERS[column.datatype]
        value = random.choice((low, high, 0, 1, random.randint(low, high)))
        return 7 if str(value) == column.null else value
    value = random.choice((*_SPECIAL, random.gauss(0, 1e3), random.random()))
    if column.null == "NaN" and math.isnan(value):
        value = 1.0
    return struct.unpack(">f", struct.pack(">f", value))[0] if _FLOATS[column.datatype] == "f" else value


def _magic(column: Column) -> Any:
    """What stands for a NULL in BINARY, as it is read: NaN and zero cannot be told from values."""
    if (column.is_text and not column.shape) or (column.arraysize or "").endswith("*"):
        return None
    size = 1
    for part in column.shape:
        size *= part or 1
    if column.is_text:
        return [""] * size
    size *= 2 if column.datatype.endswith("Complex") else 1
    in_list = bool(column.shape) or column.datatype.endswith("Complex")
    if column.null is not None or column.datatype == "boolean":
        item = None
    elif column.datatype in _FLOATS:
        item = math.nan
    else:
        item = False if column.datatype == "bit" else 0
    return [item] * size if in_list else item


def _text_row(random: Random, schema: list[Column], row: list[Any]) -> str:
    cells = []
    for column, value in zip(schema, row, strict=True):
        text = _text(random, column, value)
        cells.append("<TD/>" if not text and random.random() < 0.5 else f"<TD>{escape(text)}</TD>")
    blank = random.choice(("", "\n", "  \n "))
    return f"{blank}<TR>{blank.join(cells)}</TR>{blank}"


def _text(random: Random, column: Column, value: Any) -> str:
    if value is None:
        if column.datatype == "boolean" and not column.shape and random.random() < 0.5:
            return "?"
        in_list = bool(column.shape)
        return column.null if column.null is not None and not in_list and random.random() < 0.5 else ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and column.is_text:
        width = _width(column) or 1
        return "".join(text.ljust(width) for text in value)
    if isinstance(value, list):
        between = "" if column.datatype == "bit" and random.random() < 0.5 else random.choice((" ", "  ", "\n"))
        return between.join(_text_item(random, column, item) for item in value)
    around = random.choice(("", "", " "))
    return around + _text_item(random, column, value) + around


def _text_item(random: Random, column: Column, item: Any) -> str:
    if item is None:
        return "?" if column.null is None else column.null
    if column.datatype == "bit":
        return "1" if item else "0"
    if column.datatype == "boolean":
        return random.choice(("T", "true", "1", "t", "TRUE") if item else ("F", "false", "0", "f", "False"))
    if column.datatype in _INTEGERS:
        return random.choice((str(item), f"+{item}", f"0x{item:x}")) if item >= 0 else str(item)
    if math.isnan(item):
        return "NaN"
    if math.isinf(item):
        return random.choice(("+Inf", "Inf", "inf")) if item > 0 else "-Inf"
    return repr(item)


def _binary_row(random: Random, schema: list[Column], row: list[Any], serialization: str) -> bytes:
    flags, cells = 0, b""
    width = (len(schema) + 7) // 8
    for index, (column, value) in enumerate(zip(schema, row, strict=True)):
        if value is None and serialization == "BINARY2":
            # An unflagged NaN is a NaN, even if NaN is declared to be the null value: DaCHS keeps the two apart so.
            by_literal = column.null not in (None, "NaN") and not column.shape and random.random() < 0.3
            if not by_literal:
                flags |= 1 << (8 * width - 1 - index)
                # What stands in a cell that is flagged does not matter.
                filling = replace(column, null=None)
                cells += _binary(filling, random.choice((_magic(filling), random_value(random, column))))
                continue
        cells += _binary(column, _magic(column) if value is None else value)
    return (flags.to_bytes(width, "big") if serialization == "BINARY2" else b"") + cells


def _binary(column: Column, value: Any) -> bytes:
    if column.is_text:
        return _binary_text(column, value)
    items = value if isinstance(value, list) else [] if value is None and column.shape else [value]
    variable = "*" in (column.arraysize or "")
    count = len(items) // 2 if column.datatype.endswith("Complex") else len(items)
    head = struct.pack(">I", count) if variable else b""
    if column.datatype == "bit":
        bits = "".join("1" if item else "0" for item in items)
        padded = bits.ljust(-(-len(bits) // 8) * 8, "0")
        return head + int(padded or "0", 2).to_bytes(len(padded) // 8, "big")
    if column.datatype == "boolean":
        return head + b"".join({True: b"T", False: b"F", None: b"?"}[item] for item in items)
    code = _FLOATS.get(column.datatype) or _INTEGERS[column.datatype][2]
    read = float if column.datatype in _FLOATS else int
    numbers = [read(column.null or 0) if item is None else item for item in items]
    return head + struct.pack(f">{len(numbers)}{code}", *numbers)


def _binary_text(column: Column, value: Any) -> bytes:
    encoding, zero = ("utf-16-be", "\0\0") if column.datatype == "unicodeChar" else ("utf-8", "\0")
    unit = len(zero)
    variable = "*" in (column.arraysize or "")
    width = _width(column)
    texts = value if isinstance(value, list) else [value if value is not None else ""]
    if value is None and column.null is not None and not column.shape:
        texts = [column.null]
    encoded = [text.encode(encoding) for text in texts]
    if column.shape or not variable:
        assert width is not None
        encoded = [text.ljust(width * unit, b"\0") for text in encoded]
    if value is None and column.shape:
        size = 1
        for part in column.shape:
            size *= part or 0
        encoded = [b"\0" * (unit * (width or 1) * size)]
    data = b"".join(encoded)
    return (struct.pack(">I", len(data) // unit) if variable else b"") + data
