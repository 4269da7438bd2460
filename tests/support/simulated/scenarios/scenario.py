"""A scenario: a service with traits, what is done to it between and within syncs, and how it must end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from ssap_mirror.sources.source import RequestPolicy

from tests.support.simulated.forms.parts import BASE, Form
from tests.support.simulated.services.http import Reply
from tests.support.simulated.services.ssap import SsapService
from tests.support.simulated.services.traits import Traits
from tests.support.simulated.spectra import Spectra
from tests.support.simulated.world import QUICK, Must, Outcome, World

__all__ = ["Change", "Scenario", "cut_off", "first", "midway", "repeatedly", "then"]

#: What happens to a service.
Change = Callable[[SsapService], None]


@dataclass(frozen=True)
class Scenario:
    """One story."""

    name: str
    """For people."""
    run: Callable[[World], Outcome]
    """Mirrors the service of a world; gives the outcome of the last sync."""
    must: Must = "honest"
    """What that must be."""
    says: str = ""
    """Regular expression for what is said when the mirror is not whole."""
    never_says: str = ""
    """Regular expression for what would be untrue."""
    traits: Traits = field(default_factory=Traits)
    """Of the service at first."""
    form: Form = BASE
    """Its columns at first."""
    rows: int = 1500
    """Of the table at first."""
    placed: bool = False
    """Whether every row has a position: one that has none is out of reach where POS is needed."""
    policy: RequestPolicy = QUICK
    """How the client behaves."""
    within_s: float = 60.0
    """Longest time for the last sync [s], on a machine with nothing else to do."""
    most_requests: int | None = None
    """Requests to which the service may be put."""
    truth: Callable[[Spectra], Spectra] = lambda spectra: spectra
    """What its spectra are, made of those that all services have."""
    asked: tuple[str, ...] = ()
    """Parameters about which the mirror is asked afterwards, and has to select what brute force selects."""


def first(world: World) -> Outcome:
    """Mirror it for the first time."""
    return world.sync()


def then(change: Change, **options: object) -> Callable[[World], Outcome]:
    """Mirror it, change it, and mirror it again."""

    def run(world: World) -> Outcome:
        world.mirror()
        change(_service(world))
        return world.sync(**options)

    return run


def midway(change: Change, by: str = "TIME", after: int = 3) -> Callable[[World], Outcome]:
    """Mirror it, and change it after so many requests for full rows by some parameter."""

    def run(world: World) -> Outcome:
        numbers = count(1)

        def before(service: SsapService, params: dict[str, str]) -> None:
            if by in params and params.get("VERB") == "3" and next(numbers) == after:
                change(service)

        _service(world).before = before
        return world.sync()

    return run


def repeatedly(change: Change) -> Callable[[World], Outcome]:
    """Mirror it, and change it at every request."""

    def run(world: World) -> Outcome:
        _service(world).before = lambda service, params: change(service)
        return world.sync()

    return run


def cut_off(change: Change, after: int = 25) -> Callable[[World], Outcome]:
    """Mirror it until it fails, change it, and go on; if that is refused, go the way that the refusal names."""

    def run(world: World) -> Outcome:
        service, numbers = _service(world), count(1)
        service.wraps = lambda request, reply: reply if next(numbers) <= after else Reply(b"out of order", 500)
        failed = world.sync()
        assert failed.error is not None, f"it was to be cut off: {failed.words()}"
        service.wraps = lambda request, reply: reply
        change(service)
        outcome = world.sync()
        if outcome.report is None:
            assert "--restart" in str(outcome.error), f"names no way on: {outcome.error}"
            outcome = world.sync(restart=True)
        return outcome

    return run


def _service(world: World) -> SsapService:
    assert isinstance(world.service, SsapService)
    return world.service
