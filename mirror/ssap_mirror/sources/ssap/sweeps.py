"""The sweeps that a harvest of an SSAP service is made of: each asks, waits, journals, and tells the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core import storage
from ssap_mirror.errors import SourceError, TransportError
from ssap_mirror.sources.harvest.answers import AnswerWriter
from ssap_mirror.sources.harvest.audit import Audit, Missing
from ssap_mirror.sources.harvest.client import InterruptedHarvest
from ssap_mirror.sources.harvest.cost import bytes_of_answer
from ssap_mirror.sources.harvest.ledger import Answer, Ledger
from ssap_mirror.sources.harvest.slices import (
    COLLECTION,
    WHOLE,
    Range,
    Slice,
    cells_of,
    cover_positions,
    order_of_discs,
    plan_ranges,
)
from ssap_mirror.sources.harvest.sweep import Fetch, InseparableError, Sweep, run_sweep
from ssap_mirror.sources.progress import Progress
from ssap_mirror.sources.ssap.endpoint import in_collections
from ssap_mirror.sources.ssap.foreseen import requests_for
from ssap_mirror.sources.ssap.hidden_limit import find_hidden_limit, words_of_limit
from ssap_mirror.sources.ssap.probe import Probe
from ssap_mirror.sources.ssap.probe.traits import POS, TIME
from ssap_mirror.sources.ssap.third_sweep import ThirdSweep, choose_third_sweep, values_at_hand

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FULL_VERB", "HARVEST", "Sweeps", "is_survey"]

#: Verbosity of full rows.
FULL_VERB = 3
#: Name of the sweep for all full rows.
HARVEST = "harvest"

# How the names of all other sweeps begin: those for identities, and those for some full rows.
_SURVEY, _FETCH = "survey", "fetch"
_WHOLE, _PUBLISHED = "whole", "published"
# Sweeps for full rows that were seen before: those that a survey lost, and those that are at hand already.
_LOST, _AGAIN = "lost", "again"
# Within a sweep: parts of a slice that may have been cut off.
_PARTS = "parts"
# Twelve discs cover the sky, but 48 smaller ones do not overflow so soon.
_FIRST_ORDER = {True: 0, False: 1}
# Prime to the number of cells of any order.
_STRIDE = 29
# So often full rows are asked for in the same words, before those that do not come are given up.
_MOST_TIMES = 3
# Room for rows that arrive meanwhile: an answer that fills its limit counts as truncated.
_SPARE_ROWS = 1000


def is_survey(sweep: str) -> bool:
    """Whether a sweep asks for the identity columns only."""
    return sweep.startswith(_SURVEY)


class Sweeps:
    """Sweeps of one harvest of an SSAP service.

    Parameters
    ----------
    probe : Probe
        The service, and what is known of it.
    ledger : Ledger
        What has been answered so far.
    audit : Audit
        Told of every answer.
    progress : Progress
        Told of stages.
    """

    def __init__(self, probe: Probe, ledger: Ledger, audit: Audit, progress: Progress) -> None:
        self.probe = probe
        self.ledger = ledger
        self.audit = audit
        self.progress = progress
        self._policy = probe.endpoint.client.policy
        schema, traits = probe.description.schema, probe.traits
        check = probe.endpoint.client.check_stopped
        full = AnswerWriter(schema, traits.survey_columns, check, strict=self._policy.strict)
        survey = AnswerWriter(traits.survey_columns, traits.survey_columns, check, strict=self._policy.strict)
        self._fetch_full: Fetch = partial(probe.endpoint.fetch, FULL_VERB, full)
        self._fetch_survey: Fetch = partial(probe.endpoint.fetch, traits.survey_verb, survey)

    def survey(self, parameter: str, generation: int = 1) -> int:
        """Ask for the identities of all rows, by a parameter; returns the number of the first answer.

        Parameters
        ----------
        parameter : str
            ``POS``, ``TIME`` or another range.
        generation : int
            Surveys by one parameter are told apart by it.
        """
        slices, known = self._planned(parameter)
        rows = self._policy.whole_table_rows if parameter == COLLECTION else self._policy.survey_rows
        return self._survey(_named(parameter, generation), slices, rows, known)

    def numbers_of_survey(self, parameter: str, since: int) -> list[int]:
        """Numbers of the answers to surveys by a parameter, from an answer on."""
        names = [name for name in self.ledger.sweeps() if name.startswith(_named(parameter, 1))]
        return [answer.number for answer in self.ledger.answers(*names) if answer.number >= since]

    def survey_whole(self, generation: int = 1) -> int | None:
        """Ask for the identities of all rows at once; returns the number of the answer, or None if it cannot be had."""
        rows = self.audit.seen()
        if self.probe.endpoint.everywhere:
            self.progress.note("the table cannot be asked for as a whole: the service wants a constraint")
            return None
        limit = self.ledger.answer_limit
        if rows > self._policy.whole_table_rows or (limit is not None and rows >= limit):
            return None
        known = [answer for answer in self.ledger.answers() if is_survey(answer.sweep)]
        if lack := storage.lack_of_room(self.ledger.folder, bytes_of_answer(rows, known)):
            self.progress.note(f"the table is not asked for as a whole: {self.ledger.folder} has {lack}")
            return None
        try:
            return self._survey(_named(_WHOLE, generation), [WHOLE], rows + _SPARE_ROWS, whole=True)
        except (TransportError, InterruptedHarvest):
            raise
        except SourceError as error:
            self.progress.note(f"the table cannot be asked for as a whole: {error}")
            return None

    def numbers_of_whole(self, generation: int) -> list[int]:
        """Numbers of the answers that such a survey has: one, or one for each collection."""
        return [answer.number for answer in self.ledger.answers(_named(_WHOLE, generation))]

    def harvest(self, *parameters: str) -> None:
        """Ask for all full rows, by the first of some parameters that parts them, or without one.

        What a parameter has brought until it shows that it does not counts all the same.
        """
        for number, parameter in enumerate(parameters):
            slices, known = self._planned(parameter)
            name = f"{HARVEST}-{parameter}" if number else HARVEST
            try:
                self._fetch(name, slices, known)
            except InseparableError as error:
                self.progress.note(str(error))
                self.audit.add(self.ledger.answers(name), full=True)
            else:
                return
        self._fetch(f"{HARVEST}-{_WHOLE}" if parameters else HARVEST, [WHOLE])

    def harvested(self) -> list[Answer]:
        """Answers of the sweeps for all full rows."""
        return [answer for answer in self.ledger.answers() if answer.sweep.startswith(HARVEST)]

    def harvested_by(self) -> str | None:
        """Parameter of the last sweep for all full rows; None if it had none."""
        names = [name for name in self.ledger.sweeps() if name.startswith(HARVEST) and f"-{_PARTS}-" not in name]
        if names[-1:] == [f"{HARVEST}-{_WHOLE}"]:
            return None
        others = [name.removeprefix(f"{HARVEST}-") for name in names if name != HARVEST]
        return others[-1] if others else next(iter(self.probe.traits.parameters), None)

    def foreseen_requests(self, parameter: str | None) -> int:
        """Count the requests that `harvest` will take, by the rows that a survey has seen."""
        if parameter is None:
            return 1
        slices, known = self._planned(parameter)
        others = max(len(self.probe.traits.collections) - 1, 0) * len(slices)
        return others + requests_for(slices, known, self._rows_of_an_answer(), self.audit.positions)

    def _rows_of_an_answer(self) -> int:
        """Tell how many rows an answer may have: as many as are asked for, or as the service has shown to give."""
        limits = [2 * self._policy.slice_rows]
        if self.ledger.answer_limit is not None:
            limits.append(self.ledger.answer_limit)
        if any(self.ledger.cuts(sweep) for sweep in self.ledger.sweeps()):
            limits.append(max((answer.rows for answer in self.ledger.answers()), default=0) + 1)
        return min(limits)

    def foreseen_fetches(self, missing: Missing) -> int:
        """Count the requests that it takes to fetch some rows."""
        return len(self._slices_of(missing, at_position=self.probe.traits.cones))

    def around_positions(self, ra: NDArray[np.float64], dec: NDArray[np.float64]) -> list[Slice]:
        """Slices that hold some positions, ICRS [deg]."""
        policy = self._policy
        return cover_positions(ra, dec, *self.audit.positions(), policy.request_cost_rows, 2 * policy.slice_rows)

    def fetch_published(self, since_mjd: float) -> None:
        """Ask for the full rows that were published since a date [MJD]."""
        self._fetch(f"{_FETCH}-{_PUBLISHED}", [Slice(Range("MTIME", since_mjd, None))])

    def fetch_again(self, slices: Sequence[Slice], name: str = _AGAIN) -> None:
        """Fetch full rows that are at hand already, from this harvest or from the snapshot of a refresh."""
        self._fetch(name, slices)

    def fetch_lost(self, since: int, slices: Sequence[Slice]) -> None:
        """Ask for full rows where some were that the survey which began with some answer did not see again."""
        self._fetch(f"{_LOST}-{since}", slices)

    def numbers_of_lost(self, since: int) -> list[int]:
        """Numbers of the answers to that, of an earlier run."""
        return [answer.number for answer in self.ledger.answers(f"{_LOST}-{since}")]

    def fetch_missing(self, since: int) -> None:
        """Fetch rows that only a survey saw, or saw otherwise.

        A row that was seen in the whole table only is looked for by a third parameter, before all rows are fetched
        for it in one answer.

        Parameters
        ----------
        since : int
            First answer of the survey that is believed.
        """
        self._fetch_rounds(since)
        if self._in_whole(since) and isinstance(third := self.choose_third(), ThirdSweep):
            try:
                self.survey_by_third(third)
            except InterruptedHarvest:
                raise
            except SourceError as error:
                self.progress.note(f"the rows that no other parameter selects are not to be had by it: {error}")
            self._fetch_rounds(since)
        if slices := self._in_whole(since):
            self._fetch(self._next_fetch(), slices, maxrec=self.audit.seen() + _SPARE_ROWS)

    def rows_of_whole(self) -> set[int]:
        """How many rows each answer for the whole table has."""
        return {answer.rows for answer in self.ledger.answers() if answer.slice.is_whole}

    def learn_limit(self, rows: int | None) -> None:
        """Know from now on that the service cuts its answers at so many rows; those that have as many count no more."""
        if rows is None or self.ledger.answer_limit is not None:
            return
        before = {answer.number for answer in self.ledger.answers()}
        self.ledger.add_limit(rows)
        self.audit.forget(before - {answer.number for answer in self.ledger.answers()})
        self.progress.note(words_of_limit(rows))

    def choose_third(self) -> ThirdSweep | str:
        """Choose a sweep by another parameter than those of survey and harvest; or say why there is none."""
        if self.probe.traits.collections:
            return "each collection is asked for as a whole"
        values = {name: self._values_of(name) for name in self.probe.traits.parameters[2:]}
        copies = self.audit.full_rows() / max(self.audit.rows(), 1)
        return choose_third_sweep(values, copies, self._policy, self.ledger.requests(), self.ledger.answer_limit)

    def survey_by_third(self, third: ThirdSweep) -> None:
        """Ask for identities by a third parameter, within its budget; what came of it counts even if it fails.

        Raises
        ------
        SourceError
            If it cannot be finished.
        """
        self.progress.note(third.words())
        name = _named(third.parameter, 1)
        sweep = Sweep(name, third.slices, third.maxrec, self._fetch_survey, most_requests=third.most_requests)
        try:
            self._run(sweep)
        finally:
            self.audit.add(self.ledger.answers(name), full=False)

    def _planned(self, parameter: str) -> tuple[list[Slice], NDArray[np.float64] | None]:
        """Slices of a parameter that hold the whole table, and the values that they were planned by."""
        if parameter == COLLECTION:
            return [WHOLE], None
        if parameter == POS:
            order = _FIRST_ORDER[self.probe.traits.tiny]
            largest = self.probe.endpoint.limits.size_deg
            order = order if largest is None else max(order, order_of_discs(largest))
            count = 12 << 2 * order
            # From all over the sky by turns, so that the first few tell how full the others are.
            return cells_of(order, ((_STRIDE * at) % count for at in range(count))), None
        known = self._values_of(parameter)
        return plan_ranges(parameter, known, self._policy.slice_rows), known

    def _survey(
        self,
        name: str,
        slices: Sequence[Slice],
        maxrec: int,
        known: NDArray[np.float64] | None = None,
        *,
        whole: bool = False,
    ) -> int:
        # Cells that stand for the whole table would pass over rows without a position, and be no proof.
        sky_cuts = self.probe.traits.cones and not whole
        asked = tuple(in_collections(slices, self.probe.traits.collections))
        parts = () if whole else self._parts_of_collection()
        sweep = Sweep(name, asked, maxrec, self._fetch_survey, known, sky_cuts, parts=parts)
        return min((answer.number for answer in self._run_whole(sweep, full=False)), default=0)

    def _fetch(
        self,
        name: str,
        slices: Sequence[Slice],
        known: NDArray[np.float64] | None = None,
        maxrec: int | None = None,
    ) -> None:
        limit = maxrec or 2 * self._policy.slice_rows
        asked = tuple(in_collections(slices, self.probe.traits.collections))
        self._run_whole(Sweep(name, asked, limit, self._fetch_full, known, self.probe.traits.cones), full=True)

    def _parts_of_collection(self) -> tuple[Slice, ...]:
        """Slices of the best parameter, for collections that have more rows than an answer."""
        if not self.probe.traits.collections:
            return ()
        best = POS if self.probe.traits.cones else self.probe.traits.parameters[0]
        return () if best == COLLECTION else tuple(self._planned(best)[0])

    def _run_whole(self, sweep: Sweep, *, full: bool) -> list[Answer]:
        """Run a sweep; again in smaller slices, if its answers show that the service cuts them and does not say so."""
        answers = self._run(sweep)
        # Of what is fetched for single rows some slices are asked for again, and are as full as they were.
        if sweep.name.startswith((_SURVEY, HARVEST)) and self.ledger.answer_limit is None:
            limit = self._hidden_limit(sweep, answers, full=full)
            if limit is not None:
                self.learn_limit(limit)
                answers = self._run(sweep)
        self.audit.add(answers, full=full)
        return answers

    def _hidden_limit(self, sweep: Sweep, answers: Sequence[Answer], *, full: bool) -> int | None:
        def ask(whole: Answer, parts: Sequence[Slice]) -> list[Answer]:
            found = self._run(replace(sweep, name=f"{sweep.name}-{_PARTS}-{whole.number}", slices=tuple(parts)))
            self.audit.add(found, full=full)
            return found

        schema = self.probe.description.schema if full else self.probe.traits.survey_columns
        try:
            return find_hidden_limit(answers, sweep.known, schema, ask)
        except InterruptedHarvest:
            raise
        except SourceError as error:
            self.progress.note(f"whether answers are cut off cannot be found out: {error}")
            return None

    def _run(self, sweep: Sweep) -> list[Answer]:
        return run_sweep(sweep, self.probe.endpoint, self.ledger, self.progress)

    def _fetch_rounds(self, since: int) -> None:
        # At its position a row is had cheaply; one that is not found there is asked for where the survey saw it.
        for at_position in (self.probe.traits.cones, False, False):
            missing = self.audit.missing(since)
            asked = self.ledger.times_asked(lambda sweep: not is_survey(sweep))
            slices = self._slices_of(missing, at_position=at_position)
            slices = [slice_ for slice_ in slices if asked[slice_.key] < _MOST_TIMES]
            if not slices:
                break
            self.progress.stage("audit", len(missing))
            self._fetch(self._next_fetch(), slices)

    def _in_whole(self, since: int) -> list[Slice]:
        """Find the answers for the whole table, or for a whole collection, that alone have rows which are missing."""
        numbers = set(self.audit.missing(since).answers.tolist())
        found = [answer.slice for answer in self.ledger.answers() if answer.number in numbers]
        return list(dict.fromkeys(slice_ for slice_ in found if slice_.is_whole))

    def _slices_of(self, missing: Missing, *, at_position: bool) -> list[Slice]:
        """Where to ask for missing rows: at their positions, or where the survey saw them."""
        placed = np.isfinite(missing.ra) & np.isfinite(missing.dec) & at_position
        slices: list[Slice] = []
        by_number = {answer.number: answer.slice for answer in self.ledger.answers()}
        if placed.any():
            cells = self.around_positions(missing.ra[placed], missing.dec[placed])
            seen_in = (by_number[number].collection for number in missing.answers[placed].tolist())
            slices += in_collections(cells, [name for name in dict.fromkeys(seen_in) if name is not None])
        found = (by_number[number] for number in missing.answers[~placed].tolist())
        slices += [slice_ for slice_ in found if not slice_.is_whole]
        return list(dict.fromkeys(slices))

    def full_answers(self) -> list[Answer]:
        """Answers of full rows."""
        return [answer for answer in self.ledger.answers() if not is_survey(answer.sweep)]

    def _values_of(self, parameter: str) -> NDArray[np.float64]:
        return self.audit.dates() if parameter == TIME else values_at_hand(parameter, self.probe, self.full_answers())

    def _next_fetch(self) -> str:
        """Name the first fetch that is not finished, or a new one."""
        planned, number = set(self.ledger.sweeps()), 1
        while f"{_FETCH}-{number}" in planned and not self.ledger.open_slices(f"{_FETCH}-{number}"):
            number += 1
        return f"{_FETCH}-{number}"


def _named(kind: str, generation: int) -> str:
    """Name of a survey."""
    return "-".join([_SURVEY, kind, *([str(generation)] if generation > 1 else [])])
