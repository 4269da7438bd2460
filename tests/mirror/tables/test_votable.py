"""VOTables as documents: what is known before, behind and beside the rows."""

from __future__ import annotations

import base64
import gc
import gzip
import io
import math
import re
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import FormatError
from ssap_mirror.tables.votable import Info, read_votable

from tests.support import paths, votables

DATA = paths.DATA / "votable"
REAL = sorted(path for path in DATA.iterdir() if ".xml" in path.suffixes)
NAMES = [Column("a", "int"), Column("b", "char", "*")]


def _document(inner: str) -> io.BytesIO:
    return io.BytesIO(f'<VOTABLE version="1.4">{inner}</VOTABLE>'.encode())


def _results(inner: str) -> io.BytesIO:
    return _document(f'<RESOURCE type="results">{inner}</RESOURCE>')


def _rows(source: io.BytesIO | Path) -> list[dict[str, Any]]:
    return [row for batch in read_votable(source) for row in batch.to_pylist()]


def _table(*cells: str, fields: str = "".join(map(votables.field, NAMES))) -> str:
    return f"<TABLE>{fields}<DATA><TABLEDATA><TR>{''.join(cells)}</TR></TABLEDATA></DATA></TABLE>"


def test_columns_carry_all_that_a_field_says() -> None:
    column = Column(
        "ssa_location",
        "double",
        "2",
        unit="deg",
        ucd="pos.eq",
        utype="ssa:Char.SpatialAxis.Coverage.Location.Value",
        xtype="point",
        description='Where "it" is <deg> & more',
        null="-999",
    )
    reader = read_votable(_results(f"<TABLE>{votables.field(column)}</TABLE>"))
    assert reader.fields == (column,)
    assert reader.schema == Schema((column,))
    batches = list(read_votable(_results(_table("<TD>1 2</TD>", fields=votables.field(column)))))
    assert batches[0].schema.equals(Schema((column,)).arrow_schema(), check_metadata=True)
    assert batches[0].schema.field(0).metadata[b"unit"] == b"deg"


def test_infos_before_and_behind_the_rows() -> None:
    table = _table("<TD>1</TD>", "<TD>x</TD>")
    reader = read_votable(
        _results(
            '<INFO name="QUERY_STATUS" value="OK">fine</INFO><INFO ID="w" name="warning" value="a&lt;b"/>'
            f'{table}<INFO name="QUERY_STATUS" value="OVERFLOW">more</INFO>'
        )
    )
    assert (reader.query_status, reader.query_message) == ("OK", "fine")
    assert reader.infos == (Info("QUERY_STATUS", "OK", "fine", None), Info("warning", "a<b", "", "w"))
    assert sum(batch.num_rows for batch in reader) == 1
    assert (reader.query_status, reader.query_message) == ("OVERFLOW", "more")
    assert len(reader.infos) == 3
    assert list(reader) == []


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], None),
        (["OK"], "OK"),
        (["OVERFLOW", "OK"], "OVERFLOW"),
        (["OVERFLOW", "ERROR"], "ERROR"),
        (["ERROR", "OK"], "ERROR"),
        (["ok"], "OK"),
    ],
)
def test_the_worst_status_counts(statuses: list[str], expected: str | None) -> None:
    infos = "".join(f'<INFO name="QUERY_STATUS" value="{status}"/>' for status in statuses)
    assert read_votable(_results(infos)).query_status == expected


def test_an_error_answer_has_no_columns() -> None:
    reader = read_votable(_results('<INFO name="QUERY_STATUS" value="ERROR">No such\n thing</INFO>'))
    assert len(reader.schema) == 0
    assert list(reader) == []
    assert reader.query_message == "No such\n thing"


def test_params_of_a_metadata_answer() -> None:
    inputs = (
        '<PARAM name="INPUT:SIZE" datatype="float" unit="deg" value=""><DESCRIPTION>How\n large</DESCRIPTION>'
        '<VALUES><MIN value="0"/><MAX value="90"/></VALUES></PARAM>'
        '<PARAM name="INPUT:FLUXCALIB" datatype="char" arraysize="*" utype="ssa:Char.FluxAxis.Calibration" value="ANY">'
        '<VALUES><OPTION name="relative" value="RELATIVE"/><OPTION value="ANY"/></VALUES></PARAM>'
        '<PARAM name="INPUT:TOP" datatype="int" value="all"/><PARAM name="INPUT:POS" datatype="double" arraysize="2" '
        'value="1 -2.5"/>'
    )
    fields = "".join(map(votables.field, NAMES))
    reader = read_votable(_document(f'<RESOURCE type="meta">{inputs}<TABLE>{fields}</TABLE></RESOURCE>'))
    size, calibration, top, pos = reader.params
    assert (size.name, size.value, size.unit, size.minimum, size.maximum) == ("INPUT:SIZE", None, "deg", "0", "90")
    assert size.description == "How large"
    assert calibration.options == (("relative", "RELATIVE"), ("", "ANY"))
    assert (calibration.value, top.value, top.text, pos.value) == ("ANY", None, "all", [1.0, -2.5])
    assert calibration.column == Column("INPUT:FLUXCALIB", "char", "*", utype="ssa:Char.FluxAxis.Calibration")
    assert list(reader.schema) == NAMES, "an input is no column"
    assert list(reader) == []


def test_a_param_for_a_whole_column_is_a_column() -> None:
    params = (
        '<GROUP><PARAM name="frame" datatype="char" arraysize="*" utype="ssa:Char.X" value="in a group"/></GROUP>'
        '<PARAM name="publisher" datatype="char" arraysize="*" utype="ssa:Curation.Publisher" value="GAVO"/>'
        '<PARAM name="res" datatype="float" unit="m" utype="Spectrum.Char.SpectralAxis.Resolution" value="2.5e-11"/>'
        '<PARAM name="pos" datatype="double" arraysize="2" utype="ssa:Target.Pos" value="1 2"/>'
        '<PARAM name="empty" datatype="float" utype="ssa:Char.FluxAxis.Accuracy.StatError" value=""/>'
        '<PARAM name="b" datatype="int" utype="ssa:Dataset.Length" value="7"/>'
        '<PARAM name="frame" datatype="char" arraysize="*" utype="stc:AstroCoordSystem.SpaceFrame" value="ICRS"/>'
        '<PARAM name="plain" datatype="int" value="1"/>'
    )
    body = "<TR><TD>1</TD><TD>x</TD></TR>" * 3
    fields = "".join(map(votables.field, NAMES))
    source = _results(f"<TABLE>{params}{fields}<DATA><TABLEDATA>{body}</TABLEDATA></DATA></TABLE>")
    reader = read_votable(source, batch_rows=2)
    assert reader.schema.names == ("a", "b", "publisher", "res", "pos", "empty")
    batches = list(reader)
    assert [batch.num_rows for batch in batches] == [2, 1]
    row = {"a": 1, "b": "x", "publisher": "GAVO", "pos": [1.0, 2.0], "empty": None}
    expected = [{**row, "res": np.float32(2.5e-11)}] * 3
    assert [r for batch in batches for r in batch.to_pylist()] == expected
    assert batches[0].schema.field("res").metadata[b"unit"] == b"m"


def test_the_header_is_the_document_without_rows() -> None:
    raw = (
        '<?xml version="1.0"?>\n<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        '<RESOURCE type="results"><TIMESYS ID="t" timescale="TT"/><COOSYS ID="s" system="ICRS"/>'
        f"{_table('<TD>1</TD>', '<TD>secret</TD>')}</RESOURCE>"
        '<RESOURCE type="meta" utype="adhoc:service"><PARAM name="accessURL" datatype="char" arraysize="*" '
        'value="http://a?b&amp;c"/></RESOURCE></VOTABLE>'
    )
    reader = read_votable(io.BytesIO(raw.encode()))
    early = read_votable(io.BytesIO(reader.header))
    assert early.schema == reader.schema, "the header is a VOTable at any time"
    assert len(list(reader)) == 1
    late = reader.header.decode()
    without = re.sub(r"<DATA>.*</DATA>", "", raw.partition("\n")[2])
    assert _canonical(late) == _canonical(without)
    assert "secret" not in late
    again = read_votable(io.BytesIO(late.encode()))
    assert again.schema == reader.schema
    assert list(again) == []
    assert [param.value for param in again.params] == ["http://a?b&c"]


def _canonical(document: str) -> str:
    from xml.etree import ElementTree as ET

    return ET.canonicalize(document, strip_text=True)


def test_which_table() -> None:
    first, second = _table("<TD>1</TD>", "<TD>x</TD>"), _table("<TD>2</TD>", "<TD>y</TD>")
    described = f"<RESOURCE type='meta'>{first.replace('<DATA>', '<!--').replace('</DATA>', '-->')}</RESOURCE>"
    results = f'<RESOURCE type="results">{second}</RESOURCE>'
    assert _rows(_document(described + results)) == [{"a": 2, "b": "y"}]
    assert _rows(_document(f"<RESOURCE>{first}</RESOURCE>")) == [{"a": 1, "b": "x"}]
    reader = read_votable(_results(first + second))
    assert [batch.to_pylist() for batch in reader] == [[{"a": 1, "b": "x"}]]
    assert "not read: 1" in reader.notes[0]
    for impossible in (f"<RESOURCE>{first}</RESOURCE>{results}", f'<RESOURCE type="meta">{first}</RESOURCE>'):
        with pytest.raises(FormatError, match=r"after another table|of type meta"):
            _rows(_document(impossible))


@pytest.mark.parametrize("serialization", votables.SERIALIZATIONS)
# A comment within the rows makes the parser see to them.
@pytest.mark.parametrize("noise", ["", "<!-- -->"])
def test_later_tables_of_the_results_go_on_where_that_is_asked_for(serialization: str, noise: str) -> None:
    tables = [
        re.search(rb"<TABLE\b.*</TABLE>", votables.document(NAMES, rows, serialization), re.S)
        for rows in ([[1, "x"], [2, "y"]], [[3, "z"]], [], [[4, None], [5, "w"]])
    ]
    found = "".join(table[0].decode().replace("</TABLEDATA>", noise + "</TABLEDATA>") for table in tables if table)
    found = found.replace("</STREAM>", noise + "</STREAM>")
    source = _results(f'{found}<INFO name="QUERY_STATUS" value="OVERFLOW"/>')
    reader = read_votable(source, join_tables=True)
    assert [row["a"] for batch in reader for row in batch.to_pylist()] == [1, 2, 3, 4, 5]
    assert (reader.query_status, reader.notes) == ("OVERFLOW", ())


def test_rows_after_those_of_other_columns_are_refused() -> None:
    first = _table("<TD>1</TD>", "<TD>x</TD>")
    others = (
        _table("<TD>1</TD>", "<TD>x</TD>", fields="".join(map(votables.field, (NAMES[0], Column("c", "char", "*"))))),
        _table("<TD>1</TD>", fields=votables.field(NAMES[0])),
        _table("<TD>1</TD>", "<TD>x</TD>", fields="".join(map(votables.field, (Column("a", "long"), NAMES[1])))),
        first.replace("TABLEDATA", "BINARY"),
    )
    for other in others:
        with pytest.raises(FormatError, match="two tables of different columns"):
            list(read_votable(_results(first + other), join_tables=True))
    # One that is no part of the results says nothing of them.
    aside = _document(f'<RESOURCE type="results">{first}</RESOURCE><RESOURCE>{others[1]}</RESOURCE>')
    reader = read_votable(aside, join_tables=True)
    assert [batch.to_pylist() for batch in reader] == [[{"a": 1, "b": "x"}]]


def test_names_that_are_taken() -> None:
    fields = "".join(votables.field(Column(name, "int")) for name in ("a", "a_2", "a", "b"))
    reader = read_votable(_results(_table(*[f"<TD>{k}</TD>" for k in range(4)], fields=fields)))
    assert next(iter(reader)).to_pydict() == {"a": [0], "a_2": [1], "a_3": [2], "b": [3]}
    assert reader.notes == ("columns of a name that was taken have another: a -> a_3",)


def test_unknown_datatypes_are_text() -> None:
    fields = '<FIELD name="d" datatype="date"/><FIELD name="n"/><FIELD ID="i" datatype="int"/>'
    reader = read_votable(_results(_table("<TD>2014-12-21</TD><TD>x y</TD><TD>1</TD>", fields=fields)))
    assert [row for batch in reader for row in batch.to_pylist()] == [{"d": "2014-12-21", "n": "x y", "i": 1}]
    assert "d, n" in reader.notes[0]
    with pytest.raises(FormatError, match="'d' has a datatype that VOTable does not know"):
        list(read_votable(_results('<TABLE><FIELD name="d" datatype="date"/><DATA><BINARY><STREAM encoding="base64"/>'
                                   "</BINARY></DATA></TABLE>")))  # fmt: skip


def test_text_is_kept_as_sent() -> None:
    sent = "  two  blanks\t\nand a line &amp;amp; &#x26; &lt;tag&gt; &#937; Ω ]] > "
    kept = "  two  blanks\t\nand a line &amp; & <tag> Ω Ω ]] > "
    for row in (_table("<TD>1</TD>", f"<TD>{sent}</TD>"), _table("<TD>1</TD>", f"<TD >{sent}</TD>")):
        assert _rows(_results(row)) == [{"a": 1, "b": kept}]
        assert _rows(_results(row.replace("\n", "\r\n"))) == [{"a": 1, "b": kept}]


def test_char_may_be_utf8_in_binary() -> None:
    text = "Größe 光谱"
    for kind, flags in (("BINARY", b""), ("BINARY2", b"\0")):
        raw = flags + len(text.encode()).to_bytes(4, "big") + text.encode()
        data = f'<{kind}><STREAM encoding="base64">{base64.b64encode(raw).decode()}</STREAM></{kind}>'
        table = f'<TABLE><FIELD name="s" datatype="char" arraysize="*"/><DATA>{data}</DATA></TABLE>'
        assert _rows(_results(table)) == [{"s": text}]


def test_null_and_nan_are_kept_apart_where_the_wire_does() -> None:
    fields = '<FIELD name="f" datatype="float"/><FIELD name="s" datatype="char" arraysize="*"/>'
    nan, zero = b"\x7f\xc0\0\0", b"\0\0\0\0"
    raw = b"\x00" + nan + zero + b"\xc0" + nan + zero
    data = f'<BINARY2><STREAM encoding="base64">{base64.b64encode(raw).decode()}</STREAM></BINARY2>'
    first, second = _rows(_results(f"<TABLE>{fields}<DATA>{data}</DATA></TABLE>"))
    assert (math.isnan(first["f"]), first["s"], second) == (True, "", {"f": None, "s": None})
    rows = "<TR><TD>NaN</TD><TD></TD></TR><TR><TD/><TD/></TR>"
    first, second = _rows(_results(f"<TABLE>{fields}<DATA><TABLEDATA>{rows}</TABLEDATA></DATA></TABLE>"))
    assert (math.isnan(first["f"]), first["s"], second) == (True, None, {"f": None, "s": None})


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_answers_agree_with_astropy(path: Path) -> None:
    from astropy.io.votable import parse

    reader = read_votable(path)
    ours = pa.Table.from_batches(list(reader), schema=reader.schema.arrow_schema())
    ours.validate(full=True)
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    # What astropy stumbles over, put as we take it.
    raw = raw.replace(b' arraysize=""', b"").replace(b'datatype="date"', b'datatype="char" arraysize="*"')
    raw = raw.replace(b'name="gaia_vari_type_sos_arr"', b'name="gaia_vari_type_sos_arr" datatype="char" arraysize="*"')
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = parse(io.BytesIO(raw), verify="ignore").get_first_table()
    assert len(theirs.array) == ours.num_rows > 0
    assert [field.name for field in theirs.fields] == [column.name for column in reader.fields]
    for index, (column, field) in enumerate(zip(reader.fields, theirs.fields, strict=True)):
        assert (column.ucd, column.utype) == (field.ucd or None, field.utype or None)
        assert (column.description or "") == " ".join(str(field.description or "").split())
        for number, value in enumerate(ours.column(index).to_pylist()):
            other = theirs.array[field.ID][number]
            if column.is_text:
                assert (value or "").strip() == str(other), (column, number)
            elif value is None or (isinstance(value, float) and math.isnan(value)):
                # It makes 0 of an empty integer cell.
                assert other is np.ma.masked or math.isnan(other) or other == 0, (column, number)
            else:
                masked = np.ma.filled(other, math.nan) if other.dtype.kind == "f" else other
                same = np.array_equal(np.asarray(value, other.dtype), masked, equal_nan=other.dtype.kind == "f")
                assert same, (column, number)
    params = {param.name: param for param in theirs.params}
    for column in list(reader.schema)[len(reader.fields) :]:
        value, other = ours.column(column.name).to_pylist()[0], params[column.name].value
        if isinstance(value, float):
            assert value == np.float32(other), column
        else:
            assert value == other or (value is None and str(other) in ("None", "nan", "")), column


def test_real_answers_say_what_they_are() -> None:
    flash, lrs, mrs = (read_votable(DATA / name) for name in (
        "gavo_flashheros_ssap_response.xml",
        "lamost_dr10_lrs_ssap_response.xml.gz",
        "lamost_dr8_mrs_cone_response.xml",
    ))  # fmt: skip
    assert [sum(batch.num_rows for batch in reader) for reader in (flash, lrs, mrs)] == [1, 225, 10]
    assert [reader.query_status for reader in (flash, lrs, mrs)] == [None, "OK", "OK"]
    assert flash.schema["ssa_collection"].utype == "ssa:DataID.Collection"
    assert b"adhoc:service" in flash.header
    assert any("limit was reached" in info.value for info in flash.infos)
    assert lrs.schema.names[-2:] == ("DataModel", "Publisher")
    assert "obsdate" in lrs.notes[0]


def test_a_file_is_closed_with_its_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(votables.document(NAMES, [[1, "x"]] * 300_000, "TABLEDATA"))
    reader = read_votable(path, batch_rows=10)
    assert next(iter(reader)).num_rows == 10
    del reader
    gc.collect()  # an unclosed file would warn here, and warnings are errors


def test_reading_goes_on_where_it_stopped() -> None:
    rows = [[k, str(k)] for k in range(1000)]
    reader = read_votable(io.BytesIO(votables.document(NAMES, rows, "BINARY2")), batch_rows=300)
    first = next(iter(reader))
    assert [k for batch in [first, *reader] for k in batch.column(0).to_pylist()] == list(range(1000))


def _spectra_columns() -> list[Column]:
    """The mixture of the LAMOST service: 45 strings, 38 floats, 12 integers, two points, a list and an array."""
    strings = [Column(f"s{k}", "char", "*") for k in range(45)]
    floats = [Column(f"f{k}", "float" if k % 4 else "double") for k in range(38)]
    integers = [Column(f"i{k}", ("short", "int", "long")[k % 3], null="-1") for k in range(12)]
    arrays = [Column(f"p{k}", "double", "2") for k in range(2)]
    return [*strings, *floats, *integers, *arrays, Column("m", "float", "7"), Column("r", "double", "*")]


def test_speed_against_astropy() -> None:
    from random import Random

    from astropy.io.votable import parse

    schema = _spectra_columns()
    assert len(schema) == 99
    rows = votables.random_rows(Random(1), schema, 400)
    few = votables.document(schema, rows, "BINARY2")
    many = votables.document(schema, rows * 10, "BINARY2")
    list(read_votable(io.BytesIO(few)))

    def cpu(call: Any) -> float:
        began = time.process_time()
        call()
        return time.process_time() - began

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = cpu(lambda: parse(io.BytesIO(few), verify="ignore").get_first_table()) / len(rows)
    ours = min(cpu(lambda: list(read_votable(io.BytesIO(many)))) for _ in range(3)) / (10 * len(rows))
    assert theirs / ours > 8
