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

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.errors import SourceError, TransportError
from ssap_mirror.progress import Progress
from ssap_mirror.sources import Description, Harvest, Manners, Verdict
from ssap_mirror.sources.answers import Keeper, read_answer
from ssap_mirror.sources.audit import Audit, Missing
from ssap_mirror.sources.describe import Traits
from ssap_mirror.sources.http import InterruptedHarvest
from ssap_mirror.sources.service import Question, Service
from ssap_mirror.sources.slices import WHOLE, Slice, cells_of, cover_positions, plan_ranges
from ssap_mirror.sources.sweep import Ask, Ledger, Sweep, Sweeper

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Harvester", "is_survey"]

_FULL_VERB = 3
_POS = "POS"
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
    return sweep.startswith("survey")


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

    def run(self, folder: Path) -> Harvest:
        """Sweep, compare, fetch what is missing, and judge.

        Parameters
        ----------
        folder : pathlib.Path
            For the audit's index.
        """
        self._audit = Audit(folder, self._description.schema, self._traits.identity)
        try:
            for answer in self._ledger.answers():
                self._audit.add([answer], full=not is_survey(answer.sweep))
            self._survey()
            self._harvest()
            self._fetch_missing()
            return self._judge(self._last_proof())
        finally:
            self._audit.close()

    def _survey(self) -> None:
        if self._second is None:
            return
        self._progress.stage("survey", None)
        slices = cells_of(_FIRST_ORDER) if self._second == _POS else plan_ranges(self._second, np.empty(0), 1)
        self._sweep_survey("survey", slices)

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
        self._sweep_full("harvest", slices, known)

    def _fetch_missing(self) -> None:
        """Fetch rows that only a survey saw."""
        missing = self._audit.missing()
        if len(missing):
            self._progress.stage("audit", len(missing))
        for _ in range(_ROUNDS):
            slices = self._slices_of(missing)
            if not slices:
                break
            self._sweep_full(self._next_name("fetch"), slices)
            missing = self._audit.missing()

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
        """Look for rows that neither sweep could see; returns whether their absence is proven."""
        self._progress.stage("last proof", None)
        if self._main is None:
            return True
        rows = self._audit.seen()
        if rows <= self._manners.whole_table_rows and self._survey_whole(rows):
            self._fetch_missing()
            for parameter in self._others:
                if not len(self._audit.missing()):
                    break
                self._survey_by(parameter)
                self._fetch_missing()
            if len(self._audit.missing()):
                self._sweep_full(self._next_name("fetch"), [WHOLE], maxrec=rows + _SPARE_ROWS)
            return True
        if self._others:
            best = min(self._others, key=self._without_value)
            self._survey_by(best)
            self._fetch_missing()
            self._others = [best]
        return False

    def _survey_whole(self, rows: int) -> bool:
        try:
            self._sweep_survey("survey-whole", [WHOLE], maxrec=rows + _SPARE_ROWS)
        except (TransportError, InterruptedHarvest):
            raise
        except SourceError as error:
            self._progress.note(f"the table cannot be asked for as a whole: {error}")
            return False
        return True

    def _survey_by(self, parameter: str) -> None:
        known = self._values_of(parameter)
        slices = plan_ranges(parameter, known, self._manners.slice_rows)
        self._sweep_survey(f"survey-{parameter}", slices, known=known)

    def _values_of(self, parameter: str) -> NDArray[np.float64]:
        column = self._description.schema.role(_ROLE_OF[parameter])
        if column is None or column.datatype not in ("float", "double", "short", "int", "long"):
            return np.empty(0)
        found = [
            batch.column(0).to_numpy(zero_copy_only=False).astype(np.float64)
            for answer in self._ledger.answers("harvest")
            for batch in read_answer(answer.path, [column.name])
        ]
        values: NDArray[np.float64] = np.concatenate(found) if found else np.empty(0)
        return values[np.isfinite(values)]

    def _without_value(self, parameter: str) -> int:
        return -len(self._values_of(parameter))

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

    def _judge(self, proven: bool) -> Harvest:  # noqa: FBT001
        audit, client = self._audit, self._service.client
        rows, missing, ambiguous = audit.rows(), len(audit.missing()), audit.ambiguous()
        by_sweep = self._rows_by_sweep()
        by_main, undated = by_sweep.get("harvest", 0), audit.undated()
        reasons = [f"the sweep by {self._main or 'no parameter'} gave {by_main:,} rows"]
        if self._second is not None:
            reasons.append(
                f"surveys of the identities by other parameters found {rows - by_main:,} more, which were fetched; "
                f"{undated:,} rows have no date"
            )
        if proven:
            reasons.append(f"one request without any constraint has just these {rows:,} rows")
        else:
            swept = [name for name in (self._main, self._second, *self._others[:1]) if name]
            reasons.append(f"rows that no sweep by {', '.join(swept)} can see would be missed; nothing hints at any")
        if missing:
            reasons.append(f"{missing:,} rows were seen, but could not be fetched in full")
        if ambiguous:
            reasons.append(
                f"{self._traits.identity} does not tell rows apart: {ambiguous:,} of its values stand for several"
            )
        verdict = Verdict(not missing and not ambiguous, tuple(reasons))
        record = {
            "complete": verdict.complete,
            "reasons": list(reasons),
            "rows": rows,
            "rows_by_sweep": by_sweep,
            "rows_without_date": undated,
            "duplicates": audit.duplicates(),
            "sweeps": [self._sweep_record(name) for name in self._ledger.sweeps()],
            "requests": client.requests,
            "retries": client.retries,
            "bytes": client.received,
            "identity": self._traits.identity,
            "size_is_radius": self._traits.size_is_radius,
        }
        return Harvest(self._description, rows, verdict, record)

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
