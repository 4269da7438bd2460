"""The pairs are those of astropy's brute-force search: wherever on the sky, whatever the radius."""

import numpy as np
import pytest
from ssap_query.xmatch import Limits, Tuning, crossmatch

# dec_min, dec_max, ra_min, ra_max [deg]
REGIONS = {
    "whole sky": (-90, 90, 0, 360),
    "RA 0": (-20, 20, 359, 361),
    "RA 0, high dec": (75, 77, 359, 361),
    "north pole": (89.5, 90, 0, 360),
    "south pole": (-90, -89.5, 0, 360),
    "at the pole": (89.9999, 90, 0, 360),
    "crowded": (44, 44.02, 292, 292.03),
}
RADII = (0.01, 0.2, 1.0, 17.3, 60.0, 600.0, 3600.0)


def sample(sky, rng, region, radius_arcsec, n=600, copies=1):
    """Two tables: the right one holds partners of some, exact copies of others, and strangers, in random order."""
    ra, dec = sky.scatter(rng, n, *REGIONS[region])
    near_ra, near_dec = sky.around(rng, ra, dec, 2 * radius_arcsec / 3600)
    far_ra, far_dec = sky.scatter(rng, n // 2, *REGIONS[region])
    order = rng.permutation(n + n // 2 + n // 20)
    right = sky.table(
        np.concatenate([near_ra, far_ra, ra[: n // 20]])[order],
        np.concatenate([near_dec, far_dec, dec[: n // 20]])[order],
        "other",
    )
    rows = np.arange(n) if copies == 1 else rng.integers(0, n, copies * n)
    return sky.table(ra[rows], dec[rows]), right


@pytest.mark.parametrize("copies", [1, 5])
@pytest.mark.parametrize("region", REGIONS)
def test_every_way_of_matching_is_that_of_brute_force(sky, rng, region, copies):
    # The second time as if the tables were large
    limits = Limits(tuning=Tuning(many_points=0)) if copies > 1 else None
    for radius in RADII[::2] if copies == 1 else RADII[1::2]:
        left, right = sample(sky, rng, region, radius, 400, copies)
        i, j, separation = sky.pairs(left, right, radius)
        if len(i) > 100_000:  # the loop below is slow; the test of many pairs has these
            continue
        match = crossmatch(left, right, radius, "all", limits=limits)
        found = match.to_arrow()
        assert sorted(zip(found["id"].to_pylist(), found["other"].to_pylist(), strict=True)) == sorted(
            zip(i.tolist(), j.tolist(), strict=True)
        )
        assert len(match) == crossmatch(left, right, radius, "all", limits=limits).count() == len(i)
        np.testing.assert_allclose(np.sort(found["separation_arcsec"].to_numpy()), np.sort(separation), atol=1e-9)

        best = sky.best(left, right, radius)
        nearest = crossmatch(left, right, radius, limits=limits).to_arrow()
        assert dict(zip(nearest["id"].to_pylist(), nearest["other"].to_pylist(), strict=True)) == best
        assert nearest.num_rows == len(best) == crossmatch(left, right, radius, limits=limits).count()
        assert nearest["id"].to_pylist() == sorted(best)

        other = crossmatch(left, right, radius, "best-other", limits=limits).to_arrow()
        assert dict(zip(other["other"].to_pylist(), other["id"].to_pylist(), strict=True)) == sky.best(
            right, left, radius
        )
        assert other["other"].to_pylist() == sorted(other["other"].to_pylist())

        alone = crossmatch(left, right, radius, "anti", limits=limits)
        assert alone.to_arrow()["id"].to_pylist() == sorted(set(range(len(left))) - set(best))
        assert len(alone) == len(left) - len(best)


@pytest.mark.parametrize("region", REGIONS)
def test_large_tables_are_cut_down_to_the_right_fields(sky, rng, region):
    """Radii up to the largest for which it is done, on both sides of RA 0 and near the poles."""
    expected = {}
    for radius in (1.0, 300.0, 850.0):
        left, right = sample(sky, rng, region, radius, 300)
        expected[radius] = left, right, crossmatch(left, right, radius, "all").to_arrow()
    limits = Limits(tuning=Tuning(many_points=0))
    for radius, (left, right, whole) in expected.items():
        assert crossmatch(left, right, radius, "all", limits=limits).to_arrow().equals(whole)
        assert crossmatch(right, left, radius, "all", limits=limits).count() == len(whole)


def test_two_million_pairs(sky, rng):
    pairs = 0
    for region, radius, n in (
        ("RA 0", 0.01, 20_000),
        ("whole sky", 1.0, 50_000),
        ("RA 0", 3600.0, 3_000),
        ("north pole", 600.0, 2_500),
        ("south pole", 3600.0, 600),
        ("at the pole", 0.1, 3_000),
        ("crowded", 3.0, 15_000),
        ("RA 0, high dec", 900.0, 2_000),
    ):
        left, right = sample(sky, rng, region, radius, n)
        i, j, _ = sky.pairs(left, right, radius)
        found = crossmatch(left, right, radius, "all", left_columns=["id"], right_columns=["other"]).to_arrow()
        numbers = found["id"].to_numpy() * len(right) + found["other"].to_numpy()
        np.testing.assert_array_equal(np.sort(numbers), np.sort(i * len(right) + j), err_msg=region)
        pairs += len(i)
    assert pairs >= 2_000_000


def test_separation_and_angle_are_those_of_astropy(sky, rng):
    from astropy.coordinates import SkyCoord

    for region in REGIONS:
        left, right = sample(sky, rng, region, 60.0, 200)
        found = crossmatch(left, right, 60.0, "all").to_arrow()
        a = SkyCoord(found["ra"].to_numpy(), found["dec"].to_numpy(), unit="deg")
        b = SkyCoord(found["ra_2"].to_numpy(), found["dec_2"].to_numpy(), unit="deg")
        separation = found["separation_arcsec"].to_numpy()
        np.testing.assert_allclose(separation, a.separation(b).arcsec, atol=1e-9)
        angle = found["position_angle_deg"].to_numpy()
        assert ((angle >= 0) & (angle < 360)).all()
        apart = separation > 1e-3
        difference = (angle - a.position_angle(b).deg + 180) % 360 - 180
        # One part in 1e10 of an arcsecond across a separation of a milliarcsecond
        assert np.abs(difference[apart]).max() < 1e-4


def test_a_few_points_at_the_worst_places():
    left = {
        "name": ["pole", "pole again", "zero", "almost 360", "360", "minus zero"],
        "ra": [0.0, 123.0, 0.0, 359.9999999, 360.0, -0.0],
        "dec": [90.0, 90.0, 0.0, 0.0, 0.0, 0.0],
    }
    right = {"ra": [200.0, 359.9999, 0.0001], "dec": [89.9999, 0.0, 0.0]}
    found = crossmatch(left, right, 1.0, "all", right_columns=["ra"]).to_arrow().to_pylist()
    pairs = sorted((row["name"], row["ra_2"]) for row in found)
    near_zero = [(name, ra) for name in ("zero", "almost 360", "360", "minus zero") for ra in (359.9999, 0.0001)]
    assert pairs == sorted([("pole", 200.0), ("pole again", 200.0), *near_zero])
    for row in found:
        assert row["separation_arcsec"] == pytest.approx(0.36, abs=1e-3)


@pytest.mark.parametrize("find", ["best", "all", "best-other", "anti"])
def test_empty_tables(sky, find):
    none, some = sky.table([], []), sky.table([10.0, 11.0], [1.0, 2.0], "other")
    none = none.cast(sky.table([1.0], [1.0]).schema)
    assert len(crossmatch(none, some, 1.0, find)) == 0
    assert crossmatch(none, some, 1.0, find).to_arrow().num_rows == 0
    found = crossmatch(some, none, 1.0, find)
    assert len(found) == found.to_arrow().num_rows == (2 if find == "anti" else 0)
    assert len(crossmatch(none, none, 1.0, find)) == 0


def test_positions_that_match_nothing_and_are_counted(sky):
    nan, inf = float("nan"), float("inf")
    bad = [(nan, 0.0), (0.0, nan), (None, 0.0), (0.0, None), (inf, 0.0), (0.0, -inf), (0.0, 90.1), (361.0, 0.0),
           (-181.0, 0.0), (-9999.0, -9999.0)]  # fmt: skip
    ra, dec = zip(*bad, (10.0, 0.0), strict=True)
    left = {"ra": list(ra), "dec": list(dec)}
    import pyarrow as pa

    for find, rows in {"best": 1, "all": 1, "best-other": 1, "anti": 10}.items():
        match = crossmatch(pa.table(left), pa.table(left), 3600.0, find)
        assert len(match) == match.to_arrow().num_rows == rows, find
        assert match.notes == tuple(
            f"10 of 11 rows of the {side} table have no position that can be matched "
            "(NULL, NaN, or outside RA -180 to 360, dec -90 to 90)"
            for side in ("left", "right")
        )


def test_positions_that_match_nothing_in_a_table_of_repeated_ones(sky):
    ra = [10.0] * 20 + [None] * 10 + [float("nan")] * 5 + [10.0] * 5
    dec = [0.0] * 20 + [0.0] * 10 + [1.0] * 5 + [None] * 3 + [95.0] * 2
    match = crossmatch({"ra": ra, "dec": dec, "row": list(range(40))}, {"ra": [10.0], "dec": [0.0]}, 1.0)
    assert match.to_arrow()["row"].to_pylist() == list(range(20))
    assert len(match) == 20
    assert match.notes[0].startswith("20 of 40 rows of the left table")
    alone = crossmatch({"ra": ra, "dec": dec, "row": list(range(40))}, {"ra": [10.0], "dec": [0.0]}, 1.0, "anti")
    assert alone.to_arrow()["row"].to_pylist() == list(range(20, 40))


def test_ra_from_minus_180(sky, rng):
    left, right = sample(sky, rng, "RA 0", 10.0)
    ra = right["ra"].to_numpy()
    signed = sky.table(np.where(ra > 180, ra - 360, ra), right["dec"], "other")
    expected = crossmatch(left, right, 10.0, "all").to_arrow().select(["id", "other"])
    assert expected.num_rows > 100
    assert crossmatch(left, signed, 10.0, "all").to_arrow().select(["id", "other"]).equals(expected)
    swapped = crossmatch(signed, left, 10.0, "all").to_arrow().select(["id", "other"])
    assert sorted(swapped.to_pylist(), key=str) == sorted(expected.to_pylist(), key=str)
