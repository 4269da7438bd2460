"""TAP services: formats, jobs, limits and schemas that differ, and tables that change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import numpy as np
from ssap_mirror.core.schema import Column
from ssap_mirror.sources.source import RequestPolicy

from tests.support.simulated.forms.parts import BASE, Form, Part, Shown, each, texts
from tests.support.simulated.forms.whole import OBSCORE
from tests.support.simulated.services.tap import TapService
from tests.support.simulated.spectra import concatenated, made_up
from tests.support.simulated.world import QUICK, Must, Outcome, World

__all__ = ["SCENARIOS", "TapScenario"]

_QUICK = replace(QUICK, job_rows=150, job_cost_rows=50, first_poll_s=0.001, longest_job_s=3.0)
#: Nothing is said of any column, and positions are text.
_BARE = Form(
    identity=Part((texts("name", each(lambda n: f"s{n}", "number")),)),
    position=Part((texts("ra", each(repr, "ra")), texts("dec", each(repr, "dec"))), "nothing"),
    time=Part((), "nothing"),
    band=Part((), "nothing"),
    snr=Part((), "nothing"),
    target=Part((), "nothing"),
    others=Part((Shown(Column("rownum", "long"), lambda s: s.number.tolist()),)),
)
Change = Callable[[TapService], None]


def _service(world: World) -> TapService:
    assert isinstance(world.service, TapService)
    return world.service


def _first(world: World) -> Outcome:
    return world.sync()


def _then(change: Change, **options: object) -> Callable[[World], Outcome]:
    def run(world: World) -> Outcome:
        world.mirror()
        change(_service(world))
        return world.sync(**options)

    return run


def _midway(change: Change, after: int = 3) -> Callable[[World], Outcome]:
    """Change the table after so many queries for full rows."""

    def run(world: World) -> Outcome:
        service, numbers = _service(world), count(1)

        def before(query: str) -> None:
            if query.startswith("SELECT * FROM spectra.") and next(numbers) == after:
                change(service)

        service.tap.before = before
        return world.sync()

    return run


def _velocities(service: TapService) -> None:
    service.change(replace(service.spectra, velocity=service.spectra.velocity + 1))


def _others(service: TapService) -> None:
    """Put other rows in the place of half of them."""
    half = len(service.spectra) // 2
    service.change(concatenated(service.spectra.take(slice(0, half)), made_up(half, seed=9, first=90_000)))


def _more(service: TapService) -> None:
    service.change(concatenated(service.spectra, made_up(40, seed=8, first=80_000)))


def _keep(rows: int) -> Change:
    def change(service: TapService) -> None:
        service.change(service.spectra.take(slice(0, rows)))

    return change


def _unit(service: TapService) -> None:
    shown = service.form.band.shown
    nm = replace(shown[0], column=replace(shown[0].column, unit="nm"))
    service.change(form=replace(service.form, band=Part((nm, *shown[1:]))))


def _nothing_twice(service: TapService) -> None:
    service.change(service.spectra.take(np.arange(len(service.spectra))[::-1]))


@dataclass(frozen=True)
class TapScenario:
    """One story of a TAP service."""

    name: str
    """For people."""
    run: Callable[[World], Outcome] = _first
    """Mirrors the service of a world; gives the outcome of the last sync."""
    must: Must = "whole"
    """What that must be."""
    says: str = ""
    """Regular expression for what is said when the mirror is not whole."""
    traits: dict[str, Any] = field(default_factory=dict)
    """Fields of `FakeTap`."""
    form: Form = BASE
    """Columns of the table."""
    policy: RequestPolicy = _QUICK
    """How the client behaves."""
    rows: int = 1500
    """Of the table at first."""
    source: str = ""
    """Table to ask for, if another one than there is."""
    within_s: float = 30.0
    """Longest time for the last sync [s]."""
    most_requests: int | None = 100
    """Queries to which the service may be put, none of them more than three times; None where it changes meanwhile."""
    asked: tuple[str, ...] = ()
    """Parameters to ask the mirror about."""


def _other_table(world: World) -> Outcome:
    return world.sync(source=f"{_service(world).tap.url}#spectra.absent")


#: Few jobs, each waited for no longer than three seconds.
_STUCK = replace(_QUICK, attempts=2, job_rows=1000)
_WORDS = ("votable", "ipac", "csv", "tsv")
_BY_NAME = ("table_name", "column_name", "unit", "ucd", "utype", "description")
_ALL = ("POS", "BAND", "TIME", "SNR", "TARGETNAME")
SCENARIOS: list[TapScenario] = [
    TapScenario("as the reference server", asked=("POS",)),
    TapScenario("formats by exact words", traits={"plain_formats": _WORDS, "serializations": ("TABLEDATA",)}),
    TapScenario("TABLEDATA whatever is asked for", traits={"serializations": ("TABLEDATA",)}),
    TapScenario("BINARY whatever is asked for", traits={"serializations": ("BINARY",)}),
    TapScenario("no jobs", traits={"has_async": False}),
    TapScenario("no jobs, at most 500 rows", traits={"has_async": False, "most_rows": 500}),
    TapScenario("TAP_SCHEMA knows neither indexed nor principal", traits={"about": _BY_NAME}),
    TapScenario("at most 500 rows", traits={"most_rows": 500}),
    TapScenario("at most 100 rows", traits={"most_rows": 100}, most_requests=170),
    TapScenario("at most 500 rows, no index", traits={"most_rows": 500, "indexed": ()}),
    TapScenario("at most 500 rows, no index, large jobs", traits={"most_rows": 500, "indexed": ()}, policy=QUICK),
    TapScenario("names in capitals", traits={"capitals": True}),
    TapScenario("nothing is said of any column", traits={"describes": False}, form=_BARE, asked=_ALL),
    TapScenario("the table is not there", _other_table, "refused", "spectra.absent"),
    TapScenario("ivoa.obscore", traits={"name": "ivoa.obscore", "indexed": ("t_min",)}, form=OBSCORE, asked=_ALL),
    TapScenario(
        "ivoa.obscore without an index", traits={"name": "ivoa.obscore", "indexed": ()}, form=OBSCORE, asked=_ALL
    ),
    TapScenario("jobs stay QUEUED", must="honest", traits={"stays": "QUEUED"}, policy=_STUCK),
    TapScenario("jobs stay EXECUTING", must="honest", traits={"stays": "EXECUTING"}, policy=_STUCK),
    TapScenario("jobs are HELD", must="honest", traits={"stays": "HELD"}, policy=_STUCK),
    TapScenario("every velocity changes meanwhile", _midway(_velocities), "honest", most_requests=None),
    TapScenario("other rows take the place of half meanwhile", _midway(_others), "honest", most_requests=None),
    TapScenario("rows are added meanwhile", _midway(_more), "honest"),
    TapScenario("the order changes", _then(_nothing_twice)),
    TapScenario("rows come", _then(_more)),
    TapScenario("a unit changes between syncs", _then(_unit)),
    TapScenario("a refresh finds 10 rows", _then(_keep(10)), "refused", "--allow-shrink"),
    TapScenario("a full sync finds 10 rows", _then(_keep(10), full=True), "refused", "--allow-shrink"),
    TapScenario("a refresh finds 45 % fewer", _then(_keep(825)), "refused", "--allow-shrink"),
    TapScenario("values change that no survey asks for", _then(_velocities), "honest", "not compared|not proven"),
]
