"""The coarse step and what is kept of it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ssap_mirror.core import healpix
from ssap_mirror.core.sphere import separation_arcsec
from ssap_query.arrow.arrays import as_arrow, as_numpy, points
from ssap_query.engine.index.row_groups import Group, RowGroupReader, RowSelection, rows_in
from ssap_query.engine.index.sky_cover import joined, reach
from ssap_query.engine.snapshot_cache import SnapshotCache
from ssap_query.ssap import FIBRE, Cone, Region

RANGES = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 20)), min_size=1, max_size=30)


def separate(parts: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Sorted, separate ranges with gaps between them."""
    found, start = [], 0
    for gap, length in parts:
        found.append((start + gap + 1, start + gap + 1 + length))
        start = found[-1][1] + 1
    return tuple(found)


@given(RANGES, st.integers(1, 12))
def test_fewer_ranges_cover_at_least_the_same(parts, most) -> None:
    ranges = separate(parts)
    fewer = joined(ranges, most)
    assert len(fewer) == min(most, len(ranges))
    assert all(any(low <= first and last <= high for low, high in fewer) for first, last in ranges)
    assert list(fewer) == sorted(fewer)
    # what is added is the smallest gaps
    gaps = sorted(b[0] - a[1] for a, b in pairwise(ranges))
    kept = sorted(b[0] - a[1] for a, b in pairwise(fewer))
    assert kept == gaps[len(gaps) - len(kept) :]


@given(RANGES, st.lists(st.integers(0, 8000), max_size=200))
def test_rows_in_ranges(parts, values) -> None:
    ranges, cells = separate(parts), np.sort(np.array(values, np.int64))
    expected = [n for n, cell in enumerate(cells) if any(low <= cell <= high for low, high in ranges)]
    assert rows_in(cells, ranges).tolist() == expected


def test_reach_is_everything_without_cones(mirror) -> None:
    everything = reach(mirror.catalog, None)
    assert everything.ranges is None
    assert everything.paths == [str(path) for path in mirror.catalog.files]


@pytest.mark.parametrize("radius", [0.0, 1e-6, 0.1, 5.0, 50.0, 90.0, 179.0, 180.0])
@pytest.mark.parametrize("centre", [(0.0, 90.0), (0.0, -90.0), (0.0, 0.0), (45.0, 41.81), (359.99, 30.0)])
def test_reach_loses_no_row(centre, radius, mirror, awkward) -> None:
    extent = reach(mirror.catalog, Region((Cone(*centre, radius),), FIBRE))
    ranges = np.array(extent.ranges)
    paths = {str(part.path) for part in extent.partitions}
    inside = [
        row
        for row in awkward.rows
        if row["location"] and row["ra"] is not None and abs(row["location"][1]) <= 90
        and separation_arcsec(*row["location"], *centre) <= radius * 3600
        and separation_arcsec(*row["location"], row["ra"], row["dec"]) <= 60
    ]  # fmt: skip
    for row in inside:
        cell = int(healpix.healpix_29([row["ra"]], [row["dec"]])[0])
        assert ((ranges[:, 0] <= cell) & (cell <= ranges[:, 1])).any()
        (holder,) = (p for p in mirror.catalog.partitions if p.healpix_29[0] <= cell <= p.healpix_29[1])
        assert str(holder.path) in paths


def test_reach_is_small_for_a_small_cone(mirror) -> None:
    extent = reach(mirror.catalog, Region((Cone(0.0, 90.0, 0.01),), FIBRE))
    assert len(extent.partitions) <= 4 < len(mirror.catalog.partitions)
    groups = RowGroupReader(SnapshotCache(), mirror.catalog.checksums).touched(extent.paths, extent.ranges)
    assert {group.path for group in groups} <= set(extent.paths)
    assert str(extent.unplaced.path) in {group.path for group in groups}


def test_groups_know_their_rows(awkward) -> None:
    mirror = awkward.open("one")
    cache = SnapshotCache(0)
    groups = RowGroupReader(cache, mirror.catalog.checksums)
    for path in mirror.catalog.files:
        first = 0
        for group in groups.footer(str(path)).groups:
            assert group.first_row == first
            cells = groups.arrays(group, ["_healpix_29"])["_healpix_29"]
            first += group.rows
            assert len(cells) == group.rows
            if group.cells is not None:
                assert group.cells == (min(cells.to_pylist()), max(cells.to_pylist()))
    assert cache.size == 0


def test_the_row_group_not_used_for_longest_goes_first(mirror) -> None:
    names = ["mobsid", "ra"]

    def decode(max_bytes: int, *groups: Group) -> SnapshotCache:
        cache = SnapshotCache(max_bytes)
        reader = RowGroupReader(cache, mirror.catalog.checksums)
        for group in groups:
            reader.arrays(group, names)
        return cache

    reader = RowGroupReader(SnapshotCache(), mirror.catalog.checksums)
    one, two, three = (group for path in mirror.catalog.files[:3] for group in reader.footer(str(path)).groups[:1])
    size = {group: decode(1 << 30, group).size for group in (one, two, three)}
    cache = decode(sum(size.values()) - 1, one, two, one, three)
    assert cache.size == size[one] + size[three]
    RowGroupReader(cache, mirror.catalog.checksums).arrays(one, ["dec"])  # a further column of a known group
    assert size[one] < cache.size <= cache.max_bytes


def test_taking_rows(mirror) -> None:
    path = str(mirror.catalog.files[0])
    groups = RowGroupReader(SnapshotCache(), mirror.catalog.checksums)
    group = groups.footer(path).groups[0]
    every = groups.arrays(group, ["mobsid", "mag_arr"])
    rows = np.array([0, group.rows - 1])
    taken = groups.take(RowSelection(group, rows), ["mobsid", "mag_arr"])
    assert taken["mobsid"].to_pylist() == [every["mobsid"][int(row)].as_py() for row in rows]
    assert taken["mag_arr"].type == every["mag_arr"].type


@pytest.mark.parametrize("values", [np.arange(5)[::2], np.array([], np.int64), np.array([1.5, np.nan], np.float32)])
def test_numbers_between_numpy_and_arrow(values) -> None:
    found = as_arrow(values)
    assert found.type == pa.from_numpy_dtype(values.dtype)
    np.testing.assert_array_equal(found.to_numpy(zero_copy_only=False), values)
    np.testing.assert_array_equal(as_numpy(found), values)
    assert as_numpy(found).dtype == values.dtype


@pytest.mark.parametrize("size", [0, 1, 8, 13])
def test_truths_from_numpy_to_arrow(size: int) -> None:
    values = np.arange(size) % 3 == 0
    assert as_arrow(values).to_pylist() == values.tolist()
    assert as_arrow(values[::-2]).to_pylist() == values[::-2].tolist()


def test_null_is_nan_in_numpy() -> None:
    array = pa.array([None, *range(20), None, 5.0], pa.float32())
    for part in (array, array.slice(1), array.slice(9, 13), array.slice(0, 1)):
        np.testing.assert_array_equal(as_numpy(part), part.to_numpy(zero_copy_only=False))


@pytest.mark.parametrize("kind", [pa.list_(pa.float64(), 2), pa.list_(pa.float64()), pa.list_(pa.float32(), 2)])
def test_points(kind) -> None:
    pairs = [[1.0, 2.0], None, [3.0, 4.5], [5.0, None]]
    if kind.equals(pa.list_(pa.float64())):
        pairs += [[6.0], []]
    array = pa.array(pairs, kind)
    expected = np.full((len(pairs), 2), np.nan)
    for row, pair in enumerate(pairs):
        if pair and len(pair) == 2:
            expected[row] = [np.nan if x is None else x for x in pair]
    np.testing.assert_array_equal(points(array), expected)
    np.testing.assert_array_equal(points(array.slice(1, 3)), expected[1:4])
    assert points(array).dtype == np.float64
    assert points(array.slice(0, 0)).shape == (0, 2)
