"""Joins, neighbours, one-to-one pairs, least radius, ranks and row numbers: each as brute force has it."""

import itertools

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ssap_mirror.errors import ParameterError
from ssap_query.xmatch import crossmatch

RADIUS = 40.0
_FINDS = ("best", "all", "best-other", "symmetric")
_JOINS = ("inner", "left", "right", "outer")


def tables(sky, rng, copies=1, n=120):
    """Two crowded tables; rows of the left one share positions if there are copies, some rows have no position."""
    ra, dec = sky.scatter(rng, n, 44, 44.1, 359.95, 360.05)
    rows = np.arange(n) if copies == 1 else rng.integers(0, n, copies * n)
    left = sky.table(ra[rows], dec[rows], rank=rng.normal(size=len(rows)).round(1))
    near_ra, near_dec = sky.around(rng, ra[: n // 2], dec[: n // 2], RADIUS / 3600)
    far_ra, far_dec = sky.scatter(rng, n // 3, 44, 44.1, 359.95, 360.05)
    other_ra, other_dec = np.concatenate([near_ra, far_ra]), np.concatenate([near_dec, far_dec])
    repeated = rng.integers(0, len(other_ra), copies * len(other_ra)) if copies > 1 else np.arange(len(other_ra))
    rank = rng.normal(size=len(repeated)).round(1)
    rank[::7] = np.nan
    right = sky.table(other_ra[repeated], other_dec[repeated], "other", rank=rank)
    return _unplaced(left, "id"), _unplaced(right, "other")


def _unplaced(table, name):
    """A table with a row that has no position, and one with NaN."""
    more = {name: [len(table), len(table) + 1], "ra": [None, np.nan], "dec": [1.0, 44.05], "rank": [9.0, 9.0]}
    return pa.concat_tables([table, pa.table(more, schema=table.schema)])


def placed_pairs(sky, left, right, low=0.0):
    """All pairs: (left row, right row, separation), within the radius and not nearer than `low`."""
    n, m = len(left) - 2, len(right) - 2
    i, j, separation = sky.pairs(left.slice(0, n), right.slice(0, m), RADIUS)
    kept = separation >= low
    # Equal positions have equal separations, whatever rounding does to them.
    return list(zip(i[kept].tolist(), j[kept].tolist(), np.round(separation[kept], 9).tolist(), strict=True))


def brute(pairs, find, most=1, rank=None):
    """Pairs that an option leaves."""
    if find == "all":
        return {(i, j) for i, j, _ in pairs}
    if find == "symmetric":
        found, used = set(), (set(), set())
        for i, j, _ in sorted(pairs, key=lambda p: (p[2], p[0], p[1])):
            if i not in used[0] and j not in used[1]:
                found.add((i, j))
                used[0].add(i)
                used[1].add(j)
        return found
    subject = 0 if find == "best" else 1
    worth = (lambda o: 0) if rank is None else (lambda o: np.inf if np.isnan(rank[o]) else -rank[o])
    ordered = sorted(pairs, key=lambda p: (p[subject], worth(p[1 - subject]), p[2], p[1 - subject]))
    groups = itertools.groupby(ordered, key=lambda p: p[subject])
    return {(i, j) for _, group in groups for i, j, _ in itertools.islice(group, most)}


def with_join(pairs, join, left, right):
    """Pairs, and rows without a partner with None in place of it."""
    found = set(pairs)
    if join in ("left", "outer"):
        found |= {(i, None) for i in set(range(len(left))) - {i for i, _ in pairs}}
    if join in ("right", "outer"):
        found |= {(None, j) for j in set(range(len(right))) - {j for _, j in pairs}}
    return found


def found(match):
    table = match.to_arrow()
    rows = list(zip(table["id"].to_pylist(), table["other"].to_pylist(), strict=True))
    assert len(rows) == len(set(rows)) == len(match)
    return table, rows


@pytest.mark.parametrize("copies", [1, 4])
@pytest.mark.parametrize("find", _FINDS)
def test_every_join_of_every_way(sky, rng, find, copies):
    left, right = tables(sky, rng, copies)
    pairs = brute(placed_pairs(sky, left, right), find)
    assert len(pairs) > 20
    for join in _JOINS:
        wanted = with_join(pairs, join, left, right)
        match = crossmatch(left, right, RADIUS, find, join=join)
        assert match.count() == len(wanted), join  # counted before the rows are made
        table, rows = found(match)
        assert set(rows) == wanted, join
        # In the order of the side that the result follows; rows of the other one, without partner, last.
        subject = 1 if find == "best-other" else 0
        numbers = [row[subject] for row in rows]
        inner = [number for number in numbers if number is not None]
        assert inner == sorted(inner)
        assert numbers[: len(inner)] == inner
        rest = [row[1 - subject] for row in rows[len(inner) :]]
        assert rest == sorted(rest)
        alone = [None in row for row in rows]
        assert [value is None for value in table["separation_arcsec"].to_pylist()] == alone
        assert [value is None for value in table["position_angle_deg"].to_pylist()] == alone


@pytest.mark.parametrize("copies", [1, 4])
@pytest.mark.parametrize("find", ["best", "best-other"])
def test_neighbours(sky, rng, find, copies):
    left, right = tables(sky, rng, copies)
    pairs = placed_pairs(sky, left, right)
    for most, join in itertools.product((2, 3, 1000), ("inner", "outer")):
        wanted = with_join(brute(pairs, find, most), join, left, right)
        table, rows = found(crossmatch(left, right, RADIUS, find, n_neighbors=most, join=join))
        assert set(rows) == wanted
        subject = "id" if find == "best" else "other"
        order = [(r[subject], r["separation_arcsec"]) for r in table.to_pylist() if r["separation_arcsec"] is not None]
        assert order == sorted(order)


@pytest.mark.parametrize("copies", [1, 4])
@pytest.mark.parametrize("find", ["best", "best-other"])
def test_best_by_an_expression(sky, rng, find, copies):
    left, right = tables(sky, rng, copies)
    pairs = placed_pairs(sky, left, right)
    rank = (right if find == "best" else left)["rank"].to_numpy()
    for text, values in {"rank": rank, "-rank": -rank, "rank ASC": -rank, "2 * rank desc": rank}.items():
        for most in (1, 2):
            match = crossmatch(left, right, RADIUS, find, best_by=text, n_neighbors=most)
            assert set(found(match)[1]) == brute(pairs, find, most, values), text
    assert set(found(crossmatch(left, right, RADIUS, find, best_by="CASE WHEN false THEN 1 END"))[1]) == brute(
        pairs, find
    )


@pytest.mark.parametrize("find", _FINDS)
def test_a_least_radius(sky, rng, find):
    left, right = tables(sky, rng, 2)
    pairs = placed_pairs(sky, left, right, 15.0)
    assert set(found(crossmatch(left, right, RADIUS, find, min_radius_arcsec=15.0))[1]) == brute(pairs, find)


@pytest.mark.parametrize("copies", [1, 4])
@pytest.mark.parametrize("find", _FINDS)
def test_a_table_with_itself(sky, rng, find, copies):
    left, _ = tables(sky, rng, copies)
    same = left.rename_columns(["other", "ra", "dec", "rank"])
    pairs = [pair for pair in placed_pairs(sky, left, left) if pair[0] != pair[1]]
    assert set(found(crossmatch(left, same, RADIUS, find, self_pairs=False))[1]) == brute(pairs, find)


@pytest.mark.parametrize("find", [*_FINDS, "anti"])
def test_row_numbers_over_files(sky, rng, tmp_path, find):
    left, right = tables(sky, rng, 2)
    for i in range(3):
        pq.write_table(right.slice(60 * i, 60 if i < 2 else None), tmp_path / f"{i}.parquet", row_group_size=25)
    paths = [tmp_path / f"{i}.parquet" for i in range(3)]
    join = "inner" if find == "anti" else "outer"
    match = crossmatch(left, paths, RADIUS, find, join=join, row_numbers=True, right_where="other % 5 <> 1")
    table = match.to_arrow()
    assert table["left_row"].to_pylist() == table["id"].to_pylist()
    if find != "anti":
        assert table["right_row"].to_pylist() == table["other"].to_pylist()
        assert len(set(table["right_row"].to_pylist()) - {None}) > 100
    assert match.schema["left_row"].ucd == "meta.record"


def test_motions_with_every_option(sky, rng):
    """Classes of fast and slow stars are looked at one after the other, and put together."""
    ra, dec = sky.scatter(rng, 60, 0, 0.05, 10, 10.05)
    motions = {"pmra": rng.normal(0, 5000, 60), "pmdec": rng.normal(0, 5000, 60), "epoch": np.full(60, 2015.0)}
    stars = sky.table(ra, dec, "other", rank=rng.normal(size=60), **motions)
    moved_ra, moved_dec = ra + 2 * motions["pmra"] / 3.6e6 / np.cos(np.radians(dec)), dec + 2 * motions["pmdec"] / 3.6e6
    spectra_ra, spectra_dec = sky.scatter(rng, 80, 0, 0.05, 10, 10.05)
    spectra = sky.table(spectra_ra, spectra_dec, epoch=np.full(80, 2017.0))
    at = sky.table(moved_ra, moved_dec, "other")
    from ssap_query.xmatch import Positions

    moving = Positions(pmra="pmra", pmdec="pmdec", epoch="epoch")
    sides = {"right_positions": moving, "left_positions": Positions(epoch="epoch")}
    i, j, separation = sky.pairs(spectra, at, RADIUS)
    pairs = list(zip(i.tolist(), j.tolist(), separation.tolist(), strict=True))
    for find in _FINDS:
        for most, best_by in ((1, None), (3, None), (2, "rank")):
            if (most, best_by) != (1, None) and find not in ("best", "best-other"):
                continue
            if best_by and find == "best-other":
                continue
            options = {"n_neighbors": most, "best_by": best_by}
            rank = stars["rank"].to_numpy() if best_by else None
            match = crossmatch(spectra, stars, RADIUS, find, join="outer", **sides, **options)
            assert set(found(match)[1]) == with_join(brute(pairs, find, most, rank), "outer", spectra, stars)


def test_arrays_and_text_of_rows_without_a_partner():
    left = {"id": [1], "ra": [10.0], "dec": [0.0]}
    kinds = {
        "tags": pa.list_(pa.string()),
        "pair": pa.list_(pa.float64(), 2),
        "when": pa.timestamp("us"),
        "n": pa.int8(),
    }
    right = pa.table(
        {"other": [7], "ra": [50.0], "dec": [0.0], **{name: pa.nulls(1, kind) for name, kind in kinds.items()}}
    )
    for a, b in ((left, right), (right, left)):
        rows = crossmatch(a, b, 1.0, join="outer").to_arrow()
        assert rows.num_rows == 2
        assert [rows.schema.field(name).type for name in ("pair", "when", "n")] == [
            kinds[n] for n in ("pair", "when", "n")
        ]
        assert sorted(rows["id"].to_pylist(), key=str) == [1, None]


@pytest.mark.parametrize(
    ("options", "name", "part"),
    [
        ({"join": "full"}, "join", "is none of inner, left, right, outer"),
        ({"find": "anti", "join": "left"}, "join", "no pairs to add rows to"),
        ({"n_neighbors": 0}, "n_neighbors", "whole number above 0"),
        ({"n_neighbors": True}, "n_neighbors", "whole number above 0"),
        ({"n_neighbors": 2, "find": "all"}, "n_neighbors", "needs find=best or best-per-target"),
        ({"min_radius_arcsec": 2.0}, "min_radius_arcsec", "between 0 and the radius"),
        ({"min_radius_arcsec": float("nan")}, "min_radius_arcsec", "between 0 and the radius"),
        ({"best_by": "rank", "find": "symmetric"}, "best_by", "needs find=best or best-per-target"),
        ({"best_by": "nope"}, "best_by", "is no number of each row of the right table"),
        ({"best_by": "max(other)"}, "best_by", "is no number of each row of the right table"),
        ({"best_by": "other; DROP TABLE x"}, "best_by", "is no number of each row of the right table"),
    ],
)
def test_bad_options(options, name, part):
    tables = ({"id": [1], "ra": [1.0], "dec": [1.0]}, {"other": [1], "ra": [1.0], "dec": [1.0]})
    with pytest.raises(ParameterError, match=part) as caught:
        crossmatch(*tables, 1.0, **options)
    assert caught.value.name == name


def test_a_row_is_itself_however_the_files_are_cut(tmp_path):
    table = pa.table({"id": range(5), "ra": [10.0] * 5, "dec": [0.0] * 5})
    for start in (0, 2):
        pq.write_table(table.slice(start, 2 if start == 0 else 3), tmp_path / f"{start}.parquet")
    found = crossmatch(table, str(tmp_path / "*.parquet"), 1.0, "all", self_pairs=False).to_arrow()
    pairs = set(zip(found["id"].to_pylist(), found["id_2"].to_pylist(), strict=True))
    assert pairs == {(i, j) for i in range(5) for j in range(5) if i != j}
