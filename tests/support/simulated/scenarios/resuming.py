"""What may happen between a sync that was cut off and the one that goes on; and what stops a sync half-way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import numpy as np

from tests.support.simulated.forms.parts import Part
from tests.support.simulated.scenarios.changing import add, column_changes, with_column, without_column
from tests.support.simulated.scenarios.scenario import Scenario, cut_off, first
from tests.support.simulated.services.documents import error_document
from tests.support.simulated.services.http import Reply, Request
from tests.support.simulated.services.ssap import SsapService
from tests.support.simulated.world import Outcome, World

__all__ = ["SCENARIOS"]


def _retype(service: SsapService) -> None:
    shown = service.form.snr.shown[0]
    service.form = replace(service.form, snr=Part((replace(shown, column=replace(shown.column, datatype="double")),)))


def _to_text(service: SsapService) -> None:
    """Make a text of a number that every survey asks for."""
    middle, extent = service.form.time.shown
    text = replace(
        middle,
        column=replace(middle.column, datatype="char", arraysize="*"),
        cells=lambda s: [None if cell is None else str(cell) for cell in middle.cells(s)],
    )
    service.form = replace(service.form, time=Part((text, extent)))


def _same_identifier(service: SsapService) -> None:
    link, did = service.form.identity.shown
    service.form = replace(
        service.form, identity=Part((link, replace(did, cells=lambda s: ["ivo://example/all"] * len(s))))
    )


def _smaller_limit(service: SsapService) -> None:
    service.traits = replace(service.traits, most_rows=60)


def _dates(values: Callable[[np.ndarray], np.ndarray]) -> Callable[[World], Outcome]:
    """Give some spectra odd dates, and mirror them."""

    def run(world: World) -> Outcome:
        service = world.service
        assert isinstance(service, SsapService)
        service.spectra = replace(service.spectra, t_mid=values(service.spectra.t_mid))
        return first(world)

    return run


def _some(value: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda dates: np.where(np.arange(len(dates)) % 100 == 50, value, dates)


def _failing(fails: Callable[[int, Request], bool], reply: Reply) -> Callable[[World], Outcome]:
    """Spoil some answers, counted from 1."""

    def run(world: World) -> Outcome:
        service, numbers = world.service, count(1)
        assert isinstance(service, SsapService)
        service.wraps = lambda request, good: reply if fails(next(numbers), request) else good
        return first(world)

    return run


def _nothing(service: SsapService) -> None:
    pass


_TROUBLE = Reply(error_document("could not connect to server: the database system is starting up"))
_TIMEOUT = Reply(error_document("Query timed out (took too long)."))
SCENARIOS: list[Scenario] = [
    Scenario("cut off while it is described", cut_off(_nothing, after=2), "whole"),
    Scenario("cut off in the survey", cut_off(_nothing, after=15), "whole"),
    Scenario("cut off in the harvest", cut_off(_nothing, after=42), "whole"),
    Scenario("a column comes before it goes on", cut_off(with_column), "whole"),
    Scenario("a column comes before it goes on with the harvest", cut_off(with_column, after=42), "whole"),
    Scenario("a column goes before it goes on", cut_off(without_column), "whole"),
    Scenario("a column goes before it goes on with the harvest", cut_off(without_column, after=42), "whole"),
    Scenario("a column changes its type before it goes on", cut_off(_retype, after=42), "whole"),
    Scenario("the dates become texts before it goes on", cut_off(_to_text, after=42), "whole"),
    Scenario("a unit changes before it goes on", cut_off(column_changes(unit="nm"), after=42), "whole"),
    Scenario("the identifier becomes none before it goes on", cut_off(_same_identifier, after=42), "whole"),
    # A third sweep takes so many requests then that it is not made.
    Scenario("the limit shrinks before it goes on", cut_off(_smaller_limit, after=42), "honest"),
    Scenario("rows come before it goes on", cut_off(add(50), after=42), "whole"),
    Scenario("all dates are Unix milliseconds", _dates(lambda mjd: (mjd - 40587) * 86_400_000), "whole"),
    Scenario("all dates are 1e12", _dates(lambda mjd: np.full(len(mjd), 1e12)), "whole"),
    Scenario("some dates are 1e12", _dates(_some(1e12)), "whole"),
    Scenario("some dates are -1e300", _dates(_some(-1e300)), "whole"),
    Scenario("some dates are infinite", _dates(_some(np.inf)), "whole"),
    Scenario("some dates are 0", _dates(_some(0.0)), "whole"),
    Scenario("one answer is a database error", _failing(lambda n, request: n == 40, _TROUBLE), "whole"),
    Scenario("the first answer is a database error", _failing(lambda n, request: n == 1, _TROUBLE), "whole"),
    Scenario("every fifth answer is a database error", _failing(lambda n, request: n % 5 == 0, _TROUBLE), "whole"),
    Scenario(
        "every answer by TIME is a database error", _failing(lambda n, request: "TIME" in request.params, _TROUBLE)
    ),
    # Which answers these are depends on who asks first: a part of a part may meet them again and again.
    Scenario("every fifth answer took too long", _failing(lambda n, request: n % 5 == 0, _TIMEOUT)),
]
