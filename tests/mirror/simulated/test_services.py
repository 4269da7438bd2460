"""Services that need something, or write odd documents, are mirrored whole, politely, or the reason is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mirror.simulated.playing import cases, play
from tests.support.simulated.scenarios import needs, writing

# A campaign of minutes, run by hand (-m slow).
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", cases(needs.SCENARIOS))
def test_needs(name: str, tmp_path: Path) -> None:
    play(needs.SCENARIOS, name, tmp_path)


@pytest.mark.parametrize("name", cases(writing.SCENARIOS))
def test_writing(name: str, tmp_path: Path) -> None:
    play(writing.SCENARIOS, name, tmp_path)
