"""Services that lie in ways of their own, at a first sync and at a refresh."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from tests.support.simulated.forms.parts import Part
from tests.support.simulated.scenarios.scenario import Change, Scenario, first, then
from tests.support.simulated.services.ssap import SsapService
from tests.support.simulated.services.traits import Traits
from tests.support.simulated.spectra import concatenated, made_up
from tests.support.simulated.world import QUICK, Outcome, World

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SCENARIOS"]

_BY_SWEEPS = replace(QUICK, whole_table_rows=100)
_ONE_BY_ONE = replace(QUICK, requests_at_a_time=1)
_SAMPLED = replace(QUICK, full_sample=40)


def _chooses(choose: Callable[[dict[str, str], NDArray[np.int64]], NDArray[np.int64]]) -> Change:
    def change(service: SsapService) -> None:
        service.chooses = choose

    return change


def _at_first(*changes: Change) -> Callable[[World], Outcome]:
    def run(world: World) -> Outcome:
        for change in changes:
            change(_service(world))
        return first(world)

    return run


def _in_refresh(when: int, change: Change) -> Callable[[World], Outcome]:
    """Mirror it, and change it at the given request of the refresh."""

    def run(world: World) -> Outcome:
        world.mirror()
        numbers = count(1)

        def before(service: SsapService, params: dict[str, str]) -> None:
            if next(numbers) == when:
                change(service)

        _service(world).before = before
        return world.sync()

    return run


def _service(world: World) -> SsapService:
    assert isinstance(world.service, SsapService)
    return world.service


def _cut_anywhere(least: int, most: int, *names: str) -> Change:
    """Cut answers without a word, each at another number of rows."""
    rng = np.random.default_rng(11)

    def choose(params: dict[str, str], found: NDArray[np.int64]) -> NDArray[np.int64]:
        limit = int(rng.integers(least, most))
        return found[:limit] if not names or set(names) & set(params) else found

    return _chooses(choose)


def _cut_by_bytes(full: int, brief: int) -> Change:
    """Cut answers at a size in bytes: full rows sooner than identities."""
    return _chooses(lambda params, found: found[: full if params.get("VERB") == "3" else brief])


def _cut_when_ordered(params: dict[str, str], found: NDArray[np.int64]) -> NDArray[np.int64]:
    """Always the same rows are kept back where there are more than 300."""
    return np.sort(found)[:300]


def _southern_half(params: dict[str, str], found: NDArray[np.int64], service: SsapService) -> NDArray[np.int64]:
    dec = service.spectra.dec[found]
    return found[~(dec < 0)] if "POS" in params else found


def _without_south(service: SsapService) -> None:
    """Cones have no rows of the south."""
    service.chooses = lambda params, found: _southern_half(params, found, service)


def _last_page(params: dict[str, str], found: NDArray[np.int64]) -> NDArray[np.int64]:
    """Whole hundreds of rows alone."""
    return found[: len(found) // 100 * 100] if len(found) > 100 else found


def _once_each(service: SsapService) -> None:
    """Every third request has no rows."""
    numbers = count(1)
    service.chooses = lambda params, found: found[:0] if next(numbers) % 3 == 0 and len(found) > 5 else found


def _value(name: str, rows: slice, value: float) -> Change:
    def change(service: SsapService) -> None:
        service.spectra = service.spectra.changed(name, rows, value)

    return change


def _drop(service: SsapService) -> None:
    keep = np.ones(len(service.spectra), bool)
    keep[5:400:20] = False
    service.spectra = service.spectra.take(keep)


def _drop_and_cut(service: SsapService) -> None:
    _drop(service)
    _cut_anywhere(200, 1400)(service)


def _exchange(service: SsapService) -> None:
    """As many rows as before, a tenth of them others."""
    service.spectra = concatenated(service.spectra.take(slice(0, 1350)), made_up(150, seed=99, first=70_000))


def _swap_identities(service: SsapService) -> None:
    """Two halves of a hundred rows exchange their identifiers."""
    numbers = service.spectra.number.copy()
    numbers[100:150], numbers[150:200] = numbers[150:200].copy(), numbers[100:150].copy()
    service.spectra = replace(service.spectra, number=numbers)


def _no_velocity(service: SsapService) -> None:
    """All values of one column are gone."""
    service.spectra = replace(service.spectra, velocity=np.full(len(service.spectra), np.nan))


def _no_snr(service: SsapService) -> None:
    service.spectra = replace(service.spectra, snr=np.full(len(service.spectra), np.nan))


def _numbers_anew(service: SsapService) -> None:
    """The same spectra under other identifiers."""
    service.spectra = replace(service.spectra, number=service.spectra.number + 10_000)


def _wavelengths_in_microns_half_told(service: SsapService) -> None:
    """One of two columns has another unit."""
    shown = service.form.band.shown
    micron = replace(
        shown[1],
        column=replace(shown[1].column, unit="um"),
        cells=lambda s: [None if m is None else m * 1e6 for m in shown[1].cells(s)],
    )
    service.form = replace(service.form, band=Part((shown[0], micron, *shown[2:])))


def _limit(**traits: int | None) -> Change:
    def change(service: SsapService) -> None:
        service.traits = replace(service.traits, **traits)

    return change


def _unplaced_and_more(service: SsapService) -> None:
    """Some rows lose their position and others their date."""
    spectra = service.spectra.changed("ra", slice(300, 330), np.nan).changed("dec", slice(300, 330), np.nan)
    service.spectra = spectra.changed("t_mid", slice(340, 370), np.nan)


def _long_exposures(service: SsapService) -> None:
    """A third of the exposures last for years, as those of stacked spectra do."""
    exposure = service.spectra.exposure.copy()
    exposure[::3] = 2 * 365 * 86400.0
    service.spectra = replace(service.spectra, exposure=exposure)


_NOTHING_BUT_TIME = Traits(obeys=("TIME",))
_OVERLAP = Traits(time_reads="overlap")
SCENARIOS: list[Scenario] = [
    Scenario("each answer is cut at another number", _at_first(_cut_anywhere(150, 300))),
    Scenario("a refresh is cut at another number each time", then(_cut_anywhere(150, 1400))),
    Scenario("a refresh by sweeps is cut at another number each time", then(_cut_anywhere(80, 250)), policy=_BY_SWEEPS),
    Scenario("answers end at a size in bytes", _at_first(_cut_by_bytes(120, 700))),
    Scenario("the same rows are kept back each time", _at_first(_chooses(_cut_when_ordered))),
    Scenario("the same rows are kept back in a refresh", then(_chooses(_cut_when_ordered))),
    Scenario("cones have no south", _at_first(_without_south), "whole"),
    Scenario("cones have no south in a refresh", then(_without_south), policy=_BY_SWEEPS),
    Scenario("the last page of each answer is lost", _at_first(_chooses(_last_page))),
    Scenario("the last page of each answer is lost in a refresh", then(_chooses(_last_page))),
    Scenario("every third answer has no rows", _at_first(_once_each)),
    Scenario("every third answer of a refresh has no rows", then(_once_each)),
    Scenario(
        "answers by TIME are cut, and nothing else selects",
        _at_first(_cut_anywhere(199, 200, "TIME")),
        traits=_NOTHING_BUT_TIME,
    ),
    Scenario("a limit comes down between syncs", then(_limit(silent_rows=120)), traits=Traits(silent_rows=600)),
    Scenario("a limit comes down, and the table is swept", then(_limit(silent_rows=120)), policy=_BY_SWEEPS),
    Scenario("a limit is lifted between syncs", then(_limit(silent_rows=None)), traits=Traits(silent_rows=250)),
    Scenario("twenty rows go", then(_drop), "whole"),
    Scenario("twenty rows go while answers are cut", then(_drop_and_cut)),
    Scenario("a tenth of the rows are others", then(_exchange), "whole"),
    Scenario("identifiers are exchanged", then(_swap_identities), "whole"),
    Scenario("all identifiers are others", then(_numbers_anew), "honest", "allow-shrink|not"),
    Scenario("a column loses its values", then(_no_velocity), says="not compared"),
    Scenario("a column loses its values, and a sample is compared", then(_no_velocity), "whole", policy=_SAMPLED),
    Scenario("the signal to noise is gone", then(_no_snr)),
    Scenario("one of two columns has another unit", then(_wavelengths_in_microns_half_told), "whole"),
    Scenario("rows lose position or date", then(_unplaced_and_more), "whole"),
    Scenario("rows lose position or date, and the table is swept", then(_unplaced_and_more), policy=_BY_SWEEPS),
    Scenario(
        "values change in mid-refresh",
        _in_refresh(25, _value("velocity", slice(0, 700), 5.0)),
        policy=_ONE_BY_ONE,
        says="not compared",
    ),
    Scenario("rows go in mid-refresh", _in_refresh(28, _drop), policy=_ONE_BY_ONE),
    Scenario("exposures of years overlap every range", _at_first(_long_exposures), traits=_OVERLAP, most_requests=400),
    Scenario(
        "exposures of years, and nothing but TIME",
        _at_first(_long_exposures),
        traits=replace(_OVERLAP, obeys=("TIME",)),
        most_requests=200,
    ),
]
