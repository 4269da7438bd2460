"""Every datatype, arraysize and null convention in every serialisation, value by value."""

from __future__ import annotations

import io
import math
import struct
import warnings
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ssap_mirror.core.schema import Column
from ssap_mirror.tables.votable import read_votable

from tests.support import votables


def _same(left: Any, right: Any) -> bool:
    """Equal bit by bit: NaN is NaN, and 0 is not -0."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(_same(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, float) and isinstance(right, float):
        if math.isnan(left) or math.isnan(right):
            return math.isnan(left) and math.isnan(right)
        return struct.pack(">d", left) == struct.pack(">d", right)
    return type(left) is type(right) and left == right


def _table(raw: bytes, **options: Any) -> pa.Table:
    opened = read_votable(io.BytesIO(raw), **options)
    table = pa.Table.from_batches(list(opened), schema=opened.schema.arrow_schema())
    table.validate(full=True)
    return table


def _check(raw: bytes, schema: list[Column], rows: list[list[Any]], serialization: str) -> None:
    table = _table(raw)
    assert table.num_rows == len(rows)
    for index, column in enumerate(schema):
        assert table.schema.field(index).type == column.arrow_type()
        values = table.column(index).to_pylist()
        for number, (value, row) in enumerate(zip(values, rows, strict=True)):
            expected = votables.as_read(row[index], column, serialization)
            assert _same(value, expected), (column, number, value, expected)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("serialization", votables.SERIALIZATIONS)
def test_all_kinds_at_once(serialization: str, seed: int) -> None:
    random = Random(seed)
    schema = votables.columns()
    rows = votables.random_rows(random, schema, 25)
    _check(votables.document(schema, rows, serialization, random=random), schema, rows, serialization)


@given(data=st.data(), serialization=st.sampled_from(votables.SERIALIZATIONS))
@settings(max_examples=300)
def test_any_table(data: st.DataObject, serialization: str) -> None:
    schema = data.draw(
        st.lists(st.sampled_from(votables.columns()), min_size=1, max_size=5, unique_by=lambda c: c.name)
    )
    random = Random(data.draw(st.integers(0, 2**32)))
    rows = votables.random_rows(random, schema, data.draw(st.integers(0, 12)))
    _check(votables.document(schema, rows, serialization, random=random), schema, rows, serialization)


class _Drip(io.RawIOBase):
    """A source that gives as few bytes as it likes."""

    def __init__(self, raw: bytes, random: Random) -> None:
        self._file, self._random = io.BytesIO(raw), random

    def read(self, size: int = -1) -> bytes:
        return self._file.read(self._random.randint(1, 700))


@pytest.mark.parametrize("serialization", votables.SERIALIZATIONS)
def test_wherever_pieces_and_batches_end(serialization: str) -> None:
    random = Random(5)
    schema = [column for column in votables.columns() if random.random() < 0.3]
    rows = votables.random_rows(random, schema, 60)
    raw = votables.document(schema, rows, serialization, random=random)
    whole = _table(raw).to_pylist()
    for block, parsed, batch_rows in ((1, 1 << 18, 7), (300, 100, 1), (3000, 17, 1000)):
        opened = read_votable(_Drip(raw, random), batch_rows=batch_rows, block_bytes=block, parsed_bytes=parsed)
        batches = list(opened)
        assert max(batch.num_rows for batch in batches) <= batch_rows
        assert repr([row for batch in batches for row in batch.to_pylist()]) == repr(whole)


def _odd(raw: bytes, serialization: str) -> list[bytes]:
    """The same table, written in ways that only an XML parser understands."""
    if serialization == "TABLEDATA":
        return [
            raw.replace(b"<TR>", b"<!-- <TR><TD>not</TD></TR> --><TR>", 3),
            raw.replace(b"<TD>", b'<TD class="x">', 5),
            raw.replace(b"<TABLEDATA>", b"<?php </TABLEDATA> ?><TABLEDATA><!-- </TABLEDATA> -->"),
            raw.replace(b"<TR>", b"<TR ID='a'>", 2).replace(b"</TR>", b"</TR >"),
            raw.replace(b"<TD>", b"<TD><![CDATA[", 1).replace(b"</TD>", b"]]></TD>", 1),
            raw.replace(b"<VOTABLE ", b"<!-- <TABLEDATA><TR> --><VOTABLE ").replace(b"\n", b"\r\n"),
        ]
    return [
        raw.replace(b'encoding="base64">', b'encoding="base64"><!-- no -->'),
        raw.replace(b'base64">', b'base64"><![CDATA[').replace(b"</STREAM>", b"]]></STREAM>"),
        raw.replace(b"</STREAM>", b"&#32;</STREAM>"),
        raw.replace(b"<TABLE ", b"<!-- <STREAM encoding='base64'> --><TABLE "),
        raw.replace(b"<STREAM ", b"<STREAM rights='a > b' "),
    ]


@pytest.mark.parametrize("serialization", votables.SERIALIZATIONS)
def test_odd_xml_means_the_same(serialization: str) -> None:
    random = Random(11)
    # Simple text only: what goes into CDATA must mean the same there.
    schema = [c for c in votables.columns() if not c.is_text or serialization != "TABLEDATA"]
    rows = votables.random_rows(random, schema, 10)
    raw = votables.document(schema, rows, serialization, random=random)
    expected = repr(_table(raw).to_pylist())
    for odd in _odd(raw, serialization):
        assert odd != raw
        assert repr(_table(odd).to_pylist()) == expected
    prefixed = raw
    for name in (
        b"VOTABLE",
        b"RESOURCE",
        b"TABLE ",
        b"TABLE>",
        b"FIELD",
        b"VALUES",
        b"DATA>",
        b"TABLEDATA",
        b"TR>",
        b"TD",
    ):
        prefixed = prefixed.replace(b"<" + name, b"<v:" + name).replace(b"</" + name, b"</v:" + name)
    assert repr(_table(prefixed.replace(b"xmlns=", b"xmlns:v=")).to_pylist()) == expected


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "iso-8859-1", "gbk"])
def test_other_encodings(encoding: str) -> None:
    schema = [Column("name", "unicodeChar", "*", description="Größe")]
    if encoding == "gbk":
        schema = [Column("name", "unicodeChar", "*", description="光谱")]
    raw = votables.document(schema, [["a"], [schema[0].description], [None]], "TABLEDATA").decode()
    declared = raw.replace('version="1.0"?', f'version="1.0" encoding="{encoding.removesuffix("-le")}"?')
    opened = read_votable(io.BytesIO(declared.encode(encoding)))
    assert opened.fields[0].description == schema[0].description
    assert [row for batch in opened for row in batch.column(0).to_pylist()] == ["a", schema[0].description, None]
    assert schema[0].description in opened.header.decode("utf-8")


def _astropy_rows(raw: bytes) -> tuple[list[str], list[list[Any]]]:
    """The same document, read by astropy; None where it masks a whole cell or an item."""
    from astropy.io.votable import parse

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = parse(io.BytesIO(raw), verify="ignore").get_first_table()
    names = list(table.array.dtype.names or ())
    return names, [[_plain(table.array[name][k]) for name in names] for k in range(len(table.array))]


def _plain(value: Any) -> Any:
    if value is np.ma.masked:
        return None
    if isinstance(value, np.ma.MaskedArray) and value.dtype.kind in "cO" and value.ndim == 0:
        value = value.item()
    if isinstance(value, (complex, np.complexfloating)):
        parts = [float(value.real), float(value.imag)]
        return [None] if any(map(math.isnan, parts)) else parts
    if isinstance(value, np.ndarray):
        items: list[Any] = []
        for item in value if value.ndim else [value.item()]:
            plain = _plain(item)
            items += plain if isinstance(plain, list) else [plain]
        return items
    if isinstance(value, np.void):
        return _plain(value.item())
    value = value.item() if isinstance(value, np.generic) else value
    # It masks NaN, but not where NaN is declared to be the null value.
    return None if isinstance(value, float) and math.isnan(value) else value


def _as_astropy_sees(value: Any, column: Column, serialization: str) -> Any:
    """Our value in astropy's terms: it masks what is NaN, or a complex number with a NaN, and strips text in XML."""
    if column.is_text and serialization == "TABLEDATA":
        return value.strip(" \t\n")
    if value is None:
        return [] if column.shape or column.datatype.endswith("Complex") else None
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, list):
        step = 2 if column.datatype.endswith("Complex") else 1
        numbers = [value[k : k + step] for k in range(0, len(value), step)]
        masked = [any(isinstance(part, float) and math.isnan(part) for part in number) for number in numbers]
        flat = [p for mask, number in zip(masked, numbers, strict=True) for p in ([None] if mask else number)]
        return None if flat == [None] and not column.shape else flat
    return value


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("serialization", votables.SERIALIZATIONS)
def test_agrees_with_astropy(serialization: str, seed: int) -> None:
    random = Random(100 + seed)
    schema = [c for c in votables.columns(string_arrays=False) if _astropy_can(c, serialization)]
    rows = [
        [_for_astropy(value, column, serialization) for value, column in zip(row, schema, strict=True)]
        for row in votables.random_rows(random, schema, 20)
    ]
    raw = votables.document(schema, rows, serialization, random=random)
    names, theirs = _astropy_rows(raw)
    ours = _table(raw)
    assert names == ours.column_names
    assert len(theirs) == ours.num_rows == 20
    for index, column in enumerate(schema):
        for number, value in enumerate(ours.column(index).to_pylist()):
            if column.is_text and (value is None or not value.strip()):
                # It has no NULL strings, and none that is all blanks.
                continue
            seen, other = _as_astropy_sees(value, column, serialization), theirs[number][index]
            if seen == [] or (isinstance(other, list) and all(item is None for item in other)):
                # A NULL array: astropy has an empty one, or one whose items are all masked.
                assert all(item is None for item in [*(seen or []), *(other or [])]), (column, number, value, other)
                continue
            assert _same(seen, other), (column, number, value, other)


def _astropy_can(column: Column, serialization: str) -> bool:
    # astropy 8 counts slices where the standard counts numbers (§5.3), takes a byte for each bit of a variable array,
    # looks at the fifth bit of a lone one, and wants blanks between the bits of text.
    if column.datatype == "bit":
        return column.arraysize in (("3", "2x3") if serialization != "TABLEDATA" else (None,))
    return not (len(column.shape) > 1 and column.shape[-1] is None)


def _for_astropy(value: Any, column: Column, serialization: str) -> Any:
    if value is None and serialization == "TABLEDATA" and "*" not in (column.arraysize or "*") and not column.is_text:
        # It refuses an empty cell for an array of fixed size.
        return votables.random_value(Random(1), column)
    return value
