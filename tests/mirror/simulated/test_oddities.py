"""Services with one odd thing each are mirrored whole and answer rightly, or it is said that they are not whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mirror.simulated.playing import cases, play
from tests.support.simulated.scenarios.oddities import SCENARIOS


@pytest.mark.slow
@pytest.mark.parametrize("name", cases(SCENARIOS))
def test_oddities(name: str, tmp_path: Path) -> None:
    play(SCENARIOS, name, tmp_path)
