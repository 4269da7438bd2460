"""What stands for a missing value by somebody's word is NULL, whatever the type of its column, and nothing else is."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from ssap_mirror.errors import ParameterError
from ssap_mirror.sources.missing_values import MissingValues, missing_words

NAN = float("nan")


def applied(values: list[Any], kind: pa.DataType, *said: str) -> tuple[list[Any], int]:
    """Cells of a column, as they are afterwards, and how many were counted."""
    batch = pa.record_batch([pa.array(values, kind), pa.array(range(len(values)))], names=["x", "other"])
    found, marked = MissingValues({"x": said}, batch.schema).applied_to(batch)
    assert found.schema == batch.schema
    assert found.column("other") == batch.column("other")
    found.validate(full=True)
    return found.column("x").to_pylist(), int(marked["x"].sum())


@pytest.mark.parametrize(
    ("kind", "values", "said", "expected"),
    [
        (pa.int16(), [-9999, 1, None, -9998], ("-9999",), [None, 1, None, -9998]),
        (pa.int32(), [-9999, 99, 1], ("-9999.0", "99"), [None, None, 1]),
        (pa.int64(), [2**62, 2**62 + 1], (str(2**62 + 1),), [2**62, None]),
        (pa.uint8(), [255, 0], ("255",), [None, 0]),
        (pa.float64(), [-9999.0, 1.5, -9999.5], ("-9999",), [None, 1.5, -9999.5]),
        # A float32 holds no 99.9, and what a service writes as that is the float32 next to it.
        (pa.float32(), [99.9, 1.5], ("99.9",), [None, 1.5]),
        (pa.float64(), [float("inf"), 1.0], ("inf",), [None, 1.0]),
        (pa.string(), ["N/A", " N/A ", "n/a", "", None], ("N/A",), [None, None, "n/a", "", None]),
        (pa.string(), ["-", ""], ("-", ""), [None, None]),
        (pa.bool_(), [True, False], ("false",), [True, None]),
        (pa.int32(), [], ("1",), []),
    ],
)
def test_cells(kind: pa.DataType, values: list[Any], said: tuple[str, ...], expected: list[Any]) -> None:
    lost = sum(value is None for value in expected) - sum(value is None for value in values)
    assert applied(values, kind, *said) == (expected, lost)


def test_nan_by_word_is_missing() -> None:
    assert applied([NAN, 1.0, None], pa.float64(), "nan") == ([None, 1.0, None], 1)


@pytest.mark.parametrize("kind", [pa.list_(pa.float64(), 2), pa.list_(pa.float64()), pa.large_list(pa.float64())])
def test_parts_of_arrays_are_nan_and_cells_of_nothing_else_are_missing(kind: pa.DataType) -> None:
    values = [[-9999.0, -9999.0], None, [1.0, -9999.0], [1.0, 2.0]]
    found, cells = applied(values, kind, "-9999")
    assert (repr(found), cells) == (repr([None, None, [1.0, NAN], [1.0, 2.0]]), 2)


def test_lists_of_any_length() -> None:
    found, cells = applied([[], [5.0], [5.0, 5.0, 1.0], None], pa.list_(pa.float32()), "5")
    assert (repr(found), cells) == (repr([[], None, [NAN, NAN, 1.0], None]), 2)


def test_a_part_of_a_batch() -> None:
    batch = pa.record_batch({"x": pa.array([[1.0, 2.0], [-1.0, -1.0], [-1.0, 3.0]], pa.list_(pa.float64(), 2))})
    found, marked = MissingValues({"x": ("-1",)}, batch.schema).applied_to(batch.slice(1))
    assert repr(found.column("x").to_pylist()) == repr([None, [NAN, 3.0]])
    assert marked["x"].tolist() == [True, True]


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        (pa.int16(), "abc", "cannot be a value of a column of int16"),
        (pa.int16(), "1.5", "cannot be a value of a column of int16"),
        (pa.int16(), "99999", "cannot be a value of a column of int16"),
        (pa.float64(), "none", "cannot be a value of a column of double"),
        (pa.list_(pa.int32()), "-1", "only floating-point numbers"),
        (pa.list_(pa.string()), "-", "only floating-point numbers"),
    ],
)
def test_what_a_column_cannot_have_is_refused(kind: pa.DataType, text: str, says: str) -> None:
    with pytest.raises(ParameterError, match=says) as refused:
        MissingValues({"x": (text,)}, pa.schema([pa.field("x", kind)]), "services.toml: [mine] ")
    assert (refused.value.name, refused.value.value) == ("services.toml: [mine] nulls.x", text)


def test_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"nulls\.y: '1' is said of what is no column"):
        MissingValues({"y": ("1",)}, pa.schema([pa.field("x", pa.int8())]))


def test_the_words() -> None:
    assert missing_words({"snr": 1200, "mag": 0}) == (
        "1,200 cells of snr held what was said to stand for a missing value, and are taken as that",
        "0 cells of mag held what was said to stand for a missing value, and are taken as that",
    )
