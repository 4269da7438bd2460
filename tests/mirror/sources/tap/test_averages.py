"""Averages of columns, as a server tells them and as rows have them: what differs, and what cannot tell."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.sources.tap.averages import Average, averages_of, compare_averages

SCHEMA = Schema(
    (Column("name", "char", "*"), Column("number", "long"), Column("snr", "float"), Column("mags", "double", "3"))
)
ROWS = pa.record_batch(
    {"name": ["a", "b", "c"], "number": [1, None, 4], "snr": pa.array([1.5, 2.5, math.nan], pa.float32())}
)
TOLD = {"number": (2, 2.5, 1, 4), "snr": (2, 2.0, 1.5, 2.5)}


def test_rows_have_averages_in_columns_of_single_numbers() -> None:
    assert averages_of([ROWS, ROWS], SCHEMA) == {"number": Average(4, 2.5, 1, 4), "snr": Average(4, 2.0, 1.5, 2.5)}
    assert list(averages_of([ROWS], SCHEMA, but=["snr"])) == ["number"]


def test_the_same_averages_agree_and_are_told() -> None:
    found = compare_averages(averages_of([ROWS], SCHEMA), TOLD, TOLD, SCHEMA)
    assert found.agree
    assert [finding.words for finding in found.findings()] == [
        "the server's averages of 2 columns are those of the rows at hand"
    ]


@pytest.mark.parametrize(
    ("told", "strange"),
    [
        ({"number": (2, 2.5, 1, 4), "snr": (2, 2.0 + 1e-7, 1.5, 2.5)}, ()),
        ({"number": (2, 2.5, 1, 4), "snr": (2, 2.01, 1.5, 2.5)}, ("snr",)),
        ({"number": (2, 2.5 + 1e-7, 1, 4)}, ("number",)),
        ({"number": (3, 2.5, 1, 4)}, ("number",)),
        ({"number": (2, 2.5, 1, 5)}, ("number",)),
        ({"number": (0, math.nan, math.nan, math.nan)}, ("number",)),
        ({"snr": (3, math.nan, 1.5, math.nan)}, ()),
        ({"snr": (3, math.inf, 1.5, math.inf)}, ()),
    ],
)
def test_other_values_show_unless_one_side_cannot_tell(
    told: dict[str, tuple[float, ...]], strange: tuple[str, ...]
) -> None:
    found = compare_averages(averages_of([ROWS], SCHEMA), None, told, SCHEMA)
    assert found.strange == strange
    assert found.agree == (not strange)
    assert [finding.unproven for finding in found.findings()] == [bool(strange)]


def test_averages_that_move_meanwhile_are_a_table_that_has_changed() -> None:
    later = TOLD | {"snr": (2, 3.0, 1.5, 4.5)}
    found = compare_averages(averages_of([ROWS], SCHEMA), TOLD, later, SCHEMA)
    assert (found.moved, found.strange) == (("snr",), ("snr",))
    assert [finding.doubt for finding in found.findings()] == [True]


def test_a_server_that_tells_none_leaves_it_at_counts() -> None:
    found = compare_averages(averages_of([ROWS], SCHEMA), TOLD, None, SCHEMA)
    assert not found.agree
    assert found.findings() == []
