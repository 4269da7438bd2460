"""Damage is an error, never an answer: bytes that change and files that are exchanged, whoever reads the mirror.

``scripts/fuzz/damage.py`` does it, and says how often each question was answered or refused when it is run by itself.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from scripts.fuzz.damage import QUESTIONS, campaign, exchanges, flips, make_mirrors


@pytest.mark.parametrize(
    ("seed", "bytes_changed", "files_exchanged"),
    [(11, 12, 10), pytest.param(1, 1000, 50, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])],
)
def test_no_wrong_answer_from_a_damaged_mirror(
    seed: int, bytes_changed: int, files_exchanged: int, tmp_path: Path
) -> None:
    mirror, older = make_mirrors(tmp_path)
    snapshot = mirror / "snapshots" / (mirror / "CURRENT").read_text().strip()
    damages = itertools.chain(
        flips(snapshot, bytes_changed, seed), exchanges(snapshot, older.path, files_exchanged, seed)
    )
    report = campaign(mirror, damages, seed)
    assert report.problems == []
    # Else they were hardly asked: damage that nobody meets is no test, and neither is a mirror that refuses everything.
    assert report.outcomes["opening: refused"] > files_exchanged / 4
    for reader, kind in itertools.product(("keeping", "open", "new"), ("right", "refused")):
        found = sum(
            count
            for outcome, count in report.outcomes.items()
            if outcome.startswith(f"{reader}, ") and outcome.endswith(f": {kind}")
        )
        assert found > bytes_changed / 3, (reader, kind)
    assert {outcome.partition(", ")[2].partition(":")[0] for outcome in report.outcomes} >= set(QUESTIONS)
