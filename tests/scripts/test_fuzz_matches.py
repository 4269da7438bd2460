"""Random matches in every form equal brute force; `scripts.fuzz.matches` runs thousands."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.fuzz.matches import check, make_trial


@pytest.mark.parametrize("number", range(25))
def test_a_random_match_is_that_of_brute_force(number: int, tmp_path: Path) -> None:
    trial = make_trial(number, seed=7)
    assert check(trial, tmp_path) is None, (trial.forms, trial.names, trial.options)
