"""What arrives: query strings and pairs, names in any case, repeats, empty values, encodings, hostile sizes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ssap_mirror.errors import ParameterError
from ssap_query.ssap import REGISTRY
from ssap_query.ssap.request import DIALECTS, decode, parse

NAMES = [param.name for param in REGISTRY]


def values(request, dialect: str = "ivoa") -> dict[str, object]:
    return dict(parse(request, dialect).values)


def test_parameters_stand_in_the_order_of_the_reference_server() -> None:
    names = [p.name for p in REGISTRY]
    assert len(set(names)) == len(names)
    assert names[:8] == ["REQUEST", "SIZE", "POS", "BAND", "TIME", "FORMAT", "APERTURE", "SNR"]
    assert {p.declared for p in REGISTRY} >= {"POS", "maxrec", "verb", "responseformat", "RUNID"}


@pytest.mark.parametrize(
    "request_",
    [
        "REQUEST=queryData&POS=10,20&SIZE=0.2",
        "?REQUEST=queryData&POS=10%2C20&SIZE=0.2",
        "http://dc.g-vo.org/lamost6/q/svc_mrs/ssap.xml?REQUEST=queryData&POS=10,20&SIZE=0.2",
        b"request=queryData&Pos=10,20&size=0.2",
        "REQUEST=queryData&POS=1,1&POS=10,20&SIZE=0.2&SIZE=",
        [("REQUEST", "queryData"), ("POS", "10,20"), ("SIZE", 0.2)],
        [("REQUEST", b"queryData"), ("pos", "10,20"), ("size", "0.2"), ("SNR", None), ("BAND", "")],
        iter([("REQUEST", "queryData"), ("POS", "10,20"), ("SIZE", "0.2")]),
    ],
)
def test_the_same_request_in_many_forms(request_) -> None:
    assert values(request_) == {"REQUEST": "queryData", "POS": "10,20", "SIZE": "0.2"}


def test_percent_escapes_and_plus() -> None:
    assert values("TARGETNAME=a%2Bb+c%20d%C3%A4&x") == {"TARGETNAME": "a+b c dä"}
    assert values("TARGETNAME=100%&SNR=%zz") == {"TARGETNAME": "100%", "SNR": "%zz"}


def test_a_raw_semicolon_belongs_to_the_value_or_in_dachs_separates() -> None:
    assert values("POS=0,20;GALACTIC&SIZE=1")["POS"] == "0,20;GALACTIC"
    assert values("POS=0,20;GALACTIC&SIZE=1", "dachs")["POS"] == "0,20"
    assert values("POS=0,20%3BGALACTIC&SIZE=1", "dachs")["POS"] == "0,20;GALACTIC"
    assert values([("POS", "0,20;GALACTIC")], "dachs")["POS"] == "0,20;GALACTIC"


def test_repeats_count_last_and_are_told() -> None:
    found = parse("SNR=10&snr=50&SNR=")
    assert found.values["SNR"] == "50"
    assert any("SNR is given 2 times" in note for note in found.notes)
    assert not parse("SNR=50&SNR=50").notes


def test_spellings_in_the_reference_server() -> None:
    assert values("snr=5&SNR=10&Snr=20", "dachs")["SNR"] == "10"  # the declared spelling wins
    assert values("Snr=1&snr=5&Snr=20", "dachs")["SNR"] == "5"  # else the one that came up last
    assert "SNR" not in values("snr=1000&Snr=", "dachs")
    assert values("SNR=&snr=1000", "dachs") == {}
    found = parse("MAXREC=5&MAXREC=7&verb=1&VERB=3", "dachs")
    assert (found.first["MAXREC"], found.first["VERB"]) == ("5", "3")
    assert (found.values["MAXREC"], found.values["VERB"]) == ("7", "1")
    assert not parse("MAXREC=5").first


def test_unknown_names_are_noted_once() -> None:
    found = parse("EXTNAME=x&EXTNAME=y&VERSION=1.1&mobsid=7&SNR=5")
    assert list(found.values) == ["SNR"]
    assert [note.split()[0] for note in found.notes] == ["EXTNAME", "mobsid"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ("TARGETNAME=%ff", "UTF-8"),
        ([("TARGETNAME", b"\xff")], "UTF-8"),
        ("TARGETNAME=a%00", "NUL"),
        ([("TARGETNAME", "\ud800")], "surrogate"),
        ("REQUEST=queryData&TARGETNAME=\ud800", "surrogate"),
        ([("SNR", object())], "not text"),
        ([("SNR", [1, 2])], "not text"),
        ([("PUBDID", ["a", 1])], "not text"),
        ([(7, "x")], "not the name"),
        ([("WILDTARGET", "x" * 1_000_001)], "longer"),
        ("X=" + "x" * 4_000_001, "larger"),
        ([("SNR", "1")] * 10_001, "10,000"),
    ],
)
def test_what_is_no_request_is_told(request_, reason: str, dialect: str) -> None:
    with pytest.raises(ParameterError, match=reason):
        parse(request_, dialect)


def test_only_what_counts_has_to_be_valid() -> None:
    assert values([("SNR", b"\xff"), ("SNR", "5"), ("FOO", b"\xff"), ("RUNID", b"\xff")]) == {
        "SNR": "5",
        "RUNID": "\ufffd",
    }


def test_an_unknown_dialect_is_told() -> None:
    with pytest.raises(ParameterError, match="none of ivoa, dachs"):
        parse("", "adql")


def test_native_values() -> None:
    found = parse([("PUBDID", ["a", "b"]), ("CREATORDID", ("c",)), ("MAXREC", 5), ("COMPRESS", True), ("SNR", 54.55)])
    assert dict(found.values) == {
        "PUBDID": ("a", "b"), "CREATORDID": ("c",), "MAXREC": "5", "COMPRESS": "true", "SNR": "54.55",
    }  # fmt: skip
    assert values([("PUBDID", [])]) == {}


def test_a_request_can_be_a_key() -> None:
    assert len({parse("SNR=5"), parse("SNR=5"), parse("SNR=6")}) == 2


@given(st.binary(max_size=300), st.sampled_from(DIALECTS))
def test_any_bytes_are_read_or_refused(raw: bytes, dialect: str) -> None:
    for request in (raw, b"&".join(b"%s=%s" % (name.encode(), raw) for name in NAMES)):
        try:
            found = parse(request, dialect)
        except ParameterError:
            continue
        assert set(found.values) <= set(NAMES)


def test_decoding_looks_at_no_value() -> None:
    assert decode("ra=1%2E5&RA=%ff&=x&y", "ivoa") == [("ra", "1.5"), ("RA", b"\xff"), ("", "x")]
    assert decode([("POS", b"10,20"), ("SIZE", 0.5)]) == [("POS", "10,20"), ("SIZE", "0.5")]
    assert decode("SNR=1;VERB=2", "dachs") == [("SNR", "1"), ("VERB", "2")]
    with pytest.raises(ParameterError, match="10001 parameters"):
        decode([("SNR", "1")] * 10_001)
    with pytest.raises(ParameterError, match="dialect"):
        decode("SNR=1", "sql")


def test_a_parsed_request_stays_as_it_is() -> None:
    for dialect in DIALECTS:
        parsed = parse("REQUEST=queryData&SNR=5", dialect)
        assert parse(parsed) is parsed
        assert parse(parsed, dialect) is parsed
    with pytest.raises(ParameterError, match="dialect: 'ivoa' is not that of the parsed request, dachs"):
        parse(parsed, "ivoa")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_default_fills_what_is_missing_and_nothing_else(dialect: str) -> None:
    request = parse("REQUEST=queryData&SNR=5", dialect)
    limited = request.with_default("MAXREC", "7")
    assert limited == parse([*request.pairs, ("MAXREC", "7")], dialect)
    assert limited.with_default("MAXREC", "9") is limited
    assert request == parse("REQUEST=queryData&SNR=5", dialect)
    empty = parse("REQUEST=queryData&maxrec=", dialect).with_default("MAXREC", "7")
    assert (empty.values["MAXREC"], dict(empty.first)) == ("7", {"MAXREC": "7"} if dialect == "dachs" else {})
