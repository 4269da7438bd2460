"""An address is read once, and says what it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from ssap_mirror.errors import ParameterError
from ssap_mirror.pipeline.address import Address, FileAddress, SsapAddress, TapAddress, parse_address
from ssap_mirror.pipeline.known_services import find_service, find_source
from ssap_mirror.pipeline.service import KnownService


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://example.org/ssap.xml", SsapAddress("http://example.org/ssap.xml")),
        ("https://example.org/ssap?a=b&", SsapAddress("https://example.org/ssap?a=b&")),
        ("http://example.org/tap#a.b", TapAddress("http://example.org/tap", "a.b")),
        ("http://example.org/tap/#a.%22b%20c%22", TapAddress("http://example.org/tap/", 'a."b c"')),
        ("rows.parquet", FileAddress(Path("rows.parquet"))),
        ("~/rows.csv", FileAddress(Path.home() / "rows.csv")),
        ("odd:name.fits", FileAddress(Path("odd:name.fits"))),
        (Path("rows#1.csv"), FileAddress(Path("rows#1.csv"))),
    ],
)
def test_what_a_person_writes(text: str | Path, address: Address) -> None:
    assert parse_address(text) == address


def test_a_table_may_be_said_beside_the_address_of_a_service() -> None:
    assert parse_address("http://example.org/tap", table="a.b") == TapAddress("http://example.org/tap", "a.b")
    assert parse_address("http://example.org/tap#a.b", table="a.b") == TapAddress("http://example.org/tap", "a.b")
    with pytest.raises(ParameterError, match=r"table: 'a\.b' is not the table of the address, c\.d"):
        parse_address("http://example.org/tap#c.d", table="a.b")
    with pytest.raises(ParameterError, match=r"table: 'a\.b' is a table of a TAP service, and the source is a file"):
        parse_address("rows.csv", table="a.b")


def test_what_is_said_beside_an_address_that_has_been_read_counts() -> None:
    address = TapAddress("http://example.org/tap", "a.b")
    assert find_source("mine", address, table="c.d").address == TapAddress("http://example.org/tap", "c.d")
    with pytest.raises(ParameterError, match=r"table: 'a\.b'"):
        find_source("mine", FileAddress(Path("rows.csv")), table="a.b")


def test_a_condition_is_one_on_a_table() -> None:
    found = parse_address("http://example.org/tap#a.b", where="z > 0")
    assert found == TapAddress("http://example.org/tap", "a.b", "z > 0")
    assert found.origin == "http://example.org/tap#a.b WHERE z > 0"
    for text in ("http://example.org/ssap.xml", "rows.csv"):
        with pytest.raises(ParameterError, match="where: 'z > 0' can only be asked of a table of a TAP service"):
            parse_address(text, where="z > 0")


def test_a_condition_goes_with_its_table() -> None:
    own = KnownService("mine", TapAddress("http://example.org/tap", "a.b", "z > 0"))
    assert own.address.origin.endswith("#a.b WHERE z > 0")
    assert find_source("lamost6-lrs", where="z > 0").to_entry()["where"] == "z > 0"
    assert find_source("lamost6-lrs", where="z > 0", table="lamost6.other").address.origin.endswith("other WHERE z > 0")


def test_units_are_those_of_a_file() -> None:
    assert parse_address("rows.csv", units={"flux": "Jy"}) == FileAddress(Path("rows.csv"), {"flux": "Jy"})


@pytest.mark.parametrize("text", ["ftp://example.org/x", "file:///tmp/rows.csv"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match=f"source: '{text}' is neither an http address nor a file"):
        parse_address(text)


def test_the_manifest_tells_tables_of_one_service_apart_and_files_by_their_place(tmp_path: Path) -> None:
    assert SsapAddress("http://example.org/ssap.xml").origin == "http://example.org/ssap.xml"
    assert TapAddress("http://example.org/tap/", "a.b").origin == "http://example.org/tap#a.b"
    assert FileAddress(tmp_path / "x" / ".." / "rows.csv").origin == (tmp_path / "rows.csv").resolve().as_uri()


def test_a_known_service_has_an_address_of_its_own() -> None:
    url = "http://dc.g-vo.org/lamost6/q/svc_mrs/ssap.xml"
    assert find_source("lamost6-mrs").address == SsapAddress(url)
    assert find_source("lamost6-lrs").address == TapAddress("http://dc.g-vo.org/tap", "lamost6.ssa_lrs")
    there = find_source("lamost6-lrs", "http://127.0.0.1/tap").address
    assert there == TapAddress("http://127.0.0.1/tap", "lamost6.ssa_lrs")
    elsewhere = find_source("lamost6-lrs", "http://127.0.0.1/tap#a.b").address
    assert elsewhere == TapAddress("http://127.0.0.1/tap", "a.b")
    assert find_source("lamost6-lrs", "rows.csv").kind == "file"
    other = find_source("lamost6-lrs", table="lamost6.other").address
    assert other.origin == "http://dc.g-vo.org/tap#lamost6.other"
    assert find_source("lamost6-mrs", "rows.csv").address == FileAddress(Path("rows.csv").absolute())
    assert find_service("califa") is None
    assert find_source("califa", url).address == SsapAddress(url)
