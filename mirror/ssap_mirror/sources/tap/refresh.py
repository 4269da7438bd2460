"""What changed in a TAP service's table since a snapshot of it.

A survey asks for a few columns of all rows, with the server's own counts as proof. Full rows are fetched where a row is
new, or where one of those columns is not what it was, in ranges of the column that needs the fewest.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.sources.harvest.answers import read_answer
from ssap_mirror.sources.harvest.audit import AUDIT, Audit, Missing, Sight
from ssap_mirror.sources.harvest.audit.sample import SAMPLE, Sample, compare_sample
from ssap_mirror.sources.harvest.ledger import Answer, Ledger
from ssap_mirror.sources.harvest.refresh_base import (
    MAX_REFRESH_FRACTION,
    refresh_findings,
    refreshed_batches,
    rows_once,
)
from ssap_mirror.sources.harvest.slices import Slice
from ssap_mirror.sources.missing_values import missing_words
from ssap_mirror.sources.progress import Progress
from ssap_mirror.sources.source import Finding, Harvest, Verdict
from ssap_mirror.sources.tap.averages import Comparison, altered_columns, ask_averages, averages_of, compare_averages
from ssap_mirror.sources.tap.jobs import JOBS, Jobs
from ssap_mirror.sources.tap.probe import Probe
from ssap_mirror.sources.tap.ranges import ranges_around

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["FETCHES", "Refresh"]

#: Sweeps for the full rows that changed: around each of them, then wherever the survey saw what is still missing.
FETCHES = ("fetch-1", "fetch-2")


class Refresh:
    """One refresh of a mirror of a table.

    Parameters
    ----------
    probe : Probe
        The table, with the columns and the identity of the snapshot.
    ledger : Ledger
        What has been answered so far.
    staging : pathlib.Path
        Folder for the audit's index.
    progress : Progress
        Told of stages.
    base : Catalog
        The snapshot.
    """

    def __init__(self, probe: Probe, ledger: Ledger, staging: Path, progress: Progress, base: Catalog) -> None:
        self._adql = probe.adql
        self._description = probe.description
        self._identity = probe.description.schema.roles["identity"]
        self._jobs = Jobs(probe.adql, probe.description.schema, ledger, progress)
        self._ledger = ledger
        self._folder = staging / AUDIT
        self._progress = progress
        self._base = base

    def missing_rows(self, rows: int) -> int | None:
        """Survey a table of so many rows, and count those to fetch; None if only a full harvest will do."""
        with self._open_audit() as audit:
            missing = self._missing(audit, self._survey(rows))
            return None if missing is None else len(missing)

    def run(self, rows: int) -> Harvest | None:
        """Survey a table of so many rows, fetch what is missing, and judge.

        Returns
        -------
        Harvest or None
            None if only a full harvest will do: the identity does not tell rows apart, or much has changed.
        """
        if JOBS in self._ledger.sweeps():
            return None
        with self._open_audit() as audit:
            survey = self._survey(rows)
            missing = self._missing(audit, survey)
            if missing is None:
                return None
            self._fetch(audit, survey, missing)
            sample = self._compare_whole_rows(audit, survey)
            if sample is not None and sample.changed:
                said = f"{sample.changed:,} of {sample.compared:,} whole rows are not what they were"
                self._progress.note(f"{said}, so all rows are fetched")
                return None
            # The server's own counts say that the survey saw every row.
            removed = audit.lost(_first(survey), Sight(everything=True)).identities
            after = self._adql.count()
            # A table that has grown meanwhile is not fetched for that.
            is_whole = audit.rows() - len(removed) == after
            averages = self._compare_averages(removed) if is_whole else Comparison()
            if averages.strange:
                said = f"the averages of {', '.join(averages.strange)} are not those of the rows at hand"
                self._progress.note(f"{said}, so all rows are fetched")
                return None
            return self._judge(audit, _first(survey), (rows, after), removed, (sample, averages))

    @contextlib.contextmanager
    def _open_audit(self) -> Iterator[Audit]:
        self._progress.stage("read the snapshot", self._base.rows)
        schema = self._description.schema
        with Audit(self._folder, schema, self._identity, self._jobs.survey_columns) as audit:
            audit.add_base(self._base)
            yield audit

    def _survey(self, rows: int) -> list[Answer]:
        self._progress.stage("survey", rows)
        return self._jobs.survey(rows)

    def _missing(self, audit: Audit, survey: list[Answer]) -> Missing | None:
        """Tell what is to be fetched; None if it is too much, or cannot be told."""
        audit.add(survey, full=False)
        since = _first(survey)
        missing = audit.missing(since)
        if audit.named(since) != sum(answer.rows for answer in survey) or audit.unnamed():
            self._progress.note(f"{self._identity} does not tell rows apart, so all rows are fetched")
        elif len(missing) > MAX_REFRESH_FRACTION * max(audit.rows(), 1):
            self._progress.note(f"{len(missing):,} rows are new or not what they were, so all rows are fetched")
        else:
            return missing
        return None

    def _fetch(self, audit: Audit, survey: list[Answer], missing: Missing) -> None:
        since = _first(survey)
        for name in FETCHES:
            if not len(missing):
                break
            self._progress.stage("fetch", len(missing))
            audit.add(self._jobs.fetch(name, self._slices(name, survey, missing)), full=True)
            missing = audit.missing(since)

    def _compare_whole_rows(self, audit: Audit, survey: list[Answer]) -> Sample | None:
        """Fetch some rows again that look to the survey as before, and compare all of their columns."""
        rows = self._adql.client.policy.full_sample
        if not rows:
            return None
        if not self._jobs.cutters:
            return Sample(rows, error="no column finds single rows again")
        self._progress.stage("compare whole rows", rows)
        picked = audit.pick(rows, int(np.random.default_rng().integers(2**31))).identities
        slices = () if SAMPLE in self._ledger.sweeps() else self._slices_around(survey, picked)
        answers = self._jobs.fetch(SAMPLE, slices)
        audit.add(answers, full=True)
        paths = [answer.path for answer in answers]
        schema, surveyed = self._description.schema, self._jobs.survey_columns
        return compare_sample(self._base, paths, schema, surveyed, self._identity, min(rows, len(picked)))

    def _compare_averages(self, removed: tuple[str, ...]) -> Comparison:
        """Hold the server's averages against the rows at hand, if those of the snapshot were the same when it was made.

        They show changes in columns that no survey sees, unless a cell could not be read.
        """
        if not self._base.manifest["harvest"].get("averages"):
            return Comparison()
        schema, answers = self._description.schema, self._ledger.answers(*FETCHES, SAMPLE)
        rows = rows_once(self._base, [answer.path for answer in answers], schema, self._identity, removed)
        here = averages_of(rows, schema, altered_columns(answers, schema))
        return compare_averages(here, None, ask_averages(self._adql, schema, self._progress), schema)

    def _slices(self, name: str, survey: list[Answer], missing: Missing) -> tuple[Slice, ...]:
        if name in self._ledger.sweeps():
            return ()
        seen_in = set(missing.answers.tolist())
        if name == FETCHES[0] and self._jobs.cutters:
            return self._slices_around(survey, missing.identities)
        return tuple(answer.slice for answer in survey if answer.number in seen_in)

    def _slices_around(self, survey: list[Answer], identities: tuple[str, ...]) -> tuple[Slice, ...]:
        """Find ranges of the column that needs the fewest, around some rows."""
        wanted, cost = self._is_one_of(survey, identities), self._adql.client.policy.job_cost_rows
        found = []
        for column in self._jobs.cutters:
            batches = (batch for answer in survey for batch in read_answer(answer.path, [column.name]))
            found.append(ranges_around(column.name, _chained(batch.column(0) for batch in batches), wanted, cost))
        return min(found, key=lambda each: each[0])[1]

    def _is_one_of(self, survey: list[Answer], identities: tuple[str, ...]) -> NDArray[np.bool_]:
        import pyarrow as pa
        import pyarrow.compute as pc

        names = pa.array(identities, pa.string())
        batches = (batch for answer in survey for batch in read_answer(answer.path, [self._identity]))
        marks = [pc.is_in(batch.column(0).cast(pa.string()), names) for batch in batches]
        wanted: NDArray[np.bool_] = _chained(marks).to_numpy(zero_copy_only=False)
        return wanted

    def _judge(
        self,
        audit: Audit,
        since: int,
        counts: tuple[int, int],
        removed: tuple[str, ...],
        compared: tuple[Sample | None, Comparison],
    ) -> Harvest:
        sample, averages = compared
        before, after = counts
        known = audit.rows()
        rows = known - len(removed)
        changed, missing = audit.changes(since).changed, len(audit.missing(since))
        schema, base = self._description.schema, self._base.path.name
        uncompared = len(schema) - len(self._jobs.survey_columns)
        findings = [
            *refresh_findings(base, audit.fetched(), uncompared),
            *(() if sample is None else (sample.finding(),)),
            *averages.findings(),
            Finding(f"COUNT(*) of {self._adql.table} was {before:,} before and is {after:,} now"),
        ]
        fetched = self._ledger.answers(*FETCHES, SAMPLE)
        findings += map(Finding, (*self._ledger.bad_cells(fetched), *missing_words(audit.missing_cells())))
        if removed:
            findings.append(Finding(f"{len(removed):,} rows are no longer in the table, and are left out"))
        if missing:
            findings.append(Finding(f"{missing:,} rows were seen, but could not be fetched in full", doubt=True))
        if changed:
            findings.append(Finding(f"{changed:,} rows changed between two answers", doubt=True))
        if missing or changed or rows != after:
            words = (
                f"what is held, {rows:,} rows, is not one state of the table, which must have changed meanwhile; "
                "--restart begins anew"
            )
            findings.append(Finding(words, doubt=True))
        record = {
            "rows_removed": len(removed),
            "rows_missing": missing,
            "duplicates": audit.full_rows() - known,
            **self._adql.record(before, after),
            "sweeps": self._ledger.sweep_records(),
            "identity": self._identity,
            "averages": averages.agree,
            "refresh_of": base,
        }
        answers = [answer.path for answer in fetched]
        read = partial(refreshed_batches, self._base, answers, schema, self._identity, frozenset(removed))
        return Harvest(self._description, rows, Verdict(tuple(findings)), read, record)


def _chained(arrays: object) -> pa.Array:
    import pyarrow as pa

    return pa.concat_arrays(list(arrays))  # type: ignore[call-overload]


def _first(survey: list[Answer]) -> int:
    return min((answer.number for answer in survey), default=0)
