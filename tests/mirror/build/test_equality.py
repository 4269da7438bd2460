"""Columns compared value by value, against plain Python."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ssap_mirror.build.equality import unequal

DOUBLES = st.sampled_from([None, math.nan, 0.0, -0.0, 1.5, math.inf, -math.inf])
KINDS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "double": (pa.float64(), DOUBLES),
    "float": (pa.float32(), DOUBLES),
    "integer": (pa.int64(), st.sampled_from([None, 0, 2**53, 2**53 + 1])),
    "boolean": (pa.bool_(), st.sampled_from([None, True, False])),
    "text": (pa.string(), st.sampled_from([None, "", "a", "A", "\u00e4"])),
    "pair": (pa.list_(pa.float64(), 2), st.none() | st.tuples(DOUBLES, DOUBLES).map(list)),
    "list": (pa.list_(pa.float32()), st.none() | st.lists(DOUBLES, max_size=3)),
    "texts": (pa.list_(pa.string()), st.none() | st.lists(st.sampled_from([None, "", "b"]), max_size=2)),
    "nested": (
        pa.list_(pa.list_(pa.int16())),
        st.none() | st.lists(st.lists(st.integers(0, 1), max_size=2), max_size=2),
    ),
}


def same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other):
        return True
    return one == other and (one is None) == (other is None)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_rows_are_compared_as_python_would(kind: str, data: st.DataObject) -> None:
    arrow, values = KINDS[kind]
    pairs = data.draw(st.lists(st.tuples(values, values) | values.map(lambda value: (value, value)), max_size=12))
    # A slice has an offset into its buffers, which is easily forgotten.
    left, right = (
        (pa.array([None, *side], arrow).slice(1) for side in zip(*pairs, strict=True))
        if pairs
        else (
            pa.array([], arrow),
            pa.array([], arrow),
        )
    )
    assert unequal(left, right).tolist() == [not same(one, other) for one, other in pairs]
