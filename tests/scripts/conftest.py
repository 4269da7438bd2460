"""The scripts are run, not installed: their folders are put where Python looks last."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def hard_rows():
    from scripts.rows import synthetic_rows

    return synthetic_rows.rows(20_000, seed=3, hard=True)


@pytest.fixture(scope="session")
def plain_rows():
    from scripts.rows import synthetic_rows

    return synthetic_rows.rows(20_000, seed=3)
