"""Scenarios as cases of a test."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import ssap_query as ssap

from tests.support.simulated.questions import assert_answers
from tests.support.simulated.scenarios.scenario import Scenario
from tests.support.simulated.services.ssap import SsapService, running
from tests.support.simulated.spectra import made_up
from tests.support.simulated.world import NAME, World, assert_polite, judge

__all__ = ["cases", "play"]

_TABLES = {size: made_up(size) for size in (600, 1500, 3000)}
# With other tests on the same machine everything takes longer.
_PATIENCE = 3.0


def cases(scenarios: list[Scenario]) -> list[str]:
    """Names of scenarios, the cases of a test."""
    return [scenario.name for scenario in scenarios]


def play(scenarios: list[Scenario], name: str, home: Path) -> None:
    """Play a scenario, and judge how it ended."""
    scenario = next(item for item in scenarios if item.name == name)
    spectra = _TABLES[scenario.rows]
    if scenario.placed:
        spectra = spectra.take(np.isfinite(spectra.ra))
    spectra = scenario.truth(spectra)
    service = SsapService(spectra, scenario.form, scenario.traits)
    service.patience = max(service.patience, 2 * (scenario.most_requests or 0))
    with running(service):
        world = World(service, home, scenario.policy)
        outcome = scenario.run(world)
        assert outcome.seconds < _PATIENCE * scenario.within_s, outcome.words()
        judge(world, outcome, scenario.must, scenario.says)
        words = outcome.words()
        assert not scenario.never_says or not re.search(scenario.never_says, words), words
        if scenario.most_requests is not None:
            assert_polite(service.requests, scenario.most_requests)
    for parameter in scenario.asked:
        assert_answers(ssap.open(NAME, home), spectra, scenario.form, parameter)
