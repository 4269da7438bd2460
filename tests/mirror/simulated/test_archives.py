"""Services as archives run them are mirrored, politely, and answer rightly; a few kinds of service in every run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mirror.simulated.playing import cases, play
from tests.support.simulated.scenarios import archives, needs

QUICK = [
    "ranges need both ends",
    "as IRSA",
    "COLLECTION is needed, and one that is declared is refused, HTTP 400",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", cases(archives.SCENARIOS))
def test_archives(name: str, tmp_path: Path) -> None:
    play(archives.SCENARIOS, name, tmp_path)


@pytest.mark.parametrize("name", QUICK)
def test_in_every_run(name: str, tmp_path: Path) -> None:
    play([*archives.SCENARIOS, *needs.SCENARIOS], name, tmp_path)
