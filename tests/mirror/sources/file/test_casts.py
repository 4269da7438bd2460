"""Every way from a file's type to a service's, and every value that would be lost on it."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from astropy.time import Time
from ssap_mirror.core.schema import Column
from ssap_mirror.core.units import Conversion, conversion
from ssap_mirror.errors import FormatError
from ssap_mirror.sources.file.casts import NAN_TO_NULL, ROUNDED, cast_to

NAN = math.nan
TEXT = Column("c", "char", "*")
YEAR, MJD = Column("c", "double", unit="a"), Column("c", "double", unit="d", xtype="mjd")


def _cast(column: Column, cells: pa.Array, factor: Conversion | None = None, done: set[str] | None = None) -> pa.Array:
    done = set() if done is None else done
    cast = cast_to(column, cells.type, factor or Conversion(1.0), done)
    result = cast(cells, 1)
    assert result.type == column.arrow_type()
    result.validate(full=True)
    padded = pa.concat_arrays([cells.slice(0, 0), cells, cells])
    again = cast(padded.slice(len(cells)), 1)
    assert repr(again.to_pylist()) == repr(result.to_pylist()), "a slice is cast as the whole is"
    return result


@pytest.mark.parametrize(
    ("column", "cells", "expected"),
    [
        (Column("c", "short"), pa.array([1, None, -(2**15)], pa.int64()), [1, None, -(2**15)]),
        (Column("c", "long"), pa.array([2**63 - 1], pa.uint64()), [2**63 - 1]),
        (Column("c", "int"), pa.array([1.0, None, -5.0]), [1, None, -5]),
        (Column("c", "int"), pa.array([True, None, False]), [1, None, 0]),
        (Column("c", "int"), pa.array([Decimal("3.00")]), [3]),
        (Column("c", "boolean"), pa.array([1, 0, None], pa.int8()), [True, False, None]),
        (Column("c", "double"), pa.array([2**53, None]), [2.0**53, None]),
        (Column("c", "double"), pa.array([0.1, NAN, None], pa.float32()), [float(np.float32(0.1)), NAN, None]),
        (Column("c", "float"), pa.array([2**24]), [2.0**24]),
        (Column("c", "float"), pa.array([0.5, math.inf, NAN, None]), [0.5, math.inf, NAN, None]),
        (Column("c", "double"), pa.array(["1e-7", None, "", " NaN "]), [1e-7, None, None, NAN]),
        (Column("c", "short", null="-1"), pa.array(["-1", "0x10"]), [-1, 16]),
        (Column("c", "boolean"), pa.array(["T", "false", None]), [True, False, None]),
        (Column("c", "double", "2"), pa.array(["1 2", None]), [[1.0, 2.0], None]),
        (TEXT, pa.array([63500310383727522, None]), ["63500310383727522", None]),
        (TEXT, pa.array(["a", "", None], pa.large_string()), ["a", "", None]),
        (TEXT, pa.array(["a", None, "a"]).dictionary_encode(), ["a", None, "a"]),
        (TEXT, pa.nulls(2), [None, None]),
        (Column("c", "float", "7"), pa.nulls(1), [None]),
        (Column("c", "double", "2"), pa.array([[1.0, 2.0], None, [3.0, None]]), [[1.0, 2.0], None, [3.0, None]]),
        (Column("c", "float", "2"), pa.array([[1, 2], None], pa.list_(pa.int16(), 2)), [[1.0, 2.0], None]),
        (Column("c", "double", "*"), pa.array([[], [1.5], None], pa.large_list(pa.float32())), [[], [1.5], None]),
        (Column("c", "double", "2x*"), pa.array([[], [1.5, 2.5]]), [[], [1.5, 2.5]]),
        (Column("c", "doubleComplex"), pa.array([[1.0, -1.0]]), [[1.0, -1.0]]),
        (Column("c", "char", "4x2"), pa.array([["ab", "c"], None]), [["ab", "c"], None]),
        (TEXT, pa.array([date(2018, 3, 1), None]), ["2018-03-01T00:00:00", None]),
        (TEXT, pa.array([datetime(2018, 3, 1, 12, 30, 59), None]), ["2018-03-01T12:30:59", None]),
        (TEXT, pa.array([datetime(1931, 3, 1, 0, 0, 0, 250_000)]), ["1931-03-01T00:00:00.25"]),
        (
            TEXT,
            pa.array([-1, 5], pa.timestamp("ns")),
            ["1969-12-31T23:59:59.999999999", "1970-01-01T00:00:00.000000005"],
        ),
        (
            TEXT,
            pa.array([datetime(2018, 3, 1, tzinfo=UTC)], pa.timestamp("s", "Asia/Shanghai")),
            ["2018-03-01T00:00:00"],
        ),
        (MJD, pa.array([datetime(1858, 11, 17, 18), None]), [0.75, None]),
        (MJD, pa.array([date(2018, 3, 1)]), [58178.0]),
        (Column("c", "double", unit="d", ucd="time.epoch;obs"), pa.array([date(2018, 3, 1)]), [58178.0]),
        (
            YEAR,
            pa.array([datetime(2000, 1, 1, 12), datetime(2018, 3, 1), None]),
            [2000.0, float(Time(58178, format="mjd").jyear), None],
        ),
        (YEAR, pa.array([date(1931, 3, 1), None]), [float(Time("1931-03-01", scale="tt").jyear), None]),
    ],
)
def test_nothing_is_lost(column: Column, cells: pa.Array, expected: list[Any]) -> None:
    done: set[str] = set()
    assert repr(_cast(column, cells, done=done).to_pylist()) == repr(expected)
    assert not done


@pytest.mark.parametrize(
    ("column", "cells", "reason"),
    [
        (Column("c", "short"), pa.array([5] * 900 + [70000, 70001]), r"row 901: column 'c': 70000 cannot become short"),
        (Column("c", "long"), pa.array([1, 2**63], pa.uint64()), r"row 2: .*9223372036854775808 cannot become long"),
        (Column("c", "unsignedByte"), pa.array([-1]), r"-1 cannot become unsignedByte without loss"),
        (Column("c", "int"), pa.array([None, 1.5]), r"row 2: column 'c': 1.5 cannot become int without loss"),
        (Column("c", "int"), pa.array([math.inf]), r"inf cannot become int"),
        (Column("c", "double"), pa.array([2**53 + 1]), r"9007199254740993 cannot become double without loss"),
        (Column("c", "float"), pa.array([2**24 + 1]), r"16777217 cannot become float without loss"),
        (Column("c", "float"), pa.array([0.0, 1e39]), r"row 2: .*1e\+39 cannot become float without loss"),
        (Column("c", "boolean"), pa.array([0, 2]), r"row 2: column 'c': 2 cannot become boolean"),
        (Column("c", "boolean"), pa.array([1.0]), r"column 'c' is double in the file, which cannot become boolean"),
        (Column("c", "double"), pa.array([True]), r"is bool in the file, which cannot become double"),
        (Column("c", "int"), pa.array(["1", "x"]), r"row 2: column 'c': 'x' is no int"),
        (TEXT, pa.array([1.5]), r"is double in the file, which cannot become char$"),
        (TEXT, pa.array([b"a"]), r"is binary in the file"),
        (TEXT, pa.array([True]), r"is bool in the file"),
        (TEXT, pa.array([["a"]]), r"is list<.*> in the file"),
        (TEXT, pa.array([time(1)]), r"is time64\[us\] in the file"),
        (Column("c", "double"), pa.array([[1.0]]), r"is list<.*> in the file, which cannot become double$"),
        (Column("c", "double", "2"), pa.array([1.0]), r"is double in the file, which cannot become double\[2\]"),
        (
            Column("c", "double", "2"),
            pa.array([[1.0, 2.0], [1.0]]),
            r"row 2: .*\[1.0\] has 1 items, where the service has 2",
        ),
        (Column("c", "double", "2x*"), pa.array([[1.0]]), r"has 1 items, where the service has a multiple of 2"),
        (
            Column("c", "short", "*"),
            pa.array([[1], [2, 70000]]),
            r"row 2: column 'c': \[2, 70000\] cannot become short",
        ),
        (
            Column("c", "double"),
            pa.array([date(2018, 1, 1)]),
            r"is date32\[day\] in the file, which cannot become double",
        ),
        (Column("c", "double", unit="d"), pa.array([date(2018, 1, 1)]), r"is date32\[day\] in the file"),
        (Column("c", "int", unit="a"), pa.array([date(2018, 1, 1)]), r"is date32\[day\] in the file"),
        (Column("c", "double"), pa.array([{"x": 1.0}]), r"is struct<x: double> in the file"),
    ],
)
def test_what_would_be_lost_is_an_error(column: Column, cells: pa.Array, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        _cast(column, cells)


def test_what_is_done_is_told() -> None:
    done: set[str] = set()
    assert _cast(Column("c", "float"), pa.array([0.1, None]), done=done).to_pylist() == [float(np.float32(0.1)), None]
    assert done == {ROUNDED}
    assert _cast(Column("c", "int"), pa.array([1.0, NAN]), done=done).to_pylist() == [1, None]
    assert done == {ROUNDED, NAN_TO_NULL}


@pytest.mark.parametrize(
    ("column", "cells", "units", "expected"),
    [
        (Column("c", "double", unit="m"), pa.array([5000, None]), ("Angstrom", "m"), [5e-07, None]),
        (Column("c", "float", unit="s"), pa.array([0.25]), ("h", "s"), [900.0]),
        (Column("c", "long", unit="byte"), pa.array([41, None]), ("kbyte", "byte"), [41000, None]),
        (Column("c", "double", "2"), pa.array([[0.0, 3600.0], None]), ("arcsec", "deg"), [[0.0, 1.0], None]),
        (Column("c", "double", "2"), pa.array(["0 3600"]), ("arcsec", "deg"), [[0.0, 1.0]]),
        (Column("c", "long"), pa.array(["1.5"]), ("kbyte", "byte"), [1500]),
    ],
)
def test_units(column: Column, cells: pa.Array, units: tuple[str, str], expected: list[Any]) -> None:
    assert _cast(column, cells, conversion(*units)).to_pylist() == expected


def test_a_conversion_that_leaves_no_integer_is_an_error() -> None:
    with pytest.raises(FormatError, match=r"row 1: .*column 'c': 41 cannot become long without loss"):
        _cast(Column("c", "long", unit="kbyte"), pa.array([41]), conversion("byte", "kbyte"))
