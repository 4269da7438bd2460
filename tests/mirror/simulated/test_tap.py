"""Whatever a TAP service does: the mirror is complete and equal, or it is said that it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import ssap_query as ssap

from tests.support.simulated.questions import assert_answers
from tests.support.simulated.scenarios.tap import SCENARIOS
from tests.support.simulated.services.tap import TapService, running
from tests.support.simulated.spectra import made_up
from tests.support.simulated.world import NAME, World, assert_polite, judge

# A campaign of minutes, run by hand (-m slow).
pytestmark = pytest.mark.slow

SPECTRA = made_up(1500)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
# With other tests on the same machine everything takes longer.
PATIENCE = 3.0


@pytest.mark.parametrize("name", list(BY_NAME))
def test_mirrored(name: str, tmp_path: Path) -> None:
    scenario = BY_NAME[name]
    with running(TapService(SPECTRA, scenario.form, scenario.traits)) as service:
        world = World(service, tmp_path, scenario.policy)
        outcome = scenario.run(world)
        assert outcome.seconds < PATIENCE * scenario.within_s, outcome.words()
        judge(world, outcome, scenario.must, scenario.says)
        assert not service.tap.jobs, "jobs are left behind"
        if scenario.most_requests is not None:
            assert_polite([{"QUERY": query} for query in service.tap.queries], scenario.most_requests)


ASKED = [(scenario.name, parameter) for scenario in SCENARIOS for parameter in scenario.asked]


@pytest.mark.parametrize(("name", "parameter"), ASKED)
def test_asked(name: str, parameter: str, tmp_path: Path) -> None:
    scenario = BY_NAME[name]
    with running(TapService(SPECTRA, scenario.form, scenario.traits)) as service:
        outcome = World(service, tmp_path, scenario.policy).sync()
    assert outcome.report is not None, outcome.words()
    assert_answers(ssap.open(NAME, tmp_path), SPECTRA, scenario.form, parameter)
