"""Where a mirror has rows: as a MOC that others read, and as an answer to whether a position is in it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import ssap_query as ssap
from astropy.io import fits
from mocpy import MOC
from ssap_mirror.core import healpix
from ssap_mirror.errors import ParameterError
from ssap_query.mirror.shipped import SAMPLE, sample_path
from ssap_query.render.faces.moc import Moc

from .conftest import Run

SAMPLES = sample_path().parent


@pytest.mark.parametrize("order", [0, 3, 7, 29])
def test_files_are_what_mocpy_reads(order: int, tmp_path: Path) -> None:
    mirror = ssap.open(SAMPLE, SAMPLES)
    covered = mirror.moc(order)
    rows = mirror.search(columns=["ra", "dec"]).to_arrow().to_pandas().dropna()
    cells = np.unique(healpix.healpix_29(rows["ra"].to_numpy(), rows["dec"].to_numpy()) >> (2 * (29 - order)))
    assert covered.cells.tolist() == cells.tolist()
    for name in ("x.fits", "x.json", "x.txt"):
        covered.write(tmp_path / name)
    read = [
        MOC.from_fits(tmp_path / "x.fits"),
        MOC.from_json(json.loads((tmp_path / "x.json").read_text())),
        MOC.from_string((tmp_path / "x.txt").read_text()),
    ]
    for moc in read:
        assert moc.max_order == order
        assert moc == MOC.from_healpix_cells(cells.astype(np.uint64), np.full(len(cells), order, np.uint8), order)
    with fits.open(tmp_path / "x.fits") as file:
        unique = file[1].data["UNIQ"]
        assert (np.diff(unique) > 0).all()
        assert file[1].header["ORDERING"] == "NUNIQ"


def test_four_cells_are_their_parent() -> None:
    whole = Moc(2, np.arange(12 * 16))
    assert {order: len(cells) for order, cells in whole.by_order.items()} == {0: 12, 2: 0}
    assert whole.sky_fraction == 1
    assert Moc(1, np.array([0, 1, 2, 3, 7])).to_text() == "0/0 1/7"
    assert not Moc(3, np.empty(0, np.int64)).contains(1, 2)


def test_commands(run: Run, tmp_path: Path) -> None:
    done = run("info", "--moc", "x.fits", "--order", "5", home=SAMPLES)
    assert (done.returncode, done.stdout) == (0, "")
    assert "cells of order 5" in done.stderr
    assert MOC.from_fits(tmp_path / "x.fits").max_order == 5
    again = run("info", "--moc", "x.fits", home=SAMPLES)
    assert again.stderr == "ssap-mirror: --moc: 'x.fits' exists; --overwrite replaces it\n"
    assert "ends in none of .fits" in run("info", "--moc", "x.vot", home=SAMPLES).stderr
    inside = run("covers", "292.06,43.93", home=SAMPLES)
    assert (inside.returncode, inside.stdout) == (0, f"inside the coverage of {SAMPLE} (order 7)\n")
    assert run("covers", "19h28m14.4s +43d55m48s", "--quiet", home=SAMPLES).stdout == ""
    assert run("covers", "10,-80", home=SAMPLES).returncode == 1
    for wrong in ("abc", "1", "1,99"):
        failed = run("covers", wrong, home=SAMPLES)
        assert (failed.returncode, failed.stdout) == (2, "")
    assert run("covers", "1,2", "-m", "nothing", home=SAMPLES).returncode == 2


def test_an_order_that_is_none() -> None:
    with pytest.raises(ParameterError, match="is not a HEALPix order"):
        ssap.open(SAMPLE, SAMPLES).moc(30)
