"""Modified Julian Dates against astropy."""

from __future__ import annotations

from datetime import datetime

import pytest
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st
from ssap_mirror.core.times import J2000_MJD, UNIX_EPOCH_MJD, datetime_of, iso_span, mjd_of


# Of a time scale in which each day has 86,400 s; UTC of datetime is none that knows leap seconds.
@given(st.datetimes(datetime(1600, 1, 1), datetime(2400, 1, 1)))
def test_dates_to_mjd_and_back(when: datetime) -> None:
    assert mjd_of(when) == pytest.approx(Time(when, scale="tt").mjd, abs=1e-10)
    assert abs((datetime_of(mjd_of(when)) - when).total_seconds()) < 2e-5


def test_epochs() -> None:
    assert mjd_of(datetime(1970, 1, 1)) == UNIX_EPOCH_MJD
    assert mjd_of(datetime(2000, 1, 1, 12)) == J2000_MJD
    assert datetime_of(-0.25) == datetime(1858, 11, 16, 18)
    with pytest.raises(OverflowError):
        datetime_of(1e9)


def test_a_leap_second_is_the_first_of_the_next_day() -> None:
    start, end = iso_span("2016-12-31T23:59:60.5")
    assert (mjd_of(start), end) == (57754.0, None)
