"""Whatever a service does: the mirror is complete and equal, or it is said that it is not and the old one is live."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.mirror.simulated.known_faults import with_known_faults
from tests.support.simulated.scenarios import changing, refreshing, resuming, shrinking, truncation, waiting
from tests.support.simulated.scenarios.scenario import Scenario
from tests.support.simulated.services.ssap import SsapService, running
from tests.support.simulated.spectra import made_up
from tests.support.simulated.world import World, assert_polite, judge

TABLES = {size: made_up(size) for size in (1500, 3000)}
# With other tests on the same machine everything takes longer.
PATIENCE = 3.0


def by_name(module: str, scenarios: list[Scenario]) -> list[object]:
    """Cases of a test, those that are slow marked so."""
    cases = with_known_faults(module, [(scenario.name,) for scenario in scenarios])
    slow = {scenario.name for scenario in scenarios if scenario.slow}
    return [
        pytest.param(*case.values, id=case.id, marks=[*case.marks, *([pytest.mark.slow] if case.id in slow else [])])
        for case in cases
    ]


def play(scenarios: list[Scenario], name: str, home: Path) -> None:
    """Play a scenario, and judge how it ended."""
    scenario = next(item for item in scenarios if item.name == name)
    with running(SsapService(TABLES[scenario.rows], scenario.form, scenario.traits)) as service:
        world = World(service, home, scenario.policy)
        outcome = scenario.run(world)
        assert outcome.seconds < PATIENCE * scenario.within_s, outcome.words()
        judge(world, outcome, scenario.must, scenario.says)
        words = outcome.words()
        assert not scenario.never_says or not re.search(scenario.never_says, words), words
        if scenario.most_requests is not None:
            assert_polite(service.requests, scenario.most_requests)


@pytest.mark.parametrize("name", by_name("truncation", truncation.SCENARIOS))
def test_truncation(name: str, tmp_path: Path) -> None:
    play(truncation.SCENARIOS, name, tmp_path)


@pytest.mark.parametrize("name", by_name("shrinking", shrinking.SCENARIOS))
def test_shrinking(name: str, tmp_path: Path) -> None:
    play(shrinking.SCENARIOS, name, tmp_path)


@pytest.mark.parametrize("name", by_name("changing", changing.SCENARIOS))
def test_changing(name: str, tmp_path: Path) -> None:
    play(changing.SCENARIOS, name, tmp_path)


@pytest.mark.parametrize("name", by_name("refreshing", refreshing.SCENARIOS))
def test_refreshing(name: str, tmp_path: Path) -> None:
    play(refreshing.SCENARIOS, name, tmp_path)


@pytest.mark.parametrize("name", by_name("resuming", resuming.SCENARIOS))
def test_resuming(name: str, tmp_path: Path) -> None:
    play(resuming.SCENARIOS, name, tmp_path)


@pytest.mark.parametrize("name", by_name("waiting", waiting.SCENARIOS))
def test_waiting(name: str, tmp_path: Path) -> None:
    play(waiting.SCENARIOS, name, tmp_path)
