"""Tables that change while they are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tests.support.simulated.forms.parts import Form, Part, numbers
from tests.support.simulated.scenarios.scenario import Change, Scenario, midway, repeatedly
from tests.support.simulated.services.ssap import SsapService
from tests.support.simulated.spectra import concatenated, made_up
from tests.support.simulated.world import QUICK, Outcome, World

__all__ = ["SCENARIOS", "add", "column_changes", "without_column"]


def _value(name: str, rows: slice | None = None, by: float = 1.0) -> Change:
    """Add to a value of all spectra, or of some."""

    def change(service: SsapService) -> None:
        chosen = slice(None) if rows is None else rows
        values = getattr(service.spectra, name)[chosen] + by
        service.spectra = service.spectra.changed(name, chosen, values)

    return change


def add(count: int) -> Change:
    """Add spectra."""

    def change(service: SsapService) -> None:
        first = int(service.spectra.number.max()) + 1
        service.spectra = concatenated(service.spectra, made_up(count, seed=first, first=first))

    return change


def _drop(rows: slice) -> Change:
    def change(service: SsapService) -> None:
        keep = np.ones(len(service.spectra), bool)
        keep[rows] = False
        service.spectra = service.spectra.take(keep)

    return change


def _replace_all(service: SsapService) -> None:
    service.spectra = made_up(1500, seed=77, first=500_000)


def _dates_turn_round(service: SsapService) -> None:
    """Move what is to come to what has been asked already."""
    service.spectra = replace(service.spectra, t_mid=2 * 58300.0 - service.spectra.t_mid)


def column_changes(**attributes: str) -> Change:
    """Describe the column of the shortest wavelength otherwise."""

    def change(service: SsapService) -> None:
        shown = service.form.band.shown
        changed = replace(shown[0], column=replace(shown[0].column, **attributes))
        service.form = replace(service.form, band=replace(service.form.band, shown=(changed, *shown[1:])))

    return change


def without_column(service: SsapService) -> None:
    """Take the signal to noise away."""
    service.form = replace(service.form, snr=Part())


def with_column(service: SsapService) -> None:
    """Give one more column."""
    others = Part((*service.form.others.shown, numbers("logg", lambda s: s.logg)))
    service.form = Form(**{**vars(service.form), "others": others})


# One request after the other, so that a change comes at the same place each time.
_ONE_BY_ONE = replace(QUICK, requests_at_a_time=1)


def _scenario(name: str, run: Callable[[World], Outcome]) -> Scenario:
    return Scenario(name, run, policy=_ONE_BY_ONE)


SCENARIOS: list[Scenario] = [
    _scenario("every velocity changes in mid-sweep", midway(_value("velocity"))),
    _scenario("every velocity changes after the first slice", midway(_value("velocity"), after=2)),
    _scenario("every velocity changes before the last slices", midway(_value("velocity"), after=5)),
    _scenario("half of the velocities change in mid-sweep", midway(_value("velocity", slice(0, None, 2)))),
    _scenario("every declination changes in mid-sweep", midway(_value("dec", by=-0.01))),
    _scenario("every date changes in mid-sweep", midway(_value("t_mid", by=1.0))),
    _scenario("the order of the dates turns round in mid-sweep", midway(_dates_turn_round)),
    _scenario("rows are added in mid-sweep", midway(add(50))),
    _scenario("rows go away in mid-sweep", midway(_drop(slice(0, 100)))),
    _scenario("the table is another one in mid-sweep", midway(_replace_all)),
    _scenario("the table grows at every request", repeatedly(add(1))),
    _scenario("every velocity changes at every request", repeatedly(_value("velocity"))),
    _scenario("a unit changes in mid-sweep", midway(column_changes(unit="nm"))),
    _scenario("a utype changes in mid-sweep", midway(column_changes(utype="ssa:Char.FluxAxis.Ucd"))),
    _scenario("a column goes away in mid-sweep", midway(without_column)),
    _scenario("a column comes in mid-sweep", midway(with_column)),
]
