"""Surveys: the identities of all rows, by another way than full rows come, until both agree."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.sources.harvest.audit import Audit, Changes, Sight
from ssap_mirror.sources.harvest.sweep import InseparableError
from ssap_mirror.sources.ssap.probe.traits import POS, TIME
from ssap_mirror.sources.ssap.sweeps import Sweeps

__all__ = ["Settled", "Survey", "run_survey", "settle"]

_ROUNDS = 3


@dataclass(frozen=True)
class Survey:
    """What a survey can see."""

    since: int
    """Number of its first answer."""
    whole: bool
    """Whether it was made without a constraint."""
    parameters: tuple[str, ...]
    """By which it was made otherwise."""
    of_refresh: bool = False
    """Whether it is to see the rows of a snapshot too."""

    @property
    def sight(self) -> Sight:
        """Which rows it would have seen."""
        return Sight(self.whole, POS in self.parameters, TIME in self.parameters, surveyed=not self.of_refresh)


@dataclass(frozen=True)
class Settled:
    """How full rows and surveys came to agree, or did not."""

    survey: Survey
    """The last one."""
    agrees: bool
    """Whether the full rows agree with it."""
    signs: tuple[str, ...]
    """What did not agree on the way, one sentence each."""


def run_survey(sweeps: Sweeps, base: Catalog | None, generation: int = 1, *, at_once: bool = True) -> Survey:
    """Survey by the second-best parameter, since the best is for the harvest; a refresh has to see everything.

    Parameters
    ----------
    sweeps : Sweeps
        Of the harvest.
    base : Catalog, optional
        The snapshot that a refresh starts from.
    generation : int
        A survey of a generation that the journal has is not repeated.
    at_once : bool
        Whether a refresh may ask for all rows in one answer.
    """
    sweeps.progress.stage("survey", None if base is None else base.rows)
    main_and_second = sweeps.probe.traits.parameters[:2]
    if base is None:
        second = main_and_second[1:]
        since = sweeps.survey(second[0], generation) if second else 0
        return Survey(since, whole=False, parameters=second)
    if at_once and (answer := sweeps.survey_whole(generation)) is not None:
        return Survey(answer, whole=True, parameters=(), of_refresh=True)
    return _sweep_all(sweeps, main_and_second, generation)


def _sweep_all(sweeps: Sweeps, parameters: tuple[str, ...], generation: int) -> Survey:
    """Survey by each parameter that parts the rows; what the others would see is said to be unseen."""
    numbers: dict[str, int] = {}
    for name in parameters:
        try:
            numbers[name] = sweeps.survey(name, generation)
        except InseparableError as error:
            if name == parameters[-1] and not numbers:
                raise
            sweeps.progress.note(str(error))
    return Survey(min(numbers.values(), default=0), whole=False, parameters=tuple(numbers), of_refresh=True)


def settle(sweeps: Sweeps, base: Catalog | None, survey: Survey) -> Settled:
    """Fetch what the survey has and the harvest has not; survey again for as long as the table changes.

    Parameters
    ----------
    sweeps, base
        As for `run_survey`.
    survey : Survey
        The first.
    """
    signs: list[str] = []
    for generation in itertools.count(2):
        sweeps.fetch_missing(survey.since)
        changes = _changes(sweeps.audit, survey, generation)
        if not changes:
            return Settled(survey, agrees=True, signs=tuple(signs))
        said = f"{changes.changed:,} rows changed, {changes.gone:,} gone, {changes.unseen:,} new or overlooked"
        signs.append(f"survey {generation - 1} and the rows fetched after it do not agree: {said}")
        sweeps.progress.note(signs[-1])
        if generation > _ROUNDS:
            break
        survey = run_survey(sweeps, base, generation, at_once=survey.whole)
    return Settled(survey, agrees=False, signs=tuple(signs))


def _changes(audit: Audit, survey: Survey, generation: int) -> Changes:
    changes = audit.changes(survey.since)
    if POS not in survey.parameters and not survey.whole:
        return replace(changes, unseen=0)
    if generation > 2 and not (changes.changed or changes.gone):
        # Seen by TIME and twice not by POS: the service has another position for them, or none.
        return replace(changes, unseen=0)
    return changes
