"""Answers that are damaged, or mean harm: an error, and neither time nor memory lost."""

from __future__ import annotations

import base64
import gzip
import io
import json
import resource
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from random import Random

import pytest
from ssap_mirror.core.schema import Column
from ssap_mirror.errors import FormatError
from ssap_mirror.tables.votable import read_votable

from tests.support import votables

NAMES = [Column("a", "int"), Column("s", "char", "*")]
FIELDS = "".join(map(votables.field, NAMES))
ROW = "<TR><TD>1</TD><TD>x</TD></TR>"
CELL = b"\0" + struct.pack(">i", 1)


def _document(data: str, fields: str = FIELDS, before: str = "") -> bytes:
    return (
        f'<?xml version="1.0"?>{before}<VOTABLE version="1.4"><RESOURCE type="results"><TABLE>{fields}'
        f"<DATA>{data}</DATA></TABLE></RESOURCE></VOTABLE>"
    ).encode()


def _text(rows: str, fields: str = FIELDS) -> bytes:
    return _document(f"<TABLEDATA>{rows}</TABLEDATA>", fields)


def _binary2(raw: bytes, fields: str = FIELDS) -> bytes:
    encoded = base64.b64encode(raw).decode()
    return _document(f'<BINARY2><STREAM encoding="base64">{encoded}</STREAM></BINARY2>', fields)


def _field(datatype: str, arraysize: str) -> str:
    return f'<FIELD name="a" datatype="{datatype}" arraysize="{arraysize}"/>'


def _bomb() -> str:
    entities = ['<!ENTITY e0 "ha">', *(f'<!ENTITY e{k + 1} "{f"&e{k};" * 10}">' for k in range(9))]
    return f"<!DOCTYPE VOTABLE [{''.join(entities)}]>"


REFUSED: dict[str, tuple[bytes, str]] = {
    "entity bomb": (_document("", before=_bomb()), "DOCTYPE"),
    "external entity": (_document("", before='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'), "DOCTYPE"),
    "entity of an external DTD": (
        _text("<TR><TD>1</TD><TD>&x;</TD></TR>").replace(
            b"<VOTABLE", b'<!DOCTYPE VOTABLE SYSTEM "file:///etc/passwd"><VOTABLE', 1
        ),
        "entity",
    ),
    "unknown entity": (_text("<TR><TD>1</TD><TD>&x;</TD></TR>"), "undefined entity"),
    "length of 2 GB": (
        _binary2(CELL + struct.pack(">I", 2**31 - 1) + b"abc"),
        "row 1: column 's' claims to hold 2,147",
    ),
    "length of 4 GB": (_binary2(CELL + struct.pack(">I", 2**32 - 1)), "row 1: column 's' claims to hold 4,294"),
    "2 GB in row 2": (_binary2(CELL + b"\0\0\0\1x" + CELL + struct.pack(">I", 2**31 - 1)), "row 2: column 's' claims"),
    "deep": (_document("", fields="<GROUP>" * 100_000), "more than 64 deep"),
    "not UTF-8": (_text("<TR><TD>1</TD><TD>??</TD></TR>").replace(b"??", b"\xe9\xff"), "invalid token"),
    "not UTF-8, binary": (_binary2(CELL + b"\0\0\0\2\xe9\xff"), "column 's' holds b'.xe9.xff', which is not UTF-8"),
    "half a surrogate": (_binary2(b"\0\0\0\0\1\xd8\0", _field("unicodeChar", "*")), "half a surrogate"),
    "control character": (_text("<TR><TD>1</TD><TD>\x01</TD></TR>"), "invalid token"),
    "reference to one": (_text("<TR><TD>1</TD><TD>&#1;</TD></TR>"), "invalid character"),
    "cut within rows": (_text(ROW * 100)[:-200], "ends too early after row 9"),
    "cut behind rows": (_text(ROW)[:-12], "ends too early after row 1"),
    "row too short": (_text(ROW + "<TR><TD>1</TD></TR>"), "row 2 has 1 cells, and the table 2 columns"),
    "row too long": (_text("<TR><TD>1</TD><TD/><TD/></TR>"), "row 1 has more cells than the table has columns"),
    "cut binary row": (_binary2(CELL + b"\0\0\0\2a"), "row 1 is incomplete"),
    "cut flags": (_binary2(CELL + b"\0\0\0\0" + b"\0"), "row 2 is incomplete"),
    "no base64": (_document('<BINARY><STREAM encoding="base64">AA*$</STREAM></BINARY>'), "damaged base64"),
    "base64 that goes on": (_document('<BINARY><STREAM encoding="base64">AAA=AAAA</STREAM></BINARY>'), "base64"),
    "base64 cut": (_document('<BINARY><STREAM encoding="base64">AAAAAA</STREAM></BINARY>'), "end too early"),
    "elements in base64": (
        _document('<BINARY><STREAM encoding="base64"><TR/></STREAM></BINARY>'),
        "'TR' within base64",
    ),
    "no integer": (_text(ROW * 5 + "<TR><TD>1.5</TD><TD/></TR>"), "row 6: column 'a': '1.5' is no int"),
    "integer too large": (_text("<TR><TD>3000000000</TD><TD/></TR>"), "'3000000000' is no int"),
    "no number in array": (_text("<TR><TD>1 2</TD></TR><TR><TD>3 x</TD></TR>", _field("float", "2")), "row 2.*'3 x'"),
    "array too short": (_text("<TR><TD>1</TD></TR>", _field("float", "2")), "1 items, where arraysize '2' asks for 2"),
    "no slices": (_binary2(b"\0\0\0\0\1\0\1", _field("short", "2x*")), "1 items, not a multiple of 2"),
    "no boolean": (_binary2(b"\0X", '<FIELD name="a" datatype="boolean"/>'), "byte 88, which is no boolean"),
    "no boolean, text": (_text("<TR><TD>maybe</TD></TR>", '<FIELD name="a" datatype="boolean"/>'), "no boolean"),
    "no bits": (_text("<TR><TD>10 2</TD></TR>", _field("bit", "*")), "no sequence of bits"),
    "strings too long": (_text("<TR><TD>abcdef</TD></TR>", _field("char", "2x2")), "longer than 2 strings of 2"),
    "endless array": (_text("<TR><TD/></TR>", _field("double", "99999x99999x99999")), "too large"),
    "array of nothing": (_binary2(b"\0\0", _field("int", "0")), "which is nothing"),
    "negative array": (_text("<TR><TD/></TR>", _field("int", "-3")), "which is none"),
    "wide rows": (_text("<TR><TD/></TR>", _field("double", "9999999")), "each of its rows takes"),
    "rows of nothing": (_binary2(b"\0\0", ""), "without columns"),
    "rows elsewhere": (_document('<BINARY><STREAM href="file:///etc/passwd"/></BINARY>'), "at 'file:///etc/passwd'"),
    "rows in gzip": (_document('<BINARY><STREAM encoding="gzip"></STREAM></BINARY>'), "only base64"),
    "FITS": (_document('<FITS><STREAM encoding="base64"/></FITS>'), "FITS data inside a VOTable"),
    "encoded cell": (_text('<TR><TD encoding="base64">AA==</TD><TD/></TR>'), "encoded"),
    "rows twice": (_document("<TABLEDATA></TABLEDATA><TABLEDATA></TABLEDATA>"), "two sets of rows"),
    "HTML": (b"<html><body><h1>502 Bad Gateway</h1></body></html>", "HTML page instead"),
    "HTML 5": (b"<!DOCTYPE html>\n<html lang=en><br></html>", "HTML page instead"),
    "other XML": (b"<ServiceException/>", "XML of type 'ServiceException'"),
    "traceback": (b"Traceback (most recent call last):\n  File", "begins with 'Traceback "),
    "JSON": (b'{"error": 1}', "begins with"),
    "empty": (b"", "empty instead"),
    "zeros": (b"\0" * 5000, "not a VOTable"),
    "codec": (b'<?xml version="1.0" encoding="zlib_codec"?><VOTABLE/>', "'zlib_codec' is not known"),
    "odd UTF-16": ("<VOTABLE/>".encode("utf-16")[:-1], "utf-16"),
    "gzip cut": (gzip.compress(_text(ROW * 1000))[:-9], "gzip"),
    "gzip damaged": (gzip.compress(_text(ROW))[:-8] + b"12345678", "CRC"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    raw, reason = REFUSED[name]
    with pytest.raises(FormatError, match=reason):
        list(read_votable(io.BytesIO(raw)))


def test_rows_before_the_damage_come_first() -> None:
    reader = iter(read_votable(io.BytesIO(_text(ROW * 500 + "<TR><TD>x</TD><TD/></TR>")), batch_rows=100))
    assert sum(next(reader).num_rows for _ in range(5)) == 500
    with pytest.raises(FormatError, match="row 501: column 'a': 'x' is no int"):
        next(reader)


class _Endless(io.RawIOBase):
    """A beginning, and then the same for ever."""

    def __init__(self, beginning: bytes, more: bytes) -> None:
        self._beginning, self._more = beginning, more * (1 + (1 << 16) // len(more))

    def read(self, size: int = -1) -> bytes:
        piece, self._beginning = self._beginning or self._more, b""
        return piece


def _bomb_in_gzip(beginning: bytes, more: bytes) -> io.BytesIO:
    """Some 100 MB that are some 100 kB, made without ever having them."""
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(beginning), *(packer.compress(more) for _ in range((100 << 20) // len(more)))]
    return io.BytesIO(b"".join([*parts, packer.flush()]))


def _before(data: bytes, mark: bytes) -> bytes:
    return data[: data.index(mark)]


ENDLESS: dict[str, Callable[[], io.RawIOBase | io.BytesIO]] = {
    "nesting": lambda: _Endless(b"<VOTABLE>", b"<RESOURCE>"),
    "fields": lambda: _Endless(b"<VOTABLE><RESOURCE><TABLE>", b'<FIELD name="a" datatype="int"/>'),
    "elements": lambda: _Endless(b"<VOTABLE>", b"<a/>"),
    "text": lambda: _Endless(b"<VOTABLE>", b"text "),
    "tag": lambda: _Endless(b"<VOTABLE><", b"x"),
    "attribute": lambda: _Endless(b'<VOTABLE a="', b"x"),
    "comment": lambda: _Endless(b"<VOTABLE><!--", b"x"),
    "cell": lambda: _Endless(_before(_text(ROW), b"x</TD>"), b"x"),
    "cell, parsed": lambda: _Endless(_before(_text(ROW.replace("<TR>", "<TR a='b'>")), b"x</TD>"), b"x"),
    "cells": lambda: _Endless(_before(_text(ROW), b"<TD>"), b"<TD/>"),
    "cells, parsed": lambda: _Endless(_before(_text(ROW.replace("<TR>", "<TR a='b'>")), b"<TD>"), b"<TD/>"),
    "no row": lambda: _Endless(_before(_text(ROW), b"<TR>"), b" "),
    "base64": lambda: _Endless(_before(_binary2(CELL + struct.pack(">I", 2**24 - 1)), b"</ST") + b"AAA", b"/"),
    "gzip bomb": lambda: _bomb_in_gzip(_before(_text(ROW), b"</TABLED"), ROW.encode() * 10_000),
    "gzip bomb, header": lambda: _bomb_in_gzip(b"<VOTABLE>", b" " * (1 << 18)),
    "costly NULLs": lambda: io.BytesIO(_text("<TR><TD/></TR>" * 40, _field("double", "1000000")) + b"<"),
}


@pytest.fixture(scope="module")
def verdicts() -> dict[str, dict[str, object]]:
    """What came of each endless document, in one process that may take 60 s of a CPU."""
    ran = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=False, timeout=250)
    return {verdict["name"]: verdict for verdict in map(json.loads, ran.stdout.splitlines())}


@pytest.mark.parametrize("name", ENDLESS)
def test_refused_in_little_memory_and_time(name: str, verdicts: dict[str, dict[str, object]]) -> None:
    assert name in verdicts, "the process ended before"
    assert verdicts[name]["error"] == "FormatError", verdicts[name]
    assert verdicts[name]["grown_mb"] < 100


def _peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _read_endless() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    # What is imported, and the sources themselves, are not the reader's.
    list(read_votable(io.BytesIO(_text(ROW))))
    sources = {name: make() for name, make in ENDLESS.items()}
    before = _peak_kb()
    for name, source in sources.items():
        error = None
        try:
            for _ in read_votable(source):  # type: ignore[arg-type]
                pass
        except Exception as raised:
            error = raised
        grown = (_peak_kb() - before) // 1024
        print(json.dumps({"name": name, "error": type(error).__name__, "said": str(error)[:500], "grown_mb": grown}))


@pytest.mark.parametrize("serialization", votables.SERIALIZATIONS)
def test_damage_anywhere_is_an_error_or_harmless(serialization: str) -> None:
    random = Random(3)
    kinds = votables.columns()
    whole = 0
    for _ in range(250):
        schema = random.sample(kinds, 4)
        rows = votables.random_rows(random, schema, 6)
        raw = bytearray(votables.document(schema, rows, serialization, random=random))
        start, size = random.randrange(len(raw)), random.choice((0, 0, 1, 5, 200))
        inserted = random.choice((b"", b"<", b"&", b"\0", b"\xff", b"</TR>", b"]]>", b"A", b"<!--", b"9"))
        raw[start : start + size] = inserted
        try:
            for batch in read_votable(io.BytesIO(bytes(raw))):
                batch.validate(full=True)
            whole += 1
        except FormatError:
            pass
    assert 0 < whole < 200


@pytest.mark.parametrize("serialization", votables.SERIALIZATIONS)
def test_a_document_cut_anywhere_is_an_error(serialization: str) -> None:
    raw = votables.document(NAMES, [[k, "x" * (k % 7)] for k in range(40)], serialization)
    for packed in (raw, gzip.compress(raw, mtime=0)):
        for end in range(0, len(packed), 7):
            with pytest.raises(FormatError):
                list(read_votable(io.BytesIO(packed[:end])))


if __name__ == "__main__":
    _read_endless()


def test_a_doctype_that_only_names_a_dtd_is_read_without_it() -> None:
    document = _text("<TR><TD>1</TD><TD>a</TD></TR>")
    named = document.replace(b"<VOTABLE", b'<!DOCTYPE VOTABLE SYSTEM "file:///etc/passwd"><VOTABLE', 1)
    read = [list(read_votable(io.BytesIO(text))) for text in (document, named)]
    assert read[0] == read[1]
