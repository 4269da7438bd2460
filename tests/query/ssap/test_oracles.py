"""Each parameter's SQL selects the rows that its plain-Python oracle selects, in both dialects, on hard values."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ssap_mirror.errors import ParameterError
from ssap_query.ssap import REGISTRY, parameter
from ssap_query.ssap.ranges import single_precision
from ssap_query.ssap.request import DIALECTS

NUMBERS = [
    "0", "-0", "1", "-1", "5", "10", "50", "50.0000001", "54.55", "163.86", "163.86000061035156", "1e-30", "3e38",
    "1e39", "1e-50", "0.3", "0.30000001192092896", "-5", "7000", "7229.5", "535", "1e300", "inf", "-inf", "nan",
    "NaN", "1_0", "1e400", "4.95e-7", "4.949999961354479e-07", "5.35e-7", "6.3e-7", "6.8e-7", "5e-7", "1e-6",
    "0.21", "1e-4", "0.02", "-1", "-0.5", "7",
]  # fmt: skip
DATES = [
    "2018", "2018-01", "2018-01-01", "2018-01-01T06", "2018-01-01T06:00", "2018-01-01T06:00:00",
    "2018-01-01T23:58:33.6", "2018-01-02", "2018-12", "58119", "58119.25", "58119.999", "58120.5", "58150.",
    "20180101", "20180102T120000", "2019-03-31T12:30:00", "2019-03-31T12:30:00.5", "2018-09-30", "2020-03-31",
    "9999", "9999-12-31", "0001-01-01", "2018-1-2", "2018-01-01Z", "2016-12-31T23:59:60", "2018-02-30", "foo",
    "2018-05-01T12:00:00Z",
]  # fmt: skip
BANDS = [
    *NUMBERS, "Optical", "optical", "X-ray", "Radio", "UV", "V", "K", "R", "B", "Infrared", "gamma-ray", "v",
    "foo",
]  # fmt: skip
WORDS = [
    "star", "Star", "STAR ", "QSO", "QSO%2C cand", "galaxy", "any", "ANY", "absolute", "Relative", "NORMALIZED",
    "a%2Fb", "LAMOST6 MRS", "LAMOST6%2FMRS%2Ctest", "Ä", "ä", "", " ", "%", "x", "R", "B", "5e-7",
]  # fmt: skip
NAMES = [
    "star", "Star", "the", "The Star", "Running", "runs", "NGC 1234", "ngc1234", "NGC", "M31", "a b", "a/b",
    "a%2Cb", "a;b", "a-b", "A.B", "Äquator 7", "STRASSE", "straße", "İstanbul", "⭐ star", "lines two", "padded",
    "lamost", "-1", "%252C", "LAMOST J000420.41+343551.4", "j000420.41", "+343551.4", "ας", "", " ", "*",
    "x" * 300, "tab%09here",
]  # fmt: skip
MIMES = [
    "all", "compliant", "native", "graphic", "votable", "fits", "xml", "application/fits", "Application/FITS",
    "image/jpeg", "text/xml", "application/x-votable+xml", "application/x-votable%2Bxml", "text/csv",
    "text/xml;content=x-votable", "any",
]  # fmt: skip
CALIBRATIONS = [
    "ABSOLUTE", "absolute", "Calibrated", "RELATIVE", "Relative", "normalized", "UNCALIBRATED", "any", "ANY",
    "foo",
]  # fmt: skip
DIDS = [
    "ivo://a/~?x", "ivo://a/~?X", "ivo://a/~?x,y", "any", "ivo://ü", " ",
]  # fmt: skip


def _lists(pieces: list[str], *, ranges: bool, qualifiers: tuple[str, ...] = ("",)) -> st.SearchStrategy[str]:
    piece = st.sampled_from(pieces)
    item = piece
    if ranges:
        item = st.one_of(
            piece,
            st.builds("{}/{}".format, piece, piece),
            st.builds("{}/".format, piece),
            st.builds("/{}".format, piece),
            st.just("/"),
            st.builds("{}/{}/1".format, piece, piece),
        )
    listed = st.one_of(
        item, st.lists(item, min_size=2, max_size=4).map(",".join), st.lists(piece, max_size=12).map(",".join)
    )
    return st.builds("{}{}".format, listed, st.sampled_from(qualifiers)).filter(bool)


_PATTERN = st.lists(
    st.sampled_from(
        [*"*?abcNGCstarxİiıßSKk 1.-/%é⭐\n\t", "[ab]", "[!a]", "[^a]", "[a-z]", "[A-Z]", "[]", "[", "]", "\\", "\\*"]
    ),
    min_size=1,
    max_size=7,
).map("".join)

VALUES: dict[str, st.SearchStrategy[str]] = {
    "BAND": _lists(BANDS, ranges=True, qualifiers=("", "", ";source", ";observer", ";x")),
    "TIME": _lists(DATES, ranges=True),
    "MTIME": _lists(DATES, ranges=True),
    "TARGETNAME": _lists(NAMES, ranges=False),
    "WILDTARGET": _PATTERN,
    "WILDTARGETCASE": _PATTERN,
    "FORMAT": _lists(MIMES, ranges=False),
    "PUBDID": st.sampled_from(DIDS),
    "CREATORDID": st.sampled_from(DIDS),
    **{name: _lists(NUMBERS, ranges=True) for name in ("APERTURE", "SNR", "REDSHIFT", "VARAMPL", "SPATRES", "TIMERES")},
    "SPECRP": _lists(NUMBERS, ranges=True),
    **{name: _lists(WORDS, ranges=True) for name in ("TARGETCLASS", "COLLECTION")},
    "WAVECALIB": _lists(CALIBRATIONS, ranges=True),
    "FLUXCALIB": st.one_of(st.sampled_from(CALIBRATIONS), _lists(CALIBRATIONS, ranges=False)),
}


def _selecting() -> list[str]:
    """Parameters that select rows one by one (POS and SIZE do so together: their own module)."""
    return [p.name for p in REGISTRY if p.roles and p.name not in ("POS", "SIZE")]


def test_every_selecting_parameter_has_values_here() -> None:
    assert set(VALUES) == set(_selecting())


@pytest.mark.parametrize("storage", ["single", "double"])
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", _selecting())
def test_sql_agrees_with_oracle(name: str, dialect: str, storage: str, tables) -> None:
    table, param = tables[storage], parameter(name)
    valid = chosen = 0

    @settings(max_examples=60, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
    @given(VALUES[name])
    def agree(text: str) -> None:
        nonlocal valid, chosen
        try:
            value = param.parse(text, dialect)
        except ParameterError:
            return
        found = table.select(param.compile(value, dialect, table.columns))
        expected = [n for n, row in enumerate(table.rows) if param.covers(value, row, dialect, table.columns)]
        assert found == expected, f"{name}={text!r} in {dialect}"
        valid += 1
        chosen += 0 < len(found) < len(table.rows)
        assert param.words(value, dialect)

    agree()
    ignored = dialect == "dachs" and name in ("VARAMPL", "TIMERES")
    assert valid >= 5
    assert chosen >= (0 if ignored else 3), "the values of this test select nothing"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "text", ["2019-03-31T12:30:00.5", "2018-09-30/2019-03-31", "2018-09-30,2020-03-31", "/2019-01-01"]
)
def test_publication_dates_may_be_timestamps(text: str, dialect: str, published_as_timestamps) -> None:
    table, param = published_as_timestamps, parameter("MTIME")
    value = param.parse(text, dialect)
    found = table.select(param.compile(value, dialect, table.columns))
    assert found == [n for n, row in enumerate(table.rows) if param.covers(value, row, dialect, table.columns)]
    assert found


@pytest.mark.parametrize("name", _selecting())
def test_examples_of_the_documentation_are_valid(name: str, tables) -> None:
    param = parameter(name)
    assert param.examples
    for text in param.examples:
        value = param.parse(text, "ivoa")
        param.compile(value, "ivoa", tables["single"].columns)


def test_long_lists_are_one_lookup(tables) -> None:
    table, param = tables["single"], parameter("APERTURE")
    value = param.parse(",".join(map(str, range(5000))) + ",54.55", "ivoa")
    predicate = param.compile(value, "ivoa", table.columns)
    assert predicate is not None
    assert len(predicate.values) == 1
    found = {table.rows[n]["aperture"] for n in table.select(predicate)}
    assert found == {0.0, 1.0, 5.0, 10.0, 50.0, single_precision(54.55)}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", ["SNR", "BAND", "TIME", "MTIME"])
def test_too_many_separate_ranges_are_refused(name: str, dialect: str) -> None:
    items = [f"{year:04}-01-01/{year:04}-02-01" if "TIME" in name else f"{year}/{year}.5" for year in range(1, 1200)]
    with pytest.raises(ParameterError, match="1,000"):
        parameter(name).parse(",".join(items), dialect)
