"""The command `fetch`: rows of a file or of a request, and what it says and ends with."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from ssap_query.cli import group
from ssap_query.mirror.mirror import open_mirror

from tests.query.fetch.conftest import FITS
from tests.support.spectra_files import mrs_fits


def run(*words: str):
    return CliRunner().invoke(group, ["fetch", *words])


@pytest.mark.parametrize("ending", ["vot", "fits", "csv", "parquet"])
def test_rows_of_a_file(server, rows_of, tmp_path, ending) -> None:
    body = mrs_fits(31)
    address = server.add("/one.fits", body)
    found = rows_of([{"accref": address, "mobsid": "31B", "mime": FITS, "accsize": len(body)}] * 2)
    found.write(tmp_path / f"found.{ending}")
    told = run(str(tmp_path / f"found.{ending}"), "-o", str(tmp_path / "out"), "--dry-run")
    assert (told.exit_code, told.stdout) == (0, f"1 file, {len(body):,} bytes by their rows\n")
    done = run(str(tmp_path / f"found.{ending}"), "-o", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    assert "1 file of 2 rows: 1 fetched" in done.stderr
    assert (tmp_path / "out" / "one.fits").read_bytes() == body
    report = json.loads(run(str(tmp_path / f"found.{ending}"), "-o", str(tmp_path / "out"), "--json").stdout)
    assert (report["complete"], report["files"][0]["state"], report["files"][0]["rows"]) == (True, "kept", [0, 1])


def test_a_request_to_a_mirror_of_made_up_rows(awkward, tmp_path) -> None:
    words = ("-m", "tiny", "--home", str(awkward.home), "-o", str(tmp_path / "out"))
    done = run("POS=0,90&SIZE=1&MAXREC=3", *words)
    assert done.exit_code == 1, done.output
    assert "missing" in done.stderr
    assert run("MAXREC=3", *words, "--offline").exit_code == 1
    assert "SIZE" in str(run("POS=0,90&SIZE=nonsense", *words).exception)


def test_bad_words(tmp_path) -> None:
    out = ("-o", str(tmp_path / "out"))
    assert "neither a file that is there nor a request" in str(run("nothing.vot", *out).exception)
    assert "no size" in run("POS=1,2", *out, "--max-size", "much").output
    assert run("POS=1,2").exit_code == 2


def test_a_table_of_ones_own_is_not_taken_for_the_manifest(server, rows_of, tmp_path) -> None:
    address = server.add("/one.fits", mrs_fits(31))
    found = tmp_path / "out" / "manifest.csv"
    found.parent.mkdir()
    rows_of([{"accref": address, "mobsid": "31B"}]).write(found)
    before = found.read_bytes()
    done = run(str(found), "-o", str(found.parent))
    assert "is no manifest of fetched files" in str(done.exception)
    assert found.read_bytes() == before
    assert not (found.parent / "one.fits").exists(), "it is told of before anything is fetched"


def test_nothing_is_fetched_into_a_snapshot(awkward, tmp_path) -> None:
    snapshot = open_mirror("tiny", awkward.home).catalog.path
    for folder in (snapshot, snapshot / "spectra"):
        done = run("MAXREC=3", "-m", "tiny", "--home", str(awkward.home), "-o", str(folder))
        assert (done.exit_code, "is inside a snapshot of a mirror" in done.output) == (1, True)
    assert not (snapshot / "spectra").exists()
