"""A server bears many clients; `scripts.load` sends more of them, and larger tables."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts.load.large import whole_tables
from scripts.load.leaving import FORMATS, leave
from scripts.load.server import serve
from scripts.load.slow_readers import beside_slow_readers
from scripts.load.switching import beside_switches, build
from tests.support.paths import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc"),
    pytest.mark.timeout(1200),
]
SAMPLE = "lamost6-mrs-sample"


def test_clients_that_leave() -> None:
    with serve(ROOT / "parquet", SAMPLE) as served:
        assert list(leave(served, 3 * len(FORMATS), warm=len(FORMATS))) == []


def test_slow_readers() -> None:
    with serve(ROOT / "parquet", SAMPLE) as served:
        assert list(beside_slow_readers(served, readers=20, cones=50)) == []


def test_whole_tables() -> None:
    with serve(ROOT / "parquet", SAMPLE) as served:
        assert list(whole_tables(served)) == []


def test_new_snapshots_while_clients_ask(tmp_path: Path) -> None:
    assert list(beside_switches(tmp_path, clients=8, seconds=12, switches=2, rows=2000, tile_rows=100)) == []


def test_the_mirror_has_many_files(tmp_path: Path) -> None:
    assert build(tmp_path, 2000, 100) > 20
