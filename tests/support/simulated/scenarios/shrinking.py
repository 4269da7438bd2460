"""Services that lose rows between two syncs: nobody's good mirror is replaced by what is left of a broken service."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.support.simulated.scenarios.scenario import Change, Scenario, midway, then
from tests.support.simulated.services.ssap import SsapService
from tests.support.simulated.world import Outcome, World

__all__ = ["SCENARIOS"]

_WAY_ON = "--allow-shrink"


def _keep(rows: int) -> Change:
    def change(service: SsapService) -> None:
        service.spectra = service.spectra.take(slice(0, rows))

    return change


def _older_snapshot_stays(world: World) -> Outcome:
    """Refresh with ``keep=0``: the snapshot that was live before the sync is there after it."""
    world.mirror()
    live = world.live()
    assert live is not None
    outcome = world.sync(keep=0)
    assert live.path.is_dir(), f"the last good snapshot was pruned by the sync that replaced it: {outcome.words()}"
    return outcome


def _file(rows: int, **options: object) -> Callable[[World], Outcome]:
    """Mirror the service, then a file of a few of its rows in its place."""

    def run(world: World) -> Outcome:
        world.mirror()
        path = Path(world.home) / "few.csv"
        service = world.service
        assert isinstance(service, SsapService)
        service.spectra = service.spectra.take(slice(0, rows))
        lines = [",".join(["pubdid", "snr"]), *(f"{row['pubdid']},{row['snr'] or ''}" for row in service.rows())]
        path.write_text("\n".join(lines), encoding="utf-8")
        return world.sync(source=path, **options)

    return run


SCENARIOS: list[Scenario] = [
    Scenario("a refresh finds 10 of 1,500 rows", then(_keep(10)), "refused", _WAY_ON),
    Scenario("a full sync finds 10 of 1,500 rows", then(_keep(10), full=True), "refused", _WAY_ON),
    Scenario("a refresh finds 45 % fewer", then(_keep(825)), "refused", _WAY_ON),
    Scenario("a full sync finds 45 % fewer", then(_keep(825), full=True), "refused", _WAY_ON),
    Scenario("a refresh finds 2 % fewer", then(_keep(1470)), "whole"),
    Scenario("a full sync finds 2 % fewer", then(_keep(1470), full=True), "whole"),
    Scenario("a refresh finds nothing", then(_keep(0)), "refused"),
    Scenario("a full sync finds nothing", then(_keep(0), full=True), "refused"),
    Scenario("a full sync of 10 rows that keeps no older one", then(_keep(10), full=True, keep=0), "refused", _WAY_ON),
    Scenario("10 rows of a file in place of a service", _file(10), "refused", _WAY_ON),
    Scenario("a refresh that keeps no older snapshot", _older_snapshot_stays, "whole"),
    Scenario("a first sync in which all but 10 rows go away", midway(_keep(10)), "honest"),
]
