"""Whatever a service does: the mirror is complete and equal, or it is said that it is not and the old one is live."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mirror.simulated.playing import cases, play
from tests.support.simulated.scenarios import changing, lying, refreshing, resuming, shrinking, truncation, waiting

# A campaign of minutes, run by hand (-m slow).
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", cases(truncation.SCENARIOS))
def test_truncation(name: str, tmp_path: Path) -> None:
    play(truncation.SCENARIOS, name, tmp_path)


@pytest.mark.parametrize("name", cases(shrinking.SCENARIOS))
def test_shrinking(name: str, tmp_path: Path) -> None:
    play(shrinking.SCENARIOS, name, tmp_path)


@pytest.mark.parametrize("name", cases(changing.SCENARIOS))
def test_changing(name: str, tmp_path: Path) -> None:
    play(changing.SCENARIOS, name, tmp_path)


@pytest.mark.parametrize("name", cases(refreshing.SCENARIOS))
def test_refreshing(name: str, tmp_path: Path) -> None:
    play(refreshing.SCENARIOS, name, tmp_path)


@pytest.mark.parametrize("name", cases(resuming.SCENARIOS))
def test_resuming(name: str, tmp_path: Path) -> None:
    play(resuming.SCENARIOS, name, tmp_path)


@pytest.mark.parametrize("name", cases(waiting.SCENARIOS))
def test_waiting(name: str, tmp_path: Path) -> None:
    play(waiting.SCENARIOS, name, tmp_path)


@pytest.mark.parametrize("name", cases(lying.SCENARIOS))
def test_lying(name: str, tmp_path: Path) -> None:
    play(lying.SCENARIOS, name, tmp_path)
