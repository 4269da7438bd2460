"""The whole table of an SSAP service: survey, harvest, audit; and what changed in it since the last time.

SSAP has no count, no order and no paging. So the table is swept more than once, each time in slices of another kind:

1. the *survey* asks for the identity columns only, cell by cell of the sky; it tells how the dates are distributed;
2. the *harvest* asks for full rows, in ranges of TIME that the survey's dates make equally large;
3. the *audit* compares the two. What only the survey saw (rows without a date, or lost on the way) is fetched by its
   position. What neither could see (rows without date and position) is looked for by one request without a constraint,
   or, in a table too large for that, by a third parameter.

A service that does not obey TIME or POS is swept by the next best parameter.

A *refresh* starts from the rows of a snapshot. Only identities are asked for, of all rows at once or by TIME and by
position; full rows are fetched where a row is new, or where one of the columns of a survey is not what it was.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.times import mjd_of
from ssap_mirror.sources.harvest.audit import AUDIT, Audit
from ssap_mirror.sources.harvest.audit.sample import Sample
from ssap_mirror.sources.harvest.cost import Price, refuse_full_disk
from ssap_mirror.sources.harvest.ledger import Ledger
from ssap_mirror.sources.harvest.refresh_base import MAX_REFRESH_FRACTION, refreshed_batches
from ssap_mirror.sources.harvest.shape import changed_columns
from ssap_mirror.sources.missing_values import missing_words
from ssap_mirror.sources.progress import Progress
from ssap_mirror.sources.source import Estimate, Harvest
from ssap_mirror.sources.ssap.hidden_limit import words_of_limit
from ssap_mirror.sources.ssap.looks.lost import Gone, settle_with_lost
from ssap_mirror.sources.ssap.looks.overlooked import overlooked_rows
from ssap_mirror.sources.ssap.looks.proof import Proof, prove
from ssap_mirror.sources.ssap.looks.second_look import look_again
from ssap_mirror.sources.ssap.looks.whole_rows import look_at_whole_rows
from ssap_mirror.sources.ssap.probe import Probe
from ssap_mirror.sources.ssap.survey import Settled, Survey, run_survey
from ssap_mirror.sources.ssap.sweeps import FULL_VERB, HARVEST, Sweeps, is_survey
from ssap_mirror.sources.ssap.verdict import Outcome, judge

__all__ = ["Harvester"]

_PRICE_ROWS = 1000
# A table that grows meanwhile does not grow by so much.
_MANY_MORE = 1.1


@dataclass(frozen=True)
class Harvester:
    """One harvest of an SSAP service."""

    probe: Probe
    """The service, and what is known of it."""
    ledger: Ledger
    """What has been answered so far."""
    staging: Path
    """Folder for the audit's index."""
    progress: Progress
    """Told of stages."""
    base: Catalog | None = None
    """A snapshot of the same service with the same columns, for a refresh."""

    def estimate(self) -> Estimate:
        """Survey, and work out what the harvest will cost."""
        with self._sweeps(self.probe.traits.identity) as sweeps:
            since = run_survey(sweeps, self.base).since
            main = next(iter(self.probe.traits.parameters), None)
            if self.base is None:
                return self._estimate(self._foreseen_rows(sweeps.audit), sweeps.foreseen_requests(main))
            missing = sweeps.audit.missing(since)
            return self._estimate(len(missing), sweeps.foreseen_fetches(missing))

    def _foreseen_rows(self, audit: Audit) -> int | None:
        """Rows of the table: those that a survey saw, or else those of an answer without a constraint; or unknown."""
        return audit.seen() or self.probe.traits.unreported_limit

    def run(self) -> Harvest:
        """Sweep, compare, fetch what is missing, and judge.

        Raises
        ------
        SourceError
            If the service keeps failing.
        CatalogError
            If there is not enough room on disk.
        """
        if self.base is not None and self.ledger.is_anew:
            return replace(self, base=None).run()
        identity = self.probe.traits.identity
        found = self._run(identity, ())
        if isinstance(found, Harvest):
            return found
        if self.base is not None:
            self.progress.note(f"{found}, so all rows are fetched")
            self.ledger.begin_anew()
            return self.run()
        # Seen in a whole table, not in a sample: then rows are told apart by all their values.
        found = self._run(None, (f"{identity} does not tell rows apart: rows are compared by all values",))
        assert isinstance(found, Harvest)
        return found

    def _run(self, identity: str | None, signs: tuple[str, ...]) -> Harvest | str:
        """Harvest by an identity; or say why another harvest has to be made, a clause without an end."""
        ambiguous = f"{identity} no longer tells all rows apart"
        with self._sweeps(identity) as sweeps:
            survey = run_survey(sweeps, self.base)
            if self.base is not None and (refused := self._refused_anew(self.base)):
                return f"COLLECTION {', '.join(refused)} is refused, and the snapshot may have rows of it"
            if self.base is not None and sweeps.audit.unnamed():
                # Such a row is known by what a survey sees of it, which may have changed.
                return f"some rows have no {identity}"
            if self._shows_limit(sweeps.audit):
                sweeps.learn_limit(self.probe.traits.unreported_limit)
                survey = run_survey(sweeps, self.base)
            if self.base is None:
                self._check_disk(sweeps.audit)
            limit = self.ledger.answer_limit
            self._fetch(sweeps, survey)
            if limit != self.ledger.answer_limit:
                # Answers of the survey were cut off there as well.
                survey = run_survey(sweeps, self.base)
            if sweeps.audit.ambiguous():
                return ambiguous
            settled, gone = settle_with_lost(sweeps, self.base, survey)
            sample = self._compare_whole_rows(sweeps)
            if sample is not None and sample.changed:
                return f"{sample.changed:,} of {sample.compared:,} whole rows are not what they were"
            proof = prove(sweeps, settled.survey, refresh=self.base is not None)
            if sweeps.audit.ambiguous():
                return ambiguous
            settled = replace(settled, signs=(*signs, *settled.signs))
            return self._judged(sweeps, settled, gone, proof, sample)

    def _refused_anew(self, base: Catalog) -> list[str]:
        """List the collections that are refused, and were not when the snapshot of a refresh was made."""
        return sorted(set(self.ledger.refused) - set(base.manifest["harvest"].get("collections_refused", ())))

    def _compare_whole_rows(self, sweeps: Sweeps) -> Sample | None:
        rows = self.probe.endpoint.client.policy.full_sample
        return None if self.base is None or not rows else look_at_whole_rows(sweeps, self.base, rows)

    @contextlib.contextmanager
    def _sweeps(self, identity: str | None) -> Iterator[Sweeps]:
        """Open an audit of all that is at hand, and the sweeps that add to it."""
        self._recall_limit()
        schema, seen = self.probe.description.schema, self.probe.traits.survey_columns
        with Audit(self.staging / AUDIT, schema, identity, seen) as audit:
            if self.base is not None:
                self.progress.stage("read the snapshot", self.base.rows)
                audit.add_base(self.base)
            for answer in self.ledger.answers():
                audit.add([answer], full=not is_survey(answer.sweep))
            yield Sweeps(self.probe, self.ledger, audit, self.progress)

    def _recall_limit(self) -> None:
        """Know at how many rows the service cut its answers when the snapshot of a refresh was made."""
        limit = None if self.base is None else self.base.manifest["harvest"].get("answer_limit")
        if limit is not None and self.ledger.answer_limit is None:
            self.ledger.add_limit(limit)

    def _shows_limit(self, audit: Audit) -> bool:
        """Whether the survey has seen rows that an answer without a constraint did not have, and did not tell of."""
        limit = self.probe.traits.unreported_limit
        if limit is None or self.ledger.answer_limit is not None or self.base is not None:
            return False
        return audit.seen() > _MANY_MORE * limit

    def _estimate(self, rows: int | None, requests: int = 0) -> Estimate:
        sample = self.probe.endpoint.sample([("VERB", str(FULL_VERB)), ("MAXREC", str(_PRICE_ROWS))])
        return Price.of_sample(sample).estimate(rows, self.probe.description.schema, requests)

    def _check_disk(self, audit: Audit) -> None:
        if HARVEST in self.ledger.sweeps() and not self.ledger.open_slices(HARVEST):
            return
        estimate = self._estimate(self._foreseen_rows(audit))
        self.progress.note(estimate.words())
        share = self.probe.endpoint.client.policy.disk_share
        refuse_full_disk(estimate, self.ledger.folder, self.ledger.bytes_on_disk(), share)

    def _fetch(self, sweeps: Sweeps, survey: Survey) -> None:
        """Fetch full rows: all of them, or those of a refresh that a date of publication tells of."""
        if self.base is not None and not self._much_is_missing(sweeps.audit, survey):
            self._fetch_published(sweeps, self.base)
            return
        self.progress.stage("harvest", sweeps.audit.seen() or None)
        sweeps.harvest(*self.probe.traits.parameters)
        look_again(sweeps)

    def _much_is_missing(self, audit: Audit, survey: Survey) -> bool:
        missing = len(audit.missing(survey.since))
        return HARVEST in self.ledger.sweeps() or missing > MAX_REFRESH_FRACTION * max(audit.rows(), 1)

    def _fetch_published(self, sweeps: Sweeps, base: Catalog) -> None:
        """Fetch rows by their date of publication, if the snapshot shows that it tells rows apart."""
        column = self.probe.description.schema.role("date_published")
        constants = base.manifest.get("constants", {})
        if not self.probe.traits.publication_dates or column is None or column.name in constants:
            return
        created = datetime.fromisoformat(base.manifest["created"]).replace(tzinfo=None)
        # A day earlier: dates of publication may be those of a day, and of another time zone.
        sweeps.fetch_published(mjd_of(created) - 1.0)

    def _judged(self, sweeps: Sweeps, settled: Settled, gone: Gone, proof: Proof, sample: Sample | None) -> Harvest:
        description, traits, survey = self.probe.description, self.probe.traits, settled.survey
        audit = sweeps.audit
        removed = gone.removed
        rows = audit.rows()
        full = sweeps.full_answers()
        outcome = Outcome(
            main=sweeps.harvested_by(),
            second=next(iter(traits.parameters[1:]), None),
            settled=settled.agrees,
            restless=audit.restless(),
            columns=self._changed_columns(),
            gone=gone,
            unwatched=0 if self.base is None else audit.unwatched(survey.since, survey.sight),
            overlooked=overlooked_rows(sweeps, survey),
            proof=proof,
            sample=sample,
            base=None if self.base is None else self.base.path.name,
            signs=(
                *self._limit_found(),
                *settled.signs,
                *self.ledger.bad_cells(full),
                *missing_words(audit.missing_cells()),
            ),
            rows=rows - len(removed),
            duplicates=audit.full_rows() - rows,
            removed=len(removed),
            missing=len(audit.missing(survey.since)),
            undated=audit.undated(),
            rows_by_sweep=self._rows_by_sweep(audit),
            fetched=audit.fetched(),
            uncompared=len(description.schema) - len(traits.survey_columns),
            divided=self.ledger.divided_by_sky(),
            volatile=tuple(name for name in description.schema.names if name in description.schema.volatile),
            collections=tuple(sorted(set(traits.collections) - set(self.ledger.refused))),
            needed=tuple(name for name, _ in self.probe.endpoint.needed),
            refused=tuple(sorted(self.ledger.refused.items())),
        )
        record = {
            **outcome.to_json(),
            "answer_limit": self.ledger.answer_limit,
            "sweeps": self.ledger.sweep_records(),
            **self.probe.endpoint.client.traffic,
            "identity": audit.identity,
            "size_is_radius": self.probe.endpoint.size_is_radius,
        }
        overrides = {**description.schema.overrides, "identity": audit.identity or ""}
        schema = replace(description.schema, overrides=overrides)
        answers = [answer.path for answer in full]
        return Harvest(
            replace(description, schema=schema),
            outcome.rows,
            judge(outcome),
            partial(refreshed_batches, self.base, answers, schema, audit.identity, frozenset(removed)),
            record,
            settled=outcome.is_one_state,
        )

    def _limit_found(self) -> tuple[str, ...]:
        limit = self.ledger.answer_limit
        return () if limit is None else (words_of_limit(limit),)

    def _changed_columns(self) -> str | None:
        """Ask once more what the columns are, and say how they are not what they were at first."""
        now = self.probe.endpoint.sample([("VERB", str(FULL_VERB)), ("MAXREC", "1")])
        return changed_columns(self.probe.description.schema, now.reader.schema)

    def _rows_by_sweep(self, audit: Audit) -> dict[str, int]:
        """How many rows each sweep was the first to bring."""
        counts: dict[str, int] = {}
        brought = audit.brought_by()
        if 0 in brought:
            counts["base"] = brought[0]
        for answer in self.ledger.answers():
            if answer.number in brought:
                counts[answer.sweep] = counts.get(answer.sweep, 0) + brought[answer.number]
        return counts
