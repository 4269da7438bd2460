"""The sweeps that a harvest is made of: each asks, waits, journals, and tells the audit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.errors import SourceError, TransportError
from ssap_mirror.sources.harvest.answers import Keeper, read_answer
from ssap_mirror.sources.harvest.audit import Audit, Missing
from ssap_mirror.sources.harvest.client import InterruptedHarvest
from ssap_mirror.sources.harvest.ledger import Ledger
from ssap_mirror.sources.harvest.slices import WHOLE, Range, Slice, cells_of, cover_positions, plan_ranges
from ssap_mirror.sources.harvest.sweep import Ask, Sweep, Sweeper
from ssap_mirror.sources.progress import Progress
from ssap_mirror.sources.source import Description, Manners
from ssap_mirror.sources.ssap.endpoint import Question, Service
from ssap_mirror.sources.ssap.probe import POS, TIME, Traits

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FULL_VERB", "HARVEST", "SURVEY", "Campaign", "is_survey"]

#: Verbosity of full rows.
FULL_VERB = 3
#: Sweeps of full rows by the main parameter, and of identities; other names have more to them.
HARVEST, SURVEY = "harvest", "survey"

_FETCH, _WHOLE, _PUBLISHED = "fetch", "whole", "published"
# Twelve discs cover the sky, but 48 smaller ones do not overflow so soon.
_FIRST_ORDER = {True: 0, False: 1}
# Room for rows that arrive meanwhile: an answer that fills its limit counts as truncated.
_SPARE_ROWS = 1000
#: Role of the column that a range parameter is about.
_ROLE_OF = {"SNR": "snr", "REDSHIFT": "redshift", "APERTURE": "aperture", "BAND": "em_min", "SPATRES": "s_resolution"}


def is_survey(sweep: str) -> bool:
    """Whether a sweep asks for the identity columns only."""
    return sweep.startswith(SURVEY)


class Campaign:
    """Sweeps of one harvest of an SSAP service.

    Parameters
    ----------
    service : Service
        The endpoint.
    description : Description
        What it says of itself.
    traits : Traits
        How it behaves.
    ledger : Ledger
        What has been answered so far.
    audit : Audit
        Told of every answer.
    manners : Manners
        Sizes of slices.
    progress : Progress
        Told of stages.
    """

    def __init__(
        self,
        service: Service,
        description: Description,
        traits: Traits,
        ledger: Ledger,
        audit: Audit,
        manners: Manners,
        progress: Progress,
    ) -> None:
        self.ledger = ledger
        self.audit = audit
        self._description = description
        self._traits = traits
        self._manners = manners
        self._progress = progress
        full = Keeper(description.schema, traits.survey_columns)
        survey = Keeper(traits.survey_columns, traits.survey_columns)
        self._ask_full: Ask = partial(service.ask, Question(FULL_VERB, full))
        self._ask_survey: Ask = partial(service.ask, Question(traits.survey_verb, survey))
        self._sweeper = Sweeper(ledger, manners, progress, service.alive, service.client.stop.set)

    def survey(self, parameter: str, generation: int = 1) -> int:
        """Ask for the identities of all rows, by a parameter; returns the number of the first answer.

        Parameters
        ----------
        parameter : str
            ``POS``, ``TIME`` or another range.
        generation : int
            Surveys by one parameter are told apart by it.
        """
        name = "-".join([SURVEY, parameter, *([str(generation)] if generation > 1 else [])])
        if parameter == POS:
            return self._look(name, cells_of(_FIRST_ORDER[self._traits.tiny]))
        known = self._values_of(parameter)
        return self._look(name, plan_ranges(parameter, known, self._manners.slice_rows), known=known)

    def survey_whole(self, generation: int = 1) -> int | None:
        """Ask for the identities of all rows at once; returns the number of the answer, or None if it cannot be had."""
        name = "-".join([SURVEY, _WHOLE, *([str(generation)] if generation > 1 else [])])
        rows = self.audit.seen()
        if rows > self._manners.whole_table_rows:
            return None
        try:
            return self._look(name, [WHOLE], maxrec=rows + _SPARE_ROWS)
        except (TransportError, InterruptedHarvest):
            raise
        except SourceError as error:
            self._progress.note(f"the table cannot be asked for as a whole: {error}")
            return None

    def harvest(self, parameter: str | None) -> None:
        """Ask for all full rows, by a parameter, or without one."""
        known = None
        if parameter is None:
            slices = [WHOLE]
        elif parameter == POS:
            slices = cells_of(_FIRST_ORDER[self._traits.tiny])
        else:
            known = self._values_of(parameter)
            slices = plan_ranges(parameter, known, self._manners.slice_rows)
        self._fetch(HARVEST, slices, known)

    def fetch_published(self, since_mjd: float) -> None:
        """Ask for the full rows that were published since a date [MJD]."""
        self._fetch(f"{_FETCH}-{_PUBLISHED}", [Slice(Range("MTIME", since_mjd, None))])

    def fetch_missing(self, since: int, others: Sequence[str]) -> None:
        """Fetch rows that only a survey saw, or saw otherwise.

        Parameters
        ----------
        since : int
            First answer of the survey that is believed.
        others : sequence of str
            Parameters by which a row is looked for that was seen in the whole table only.
        """
        self._fetch_rounds(since)
        for parameter in others:
            if not self._only_in_whole(since):
                return
            self.survey(parameter)
            self._fetch_rounds(since)
        if self._only_in_whole(since):
            self._fetch(self._next_fetch(), [WHOLE], maxrec=self.audit.seen() + _SPARE_ROWS)

    def _fetch_rounds(self, since: int) -> None:
        # At its position a row is had cheaply; one that is not found there is asked for where the survey saw it.
        for at_position in (self._traits.cones, False, False):
            missing = self.audit.missing(since)
            slices = self._slices_of(missing, at_position=at_position)
            if not slices:
                break
            self._progress.stage("audit", len(missing))
            self._fetch(self._next_fetch(), slices)

    def _only_in_whole(self, since: int) -> bool:
        numbers = set(self.audit.missing(since).answers.tolist())
        return any(answer.number in numbers and answer.part == WHOLE for answer in self.ledger.answers())

    def values_known(self, parameter: str) -> int:
        """For how many harvested rows the value behind a parameter is known."""
        return len(self._values_of(parameter))

    def _look(
        self, name: str, slices: list[Slice], maxrec: int | None = None, known: NDArray[np.float64] | None = None
    ) -> int:
        sweep = Sweep(name, tuple(slices), maxrec or self._manners.survey_rows, self._ask_survey, known)
        answers = self._sweeper.run(sweep)
        self.audit.add(answers, full=False)
        return min((answer.number for answer in answers), default=0)

    def _fetch(
        self, name: str, slices: list[Slice], known: NDArray[np.float64] | None = None, maxrec: int | None = None
    ) -> None:
        limit = maxrec or 2 * self._manners.slice_rows
        sweep = Sweep(name, tuple(slices), limit, self._ask_full, known, self._traits.cones)
        self.audit.add(self._sweeper.run(sweep), full=True)

    def _slices_of(self, missing: Missing, *, at_position: bool) -> list[Slice]:
        """Where to ask for missing rows: at their positions, or where the survey saw them."""
        placed = np.isfinite(missing.ra) & np.isfinite(missing.dec) & at_position
        slices: list[Slice] = []
        if placed.any():
            slices += cover_positions(missing.ra[placed], missing.dec[placed], *self.audit.positions())
        seen_in = set(missing.answers[~placed].tolist())
        slices += [answer.part for answer in self.ledger.answers() if answer.number in seen_in and answer.part != WHOLE]
        return list(dict.fromkeys(slices))

    def _values_of(self, parameter: str) -> NDArray[np.float64]:
        if parameter == TIME:
            return self.audit.dates()
        column = self._description.schema.role(_ROLE_OF[parameter])
        if column is None or column.datatype not in ("float", "double", "short", "int", "long"):
            return np.empty(0)
        found = [
            batch.column(0).to_numpy(zero_copy_only=False).astype(np.float64)
            for answer in self.ledger.answers(HARVEST)
            for batch in read_answer(answer.path, [column.name])
        ]
        values: NDArray[np.float64] = np.concatenate(found) if found else np.empty(0)
        return values[np.isfinite(values)]

    def _next_fetch(self) -> str:
        """Name the first fetch that is not finished, or a new one."""
        planned, number = set(self.ledger.sweeps()), 1
        while f"{_FETCH}-{number}" in planned and not self.ledger.open_slices(f"{_FETCH}-{number}"):
            number += 1
        return f"{_FETCH}-{number}"
