"""Range lists: the grammar of SSA 1.1 §8.7.2 and the reference server's."""

from __future__ import annotations

import math
import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ssap_mirror.errors import ParameterError
from ssap_query.ssap.ranges import (
    Interval,
    Range,
    dachs_float,
    dachs_list,
    ivoa_float,
    ivoa_list,
    merged,
    single_precision,
)


@pytest.mark.parametrize(
    ("text", "items", "qualifier"),
    [
        ("5", (5.0,), None),
        (" 5 ", (5.0,), None),
        ("1,2,3", (1.0, 2.0, 3.0), None),
        ("1/2", (Range(1.0, 2.0),), None),
        ("1/", (Range(1.0, None),), None),
        ("/2", (Range(None, 2.0),), None),
        ("/", (Range(None, None),), None),
        ("1/2,7,9/;source", (Range(1.0, 2.0), 7.0, Range(9.0, None)), "source"),
        ("5;", (5.0,), ""),
        ("-inf/+1e-7", (Range(-math.inf, 1e-7),), None),
        (".5,5.,+5E3", (0.5, 5.0, 5000.0), None),
    ],
)
def test_standard_range_lists(text: str, items: tuple, qualifier: str | None) -> None:
    found = ivoa_list("X", text, ivoa_float)
    assert found.items == items
    assert found.qualifier == qualifier


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "1,",
        ",1",
        "1,,2",
        "1/2/3",
        "//",
        "1//2",
        "a",
        "1;b;c",
        "nan",
        "0x10",
        "1_0",
        "1e400",
        "5 A",
        "--1",
        "١",
        "1e",
    ],
)
def test_what_is_no_standard_range_list(text: str) -> None:
    with pytest.raises(ParameterError) as caught:
        ivoa_list("X", text, ivoa_float)
    assert caught.value.name == "X"


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("1_0, .5 ,1e400", (10.0, 0.5, math.inf)),
        ("1/2,/3,4/", (Range(1.0, 2.0), Range(None, 3.0), Range(4.0, None))),
        ("1/2/", (Range(1.0, 2.0),)),
        ("1/2/3", (Range(1.0, 2.0, "3"),)),
        ("2/1", (Range(2.0, 1.0),)),
        ("%31", (1.0,)),
    ],
)
def test_the_reference_servers_lists(text: str, items: tuple) -> None:
    assert dachs_list("X", text, dachs_float).items == items


@pytest.mark.parametrize(
    "text", ["", ",", "1,", "/", "//", "//1", "/1/1", "1//1", "1/2/3/4", "a;b;c", "foo", "1%2C2", "%00"]
)
def test_what_the_reference_server_refuses(text: str) -> None:
    with pytest.raises(ParameterError):
        dachs_list("X", text, dachs_float)


def test_pieces_are_decoded_once_more_after_splitting() -> None:
    assert dachs_list("X", "a%2Fb%2Cc/d", str).items == (Range("a/b,c", "d"),)
    assert dachs_list("X", "a/b,c", str, ranges=False).items == ("a/b", "c")


def test_lists_are_bounded() -> None:
    with pytest.raises(ParameterError, match="100,001 items"):
        ivoa_list("X", "1," * 100_000 + "1", ivoa_float)


@given(st.floats())
def test_single_precision_is_the_nearest_float32(value: float) -> None:
    found = single_precision(value)
    if math.isnan(value):
        assert math.isnan(found)
    elif math.isfinite(found):
        assert struct.unpack("<f", struct.pack("<f", value))[0] == found
        assert single_precision(found) == found
    else:
        assert math.copysign(1, found) == math.copysign(1, value)
        assert abs(value) > 3.4e38


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6)), max_size=8), st.floats(0, 30))
def test_merged_intervals_hold_the_same_numbers(pairs: list[tuple[int, int]], x: float) -> None:
    intervals = [Interval(float(low), float(low + width)) for low, width in pairs]
    disjoint = merged(intervals)
    assert any(x in i for i in intervals) == any(x in i for i in disjoint)
    assert all(a.high < b.low for a, b in pairwise(disjoint))
