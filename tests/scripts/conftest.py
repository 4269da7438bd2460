"""The scripts are run, not installed: their folders are put where Python looks last."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.path += [str(SCRIPTS), str(SCRIPTS / "dachs"), str(SCRIPTS / "corpus")]


@pytest.fixture(scope="session")
def hard_rows():
    import synthetic_rows

    return synthetic_rows.rows(20_000, seed=3, hard=True)


@pytest.fixture(scope="session")
def plain_rows():
    import synthetic_rows

    return synthetic_rows.rows(20_000, seed=3)
