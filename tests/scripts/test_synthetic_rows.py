from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from ssap_mirror.pipeline.known_services import lamost6_mrs

from scripts.rows import synthetic_rows
from scripts.rows.synthetic.constants import CONSTANTS
from scripts.rows.synthetic.odd import ODD_NAMES
from scripts.rows.synthetic.plates import designate


def offset_arcsec(table: pa.Table) -> np.ndarray:
    """Separation of fibre and target, arcsec; rows without either are left out."""
    placed = table.filter(pc.and_(pc.is_valid(table["ssa_location"]), pc.is_valid(table["ra"])))
    location = np.array(placed["ssa_location"].to_pylist())
    ra1, dec1 = np.radians(location.T)
    ra2, dec2 = (np.radians(placed[name].to_numpy()) for name in ("ra", "dec"))
    half = np.sin((dec1 - dec2) / 2) ** 2 + np.cos(dec1) * np.cos(dec2) * np.sin((ra1 - ra2) / 2) ** 2
    return np.degrees(2 * np.arcsin(np.sqrt(half))) * 3600


def values(table: pa.Table) -> dict[str, str]:
    """Everything in a table, with NaN equal to NaN and different from NULL."""
    return {name: repr(table[name].to_pylist()) for name in table.column_names}


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("n", [0, 1, 17, 2500])
def test_as_many_rows_as_asked_in_the_services_columns(n, hard):
    table = synthetic_rows.rows(n, 1, hard)
    assert table.num_rows == n
    assert table.schema.equals(lamost6_mrs().arrow_schema(), check_metadata=True)
    table.validate(full=True)


def test_same_seed_same_bytes_in_any_process(tmp_path):
    script = Path(synthetic_rows.__file__)
    digests = []
    for name in ("a", "b"):
        path = tmp_path / name
        subprocess.run([sys.executable, script, "800", path, "--seed", "5", "--hard"], check=True, cwd=tmp_path)
        digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
    assert digests[0] == digests[1]


@pytest.mark.parametrize("hard", [False, True])
def test_another_seed_gives_other_rows(hard):
    one, same, other = (values(synthetic_rows.rows(500, seed, hard)) for seed in (5, 5, 6))
    assert one == same
    assert all(one[name] != other[name] for name in ("ra", "ssa_snr", "ssa_dateObs", "rv_b0"))


def test_chunks_are_the_table(plain_rows):
    chunks = list(synthetic_rows.batches(20_000, 3))
    assert len(chunks) > 10
    assert values(pa.Table.from_batches(chunks)) == values(plain_rows)


@pytest.mark.parametrize("rows", ["plain_rows", "hard_rows"])
def test_identities_are_lamosts(rows, request):
    table = request.getfixturevalue(rows)
    mobsid, obsid = table["mobsid"].to_pylist(), table["obsid"].to_pylist()
    assert len(set(mobsid)) == len(mobsid)
    for identity, observation, coadd in zip(mobsid, obsid, table["coadd"].to_pylist(), strict=True):
        middle = identity.removeprefix(str(observation))[:-1]
        assert identity[-1] in "BR"
        assert middle == "" if coadd else (middle.isdigit() and len(middle) == 8)
    assert 7 <= np.mean(list(Counter(obsid).values())) <= 11


@pytest.mark.parametrize("rows", ["plain_rows", "hard_rows"])
def test_positions_repeat_bit_for_bit_over_visits(rows, request):
    table = request.getfixturevalue(rows)
    placed = table.filter(pc.is_valid(table["ra"]))
    visits: dict[tuple[float, float], set[str]] = {}
    for ra, dec, plan in zip(*(placed[name].to_pylist() for name in ("ra", "dec", "planid")), strict=True):
        visits.setdefault((ra, dec), set()).add(plan)
    repeated = sum(len(plans) > 1 for plans in visits.values())
    assert repeated > len(visits) / 5
    assert len(visits) < len(set(table["obsid"].to_pylist()))


@pytest.mark.parametrize("rows", ["plain_rows", "hard_rows"])
def test_both_arms_of_an_exposure_carry_the_same_velocities(rows, request):
    table = request.getfixturevalue(rows)
    arms = pc.utf8_slice_codeunits(table["mobsid"], -1)
    exposure = pc.utf8_slice_codeunits(table["mobsid"], 0, -1)
    for name in ("rv_r0", "rv_br0_err", "rv_lasp1"):
        blue, red = (
            dict(zip(exposure.filter(mask).to_pylist(), table[name].filter(mask).to_pylist(), strict=True))
            for mask in (pc.equal(arms, "B"), pc.equal(arms, "R"))
        )
        shared = blue.keys() & red.keys()
        assert len(shared) > 9900
        assert all(blue[key] == red[key] for key in shared)


@pytest.mark.parametrize("rows", ["plain_rows", "hard_rows"])
def test_null_nan_and_inf_are_three_things(rows, request):
    snr = request.getfixturevalue(rows)["ssa_snr"]
    values = snr.drop_null().to_numpy()
    assert snr.null_count > 0
    assert np.isnan(values).any()
    assert np.isposinf(values).any()
    assert np.isfinite(values).mean() > 0.95


@pytest.mark.parametrize("rows", ["plain_rows", "hard_rows"])
def test_some_rows_have_no_date_and_some_no_place(rows, request):
    table = request.getfixturevalue(rows)
    without_place = pc.is_null(table["ssa_location"])
    without_target = pc.is_null(table["ra"])
    assert 0 < table["ssa_dateObs"].null_count < 200
    assert 0 < pc.sum(without_place).as_py() < 400
    assert pc.any(pc.and_(without_place, pc.is_valid(table["ra"]))).as_py()
    assert table["ra"].is_null().equals(table["dec"].is_null())
    assert pc.any(without_target).as_py()


def test_bright_stars_are_observed_with_an_offset(plain_rows):
    separation = offset_arcsec(plain_rows)
    placed = plain_rows.filter(pc.and_(pc.is_valid(plain_rows["ssa_location"]), pc.is_valid(plain_rows["ra"])))
    moved = placed["offset_v"].to_numpy() > 0
    assert 0.05 < moved.mean() < 0.4
    assert separation[moved] == pytest.approx(3.0, abs=0.05)
    assert separation[~moved].max() < 0.05


def test_plain_rows_hold_the_constants(plain_rows):
    for name, value in CONSTANTS.items():
        expected = pa.scalar(value, plain_rows.schema.field(name).type).as_py()
        column = plain_rows[name]
        distinct = {None} if column.null_count == len(column) else set(column.to_pylist())
        assert distinct == {expected}, name
    assert "synthetic" in CONSTANTS["ssa_collection"].lower()
    assert pc.all(pc.match_substring(plain_rows["ssa_dstitle"], "Synthetic")).as_py()


def test_hard_rows_vary_what_the_parameters_look_at(hard_rows):
    looked_at = ("ssa_bandpass", "ssa_targclass", "ssa_fluxcalib", "ssa_speccalib", "ssa_collection", "mime")
    for name in (*looked_at, "ssa_aperture", "ssa_spaceRes", "ssa_pdate", "ssa_specres", "ssa_redshift"):
        assert hard_rows[name].null_count > 0, name
        assert len(hard_rows[name].unique()) > 3, name
    assert pc.any(pc.match_substring(hard_rows["ssa_pdate"], ".")).as_py()
    # One row of resolution 0 makes the reference server fail every SPECRP request.
    assert pc.min(hard_rows["ssa_specres"]).as_py() > 0


def test_hard_rows_lie_at_the_edges_of_the_sky(hard_rows):
    positions = set(zip(hard_rows["ra"].to_pylist(), hard_rows["dec"].to_pylist(), strict=True))
    assert {(0.0, 20.0), (359.9999999, 20.0), (1e-7, 20.0), (360.0, 20.5), (0.0, 90.0), (0.0, -90.0)} <= positions
    assert set(ODD_NAMES) <= set(hard_rows["ssa_targname"].to_pylist())
    assert offset_arcsec(hard_rows).max() > 1000


def test_regions_surround_the_fibre(plain_rows):
    placed = plain_rows.filter(pc.is_valid(plain_rows["ssa_region"]))
    assert placed.num_rows > 19_500
    corners = np.array(placed["ssa_region"].to_pylist()).reshape(-1, 6, 2)
    centre = np.array(placed["ssa_location"].to_pylist())
    assert np.abs(corners[:, :, 1] - centre[:, None, 1]).max() * 3600 == pytest.approx(1.65 * np.sqrt(0.75), rel=1e-3)


def test_magnitudes_are_seven_or_none(hard_rows):
    mags = hard_rows["mag_arr"]
    assert mags.type == pa.list_(pa.float32(), 7)
    assert 0 < mags.null_count < 800
    elements = [value for row in mags.to_pylist() if row is not None for value in row]
    assert None in elements
    assert any(value != value for value in elements if value is not None)


def test_given_stars_are_among_the_targets():
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(50, 60, 4000), rng.uniform(15, 25, 4000)
    names = [f"HIP {i}" for i in range(4000)]
    table = synthetic_rows.rows(5000, 9, ra=ra, dec=dec, names=names, mags=np.full(4000, 8.0))
    targets = set(zip(ra.tolist(), dec.tolist(), names, strict=True))
    found = [
        row
        for row in zip(*(table[name].to_pylist() for name in ("ra", "dec", "ssa_targname")), strict=True)
        if row in targets
    ]
    assert 0.4 < len(found) / table.num_rows < 0.7
    bright = table.filter(pc.starts_with(table["ssa_targname"], "HIP"))
    assert set(bright["offset_v"].to_pylist()) == {3.0}


def test_stars_without_names_and_magnitudes_will_do():
    table = synthetic_rows.rows(500, 9, ra=[10.0, 10.5], dec=[20.0, 20.5])
    assert 10.0 in table["ra"].to_pylist()
    assert pc.all(pc.starts_with(table["ssa_targname"], "LAMOST J")).as_py()


def test_stars_must_fit_together():
    with pytest.raises(ValueError, match="differ"):
        synthetic_rows.rows(10, 1, ra=[1.0, 2.0], dec=[1.0])


@pytest.mark.parametrize("hard", [False, True])
def test_rows_of_one_date(hard):
    table = synthetic_rows.rows(5000, 2, hard, one_date_rows=1203)
    first = table.slice(0, 1203)
    assert len(set(first["ssa_dateObs"].to_pylist())) == 1
    assert first["ssa_dateObs"].null_count == 0
    assert len(set(first["planid"].to_pylist())) == 1
    assert first["ssa_dateObs"][0] not in table.slice(1203)["ssa_dateObs"].to_pylist()
    assert len(set(table["mobsid"].to_pylist())) == table.num_rows == 5000


@pytest.mark.parametrize(("n", "one_date"), [(-1, 0), (10, 11), (10, -1)])
def test_impossible_numbers_are_refused(n, one_date):
    with pytest.raises(ValueError, match="cannot make"):
        list(synthetic_rows.batches(n, 1, one_date_rows=one_date))


@pytest.mark.parametrize(
    ("ra", "dec", "expected"),
    [
        # A real LAMOST row: position and designation.
        (184.888138, 1.90744, "J121933.15+015426.7"),
        (203.055269, 50.950612, "J133213.26+505702.2"),
        (292.058716, 43.925304, "J192814.09+435531.0"),
        (0.0, -0.0001, "J000000.00-000000.3"),
        (360.0, 90.0, "J000000.00+900000.0"),
    ],
)
def test_designation(ra, dec, expected):
    assert designate(ra, dec) == expected


def test_times_agree_with_the_identity(plain_rows):
    """The local minute in a single exposure's identity is its start; ``ssa_dateObs`` its middle (UTC)."""
    single = plain_rows.filter(pc.and_(pc.equal(plain_rows["coadd"], 0), pc.is_valid(plain_rows["ssa_dateObs"])))
    minute = np.array([int(text[9:17]) for text in single["mobsid"].to_pylist()])
    start = single["ssa_dateObs"].to_numpy() - single["ssa_timeExt"].to_numpy() / 172_800
    assert np.abs((start + 8 / 24) * 1440 - minute - 0.5).max() < 0.51


def test_command_writes_parquet(tmp_path):
    path = tmp_path / "rows.parquet"
    script = Path(synthetic_rows.__file__)
    done = subprocess.run(
        [sys.executable, script, "300", path, "--one-date-rows", "100"], check=True, capture_output=True, text=True
    )
    assert "300 synthetic rows" in done.stdout
    assert values(pq.read_table(path)) == values(synthetic_rows.rows(300, 20180601, one_date_rows=100))
