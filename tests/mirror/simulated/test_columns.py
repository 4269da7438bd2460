"""Whatever columns and units a service has: questions select what brute force selects, or are refused by name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import ssap_query as ssap
from ssap_query.cli.app import main

from tests.support.simulated.questions import assert_answers, part_of
from tests.support.simulated.scenarios.columns import COLUMNS
from tests.support.simulated.services.ssap import SsapService, running
from tests.support.simulated.spectra import made_up
from tests.support.simulated.world import NAME, Outcome, World, assert_polite, judge

# A hundred services are mirrored, two seconds each.
pytestmark = pytest.mark.slow
SPECTRA = made_up(600)
ASKED = [(kind.name, parameter) for kind in COLUMNS.values() for parameter in kind.asked]


Mirrored = Callable[[str], tuple[World, Outcome]]


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> Mirrored:
    """Mirror each kind once, when it is first asked for."""
    made: dict[str, tuple[World, Outcome]] = {}

    def make(name: str) -> tuple[World, Outcome]:
        if name not in made:
            with running(SsapService(SPECTRA, COLUMNS[name].form, COLUMNS[name].traits)) as service:
                world = World(service, tmp_path_factory.mktemp("columns"))
                made[name] = world, world.sync()
        return made[name]

    return make


@pytest.mark.parametrize("name", list(COLUMNS))
def test_mirrored(name: str, mirrored: Mirrored) -> None:
    world, outcome = mirrored(name)
    judge(world, outcome, "whole")
    assert isinstance(world.service, SsapService)
    assert_polite(world.service.requests)


@pytest.mark.parametrize(("name", "parameter"), ASKED)
def test_asked(name: str, parameter: str, mirrored: Mirrored) -> None:
    mirror = ssap.open(NAME, mirrored(name)[0].home)
    assert_answers(mirror, SPECTRA, COLUMNS[name].form, parameter)


REFUSED = [(name, parameter) for name, parameter in ASKED if part_of(COLUMNS[name].form, parameter).tells == "nothing"]
OPTIONS = {
    "POS": ("--pos", "10,20", "--size", "1"),
    "BAND": ("--band", "5e-7"),
    "TIME": ("--time", "2018-05"),
    "SNR": ("--snr", "5/"),
    "TARGETNAME": ("--targetname", "Star 0001"),
}


@pytest.mark.parametrize(("name", "parameter"), REFUSED)
def test_command_line_refuses_what_no_column_tells(
    name: str, parameter: str, mirrored: Mirrored, capsys: pytest.CaptureFixture[str]
) -> None:
    mirror = mirrored(name)[0].home / NAME
    with pytest.raises(SystemExit) as ended:
        main(["query", "--mirror", str(mirror), *OPTIONS[parameter], "--format", "csv"])
    assert ended.value.code == 2
    assert parameter in capsys.readouterr().err
