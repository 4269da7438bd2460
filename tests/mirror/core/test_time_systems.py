"""Dates in every form become Modified Julian Dates, UTC."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pyarrow as pa
import pytest
from ssap_mirror.core.quantities.time_systems import numeric_dates, text_dates
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.sources.harvest.positions import numbers_of_dates

DAY = 58239.0  # 2018-05-01


def column(unit: str | None = None, **said: str) -> Column:
    return Column("date", "double", unit=unit, **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("of", "value"),
    [
        (column(), DAY + 0.25),
        (column("d"), DAY + 0.25),
        (column("MJD"), DAY + 0.25),
        (column("d", xtype="mjd"), DAY + 0.25),
        (column("d", xtype="jd"), 2458239.75),
        (column("JD"), 2458239.75),
        (column("JD-2400000"), 58239.75),
        (column("JD - 2450000.5"), 8239.25),
        (column("BJD - 2450000, days"), 8239.75),
        (column("HJD'-2450000"), 8239.75),
        (column("JD_UTC"), 2458239.75),
        (column("MJD_TAI"), DAY + 0.25 + 37 / 86400),
        (column("MJD-50000"), 8239.25),
        (column("d", time_origin="JD-origin"), 2458239.75),
        (column("d", time_origin="MJD-origin"), DAY + 0.25),
        (column("d", time_origin="2400000.5"), DAY + 0.25),
        (column("d", time_origin="2451545.0"), 6694.75),
        (column("s", time_origin="2440587.5"), 1525154400.0),
        (column("h", time_origin="2458239.5"), 6.0),
        (column("yr"), 2000 + (DAY + 0.25 - 51544.5) / 365.25),
        (column("a"), 2000 + (DAY + 0.25 - 51544.5) / 365.25),
        (column("a", time_origin="2451545.0"), (DAY + 0.25 - 51544.5) / 365.25),
    ],
)
def test_numbers(of: Column, value: float) -> None:
    found = numeric_dates(of).apply(np.array([value, np.nan]))
    assert found[0] == pytest.approx(DAY + 0.25, abs=1e-9)
    assert np.isnan(found[1])


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        (column("s"), "not said what the dates in 's' are counted from"),
        (column("nm"), "'nm' is no unit of dates"),
        (column("fortnight"), "'fortnight' is no unit of dates"),
        (column("days since JD 2450000"), "is no unit of dates"),
        (column("JD_TCB"), "is no unit of dates"),
        (column("d", time_origin="long ago"), "the origin of time 'long ago' is not known"),
        (column("d", time_scale="LOCAL"), "the time scale 'LOCAL' is not known"),
    ],
)
def test_numbers_that_are_not_understood(of: Column, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        numeric_dates(of)


@pytest.mark.parametrize("scale", ["TT", "TDB", "TAI"])
def test_time_scales_are_those_of_astropy(scale: str) -> None:
    from astropy.time import Time

    utc = np.array([41500.3, 45000.0, 50083.0 + 1e-5, 55000.123, 57752.99999, 57754.00001, 60000.0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shown = getattr(Time(utc, format="mjd", scale="utc"), scale.lower()).mjd
    found = numeric_dates(column("d", time_scale=scale)).apply(shown)
    # TDB and TT differ by up to 2 ms.
    np.testing.assert_allclose(found, utc, rtol=0, atol=0.003 / 86400)
    assert not numeric_dates(column("d", time_scale=scale)).is_identity
    assert numeric_dates(column("d", time_scale="UTC")).is_identity


def test_text() -> None:
    texts = ["2018-05-01T06:00:00", "2018-05-01", "2018-05", "2018", " 2018-05-01 06:00:00.0Z ", "1 May", "", None]
    first, last = text_dates(pa.array(texts))
    np.testing.assert_array_equal(first, [DAY + 0.25, DAY, DAY, 58119.0, DAY + 0.25, *[np.nan] * 3])
    ends = [DAY + 0.25, DAY + 1, DAY + 31, 58119 + 365.0, DAY + 0.25, *[np.nan] * 3]
    np.testing.assert_allclose(last, ends, rtol=0, atol=1e-10)
    assert (last[1:4] < ends[1:4]).all(), "the end of a day belongs to the next"
    dictionary = text_dates(pa.array(texts).dictionary_encode())
    np.testing.assert_array_equal(dictionary, (first, last))


def test_no_text_at_all() -> None:
    first, last = text_dates(pa.array([None, None], pa.string()))
    assert np.isnan(first).all()
    assert np.isnan(last).all()


def test_an_infinite_date_is_its_own_middle() -> None:
    dated = Column("date", "double", unit="d", ucd="time.epoch", xtype="mjd")
    found = numbers_of_dates(Schema((dated,)), pa.table({"date": [DAY, math.inf, -math.inf, math.nan]}))
    np.testing.assert_array_equal(found, [DAY, math.inf, -math.inf, math.nan])
