"""Dates: what each form stands for, and how the reference server counts days."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ssap_mirror.core.times import mjd_of
from ssap_mirror.errors import ParameterError
from ssap_query.ssap import parameter
from ssap_query.ssap.values.dates import dachs_date, dachs_mjd, ivoa_moment


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2018", "2018-01-01", "2019-01-01"),
        ("2018-02", "2018-02-01", "2018-03-01"),
        ("2016-12", "2016-12-01", "2017-01-01"),
        ("2018-05-01", "2018-05-01", "2018-05-02"),
        ("2018-5-1", "2018-05-01", "2018-05-02"),
        ("20180501", "2018-05-01", "2018-05-02"),
        ("2018-05-01Z", "2018-05-01", "2018-05-02"),
        ("2018-12-31T23", "2018-12-31T23:00:00", "2019-01-01T00:00:00"),
        ("2018-05-01T12:30", "2018-05-01T12:30:00", "2018-05-01T12:31:00"),
        ("2018-05-01T12:30:45", "2018-05-01T12:30:45", None),
        ("2018-05-01 12:30:45Z", "2018-05-01T12:30:45", None),
        ("2018-05-01T12:30:45.5+00:00", "2018-05-01T12:30:45.500000", None),
        ("20180501T123045.25", "2018-05-01T12:30:45.250000", None),
        ("2016-12-31T23:59:60", "2017-01-01T00:00:00", None),
        ("9999", "9999-01-01", "9999-12-31T23:59:59.999999"),
    ],
)
def test_forms(text: str, start: str, end: str | None) -> None:
    found = ivoa_moment("TIME", text)
    assert found.start == datetime.fromisoformat(start)
    assert found.end == (None if end is None else datetime.fromisoformat(end))


@pytest.mark.parametrize(
    ("text", "expected"), [("58239", 58239.0), ("58239.25", 58239.25), ("-100.5", -100.5), ("0.", 0.0)]
)
def test_numbers_are_mjd(text: str, expected: float) -> None:
    found = ivoa_moment("TIME", text)
    assert (found.start_mjd, found.end_mjd) == (expected, expected)


@pytest.mark.parametrize(
    "text",
    [
        "2018-13", "2018-02-30", "2018-00-01", "0000", "2018-05-01T24:00:00", "2018-05-01T12:60",
        "2018-05-01T12:30:61", "2018-05-01T12:30:45+02:00", "2458239.5", "10000-01-01", "now", "", "May 2018",
        "2018/05", "18-05-01", "nan", "inf", "2018-05-01T", "2018-W18", "1e9", "201805", "2018-05-01T12:30:60",
    ],
)  # fmt: skip
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(ParameterError) as caught:
        ivoa_moment("TIME", text)
    assert (caught.value.name, caught.value.value) == ("TIME", text)


@given(st.datetimes(datetime(1858, 11, 17), datetime(2100, 1, 1)))
def test_mjd_agrees_with_astropy(when: datetime) -> None:
    from astropy.time import Time

    assert mjd_of(when) == pytest.approx(Time(when, scale="tt").mjd, abs=2e-11)


def test_the_reference_server_loses_digits_on_its_way_through_julian_dates() -> None:
    # Values that it has disclosed in its answers.
    assert dachs_mjd(datetime(2018, 4, 8, 16, 45, 4)) == 58216.69796296302
    assert dachs_mjd(datetime(2018, 5, 5, 12, 33, 45)) == 58243.5234375
    assert dachs_mjd(datetime(1, 1, 1)) == -678575.0
    assert abs(dachs_mjd(datetime(2018, 4, 8, 16, 45, 4)) - mjd_of(datetime(2018, 4, 8, 16, 45, 4))) < 5e-10


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018-01-05", datetime(2018, 1, 5)),
        (" 2018-1-5 ", datetime(2018, 1, 5)),
        ("2018-0105", datetime(2018, 1, 5)),
        ("20180105", datetime(2018, 1, 5)),
        ("2018-01-05Z", datetime(2018, 1, 5)),
        ("2018-01-05t12:00:00", datetime(2018, 1, 5, 12)),
        ("2018-01-05t12:00:00Z", datetime(2018, 1, 5, 12)),
        ("2018-1-5t1:2:3", datetime(2018, 1, 5, 1, 2, 3)),
        ("2018-01-05 1:2:3", datetime(2018, 1, 5, 1, 2, 3)),
        ("20180105T12:00:00.5Z", datetime(2018, 1, 5, 12, 0, 0, 500000)),
        ("2018-01-05T12:00:00+00:00", datetime(2018, 1, 5, 12)),
        ("2018-01-05T12:00:00.", datetime(2018, 1, 5, 12)),
    ],
)
def test_dates_of_the_reference_server(text: str, expected: datetime) -> None:
    assert dachs_date(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "58100",
        "58100.5",
        "2018",
        "2018-01",
        "201801",
        "2018-01-05T12:00",
        "2018-01-05T23:59:60",
        "2018-01-05+00:00",
        "2018-01-05t12:00:00.5",
        "2018-01-05t12:00:00+00:00",
        "20180105t120000",
        "",
        "now",
    ],
)
def test_what_the_reference_server_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"date|month|day|year|hour|second"):
        dachs_date(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [("2018-09-29/2018-10-01/1", 3), ("2018-09-29/2018-10-01/0.5", 5), ("2018-09-30/2018-09-30/1", 1)],
)
def test_steps_of_publication_dates_become_values(text: str, count: int) -> None:
    found = parameter("MTIME").parse(text, "dachs")
    assert len(found.values) == count
    assert found.values[-1] - found.values[0] <= timedelta(days=2)


def test_very_many_steps_are_the_range() -> None:
    assert len(parameter("MTIME").parse("2018-09-29/2018-10-01/1e-6", "dachs").ranges) == 1


@pytest.mark.parametrize("step", ["0", "-1", "nan", "inf", "1e300", "x", "1e-13"])
def test_steps_that_lead_nowhere(step: str) -> None:
    with pytest.raises(ParameterError, match="step"):
        parameter("MTIME").parse(f"2018-09-29/2018-10-01/{step}", "dachs")
