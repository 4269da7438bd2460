"""Proper motions: propagation is that of astropy, dates are read right, fast stars are found, gaps are counted."""

import warnings
from importlib import resources
from pathlib import Path

import astropy.units as u
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord
from astropy.time import Time
from ssap_mirror.errors import ParameterError
from ssap_query.xmatch import Positions, crossmatch

# Nearby fast stars, Gaia DR3 or Hipparcos-2 values [deg, mas/yr, mas, km/s], rounded
FAST = {
    "Barnard": (269.4485, 4.7394, -801.55, 10362.39, 546.98, -110.11),
    "Kapteyn": (77.9199, -45.0438, 6491.22, -5708.61, 254.20, 245.05),
    "61 Cyg A": (316.7485, 38.7639, 4164.21, 3249.61, 286.01, -65.8),
    "Groombridge 1830": (178.2447, 37.7185, 4002.57, -5817.80, 109.02, -98.05),
    "Proxima": (217.3923, -62.6761, -3781.74, 769.47, 768.07, -21.7),
    "near the pole": (45.0, 89.9995, 2500.0, -1800.0, 300.0, 80.0),
    "at RA 0": (359.99999, 12.0, 900.0, -10.0, 50.0, -300.0),
}


def propagated(ra, dec, pmra, pmdec, parallax, velocity, from_year, to_year):
    """Positions at another date by astropy (eraPmsafe, rigorous) [deg]."""
    distant = {"distance": (parallax * u.mas).to(u.pc, u.parallax()), "radial_velocity": velocity * u.km / u.s}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        coord = SkyCoord(
            ra * u.deg,
            dec * u.deg,
            pm_ra_cosdec=pmra * u.mas / u.yr,
            pm_dec=pmdec * u.mas / u.yr,
            obstime=Time(from_year, format="jyear", scale="tdb"),
            **distant,
        )
        moved = coord.apply_space_motion(new_obstime=Time(to_year, format="jyear", scale="tdb"))
    return moved.ra.deg, moved.dec.deg


def stars(rng, n):
    """Fast stars and ordinary ones as columns."""
    rows = np.array(list(FAST.values()))
    others = np.column_stack(
        [
            rng.uniform(0, 360, n),
            np.degrees(np.arcsin(rng.uniform(-1, 1, n))),
            rng.normal(0, 100, n),
            rng.normal(0, 100, n),
            rng.uniform(1, 50, n),
            rng.normal(0, 50, n),
        ]
    )
    names = ("ra", "dec", "pmra", "pmdec", "parallax", "radial_velocity")
    return dict(zip(names, np.concatenate([rows, others]).T, strict=True))


@pytest.mark.parametrize(("from_year", "to_year"), [(2016.0, 2018.4), (1991.25, 2016.0), (2016.0, 1950.0)])
def test_propagation_is_that_of_astropy(rng, from_year, to_year):
    columns = stars(rng, 300)
    ra, dec = propagated(*columns.values(), from_year, to_year)
    catalogue = pa.table({"star": np.arange(len(ra)), **columns})
    seen = pa.table({"row": np.arange(len(ra)), "ra": ra, "dec": dec})
    motions = Positions(
        ra="ra",
        dec="dec",
        pmra="pmra",
        pmdec="pmdec",
        parallax="parallax",
        radial_velocity="radial_velocity",
        epoch=from_year,
    )
    for find in ("best", "all", "best-other"):
        match = crossmatch(
            seen, catalogue, 0.05, find, left_positions=Positions(epoch=to_year), right_positions=motions
        )
        found = match.to_arrow()
        assert found["row"].to_pylist() == found["star"].to_pylist() == list(range(len(ra)))
        assert len(match) == len(ra)
        assert pc.max(found["separation_arcsec"]).as_py() < 1e-3
        assert match.notes == ()
    # The left side moves when it is the one with motions
    moved_left = crossmatch(
        catalogue, seen, 0.05, left_positions=motions, right_positions=Positions(epoch=to_year)
    ).to_arrow()
    assert moved_left["row"].to_pylist() == moved_left["star"].to_pylist() == list(range(len(ra)))
    assert pc.max(moved_left["separation_arcsec"]).as_py() < 1e-3


def test_parallax_and_velocity_matter_for_barnards_star():
    ra, dec = propagated(*np.array([FAST["Barnard"]]).T, 2016.0, 2116.0)
    star = dict(zip(("ra", "dec", "pmra", "pmdec", "parallax", "radial_velocity"), FAST["Barnard"], strict=True))
    catalogue = pa.table({name: [value] for name, value in star.items()})
    seen = {"ra": ra, "dec": dec}
    full, plain = (
        crossmatch(
            seen, table, 10.0, left_positions=Positions(epoch=2116.0), right_positions=Positions(epoch=2016.0)
        ).to_arrow()["separation_arcsec"][0]
        for table in (catalogue, catalogue.drop_columns(["parallax", "radial_velocity"]))
    )
    # Over a century the light-time effects that only astropy has are just above 1 mas for this star
    assert full.as_py() < 2e-3
    # Perspective acceleration: 1.2 mas/yr^2 / 2 * (100 yr)^2 is some 6 arcsec
    assert 5.0 < plain.as_py() < 7.5


@pytest.mark.parametrize("repeated", [False, True])
def test_each_spectrum_has_its_own_date(rng, repeated):
    """Rows at one position but of many dates: some match the moving star, some do not."""
    years = np.array([2012.0, 2014.0, 2016.0, 2018.0, 2020.0])
    mjd = 51544.5 + (np.tile(years, 40 if repeated else 1) - 2000) * 365.25
    n = len(mjd)
    left = pa.table({"ra": np.full(n, 150.0), "dec": np.full(n, 20.0), "mjd": mjd})
    # At the position in 2016; 500 mas/yr east
    star = pa.table({"ra": [150.0], "dec": [20.0], "pmra": [500.0], "pmdec": [0.0], "ref_epoch": [2016.0]})
    match = crossmatch(
        left, star, 1.2, left_positions=Positions(epoch="mjd"), right_positions=Positions(epoch="ref_epoch")
    )
    found = match.to_arrow()
    expected = np.abs(np.tile(years, n // 5) - 2016.0) * 0.5
    assert found.num_rows == len(match) == (expected <= 1.2).sum()
    np.testing.assert_allclose(found["separation_arcsec"].to_numpy(), expected[expected <= 1.2], atol=1e-6)
    alone = crossmatch(
        left, star, 1.2, "anti", left_positions=Positions(epoch="mjd"), right_positions=Positions(epoch="ref_epoch")
    )
    assert alone.to_arrow()["mjd"].to_pylist() == mjd[expected > 1.2].tolist()
    # Angle: of the star as seen from the spectrum
    angle = found["position_angle_deg"].to_numpy()
    moved = found["separation_arcsec"].to_numpy() > 0.1
    east = found["mjd"].to_numpy()[moved] > 57400
    np.testing.assert_allclose(angle[moved], np.where(east, 90.0, 270.0), atol=1e-3)


@pytest.mark.parametrize(
    "dates",
    [
        (pa.array([2018.5, None]), {"unit": "yr"}),
        (pa.array([1301.625, None]), {"unit": "d", "time_origin": "2457000.5"}),
        pa.array([58301.625, None]),
        pa.array([2458302.125, None]),
        pa.array(["2018-07-02T15:00:00", "unknown"]),
        pa.array([np.datetime64("2018-07-02T15:00:00", "us"), None]),
        pa.array([58301.625, -9999.0]),
    ],
    ids=["year", "since", "mjd", "jd", "text", "timestamp", "sentinel"],
)
def test_kinds_of_dates(dates):
    dates, metadata = dates if isinstance(dates, tuple) else (dates, {})
    schema = pa.schema([("ra", pa.float64()), ("dec", pa.float64()), pa.field("when", dates.type, metadata=metadata)])
    left = pa.table([[10.0, 10.0], [0.0, 0.0], dates], schema=schema)
    star = {"ra": [10.0], "dec": [0.0], "pmra": [1000.0], "pmdec": [0.0]}
    match = crossmatch(
        left,
        pa.table(star),
        10.0,
        left_positions=Positions(epoch="when"),
        right_positions=Positions(epoch=2016.0),
    )
    separations = match.to_arrow()["separation_arcsec"].to_pylist()
    assert separations == pytest.approx([2.5, 0.0], abs=1e-3)
    assert match.notes == (
        "proper motions of the right table (pmra, pmdec) are applied, from 2016.0 to when of the left table",
        "1 of 2 rows of the left table have no date: compared without motion",
    )


@pytest.mark.parametrize("in_files", [False, True])
def test_a_date_that_is_nan_is_none(in_files, rng, tmp_path):
    """The row stays, compared without motion; the statistics of a Parquet file say nothing of its NaN."""
    n = 400
    ra, dates = np.arange(n) * 0.5, np.full(n, 2015.5)
    dates[rng.random(n) < 0.3] = float("nan")
    shift = np.where(np.isnan(dates), 0.0, 10.0)
    stars = pa.table({"star": np.arange(n), "ra": ra, "dec": ra * 0, "pmra": ra * 0 + 1000, "pmdec": ra * 0})
    seen = pa.table({"row": np.arange(n), "ra": ra + shift / 3600, "dec": ra * 0, "ref_epoch": np.full(n, 2025.5)})
    for dated in ("stars", "seen"):
        tables = {"stars": stars.append_column("ref_epoch", pa.array(np.full(n, 2015.5))), "seen": seen}
        if dated == "stars":
            tables["stars"] = stars.append_column("ref_epoch", pa.array(dates))
        else:
            tables["seen"] = seen.set_column(3, "ref_epoch", pa.array(dates + 10))
        sources = dict(tables)
        if in_files:
            for name, table in tables.items():
                sources[name] = tmp_path / f"{name}.parquet"
                pq.write_table(table, sources[name], row_group_size=50)
        match = crossmatch(
            sources["seen"], sources["stars"], 0.1,
            left_positions=Positions(epoch="ref_epoch"), right_positions=Positions(epoch="ref_epoch"),
        )  # fmt: skip
        found = match.to_arrow()
        assert found["row"].to_pylist() == found["star"].to_pylist() == list(range(n))
        side = "right" if dated == "stars" else "left"
        told = f"{np.isnan(dates).sum()} of {n} rows of the {side} table have no date: compared without motion"
        assert told in match.notes


def test_missing_motions_are_zero_and_counted(rng):
    nan = float("nan")
    star = pa.table(
        {
            "ra": [10.0, 20.0, 30.0, 40.0],
            "dec": [0.0, 0.0, 0.0, 0.0],
            "pmra": pa.array([100.0, None, nan, 100.0]),
            "pmdec": pa.array([0.0, 5.0, 5.0, None]),
            "parallax": pa.array([None, 10.0, -3.0, nan]),
            "radial_velocity": pa.array([10.0, None, nan, 4.0]),
        }
    )
    match = crossmatch(
        {"ra": [10.0, 20.0, 30.0, 40.0], "dec": [0.0] * 4},
        star,
        5.0,
        left_positions=Positions(epoch=2026.0),
        right_positions=Positions(epoch=2016.0),
    )
    assert match.to_arrow()["separation_arcsec"].to_pylist() == pytest.approx([1.0, 0.0, 0.0, 0.0], abs=1e-9)
    assert match.notes[1:] == ("3 of 4 rows of the right table have no proper motion: taken as zero",)


def test_fast_and_absurd_motions_are_found_without_widening_the_search(sky, rng):
    """A few stars that race across the sky among many slow ones: all pairs are those of a plain loop."""
    n = 3_000
    ra, dec = sky.scatter(rng, n, 20, 40, 100, 130)
    pmra, pmdec = rng.normal(0, 30, (2, n))
    pmra[:40], pmdec[:40] = rng.normal(0, 20_000, (2, 40))
    pmra[40:43], pmdec[40:43] = (5e7, -3e8, 0.0), (0.0, 1e8, 6e9)
    catalogue = pa.table({"star": np.arange(n), "ra": ra, "dec": dec, "pmra": pmra, "pmdec": pmdec})
    zero = np.zeros(n)
    years = 25.0
    f = np.radians([pmra * years / 3.6e6, pmdec * years / 3.6e6])
    a, d = np.radians(ra), np.radians(dec)
    x = np.cos(d) * np.cos(a) - f[0] * np.sin(a) - f[1] * np.sin(d) * np.cos(a)
    y = np.cos(d) * np.sin(a) + f[0] * np.cos(a) - f[1] * np.sin(d) * np.sin(a)
    z = np.sin(d) + f[1] * np.cos(d) + zero
    new_ra, new_dec = np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arctan2(z, np.hypot(x, y)))
    order = rng.permutation(n)
    seen = sky.table(new_ra[order], new_dec[order], "row")
    moved = sky.table(new_ra, new_dec, "star")
    expected = sorted(zip(*(k.tolist() for k in sky.pairs(seen, moved, 60.0)[:2]), strict=True))
    for left, right, sides in (
        (seen, catalogue, (Positions(epoch=2041.0), Positions(epoch=2016.0))),
        (catalogue, seen, (Positions(epoch=2016.0), Positions(epoch=2041.0))),
    ):
        found = crossmatch(left, right, 60.0, "all", left_positions=sides[0], right_positions=sides[1])
        table = found.to_arrow()
        assert sorted(zip(table["row"].to_pylist(), table["star"].to_pylist(), strict=True)) == expected
        assert len(found) == len(expected)


def test_which_side_moves():
    moving = {"ra": [10.0], "dec": [0.0], "pmra": [1000.0], "pmdec": [0.0]}
    still = {"ra": [10.0], "dec": [0.0]}
    at = {year: Positions(epoch=year) for year in (2000.0, 2010.0)}
    cases = [
        # left, right, year of left, year of right, separation, angle of right from left
        (still, moving, 2010.0, 2000.0, 10.0, 90.0),
        (moving, still, 2010.0, 2000.0, 10.0, 90.0),
        (moving, still, 2000.0, 2010.0, 10.0, 270.0),
        # Both have motions: the right one moves
        (moving, moving, 2010.0, 2000.0, 10.0, 90.0),
    ]
    for left, right, left_year, right_year, separation, angle in cases:
        found = crossmatch(left, right, 20.0, left_positions=at[left_year], right_positions=at[right_year])
        row = found.to_arrow().to_pylist()[0]
        assert row["separation_arcsec"] == pytest.approx(separation, abs=1e-4)
        assert row["position_angle_deg"] == pytest.approx(angle, abs=1e-3)
    # Nothing moves unless it is asked for
    assert crossmatch(still, moving, 20.0).to_arrow()["separation_arcsec"].to_pylist() == [0.0]


@pytest.mark.parametrize(
    ("left", "right", "name", "part"),
    [
        (Positions(epoch=2000.0), None, "epoch", "neither table has proper motions"),
        (Positions(pmra="ra", pmdec="dec"), None, "left_positions.epoch", "needs its epoch"),
        (Positions(pmra="ra", pmdec="dec", epoch=2000.0), None, "right_positions.epoch", "needs its epoch"),
        (Positions(pmra="ra", pmdec="dec", epoch="ra"), Positions(epoch=2000.0), "left_positions.epoch", "no Julian"),
        (Positions(pmra="ra", pmdec="dec", epoch="x"), Positions(epoch=2.0e3), "left_positions.epoch", "not a column"),
        (Positions(pmra="ra", pmdec="both", epoch=2e3), Positions(epoch=2.0e3), "left_positions.pmdec", "not numbers"),
        (Positions(pmra="ra", pmdec="dec", epoch="kinds"), Positions(epoch=2e3), "left_positions.epoch", "one kind"),
    ],
)
def test_what_is_missing_or_wrong_is_said(left, right, name, part):
    table = pa.table({"ra": [1.0, 2.0], "dec": [1.0, 2.0], "both": ["a", "b"], "kinds": [2015.5, 58000.0]})
    other = pa.table({"ra": [1.0], "dec": [1.0]})
    with pytest.raises(ParameterError, match=part) as caught:
        crossmatch(table, other, left_positions=left, right_positions=right)
    assert caught.value.name == name


def test_an_epoch_is_a_julian_year():
    with pytest.raises(ParameterError, match=r"epoch: 58000\.0 is not a Julian year"):
        Positions(epoch=58000.0)


def hipparcos_to_gaia(hipparcos, gaia, columns):
    table = pq.read_table(hipparcos)
    table = table.filter(pc.less(table["hpmag"], 9.0))
    left = Positions(ra=columns[0], dec=columns[1], pmra="pmra", pmdec="pmdec", epoch=1991.25)
    moved = crossmatch(table, gaia, 0.2, left_positions=left, right_positions=Positions(epoch=2016.0))
    still = crossmatch(table, gaia, 0.2, left_positions=Positions(ra=columns[0], dec=columns[1]))
    return len(moved) / len(table), len(still) / len(table)


def test_hipparcos_to_gaia_in_the_shipped_fields():
    data = Path(str(resources.files("ssap_query"))) / "data"
    moved, still = hipparcos_to_gaia(
        data / "hipparcos2_sample.parquet", data / "gaia_bright_sample.parquet", ("ra", "dec")
    )
    assert moved >= 0.97
    assert still < 0.25


def test_hipparcos_to_gaia_in_full(pytestconfig):
    import os

    names = [os.environ.get(f"SSAP_MIRROR_{name}") for name in ("HIPPARCOS", "GAIA")]
    if not all(names):
        pytest.skip("SSAP_MIRROR_HIPPARCOS and SSAP_MIRROR_GAIA do not name the full catalogues")
    moved, still = hipparcos_to_gaia(names[0], names[1], ("ra_j1991_25", "dec_j1991_25"))
    assert moved >= 0.97
    assert still < 0.20


STAR = {"ra": [10.0], "dec": [0.0], "pmra": [1000.0], "pmdec": [0.0]}


@pytest.mark.parametrize(
    ("star", "seen", "separation", "note"),
    [
        (
            {"ref_epoch": [2016.0]},
            {"mjd": [58301.625]},
            2.5,
            "(pmra, pmdec) are applied, from ref_epoch to mjd of the left",
        ),
        ({}, {"mjd": [58301.625]}, 0.0, "are not applied: the date of the right table's positions is not known"),
        # The date of an observation is not that of positions which move.
        ({"mjd": [57388.5]}, {"mjd": [58301.625]}, 0.0, "are not applied: the date of the right table's positions"),
        ({"ref_epoch": [2016.0]}, {}, 0.0, "are not applied: the date of the left table's positions is not known"),
        (
            {"ref_epoch": [2016.0]},
            {"epoch": ["some night"]},
            0.0,
            "are not applied: the dates of the left table cannot be",
        ),
    ],
)
def test_motions_that_are_found_are_used_if_dates_are_known(star, seen, separation, note):
    left = pa.table({"ra": [10.0], "dec": [0.0], **seen})
    match = crossmatch(left, pa.table({**STAR, **star}), 10.0)
    assert match.to_arrow()["separation_arcsec"].to_pylist() == pytest.approx([separation], abs=1e-3)
    assert [note in text for text in match.notes].count(True) == 1, match.notes
    still = crossmatch(left, pa.table({**STAR, **star}), 10.0, motions=False)
    assert still.to_arrow()["separation_arcsec"].to_pylist() == pytest.approx([0.0], abs=1e-9)
    assert still.notes == ()


def test_motions_that_are_found_move_the_left_side_if_the_right_has_none():
    match = crossmatch({**STAR, "ref_epoch": [2016.0]}, {"ra": [10.0], "dec": [0.0], "mjd": [58301.625]}, 10.0)
    assert match.to_arrow()["separation_arcsec"].to_pylist() == pytest.approx([2.5], abs=1e-3)
    assert "of the left table" in match.notes[0]


def test_motions_are_not_applied_to_galactic_coordinates():
    sky = SkyCoord(10 * u.deg, 0 * u.deg).galactic
    stars = {"l": [sky.l.deg], "b": [sky.b.deg], "pmra": [1000.0], "pmdec": [0.0], "ref_epoch": [2016.0]}
    match = crossmatch({"ra": [10.0], "dec": [0.0], "mjd": [58301.625]}, stars, 10.0)
    assert match.to_arrow()["separation_arcsec"].to_pylist() == pytest.approx([0.0], abs=1e-6)
    assert any("its positions are transformed from galactic" in note for note in match.notes)
    named = Positions(pmra="pmra", pmdec="pmdec", epoch=2016.0)
    with pytest.raises(ParameterError, match="motions: 'pmra' cannot be applied"):
        crossmatch({"ra": [10.0], "dec": [0.0]}, stars, 10.0, right_positions=named)


@pytest.mark.parametrize(
    ("dates", "metadata", "reason"),
    [
        ([1240.0], {"unit": "d"}, "'t' is in days, but holds neither MJD nor JD"),
        ([1240.0], {}, "'t' holds numbers that are years, or days since some day"),
        (["first"], {}, "'t' holds no dates"),
        ([5.0], {"unit": "yr"}, "'t' holds no Julian years"),
        ([58000.0], {"unit": "s"}, "'t' holds no dates: is in s"),
        ([580000.0], {"unit": "d", "time_origin": "2457000"}, "'t' holds no dates of our time"),
    ],
)
def test_what_is_no_date_is_refused(dates, metadata, reason):
    field = pa.field("t", pa.array(dates).type, metadata=metadata)
    left = pa.table([[10.0], [0.0], dates], schema=pa.schema([("ra", pa.float64()), ("dec", pa.float64()), field]))
    with pytest.raises(ParameterError, match=f"left_positions.epoch: {reason}"):
        crossmatch(left, STAR, 1.0, left_positions=Positions(epoch="t"), right_positions=Positions(epoch=2016.0))
    # A unit that is said is another's word for the same.
    if dates == [1240.0]:
        said = Positions(epoch="t", units={"t": "JD-2457000"})
        assert len(crossmatch(left, STAR, 10.0, left_positions=said, right_positions=Positions(epoch=2016.0))) == 1
