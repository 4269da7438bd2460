"""`cluster query` and `cluster xmatch`: they write what `query` writes, and say what is wrong in a sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Run

# What LSDB and Dask warn of among themselves.
pytestmark = pytest.mark.filterwarnings("ignore")

lsdb = pytest.importorskip("lsdb", reason="the extra cluster is not installed")


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """Address of a scheduler with one worker."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as found:
        yield found.scheduler_address


def test_the_same_options_give_the_same_output(run: Run, scheduler: str, awkward: Any, tmp_path: Path) -> None:
    asked = ("-m", "one", "--pos", "56.1,21.6", "--size", "10", "--snr", "5/", "--sort", "-ssa_snr", "--limit", "5")
    where = ("--scheduler", scheduler)
    local = run("query", *asked, "--format", "csv", home=awkward.home)
    done = run("cluster", "query", *where, *asked, "--format", "csv", home=awkward.home)
    assert done.returncode == 0, done.stderr
    assert done.stdout == local.stdout
    assert done.stderr == local.stderr
    counted = run("cluster", "query", *where, "-m", "one", "--count", home=awkward.home)
    assert int(counted.stdout) == len(awkward.ids)
    out = tmp_path / "out.vot"
    cut = run("cluster", "query", *where, "-m", "one", "--maxrec", "3", "-o", str(out), home=awkward.home)
    assert cut.returncode == 0
    assert "OVERFLOW" in cut.stderr
    assert b'value="OVERFLOW"' in out.read_bytes()
    again = run("cluster", "query", *where, "-m", "one", "--maxrec", "3", "-o", str(out), home=awkward.home)
    assert again.returncode != 0
    assert "--overwrite" in again.stderr
    assert "workers" in run("cluster", "query", *where, "-m", "one", "--explain", home=awkward.home).stdout


def test_spectra_matched_with_those_of_another_mirror(run: Run, scheduler: str, awkward: Any, tmp_path: Path) -> None:
    out = tmp_path / "pairs.csv"
    words = (str(awkward.home / "one"), "-m", "tiny", "--request", "POS=56.1,21.6&SIZE=3", "--radius", "0.1")
    shown = ("--columns", "mobsid", "--table-columns", "mobsid", "--neighbors", "20", "-o", str(out))
    done = run("cluster", "xmatch", *words, *shown, "--scheduler", scheduler, home=awkward.home)
    assert done.returncode == 0, done.stderr
    lines = out.read_text().splitlines()
    assert lines[0] == "mobsid,mobsid_2,separation_arcsec"
    assert len(lines) > 2
    assert {line.split(",")[0] for line in lines[1:]} <= {line.split(",")[1] for line in lines[1:]}
    wide = run("cluster", "xmatch", *words[:-1], "60", "--scheduler", scheduler, home=awkward.home)
    assert wide.returncode == 2
    assert "--radius" in wide.stderr
    assert "margin" in wide.stderr


def test_what_is_wrong_is_said_in_a_sentence(run: Run, awkward: Any) -> None:
    bad = run("cluster", "query", "-m", "one", "--storage-options", "[1]", home=awkward.home)
    assert (bad.returncode, bad.stdout) == (2, "")
    assert "no JSON object" in bad.stderr
    both = run("cluster", "query", "-m", "one", "--scheduler", "tcp://127.0.0.1:1", "--workers", "2", home=awkward.home)
    assert both.returncode == 2
    assert "--workers" in both.stderr


def test_an_interrupt_ends_it_and_its_workers(awkward: Any, tmp_path: Path) -> None:
    words = ["query", "--home", str(awkward.home), "-m", "tiny", "--workers", "1", "-o", "out.csv"]
    command = [sys.executable, "-c", "from ssap_query.cli import command; command()", "cluster", *words]
    started = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    children = Path(f"/proc/{started.pid}/task/{started.pid}/children")
    until = time.monotonic() + 60
    while not any(path.read_text().strip() for path in children.parent.parent.glob("*/children")):
        assert time.monotonic() < until
        time.sleep(0.1)
    started.send_signal(signal.SIGINT)
    _, said = started.communicate(timeout=60)
    assert started.returncode == 130, said
    assert "interrupted" in said
    assert list(tmp_path.iterdir()) == []
    while _is_running(started.pid):  # its workers end as well
        assert time.monotonic() < until + 60
        time.sleep(0.1)


def _is_running(group: int) -> bool:
    """Whether any process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
