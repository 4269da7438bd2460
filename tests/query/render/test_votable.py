"""VOTables are valid, and say what the rows are, where they come from and whether there are more."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pyarrow as pa
import pytest
from ssap_mirror.core.schema import Column
from ssap_mirror.errors import FormatError
from ssap_query import render
from ssap_query.mirror.result import InputParameter
from ssap_query.render import LossWarning

from .conftest import SERVICE_XML, StandIn, stand_in

VOTABLES = ("votable", "binary2", "binary")
_NS = "{http://www.ivoa.net/xml/VOTable/v1.3}"

INPUTS = (
    InputParameter("POS", "Position", unit="deg"),
    InputParameter("BAND", "Wavelength", unit="m", minimum="3.7e-07", maximum="6.8e-07"),
    InputParameter("SIZE", "Diameter", datatype="double", unit="deg"),
    InputParameter("maxrec", "Limit", datatype="int"),
    InputParameter("COMPRESS", "Compress?", datatype="boolean"),
    InputParameter("FLUXCALIB", "Calibration", options=("ABSOLUTE", "<odd>")),
)


def document(answer: StandIn, name: str = "votable") -> ET.Element:
    return ET.fromstring(b"".join(render.chunks(answer, name)))


def infos(root: ET.Element) -> list[tuple[str | None, str | None]]:
    return [(info.get("name"), info.get("value")) for info in root.iter(f"{_NS}INFO")]


@pytest.fixture
def metadata(hard: StandIn) -> StandIn:
    return StandIn(hard.table.slice(0, 0), hard.schema, inputs=INPUTS, service_xml=SERVICE_XML)


@pytest.mark.stilts
@pytest.mark.parametrize("name", VOTABLES)
def test_votlint_finds_no_error(name: str, hard: StandIn, tmp_path: Path, stilts: Callable[..., str]) -> None:
    render.write(hard, tmp_path / "x.vot", name)
    said = stilts("votlint", "votable=x.vot")
    assert "ERROR" not in said
    assert [line for line in said.splitlines() if "WARNING" in line and "mjd" not in line] == []


@pytest.mark.stilts
def test_votlint_finds_no_error_in_metadata(metadata: StandIn, tmp_path: Path, stilts: Callable[..., str]) -> None:
    render.write(metadata, tmp_path / "x.vot")
    assert "ERROR" not in stilts("votlint", "votable=x.vot")


def test_status_comes_first_and_the_facts_follow(hard: StandIn) -> None:
    found = infos(document(hard))
    assert found[0] == ("QUERY_STATUS", "OVERFLOW")
    assert ("mirror", "stand-in, snapshot 1") in found
    assert ("note", "a note") in found
    assert ("legal", "Cite us & be well") in found
    assert ("citation", "1996A&A...312..539S") in found
    assert sum(name == "QUERY_STATUS" for name, _ in found) == 1


def test_fields_carry_what_the_service_says(hard: StandIn) -> None:
    fields = {field.get("name"): field for field in document(hard).iter(f"{_NS}FIELD")}
    assert list(fields) == list(hard.schema.names)
    described = {"datatype": "double", "unit": "d", "ucd": "time.epoch", "xtype": "mjd", "ref": "clock"}
    assert dict(fields["mjd"].attrib) == {"ID": "mjd", "name": "mjd", **described}
    assert fields["plain"][0].text == "only ASCII & so <char>"
    assert fields["length"].find(f"{_NS}VALUES").get("null") == "-1"
    assert (fields["pubdid"].get("datatype"), fields["plain"].get("datatype")) == ("unicodeChar", "char")


def test_frames_and_services_of_the_service_are_kept(hard: StandIn) -> None:
    root = document(hard)
    assert root.get("version") == "1.4"
    assert [(s.tag.removeprefix(_NS), s.get("ID")) for s in root[0] if s.tag[len(_NS) :] in ("COOSYS", "TIMESYS")] == [
        ("COOSYS", "system"),
        ("TIMESYS", "clock"),
    ]
    block = root.find(f"{_NS}RESOURCE[@utype='adhoc:service']")
    fed = block.find(f"{_NS}GROUP/{_NS}PARAM")
    assert (fed.get("ref"), fed.get("value")) == ("pubdid", "")


def test_a_service_block_goes_only_with_the_column_it_needs(hard: StandIn) -> None:
    part = hard.schema.select(["mjd", "snr"])
    root = document(StandIn(hard.table.select(part.names), part, service_xml=SERVICE_XML))
    assert root.find(f"{_NS}RESOURCE[@utype='adhoc:service']") is None


def test_a_damaged_header_of_the_service_is_left_out_and_told(plain: StandIn) -> None:
    with pytest.warns(LossWarning, match="cannot be read"):
        root = document(StandIn(plain.table, plain.schema, service_xml=b"<VOTABLE><oops"))
    assert len(list(root.iter(f"{_NS}TR"))) == 4


def test_metadata_has_fields_and_inputs_and_no_rows(metadata: StandIn) -> None:
    root = document(metadata)
    assert len(list(root.iter(f"{_NS}FIELD"))) == len(metadata.schema)
    assert next(root.iter(f"{_NS}DATA"), None) is None
    inputs = {p.get("name"): p for p in root[0].findall(f"{_NS}PARAM")}
    assert list(inputs) == [f"INPUT:{item.name}" for item in INPUTS]
    band = inputs["INPUT:BAND"].find(f"{_NS}VALUES")
    assert [(e.tag.removeprefix(_NS), e.get("value")) for e in band] == [("MIN", "3.7e-07"), ("MAX", "6.8e-07")]
    options = [e.get("value") for e in inputs["INPUT:FLUXCALIB"].iter(f"{_NS}OPTION")]
    assert options == ["ABSOLUTE", "<odd>"]


def test_what_xml_cannot_hold_is_told() -> None:
    answer = stand_in([(Column("a", "char", "*", description="bad \x01"), ["ok", "bell\x07", "\ufffe"])])
    with pytest.warns(LossWarning, match="U\\+FFFD"):
        root = document(answer)
    assert [cell.text for cell in root.iter(f"{_NS}TD")] == ["ok", "bell\ufffd", "\ufffd"]


def test_columns_whose_names_are_no_xml_ids() -> None:
    answer = stand_in([(Column("a b", "int"), [1]), (Column("1", "int"), [2]), (Column("ICRS", "int"), [3])])
    fields = list(document(answer).iter(f"{_NS}FIELD"))
    assert [f.get("ID") for f in fields] == ["col_1", "col_2", "col_3"]
    assert [f.get("name") for f in fields] == ["a b", "1", "ICRS"]


def test_arrow_types_that_votable_lacks() -> None:
    import datetime as dt
    from decimal import Decimal

    table = pa.table(
        {
            "when": pa.array([dt.datetime(2018, 5, 1, 12), None]),
            "sum": pa.array([Decimal("12.50"), None]),
            "words": pa.array([["a", "b"], None]),
            "pair": pa.array([{"x": 1, "y": None}, None]),
            "small": pa.array([-5, None], pa.int8()),
            "big": pa.array([2**64 - 1, None], pa.uint64()),
            "kind": pa.array(["star", None]).dictionary_encode(),
            "nothing": pa.nulls(2),
        }
    )
    from ssap_mirror.core.schema import Schema

    answer = StandIn(table, Schema.from_arrow(table.schema))
    root = document(answer)
    rows = [[cell.text for cell in row] for row in root.iter(f"{_NS}TR")]
    assert rows[0] == [
        "2018-05-01T12:00:00",
        "12.5",
        '["a", "b"]',
        "1",
        None,
        "-5",
        str(2**64 - 1),
        "star",
        None,
    ]
    assert rows[1] == [None] * 9
    assert [field.get("name") for field in root.iter(f"{_NS}FIELD")][3:5] == ["pair.x", "pair.y"]
    for name in (*VOTABLES, "fits", "csv", "json", "ecsv", "parquet", "text"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LossWarning)
            assert b"".join(render.chunks(answer, name))


def test_an_integer_column_without_a_free_value_for_null_gets_a_wider_type() -> None:
    answer = stand_in([(Column("a", "unsignedByte"), [*range(256), None])])
    field = next(document(answer, "binary").iter(f"{_NS}FIELD"))
    assert field.get("datatype") == "short"
    assert [values.get("null") for values in field] == [str(-(2**15))]
    assert next(document(answer, "binary2").iter(f"{_NS}FIELD")).get("datatype") == "unsignedByte"


def test_a_64_bit_column_without_a_free_value_for_null_is_refused() -> None:
    low, high = -(2**63), 2**63 - 1
    answer = stand_in([(Column("a", "long"), [*range(low, low + 64), high, None])])
    with pytest.raises(FormatError, match="'a' has missing values and leaves no value of long"):
        b"".join(render.chunks(answer, "binary"))
    assert b"".join(render.chunks(answer, "binary2"))


def test_a_null_literal_that_is_a_value_is_not_declared() -> None:
    answer = stand_in([(Column("a", "int", null="-1"), [-1, 5])])
    assert [len(field) for field in document(answer).iter(f"{_NS}FIELD")] == [0]
    missing = stand_in([(Column("a", "int", null="-1"), [-1, None])])
    fields = document(missing, "binary").iter(f"{_NS}FIELD")
    assert [values.get("null") for field in fields for values in field] == [str(-(2**31))]


def test_complex_numbers(tmp_path: Path) -> None:
    from astropy.io.votable import parse
    from astropy.table import Table

    answer = stand_in([(Column("z", "doubleComplex", "1"), [[1.0, -2.0], [0.5, 0.25]])])
    for name in VOTABLES:
        render.write(answer, tmp_path / name, name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = parse(str(tmp_path / name)).get_first_table().array
        assert array["z"].ravel().tolist() == [1 - 2j, 0.5 + 0.25j]
    render.write(answer, tmp_path / "x.fits")
    table = Table.read(tmp_path / "x.fits")
    assert [complex(*z) if isinstance(z, list) else z for z in table["z"].tolist()] == [1 - 2j, 0.5 + 0.25j]


def test_a_logical_value_that_is_missing_in_an_array() -> None:
    """VOTable 1.4 §2.1: a question mark, for NaN is a number."""
    answer = stand_in([(Column("flags", "boolean", "3"), [[True, None, False], [None, None, True], [False] * 3])])
    cells = [[letter.upper()[0] for letter in cell.text.split()] for cell in document(answer).iter(f"{_NS}TD")]
    assert cells == [["T", "?", "F"], ["?", "?", "T"], ["F"] * 3]
