"""A number in a refusal is a limit only where it is said to be one, of the parameter that is meant."""

from __future__ import annotations

import pytest
from ssap_mirror.sources.http.named_limits import named_limit


@pytest.mark.parametrize(
    ("said", "limit"),
    [
        ("SIZE must not be larger than 15.0 degrees", 15.0),
        ("SIZE must not exceed 15", 15.0),
        ("the value of SIZE (90) is above the maximum, 10", 10.0),
        ("HTTP 400: Requested SIZE 90 deg exceeds allowed maximum of 10 deg.", 10.0),
        ("SIZE=90.0 is too large. The limit is 2.5 degrees.", 2.5),
        ("Invalid SIZE: value should be between 0 and 20", 20.0),
        ("SIZE out of range [0, 5]", 5.0),
        ("SIZE must be in the range 0.0 - 7.5", 7.5),
        ("Search radius must be less than 30 arcmin", 0.5),
        ("cone too wide, at most 3600 arcsec", 1.0),
        ("SIZE too large (max. 4°)", 4.0),
        ("SIZE <= 12 please", 12.0),
        ("A maximum SIZE of 8 is allowed", 8.0),
        ("SIZE: 6 degrees maximum", 6.0),
        ("SIZE is too large; MAXREC must be at most 60", None),
        ("SIZE is unknown (error 42 in line 7)", None),
        ("SIZE failed: HTTP 500 at port 80, code 17", None),
        ("SIZE of 90 took too long; the limit is 30 s", None),
        ("SIZE of 90: at most 2 requests at a time", None),
        ("SIZE must be a number", None),
        ("SIZE must not be larger than 180 degrees", None),
        ("SIZE: row 15 of the table spectra2 is locked since 10:30", None),
        ("no such table, at most 15", None),
        ("", None),
    ],
)
def test_size(said: str, limit: float | None) -> None:
    found = named_limit(said, "SIZE", 90.0)
    assert found == (None if limit is None else pytest.approx(limit))


@pytest.mark.parametrize(
    ("said", "limit"),
    [
        ("MAXREC must not be larger than 1,000", 1000.0),
        ("MAXREC too large. Maximum is 5000.", 5000.0),
        ("the maximum number of records is 2000", 2000.0),
        ("MAXREC=100000 exceeds the hard limit (20000)", 20000.0),
        ("MAXREC darf maximal 10.000 sein: maximum 10.000", 10000.0),
        ("MAXREC: up to 1e4 rows", 10000.0),
        ("MAXREC: the query ran into the limit of 15 seconds", None),
        ("MAXREC must not be negative, and SIZE at most 20", None),
        ("SIZE must be at most 20 and MAXREC at most 300", 300.0),
        ("1000 rows is the maximum", 1000.0),
        ("SIZE must not be larger than 15 degrees", None),
        ("MAXREC is no integer: 1e5 at column 12", None),
    ],
)
def test_maxrec(said: str, limit: float | None) -> None:
    assert named_limit(said, "MAXREC", 100_000) == limit
