"""The whole table of an SSAP service: survey, harvest, audit.

SSAP has no count, no order and no paging. So the table is swept more than once, each time in slices of another kind:

1. the *survey* asks for the identity columns only, cell by cell of the sky; it tells how the dates are distributed;
2. the *harvest* asks for full rows, in ranges of TIME that the survey's dates make equally large;
3. the *audit* compares the two. What only the survey saw (rows without a date, or lost on the way) is fetched by its
   position. What neither could see (rows without date and position) is looked for by one request without a constraint,
   or, in a table too large for that, by a third parameter.

A service that does not obey TIME or POS is swept by the next best parameter.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.errors import SourceError, TransportError
from ssap_mirror.progress import Progress
from ssap_mirror.schema import Schema
from ssap_mirror.sources import Description, Estimate, Harvest, Manners, Verdict
from ssap_mirror.sources.answers import Keeper, read_answer
from ssap_mirror.sources.audit import Audit, Missing
from ssap_mirror.sources.cost import price_of, refuse_full_disk
from ssap_mirror.sources.describe import Traits
from ssap_mirror.sources.http import InterruptedHarvest
from ssap_mirror.sources.ledger import Ledger
from ssap_mirror.sources.service import Question, Service
from ssap_mirror.sources.slices import WHOLE, Slice, cells_of, cover_positions, plan_ranges
from ssap_mirror.sources.sweep import Ask, Sweep, Sweeper

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Harvester", "is_survey"]

_FULL_VERB = 3
_POS = "POS"
_SURVEY, _SURVEY_WHOLE, _HARVEST = "survey", "survey-whole", "harvest"
# The disc around a cell of order 0 has a diameter that servers refuse.
_FIRST_ORDER = 1
_ROUNDS = 3
# Room for rows that arrive meanwhile: an answer that fills its limit counts as truncated.
_SPARE_ROWS = 1000
#: Role of the column that a range parameter is about.
_ROLE_OF = {"TIME": "t_mid", "SNR": "snr", "REDSHIFT": "redshift", "APERTURE": "aperture", "BAND": "em_min"}
_ROLE_OF |= {"SPATRES": "s_resolution"}


def is_survey(sweep: str) -> bool:
    """Whether a sweep asks for the identity columns only."""
    return sweep.startswith(_SURVEY)


class Harvester:
    """One harvest of an SSAP service.

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
        manners: Manners,
        progress: Progress,
    ) -> None:
        service.size_is_radius = traits.size_is_radius
        self._service = service
        self._description = description
        self._traits = traits
        self._ledger = ledger
        self._manners = manners
        self._progress = progress
        full = Keeper(description.schema, traits.survey_columns)
        survey = Keeper(traits.survey_columns, traits.survey_columns)
        self._ask_full: Ask = partial(service.ask, Question(_FULL_VERB, full))
        self._ask_survey: Ask = partial(service.ask, Question(traits.survey_verb, survey))
        self._sweeper = Sweeper(ledger, manners, progress, service.alive, service.client.stop.set)
        dimensions = [*(name for name in traits.ranges if name == "TIME"), *([_POS] if traits.cones else [])]
        dimensions += [name for name in traits.ranges if name != "TIME"]
        self._main = dimensions[0] if dimensions else None
        self._second = dimensions[1] if len(dimensions) > 1 else None
        self._others = [name for name in dimensions[2:] if name != _POS]
        self._reasons: list[str] = []
        self._identity = traits.identity
        # The first answer of the survey that is believed.
        self._since = 0

    def estimate(self, folder: Path) -> Estimate:
        """Survey, and work out what the harvest will cost.

        Parameters
        ----------
        folder : pathlib.Path
            For the audit's index.
        """
        self._open_audit(folder, self._traits.identity)
        try:
            self._survey(_SURVEY)
            return price_of(self._service, _FULL_VERB).of(self._audit.seen())
        finally:
            self._audit.close()

    def run(self, folder: Path) -> Harvest:
        """Sweep, compare, fetch what is missing, and judge.

        Parameters
        ----------
        folder : pathlib.Path
            For the audit's index.
        """
        identity = self._traits.identity
        try:
            found = self._run(folder, identity)
            if identity is not None and self._audit.ambiguous():
                # Seen in a whole table, not in a sample: then rows are told apart by all their values.
                self._reasons.append(f"{identity} does not tell rows apart, so rows are compared by all their values")
                self._audit.close()
                found = self._run(folder, None)
            return found
        finally:
            self._audit.close()

    def _run(self, folder: Path, identity: str | None) -> Harvest:
        self._open_audit(folder, identity)
        self._survey(_SURVEY)
        if self._ledger.open_slices(_HARVEST) or _HARVEST not in self._ledger.sweeps():
            self._look_at_cost()
        self._harvest()
        settled = self._settle()
        proven = self._last_proof()
        return self._judge(settled=settled, proven=proven)

    def _open_audit(self, folder: Path, identity: str | None) -> None:
        self._identity = identity
        self._audit = Audit(folder, self._description.schema, identity)
        for answer in self._ledger.answers():
            self._audit.add([answer], full=not is_survey(answer.sweep))

    def _look_at_cost(self) -> None:
        estimate = price_of(self._service, _FULL_VERB).of(self._audit.seen())
        self._progress.note(estimate.words())
        already = sum(answer.path.stat().st_size for answer in self._ledger.answers())
        refuse_full_disk(estimate, self._ledger.folder, already)

    def _survey(self, name: str) -> None:
        if self._second is None:
            return
        self._progress.stage("survey", None)
        slices = cells_of(_FIRST_ORDER) if self._second == _POS else plan_ranges(self._second, np.empty(0), 1)
        self._sweep_survey(name, slices)
        self._since = min((answer.number for answer in self._ledger.answers(name)), default=0)

    def _harvest(self) -> None:
        seen = self._audit.seen()
        self._progress.stage("harvest", seen or None)
        known = None
        if self._main is None:
            slices = [WHOLE]
        elif self._main == _POS:
            slices = cells_of(_FIRST_ORDER)
        else:
            known = self._audit.dates() if self._main == "TIME" else np.empty(0)
            slices = plan_ranges(self._main, known, self._manners.slice_rows)
        self._sweep_full(_HARVEST, slices, known)

    def _settle(self) -> bool:
        """Fetch what the survey has and the harvest has not; survey again for as long as the table changes.

        Returns
        -------
        bool
            Whether the full rows agree with the last survey.
        """
        for generation in itertools.count(2):
            self._fetch_missing()
            changes = self._audit.changes(self._since)
            if self._second != _POS:
                changes = replace(changes, unseen=0)
            if generation > 2 and not (changes.changed or changes.gone):
                # Seen by TIME and twice not by POS: the service has another position for them, or none.
                changes = replace(changes, unseen=0)
            if not changes:
                return True
            said = f"{changes.changed:,} rows changed, {changes.gone:,} gone, {changes.unseen:,} new or overlooked"
            self._reasons.append(f"survey {generation - 1} and the rows fetched after it do not agree: {said}")
            self._progress.note(self._reasons[-1])
            if generation > _ROUNDS:
                return False
            self._survey(f"{_SURVEY}-{generation}")
        return False

    def _fetch_missing(self) -> None:
        """Fetch rows that only a survey saw, or saw otherwise."""
        for _ in range(_ROUNDS):
            missing = self._audit.missing(self._since)
            slices = self._slices_of(missing)
            if not slices:
                break
            self._progress.stage("audit", len(missing))
            self._sweep_full(self._next_name("fetch"), slices)

    def _slices_of(self, missing: Missing) -> list[Slice]:
        """Where to ask for missing rows: at their positions, or where the survey saw them."""
        placed = np.isfinite(missing.ra) & np.isfinite(missing.dec) & self._traits.cones
        slices: list[Slice] = []
        if placed.any():
            slices += cover_positions(missing.ra[placed], missing.dec[placed], *self._audit.survey_positions())
        seen_in = set(missing.answers[~placed].tolist())
        slices += [a.part for a in self._ledger.answers() if a.number in seen_in and a.part != WHOLE]
        return slices

    def _last_proof(self) -> bool:
        """Look for rows that neither sweep could see; returns whether it is proven that there are no others."""
        if self._main is None:
            return True
        self._progress.stage("last proof", None)
        rows = self._audit.seen()
        if rows <= self._manners.whole_table_rows and self._survey_whole(rows):
            self._fetch_missing()
            for parameter in self._others:
                if not len(self._audit.missing(self._since)):
                    break
                self._survey_by(parameter)
                self._fetch_missing()
            if len(self._audit.missing(self._since)):
                self._sweep_full(self._next_name("fetch"), [WHOLE], maxrec=rows + _SPARE_ROWS)
            return True
        if self._others:
            best = max(self._others, key=lambda parameter: len(self._values_of(parameter)))
            self._survey_by(best)
            self._fetch_missing()
            self._others = [best]
        return False

    def _survey_whole(self, rows: int) -> bool:
        try:
            self._sweep_survey(_SURVEY_WHOLE, [WHOLE], maxrec=rows + _SPARE_ROWS)
        except (TransportError, InterruptedHarvest):
            raise
        except SourceError as error:
            self._progress.note(f"the table cannot be asked for as a whole: {error}")
            return False
        return True

    def _survey_by(self, parameter: str) -> None:
        known = self._values_of(parameter)
        slices = plan_ranges(parameter, known, self._manners.slice_rows)
        self._sweep_survey(f"{_SURVEY}-{parameter}", slices, known=known)

    def _values_of(self, parameter: str) -> NDArray[np.float64]:
        column = self._description.schema.role(_ROLE_OF[parameter])
        if column is None or column.datatype not in ("float", "double", "short", "int", "long"):
            return np.empty(0)
        found = [
            batch.column(0).to_numpy(zero_copy_only=False).astype(np.float64)
            for answer in self._ledger.answers(_HARVEST)
            for batch in read_answer(answer.path, [column.name])
        ]
        values: NDArray[np.float64] = np.concatenate(found) if found else np.empty(0)
        return values[np.isfinite(values)]

    def _sweep_full(
        self, name: str, slices: list[Slice], known: NDArray[np.float64] | None = None, maxrec: int | None = None
    ) -> None:
        limit = maxrec or 2 * self._manners.slice_rows
        sweep = Sweep(name, tuple(slices), limit, self._ask_full, known, self._traits.cones)
        self._audit.add(self._sweeper.run(sweep), full=True)

    def _sweep_survey(
        self, name: str, slices: list[Slice], maxrec: int | None = None, known: NDArray[np.float64] | None = None
    ) -> None:
        sweep = Sweep(name, tuple(slices), maxrec or self._manners.survey_rows, self._ask_survey, known)
        self._audit.add(self._sweeper.run(sweep), full=False)

    def _next_name(self, stem: str) -> str:
        """Name the first sweep of a kind that is not finished, or a new one."""
        planned, number = set(self._ledger.sweeps()), 1
        while f"{stem}-{number}" in planned and not self._ledger.open_slices(f"{stem}-{number}"):
            number += 1
        return f"{stem}-{number}"

    def _judge(self, *, settled: bool, proven: bool) -> Harvest:
        audit, client = self._audit, self._service.client
        missing, removed = len(audit.missing(self._since)), audit.removed(self._since)
        rows = audit.rows() - len(removed)
        by_sweep, undated = self._rows_by_sweep(), audit.undated()
        reasons = [f"the sweep by {self._main or 'no parameter'} gave {by_sweep.get(_HARVEST, 0):,} rows"]
        if self._second is not None:
            others = rows + len(removed) - by_sweep.get(_HARVEST, 0)
            reasons.append(
                f"surveys of the identities by other parameters found {others:,} more, which were fetched; "
                f"{undated:,} rows have no date"
            )
        reasons += self._reasons
        if removed:
            reasons.append(f"{len(removed):,} rows were removed from the table meanwhile, and are left out")
        if not settled:
            reasons.append("the table did not come to rest: what was fetched is not one state of it")
        if proven and not missing:
            reasons.append(f"one request without any constraint has no row but these {rows:,}")
        if not proven:
            swept = [name for name in (self._main, self._second, *self._others[:1]) if name]
            reasons.append(f"rows that no sweep by {', '.join(swept)} can see would be missed; nothing hints at any")
        if missing:
            reasons.append(f"{missing:,} rows were seen, but could not be fetched in full")
        verdict = Verdict(settled and not missing, tuple(reasons))
        record = {
            "complete": verdict.complete,
            "reasons": reasons,
            "rows": rows,
            "rows_by_sweep": by_sweep,
            "rows_without_date": undated,
            "rows_removed_meanwhile": len(removed),
            "rows_missing": missing,
            "duplicates": audit.full_rows() - rows - len(removed),
            "sweeps": [self._sweep_record(name) for name in self._ledger.sweeps()],
            "requests": client.requests,
            "retries": client.retries,
            "bytes": client.received,
            "identity": self._identity,
            "size_is_radius": self._traits.size_is_radius,
        }
        schema = self._description.schema
        overrides = {**schema.overrides, "identity": self._identity or ""}
        description = replace(self._description, schema=Schema(schema.columns, overrides))
        return Harvest(description, rows, verdict, record, frozenset(removed))

    def _rows_by_sweep(self) -> dict[str, int]:
        """How many rows each sweep was the first to bring."""
        counts: dict[str, int] = {}
        first_seen = self._audit.first_seen()
        for answer in self._ledger.answers():
            if answer.number in first_seen:
                counts[answer.sweep] = counts.get(answer.sweep, 0) + first_seen[answer.number]
        return counts

    def _sweep_record(self, name: str) -> dict[str, object]:
        answers = self._ledger.answers(name)
        return {
            "name": name,
            "slices": len(answers),
            "cuts": self._ledger.cuts(name),
            "rows": sum(answer.rows for answer in answers),
        }
