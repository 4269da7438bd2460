"""The shape of a table of millions at a small part of its size, through the same code: limits are scaled too."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.benchmarks.large_harvest import run


@pytest.mark.parametrize("obeys", [("POS", "TIME", "BAND", "SNR", "APERTURE"), ("POS", "TIME", "BAND")], ids=" ".join)
def test_all_rows_are_live_for_few_requests_more_than_needed(obeys: tuple[str, ...], tmp_path: Path) -> None:
    found = run(8000, obeys, tmp_path)
    assert found.report.status == ("complete" if "SNR" in obeys else "not proven"), found.words()
    assert found.missing == 0
    assert found.report.rows == 8000
    assert found.band_ranges == 0
    assert found.requests <= 1.3 * found.answers, found.words()
