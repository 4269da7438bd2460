"""From a request to a query: limits, metadata, missing columns, the order of checks."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import ParameterError
from ssap_mirror.pipeline.known_services import lamost6_mrs
from ssap_query.ssap import DEFAULT_MAXREC, FIBRE, REGISTRY, Query, interpret
from ssap_query.ssap.predicate import FALSE, TRUE
from ssap_query.ssap.request import DIALECTS, parse


def ask(request, dialect: str = "ivoa", schema: Schema | None = None) -> Query:
    return interpret(parse(request, dialect), schema or lamost6_mrs())


def test_nothing_asked_is_everything() -> None:
    for dialect in DIALECTS:
        found = ask("REQUEST=queryData", dialect)
        assert (found.where, found.region, found.top, found.verb, found.metadata_only) == (TRUE, None, None, 2, False)
        assert (found.maxrec, found.response_format) == (DEFAULT_MAXREC[dialect], "votable/td")


def test_conditions_are_combined_with_and() -> None:
    found = ask("REQUEST=queryData&POS=10,20&SIZE=0.2&SNR=20/&REDSHIFT=/0&PUBDID=x&MAXREC=7&VERB=1&TOP=3")
    assert len(found.where.values) == 5
    assert found.where.sql.count(") AND (") == 2
    assert found.region is not None
    assert (len(found.region.cones), found.region.position) == (1, FIBRE)
    assert (found.maxrec, found.top, found.limit, found.verb, found.ranked) == (7, 3, 3, 1, True)
    assert [words.split(":")[0] for words in found.words] == ["SIZE", "POS", "SNR", "REDSHIFT", "PUBDID"]


@pytest.mark.parametrize(
    ("request_", "limit"),
    [
        ("TOP=5&MAXREC=7", 5),
        ("TOP=7&MAXREC=5", 5),
        ("TOP=0&MAXREC=5", 5),
        ("TOP=5", 5),
        ("TOP=99999999999999999999", None),
    ],
)
def test_limits(request_: str, limit: int | None) -> None:
    assert ask("REQUEST=queryData&" + request_).limit == limit
    assert ask("REQUEST=queryData&" + request_, "dachs").limit == (10_000 if limit is None else limit)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "request_", ["FORMAT=METADATA", "format=metadata", "MAXREC=0", "maxrec=000", "REQUEST=queryData&MAXREC=0"]
)
def test_metadata(request_: str, dialect: str) -> None:
    assert ask(request_, dialect).metadata_only


def test_metadata_in_the_reference_server_looks_at_the_first_value_and_at_nothing_else() -> None:
    assert ask("FORMAT=METADATA&SNR=foo&VERB=9&MAXREC=-5", "dachs").metadata_only
    assert not ask("REQUEST=queryData&FORMAT=all&FORMAT=METADATA", "dachs").metadata_only
    assert not ask("REQUEST=queryData&FORMAT=all,metadata", "dachs").metadata_only
    assert ask("FORMAT=all,metadata").metadata_only


def test_metadata_in_the_standard_whatever_else_is_asked() -> None:
    found = ask("FORMAT=METADATA&SNR=foo&VERB=9&MAXREC=-5&POS=1&TIME=x")
    assert found.metadata_only
    assert (found.where, found.region, found.limit) == (TRUE, None, None)
    assert "POS, TIME, SNR, MAXREC, VERB: ignored" in " ".join(found.notes)
    # These belong to every operation (§6.1), and that one says how the description is written.
    for bad in ("REQUEST=x", "VERSION=9.9", "RESPONSEFORMAT=x/y"):
        with pytest.raises(ParameterError, match=bad.partition("=")[0]):
            ask(f"FORMAT=METADATA&{bad}")
    # MAXREC=0, which is DALI's, asks for a result without rows: what that would be has to be readable.
    with pytest.raises(ParameterError, match="SNR"):
        ask("REQUEST=queryData&MAXREC=0&SNR=foo")


def test_first_values_in_the_reference_server() -> None:
    found = ask("REQUEST=queryData&MAXREC=5&MAXREC=7&VERB=9&VERB=1", "dachs")
    assert (found.maxrec, found.verb) == (5, 3)
    assert ask("REQUEST=queryData&MAXREC=foo&MAXREC=7", "dachs").maxrec == 10_000
    assert ask("REQUEST=queryData&MAXREC=7&MAXREC=-1", "dachs").maxrec == 7
    for bad in ("MAXREC=-1&MAXREC=7", "MAXREC=7&MAXREC=foo", "VERB=1&VERB=9", "MAXREC=9223372036854775807"):
        with pytest.raises(ParameterError):
            ask("REQUEST=queryData&" + bad, "dachs")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("request_", ["SNR=5", "REQUEST=&SNR=5", "REQUEST=getData", "REQUEST= queryData"])
def test_request_is_required(request_: str, dialect: str) -> None:
    with pytest.raises(ParameterError) as caught:
        ask(request_, dialect)
    assert caught.value.name == "REQUEST"


def test_target_names_are_listed_whatever_else_is_asked() -> None:
    for dialect in DIALECTS:
        found = ask("REQUEST=gettargetnames&SNR=5&POS=1,2&SIZE=1&MAXREC=5", dialect)
        assert (found.operation, found.where, found.region, found.maxrec) == ("getTargetNames", TRUE, None, None)
    for ignored in ("SNR=foo", "MAXREC=-5", "TOP=-2"):
        assert ask(f"REQUEST=getTargetNames&{ignored}", "dachs").operation == "getTargetNames"
    with pytest.raises(ParameterError):
        ask("REQUEST=getTargetNames&SIZE=foo", "dachs")


def test_order_of_checks_is_the_reference_servers() -> None:
    requests = {
        "SIZE": "SNR=foo&SIZE=foo&VERB=9",
        "FLUXCALIB": "VERB=9&FLUXCALIB=x&TIME=x",
        "VERB": "VERB=9&POS=x&SNR=foo",
        "REQUEST": "REQUEST=x&POS=x&SNR=foo",
        "POS": "REQUEST=queryData&BAND=/&POS=x&SNR=foo",
        "TIME": "REQUEST=queryData&SNR=foo&TIME=x",
    }
    for name, request in requests.items():
        with pytest.raises(ParameterError) as caught:
            ask(request, "dachs")
        assert caught.value.name == name


def test_a_bad_pattern_is_no_error_where_no_row_is_looked_at() -> None:
    assert ask("REQUEST=queryData&WILDTARGET=[]]&FORMAT=xml", "dachs").where == FALSE
    with pytest.raises(ParameterError):
        ask("REQUEST=queryData&WILDTARGET=[]]&FORMAT=xml,fits", "dachs")


SMALL = Schema(
    (
        Column("id", "char", "*", ucd="meta.id;meta.main"),
        Column("snr", "float", utype="ssa:Derived.SNR"),
        Column("lo", "double", utype="ssa:Char.SpectralAxis.Coverage.Bounds.Start"),
        Column("hi", "double", utype="ssa:Char.SpectralAxis.Coverage.Bounds.Stop"),
        Column("mjd", "double", utype="ssa:Char.TimeAxis.Coverage.Location.Value"),
        Column("aperture", "char", "*", utype="ssa:Char.SpatialAxis.Coverage.Bounds.Extent"),
    )
)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_parameters_without_a_column_are_passed_over_with_a_note(dialect: str) -> None:
    found = ask("REQUEST=queryData&POS=1,2&SIZE=1&TARGETNAME=x&SPATRES=1&APERTURE=1&SNR=5", dialect, SMALL)
    assert found.region is None
    assert "{snr}" in found.where.sql
    assert found.where.sql.count("{") == 1
    passed = [note.split(";")[0].rpartition(" ")[2] for note in found.notes if "no column" in note]
    assert passed == ["POS", "APERTURE", "TARGETNAME", "SPATRES"]


def test_parameters_without_a_column_are_errors_where_nobody_asks_to_go_on() -> None:
    with pytest.raises(ParameterError, match="this mirror has no column for SPATRES"):
        interpret(parse("REQUEST=queryData&SPATRES=1"), SMALL, ignore_unanswerable=False)
    refused = replace(SMALL, refused={"location": "the unit 'furlong' is not known"})
    with pytest.raises(ParameterError, match="cannot compare anything with POS: the unit 'furlong'"):
        interpret(parse("REQUEST=queryData&POS=1,2"), refused, ignore_unanswerable=False)
    found = interpret(parse("REQUEST=queryData&SPATRES=1", "dachs"), SMALL, ignore_unanswerable=False)
    assert "SPATRES is ignored" in found.notes[0]


def test_a_range_and_its_mirror_image_mean_the_same() -> None:
    for one, other in (
        ("SNR=50/20", "SNR=20/50"), ("BAND=7e-7/6e-7", "BAND=6e-7/7e-7"), ("SPECRP=8000/7000", "SPECRP=7000/8000"),
        ("TIME=2018-06/2018-05", "TIME=2018-05/2018-06"), ("MTIME=2019/2018", "MTIME=2018/2019"),
    ):  # fmt: skip
        assert ask(f"REQUEST=queryData&{one}").where == ask(f"REQUEST=queryData&{other}").where


def test_start_and_stop_win_over_midpoint_and_extent() -> None:
    whole = (*SMALL, Column("t_min", "double", unit="d"), Column("t_max", "double", unit="d"))
    found = ask("REQUEST=queryData&TIME=2018-05", schema=Schema(whole))
    assert "{t_max}" in found.where.sql
    assert "{t_mid}" not in found.where.sql
    assert "{t_mid}" in ask("REQUEST=queryData&TIME=2018-05-01", "dachs", Schema(whole)).where.sql


def test_a_service_that_has_resolving_powers_is_asked_for_these() -> None:
    schema = Schema((Column("em_res_power", "double"),))
    found = interpret(parse("REQUEST=queryData&SPECRP=7000"), schema, ignore_unanswerable=False)
    assert "{em_res_power} BETWEEN" in found.where.sql


def test_versions_of_the_protocol() -> None:
    for version in ("1.0", "1.1", "1.04", ""):
        assert ask(f"REQUEST=queryData&VERSION={version}").where == TRUE
    assert ask("REQUEST=queryData&VERSION=2.0", "dachs").where == TRUE


def test_variability_and_time_resolution_are_unknown_here() -> None:
    found = ask("REQUEST=queryData&VARAMPL=0.5&TIMERES=1")
    assert (found.where, len(found.notes)) == (TRUE, 2)
    assert "VARAMPL" in found.notes[0]


def test_time_without_exposures_is_the_midpoint_alone() -> None:
    assert "{t_exptime}" not in ask("REQUEST=queryData&TIME=2018-05", schema=SMALL).where.sql


def test_a_rest_frame_band_needs_redshifts() -> None:
    with pytest.raises(ParameterError, match="no column for redshift"):
        ask("REQUEST=queryData&BAND=5e-7;source", schema=SMALL)
    with pytest.raises(ParameterError, match="no column for bandpass"):
        ask("REQUEST=queryData&BAND=V", "dachs", SMALL)


def test_float32_columns_are_compared_in_float32() -> None:
    assert "::FLOAT" in ask("REQUEST=queryData&SNR=5").where.sql
    assert "::DOUBLE" in ask("REQUEST=queryData&BAND=5e-7", schema=SMALL).where.sql


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        ("SNR=20;x", "SNR"), ("BAND=foo", "BAND"),
        ("BAND=v", "BAND"), ("BAND=5e-7;rest", "BAND"), ("BAND=-1", "BAND"), ("BAND=B/R", "BAND"),
        ("TIME=2018-05-01;TCB", "TIME"), ("FORMAT=jpeg", "FORMAT"),
        ("VERSION=2.0", "VERSION"), ("VERSION=1", "VERSION"),
        ("FORMAT=fits,", "FORMAT"), ("FLUXCALIB=x", "FLUXCALIB"), ("COLLECTION=a,,b", "COLLECTION"),
        ("TARGETNAME= ,a", "TARGETNAME"), ("VERB=4", "VERB"),
        ("MAXREC=-1", "MAXREC"), ("MAXREC=1e3", "MAXREC"), ("TOP=x", "TOP"), ("COMPRESS=maybe", "COMPRESS"),
        ("RESPONSEFORMAT=doc", "RESPONSEFORMAT"), ("WILDTARGET=[a", "WILDTARGET"), ("MTIME=yesterday", "MTIME"),
        ("MAXREC=" + "9" * 5000, "MAXREC"),
    ],
)  # fmt: skip
def test_bad_values_name_parameter_value_and_reason(request_: str, name: str) -> None:
    with pytest.raises(ParameterError) as caught:
        ask("REQUEST=queryData&" + request_)
    assert caught.value.name == name
    assert str(caught.value).startswith(f"{name}: ")
    assert caught.value.reason


@pytest.mark.parametrize("param", REGISTRY, ids=lambda p: p.name)
def test_every_parameter_is_documented(param) -> None:
    assert param.description.endswith((".", "?"))
    assert param.grammar
    assert param.examples
    assert set(param.rules) == set(DIALECTS)
    for rule in param.rules.values():
        assert rule.doc.endswith(".")
    for text in param.examples:
        assert param.words(param.parse(text, "ivoa"), "ivoa")


def test_nothing_heavy_is_loaded() -> None:
    heavy = ("astropy", "click", "healpy", "numpy", "pyarrow", "snowballstemmer")
    code = f"import sys, ssap_query.ssap; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
