"""The last proof: a look for rows that neither the survey nor the harvest could see.

A proof is optional. What it may cost is said beforehand, and where it cannot be had, or the service fails meanwhile,
the verdict says that it is not proven: the rows that are at hand are none the worse for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ssap_mirror.errors import SourceError
from ssap_mirror.sources.harvest.client import InterruptedHarvest
from ssap_mirror.sources.harvest.slices import COLLECTION
from ssap_mirror.sources.ssap.survey import Survey
from ssap_mirror.sources.ssap.sweeps import Sweeps

__all__ = ["Proof", "prove"]

# How often all identities are asked for at once, while that shows rows that are new.
_ROUNDS = 3


@dataclass(frozen=True)
class Proof:
    """What a proof came to."""

    proven: bool
    """Whether no row can be missing, but for those that no parameter selects."""
    words: str
    """One sentence: what was asked and found, or why it could not be."""


def prove(sweeps: Sweeps, survey: Survey, *, refresh: bool) -> Proof:
    """Look for rows that no sweep so far could see, and fetch what is found.

    A table that one answer can hold is asked for without any constraint. A larger one is swept by a third parameter,
    which is chosen by the values of the rows at hand.

    Parameters
    ----------
    sweeps : Sweeps
        Of the harvest; survey and harvest agree.
    survey : Survey
        The last one.
    refresh : bool
        Whether the rows of a snapshot are at hand; then there is no third sweep.

    Raises
    ------
    InterruptedHarvest
        If the harvest is to stop. No other error of a proof is one of the harvest.
    """
    parameters = sweeps.probe.traits.parameters
    if survey.whole or not parameters:
        return Proof(proven=True, words=_words_of_whole(sweeps, sweeps.audit.rows()))
    if COLLECTION in survey.parameters:
        return _of_collections(sweeps, survey)
    sweeps.progress.stage("last proof", None)
    swept = tuple(dict.fromkeys([*survey.parameters, *parameters[:1]]))
    try:
        return _ask_whole(sweeps, survey) or _ask_third(sweeps, survey, swept, refresh=refresh)
    except InterruptedHarvest:
        raise
    except SourceError as error:
        sweeps.progress.note(f"the last proof cannot be had: {error}")
        return _not_proven(swept, str(error))


def _not_proven(swept: tuple[str, ...], why: str) -> Proof:
    words = f"not proven: rows that no sweep by {', '.join(swept)} can see would be missed; {why}"
    return Proof(proven=False, words=words)


def _ask_whole(sweeps: Sweeps, survey: Survey) -> Proof | None:
    """Ask for all identities at once; None if there are too many, or the service does not want to.

    An answer that has rows which nobody has seen is asked for once more: they may have come meanwhile, and others after
    them.
    """
    for generation in range(1, _ROUNDS + 1):
        number = sweeps.survey_whole(generation)
        if number is None:
            return None
        lacking = sweeps.audit.lacking(sweeps.numbers_of_whole(generation))
        new = len(sweeps.audit.missing(survey.since))
        sweeps.fetch_missing(survey.since)
        rows = sweeps.audit.rows()
        if lacking:
            words = (
                f"not proven: one request without any constraint lacked {lacking:,} of the {rows:,} rows at hand, so "
                "the service cuts its answers and does not say so, or the table changed meanwhile"
            )
            return Proof(proven=False, words=words)
        if not new:
            return Proof(proven=True, words=_words_of_whole(sweeps, rows))
    words = f"not proven: each of {_ROUNDS} requests without any constraint had rows that the one before had not"
    return Proof(proven=False, words=words)


def _words_of_whole(sweeps: Sweeps, rows: int) -> str:
    each = "one request without any constraint"
    if sweeps.probe.traits.collections:
        each = f"one request for each {'other ' if sweeps.ledger.refused else ''}collection"
    return f"{each} has no row but these {rows:,}"


def _of_collections(sweeps: Sweeps, survey: Survey) -> Proof:
    """See whether the survey had each collection in one answer, as the last proof has the whole table."""
    numbers = sweeps.numbers_of_survey(COLLECTION, survey.since)
    parts = {answer.slice.collection for answer in sweeps.ledger.answers() if answer.number in numbers}
    divided = parts - {
        answer.slice.collection
        for answer in sweeps.ledger.answers()
        if answer.number in numbers and answer.slice.is_whole
    }
    if not divided:
        return Proof(proven=True, words=_words_of_whole(sweeps, sweeps.audit.rows()))
    swept = tuple(dict.fromkeys([*survey.parameters, *sweeps.probe.traits.parameters[:1]]))
    return _not_proven(swept, f"{len(divided):,} collections have more rows than an answer")


def _ask_third(sweeps: Sweeps, survey: Survey, swept: tuple[str, ...], *, refresh: bool) -> Proof:
    if refresh:
        return _not_proven(swept, "the table is too large for one request")
    third = sweeps.choose_third()
    if isinstance(third, str):
        return _not_proven(swept, third)
    try:
        sweeps.survey_by_third(third)
    except InterruptedHarvest:
        raise
    except SourceError:
        # What it had seen until it was given up is there all the same.
        sweeps.fetch_missing(survey.since)
        raise
    sweeps.fetch_missing(survey.since)
    swept = (*swept, third.parameter)
    words = f"rows that no sweep by {', '.join(swept)} can see would be missed; nothing hints at any"
    return Proof(proven=True, words=words)
