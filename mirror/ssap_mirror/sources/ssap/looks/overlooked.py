"""Two sweeps held against each other: what each lacks of the rows that it should have had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ssap_mirror.sources.harvest.audit import Sight
from ssap_mirror.sources.ssap.probe.traits import POS, TIME
from ssap_mirror.sources.ssap.survey import Survey
from ssap_mirror.sources.ssap.sweeps import Sweeps

__all__ = ["believable_sight", "overlooked_rows"]

# Which rows a sweep by a parameter would see.
_SEES = {POS: Sight(placed=True), TIME: Sight(dated=True)}


def overlooked_rows(sweeps: Sweeps, survey: Survey) -> dict[str, int]:
    """Count by parameter the rows that its sweep should have had and that only the sweep by the other brought.

    One such sweep may have its reasons: rows that came later, or have another position for the service than they say.
    Where both lack rows that the other has, some may be in neither, as in any count of the same things by two people
    who both miss some.

    Parameters
    ----------
    sweeps : Sweeps
        Of the harvest.
    survey : Survey
        The last one.
    """
    return _overlooked(sweeps, survey, harvested=not survey.of_refresh)


def believable_sight(sweeps: Sweeps, survey: Survey) -> Sight:
    """Which rows the survey would have seen: not those that a sweep sees which has overlooked some that another saw."""
    sight = survey.sight
    for name, rows in _overlooked(sweeps, survey, harvested=False).items():
        if rows:
            sees = _SEES[name]
            sight = replace(sight, placed=sight.placed and not sees.placed, dated=sight.dated and not sees.dated)
    return sight


def _overlooked(sweeps: Sweeps, survey: Survey, *, harvested: bool) -> dict[str, int]:
    numbers: dict[str, Sequence[int]] = {
        name: sweeps.numbers_of_survey(name, survey.since) for name in survey.parameters if name in _SEES
    }
    main = sweeps.harvested_by()
    if harvested and main in _SEES and main not in numbers:
        numbers[main] = [answer.number for answer in sweeps.harvested()]
    found = {}
    for name, own in numbers.items():
        others = [number for other, answers in numbers.items() if other != name for number in answers]
        found[name] = sweeps.audit.overlooked(own, others, _SEES[name])
    return found
