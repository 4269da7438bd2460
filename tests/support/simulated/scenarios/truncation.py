"""Answers that are cut and do not say so, or that keep some rows back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tests.support.simulated.scenarios.scenario import Change, Scenario, first, midway, then
from tests.support.simulated.services.http import Reply, Request
from tests.support.simulated.services.ssap import SsapService
from tests.support.simulated.services.traits import Traits
from tests.support.simulated.world import Outcome, World

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SCENARIOS"]

_CONSTRAINTS = {"POS", "TIME", "SNR", "BAND", "APERTURE"}


def _chooses(choose: Callable[[dict[str, str], NDArray[np.int64]], NDArray[np.int64]]) -> Change:
    def change(service: SsapService) -> None:
        service.chooses = choose

    return change


def _cut(rows: int, *names: str, verb: str | None = None) -> Change:
    """Cut answers to requests with one of some parameters (or with none at all), without a word."""

    def choose(params: dict[str, str], found: NDArray[np.int64]) -> NDArray[np.int64]:
        asked = set(names) & set(params) if names else not _CONSTRAINTS & set(params)
        return found[:rows] if asked and verb in (None, params.get("VERB")) else found

    return _chooses(choose)


def _hide(numbers: range, when: Callable[[dict[str, str]], bool]) -> Change:
    def choose(params: dict[str, str], found: NDArray[np.int64]) -> NDArray[np.int64]:
        return found[~np.isin(found, numbers)] if when(params) else found

    return _chooses(choose)


def _lose(share: float, *names: str) -> Change:
    """Lose a share of the rows of each answer, others each time."""
    rng = np.random.default_rng(5)

    def choose(params: dict[str, str], found: NDArray[np.int64]) -> NDArray[np.int64]:
        return found[rng.random(len(found)) > share] if not names or set(names) & set(params) else found

    return _chooses(choose)


def _limit(**traits: int | None) -> Change:
    def change(service: SsapService) -> None:
        service.traits = replace(service.traits, **traits)

    return change


def _at_first(change: Change) -> Callable[[World], Outcome]:
    def run(world: World) -> Outcome:
        assert isinstance(world.service, SsapService)
        change(world.service)
        return first(world)

    return run


def _always_overflow(request: Request, reply: Reply) -> Reply:
    return replace(reply, body=reply.body.replace(b'value="OK"', b'value="OVERFLOW"'))


def _claim_overflow(service: SsapService) -> None:
    service.wraps = _always_overflow


def _asks(*names: str) -> Callable[[dict[str, str]], bool]:
    return lambda params: bool(set(names) & set(params))


_PROOF = "has no row but these"
SCENARIOS: list[Scenario] = [
    Scenario(
        "every answer is cut at 1,900 of 3,000", first, traits=Traits(silent_rows=1900), rows=3000, most_requests=150
    ),
    Scenario("every answer is cut at 1,000", first, traits=Traits(silent_rows=1000), rows=3000, most_requests=150),
    Scenario(
        "every answer is cut at 250, fewer than a slice", first, traits=Traits(silent_rows=250), most_requests=120
    ),
    Scenario("every answer is cut at 60", first, traits=Traits(silent_rows=60), most_requests=640),
    Scenario(
        "cut at 250, and nothing but cones", first, traits=Traits(obeys=("POS",), silent_rows=250), most_requests=80
    ),
    Scenario(
        "cut at 250, and nothing but times", first, traits=Traits(obeys=("TIME",), silent_rows=250), most_requests=30
    ),
    Scenario("answers by TIME are cut at 200", _at_first(_cut(200, "TIME")), most_requests=150),
    Scenario("answers by POS are cut at 50", _at_first(_cut(50, "POS")), most_requests=720),
    Scenario("full rows are cut at 200", _at_first(_cut(200, *_CONSTRAINTS, verb="3")), most_requests=150),
    Scenario("identities are cut at 100", _at_first(_cut(100, *_CONSTRAINTS, verb="1")), most_requests=400),
    Scenario("the proof is cut", _at_first(_cut(1400)), "whole", never_says=_PROOF, most_requests=80),
    Scenario(
        "no answer without a constraint has any row", _at_first(_cut(0)), "whole", never_says=_PROOF, most_requests=90
    ),
    Scenario("a refresh is cut at 1,900", then(_limit(silent_rows=1900)), rows=3000, most_requests=120),
    Scenario("a refresh is cut at 250", then(_limit(silent_rows=250)), most_requests=100),
    Scenario("a full sync is cut at 1,900", then(_limit(silent_rows=1900), full=True), rows=3000, most_requests=150),
    Scenario("a refresh whose only whole answer is cut", then(_cut(1400)), most_requests=80),
    Scenario("a refresh whose answers by TIME are cut", then(_cut(200, "TIME")), most_requests=40),
    # A proof by a third parameter would take more requests then than a proof may.
    Scenario(
        "a limit that is told shrinks in mid-sweep", midway(_limit(most_rows=60)), says="not proven", most_requests=200
    ),
    # It shows late: the first rows were had in large answers, which all count no more then.
    Scenario("a limit that is not told comes in mid-sweep", midway(_limit(silent_rows=100)), most_requests=1100),
    Scenario("a limit that is told shrinks between syncs", then(_limit(most_rows=60)), "whole", most_requests=500),
    Scenario("a hundredth of the rows of each answer is lost", _at_first(_lose(0.01)), most_requests=100),
    Scenario("a hundredth of the rows by TIME is lost", _at_first(_lose(0.01, "TIME")), "whole", most_requests=100),
    Scenario("a refresh loses a hundredth of each answer", then(_lose(0.01)), most_requests=80),
    Scenario("a refresh loses a third of each answer", then(_lose(0.33)), most_requests=90),
    Scenario(
        "some rows are hidden from TIME", _at_first(_hide(range(90, 120), _asks("TIME"))), "whole", most_requests=100
    ),
    Scenario(
        "some rows are hidden from POS", _at_first(_hide(range(90, 120), _asks("POS"))), "whole", most_requests=100
    ),
    Scenario(
        "some rows are hidden from TIME and POS",
        _at_first(_hide(range(90, 120), _asks("TIME", "POS"))),
        "whole",
        most_requests=130,
    ),
    Scenario(
        "some rows are never given in full",
        _at_first(_hide(range(90, 120), lambda params: params.get("VERB") == "3")),
        says="could not be fetched|not complete",
        most_requests=300,
    ),
    Scenario(
        "every answer claims to be truncated",
        _at_first(_claim_overflow),
        says="without any row .* cannot be believed",
        most_requests=20,
    ),
]
