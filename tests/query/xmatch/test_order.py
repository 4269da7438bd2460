"""The result is always the same: ties go to the first row, and rows come in the order of their table."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ssap_query.xmatch import Limits, Tuning, crossmatch


def test_ties_go_to_the_first_row(sky):
    left = sky.table([10.0, 20.0], [0.0, 0.0])
    # Equal to the last bit: copies, and points mirrored about the left one
    right = sky.table([20.0001, 10.0, 10.0, 20.0, 20.0, 10.0], [0.0, 0.0, 0.0, 0.0001, -0.0001, 0.0], "other")
    found = crossmatch(left, right, 1.0, left_columns=["id"], right_columns=["other"]).to_arrow()
    assert found["other"].to_pylist()[0] == 1
    mirrored = right.slice(3, 2)
    assert crossmatch(left, mirrored, 1.0).to_arrow()["other"].to_pylist() == [3]
    for shuffled in ([5, 2, 1, 0, 3, 4], [2, 5, 1, 4, 3, 0]):
        again = crossmatch(left, right.take(shuffled), 1.0, right_columns=["other"]).to_arrow()
        assert again["other"].to_pylist()[0] == shuffled[0]


def test_ties_between_rows_that_share_a_position(sky, rng):
    positions = rng.integers(0, 50, 3_000)
    left = sky.table(np.linspace(0, 300, 50)[positions], np.linspace(-60, 60, 50)[positions])
    right = sky.table(np.linspace(0, 300, 50)[::-1], np.linspace(-60, 60, 50)[::-1], "other")
    first = {int(p): int(np.flatnonzero(positions == p)[0]) for p in range(50)}
    found = crossmatch(left, right, 1.0, "best-other").to_arrow()
    assert found["other"].to_pylist() == list(range(50))
    assert found["id"].to_pylist() == [first[49 - i] for i in range(50)]
    # The same with the repeated rows on the right
    found = crossmatch(right, left, 1.0, "best").to_arrow()
    assert found["id"].to_pylist() == [first[49 - i] for i in range(50)]


@pytest.mark.parametrize("find", ["best", "all", "best-other", "anti"])
def test_repeated_positions_on_a_grid(sky, rng, find):
    """Where many positions share their RA (or their declination) the rows of each stay its own."""
    ra, dec = (axis.ravel() for axis in np.meshgrid(np.arange(0, 20.0), np.arange(-10, 10.0)))
    copies = rng.integers(0, 400, 4_000)
    left = sky.table(ra[copies], dec[copies])
    alone = rng.choice(400, 150, replace=False)
    right = sky.table(ra[alone], dec[alone], "other")
    partner = {int(p): i for i, p in enumerate(alone)}
    pairs = [(i, partner[p]) for i, p in enumerate(copies.tolist()) if p in partner]
    found = crossmatch(left, right, 1.0, find)
    table = found.to_arrow()
    assert len(found) == table.num_rows
    if find == "anti":
        assert table["id"].to_pylist() == sorted(set(range(4_000)) - {i for i, _ in pairs})
        return
    if find == "best-other":
        first: dict[int, int] = {}
        for i, j in pairs:
            first.setdefault(j, i)
        pairs = sorted(((i, j) for j, i in first.items()), key=lambda pair: pair[1])
    assert list(zip(table["id"].to_pylist(), table["other"].to_pylist(), strict=True)) == pairs


def test_all_pairs_are_sorted_by_left_row_separation_and_right_row(sky, rng):
    ra, dec = sky.scatter(rng, 300, -1, 1, 0, 2)
    rows = rng.integers(0, 300, 2_000)
    left = sky.table(ra[rows], dec[rows])
    right = sky.table(np.tile(ra, 2), np.tile(dec, 2), "other")
    found = crossmatch(left, right, 600.0, "all").to_arrow()
    keys = (found["other"].to_numpy(), found["separation_arcsec"].to_numpy(), found["id"].to_numpy())
    np.testing.assert_array_equal(np.lexsort(keys), np.arange(len(found)))
    assert found.num_rows == len(sky.pairs(left, right, 600.0)[0])


@pytest.mark.parametrize("find", ["best", "all", "best-other", "anti"])
def test_pieces_files_and_threads_do_not_show(sky, rng, tmp_path, find):
    ra, dec = sky.scatter(rng, 400, -5, 5, 355, 365)
    copies = rng.integers(0, 400, 5_000)
    left = sky.table(ra[copies], dec[copies])
    near = sky.around(rng, ra, dec, 5 / 3600)
    right = sky.table(np.repeat(near[0], 3), np.repeat(near[1], 3), "other")
    whole = crossmatch(left, right, 4.0, find).to_arrow()
    assert whole.num_rows > 100
    for name, table in {"left": left, "right": right}.items():
        (tmp_path / name).mkdir()
        step = len(table) // 7
        for part, start in enumerate(range(0, len(table), step)):
            pq.write_table(table.slice(start, step), tmp_path / name / f"{part}.parquet", row_group_size=100)
    tuning = Tuning(piece_rows=1_000, few_files=3)
    for source in ((left, right), (tmp_path / "left", tmp_path / "right"), (f"{tmp_path}/left/*.parquet", right)):
        for threads in (1, 3):
            match = crossmatch(*source, 4.0, find, limits=Limits(threads=threads, tuning=tuning))
            assert match.to_arrow().equals(whole)


def test_unsorted_and_sorted_input_give_the_same_pairs(sky, rng):
    ra, dec = sky.scatter(rng, 2_000, 40, 44, 290, 296)
    left, right = sky.table(ra, dec), sky.table(*sky.around(rng, ra, dec, 2 / 3600), "other")
    order = rng.permutation(2_000)
    one = crossmatch(left, right, 3.0).to_arrow().select(["id", "other"])
    two = crossmatch(left.take(order), right.take(order), 3.0).to_arrow().select(["id", "other"])
    assert sorted(one.to_pylist(), key=str) == sorted(two.to_pylist(), key=str)
    assert two["id"].to_pylist() == [i for i in order.tolist() if i in set(one["id"].to_pylist())]


def test_a_result_is_the_same_on_every_call(sky, rng):
    ra, dec = sky.scatter(rng, 500, -1, 1, 0, 2)
    match = crossmatch(sky.table(ra, dec), sky.table(ra, dec, "other"), 300.0, "all")
    first = match.to_arrow()
    assert match.to_arrow().equals(first)
    assert pa.Table.from_batches(match.reader(), schema=match.arrow_schema).equals(first)
    assert len(match) == first.num_rows


@pytest.mark.parametrize("most_runs", [0, 2_000])
def test_rows_that_threads_read_side_by_side_come_in_order(sky, rng, tmp_path, most_runs):
    ra, dec = sky.scatter(rng, 2_000)
    copies = rng.integers(0, 2_000, 300_000)
    pq.write_table(sky.table(ra[copies], dec[copies]), tmp_path / "left.parquet", row_group_size=5_000)
    right = sky.table(ra, dec, "other")
    match = crossmatch(
        tmp_path / "left.parquet", right, 1.0, limits=Limits(threads=4, tuning=Tuning(max_runs=most_runs))
    )
    found = match.to_arrow()
    np.testing.assert_array_equal(found["id"].to_numpy(), np.arange(300_000))
    np.testing.assert_array_equal(found["other"].to_numpy(), copies)
    match.write(tmp_path / "match.parquet")
    assert pq.read_table(tmp_path / "match.parquet").equals(found)
