"""What changed in a TAP service's table since a snapshot of it.

A survey asks for a few columns of all rows, with the server's own counts as proof. Full rows are fetched where a row is
new, or where one of those columns is not what it was, in ranges of the column that needs the fewest.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.sources.harvest.answers import read_answer
from ssap_mirror.sources.harvest.audit import Audit, Missing
from ssap_mirror.sources.harvest.ledger import Answer, Ledger
from ssap_mirror.sources.harvest.refresh_base import MUCH, TOO_MANY_GONE, refresh_words
from ssap_mirror.sources.harvest.slices import Range, Slice
from ssap_mirror.sources.progress import Progress
from ssap_mirror.sources.source import Description, Harvest, Verdict
from ssap_mirror.sources.tap.adql import Adql
from ssap_mirror.sources.tap.jobs import JOBS, Jobs

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["FETCHES", "Refresh", "ranges_around"]

#: Sweeps for the full rows that changed: around each of them, then wherever the survey saw what is still missing.
FETCHES = ("fetch-1", "fetch-2")
# A job costs a server, and us, about as much as sending so many full rows.
_JOB_COSTS_ROWS = 2000


class Refresh:
    """One refresh of a mirror of a table.

    Parameters
    ----------
    adql : Adql
        Of the table.
    jobs : Jobs
        Asks for rows.
    description : Description
        With the columns and the identity of the snapshot.
    ledger : Ledger
        What has been answered so far.
    progress : Progress
        Told of stages.
    base : Catalog
        The snapshot.
    """

    def __init__(
        self, adql: Adql, jobs: Jobs, description: Description, ledger: Ledger, progress: Progress, base: Catalog
    ) -> None:
        self._adql = adql
        self._jobs = jobs
        self._description = description
        self._identity = description.schema.roles["identity"]
        self._ledger = ledger
        self._progress = progress
        self._base = base

    def missing_rows(self, folder: Path, rows: int) -> int | None:
        """Survey a table of so many rows, and count those to fetch; None if only a full harvest will do."""
        audit = self._open_audit(folder)
        try:
            missing = self._missing(audit, self._survey(rows))
            return None if missing is None else len(missing)
        finally:
            audit.close()

    def run(self, folder: Path, rows: int) -> Harvest | None:
        """Survey, fetch what is missing, and judge.

        Parameters
        ----------
        folder : pathlib.Path
            For the audit's index.
        rows : int
            Rows of the table.

        Returns
        -------
        Harvest or None
            None if only a full harvest will do: the identity does not tell rows apart, or much has changed.
        """
        if JOBS in self._ledger.sweeps():
            return None
        audit = self._open_audit(folder)
        try:
            survey = self._survey(rows)
            missing = self._missing(audit, survey)
            if missing is None:
                return None
            self._fetch(audit, survey, missing)
            return self._judge(audit, _first(survey), rows)
        finally:
            audit.close()

    def _open_audit(self, folder: Path) -> Audit:
        self._progress.stage("read the snapshot", self._base.rows)
        audit = Audit(folder, self._description.schema, self._identity, self._jobs.survey_columns)
        audit.add_base(self._base)
        return audit

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
        elif len(missing) > MUCH * max(audit.rows(), 1):
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

    def _slices(self, name: str, survey: list[Answer], missing: Missing) -> tuple[Slice, ...]:
        if name in self._ledger.sweeps():
            return ()
        seen_in = set(missing.answers.tolist())
        everywhere = tuple(answer.part for answer in survey if answer.number in seen_in)
        if name != FETCHES[0] or not self._jobs.cutters:
            return everywhere
        wanted = self._is_missing(survey, missing)
        found = []
        for column in self._jobs.cutters:
            batches = (batch for answer in survey for batch in read_answer(answer.path, [column.name]))
            found.append(ranges_around(column.name, _chained(batch.column(0) for batch in batches), wanted))
        return min(found, key=lambda each: each[0])[1]

    def _is_missing(self, survey: list[Answer], missing: Missing) -> NDArray[np.bool_]:
        import pyarrow as pa
        import pyarrow.compute as pc

        names = pa.array(missing.identities, pa.string())
        batches = (batch for answer in survey for batch in read_answer(answer.path, [self._identity]))
        marks = [pc.is_in(batch.column(0).cast(pa.string()), names) for batch in batches]
        wanted: NDArray[np.bool_] = _chained(marks).to_numpy(zero_copy_only=False)
        return wanted

    def _judge(self, audit: Audit, since: int, before: int) -> Harvest:
        removed = audit.removed(since, whole=True, by_position=False, by_date=False)
        rows, after = audit.rows() - len(removed), self._adql.count()
        changes, missing = audit.changes(since), len(audit.missing(since))
        schema = self._description.schema
        uncompared = len(schema) - len(self._jobs.survey_columns)
        reasons = [
            *refresh_words(self._base.path.name, audit.fetched(), uncompared),
            f"COUNT(*) of {self._adql.table} was {before:,} before and is {after:,} now",
        ]
        if removed:
            reasons.append(f"{len(removed):,} rows are no longer in the table, and are left out")
        doubtful = len(removed) > TOO_MANY_GONE * audit.rows()
        if doubtful:
            reasons.append("so many rows gone is more likely a fault of the service than true")
        if missing:
            reasons.append(f"{missing:,} rows were seen, but could not be fetched in full")
        if changes.changed:
            reasons.append(f"{changes.changed:,} rows changed between two answers")
        settled = not (missing or changes.changed) and rows == after
        if not settled:
            reasons.append(
                f"what is held, {rows:,} rows, is not one state of the table, which must have changed meanwhile; "
                "--restart begins anew"
            )
        record = {
            "rows_removed": len(removed),
            "rows_missing": missing,
            "duplicates": audit.full_rows() - audit.rows(),
            **self._adql.record(before, after),
            "sweeps": [self._ledger.sweep_record(name) for name in self._ledger.sweeps()],
            "identity": self._identity,
            "refresh_of": self._base.path.name,
        }
        verdict = Verdict(settled and not doubtful, tuple(reasons))
        return Harvest(self._description, rows, verdict, record, frozenset(removed))


def ranges_around(column: str, values: pa.Array, wanted: NDArray[np.bool_]) -> tuple[float, tuple[Slice, ...]]:
    """Find ranges of a column that hold the wanted rows, and few others.

    Parameters
    ----------
    column : str
        Of numbers.
    values : pyarrow.Array, shape (N,)
        Its value in each row of the table.
    wanted : numpy.ndarray of bool, shape (N,)
        Which rows are wanted.

    Returns
    -------
    tuple of float, tuple of Slice
        What that costs [rows, a job counted as some], and the slices, half-open.
    """
    null = values.is_null().to_numpy(zero_copy_only=False)
    slices: list[Slice] = []
    cost = 0.0
    if (null & wanted).any():
        slices.append(Slice(null=column))
        cost += _JOB_COSTS_ROWS + int(null.sum())
    numbers = values.drop_null().to_numpy(zero_copy_only=False)
    distinct, place, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    starts = ends - counts
    at = np.unique(place[wanted[~null]])
    if not len(at):
        return cost, tuple(slices)
    far = np.flatnonzero(starts[at[1:]] - ends[at[:-1]] > _JOB_COSTS_ROWS)
    firsts, lasts = at[np.concatenate([[0], far + 1])], at[np.concatenate([far, [len(at) - 1]])]
    slices += [
        Slice(Range(column, _start(distinct, first), _stop(distinct, last)))
        for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True)
    ]
    return cost + len(firsts) * _JOB_COSTS_ROWS + float((ends[lasts] - starts[firsts]).sum()), tuple(slices)


def _start(distinct: NDArray[np.generic], at: int) -> float | None:
    """Find a bound that the value of this number is not below, and the one before it is; None if it may be open."""
    if at == 0:
        return None
    low, high = distinct[at - 1].item(), distinct[at].item()
    # Every server has NaN above all numbers, or in no range.
    return _between(low, high) if np.isfinite(high) else low if np.isfinite(low) else None


def _stop(distinct: NDArray[np.generic], at: int) -> float | None:
    """Find a bound that the value of this number is below, and the next is not; None if it may be open."""
    if at + 1 == len(distinct) or not np.isfinite(distinct[at + 1].item()):
        return None
    return _between(distinct[at].item(), distinct[at + 1].item())


def _between(low: float, high: float) -> float:
    if isinstance(high, int):
        return high
    # A number of single precision has to be told from its neighbour whatever the server makes of its decimals.
    middle = low / 2 + high / 2
    return middle if low < middle < high else high


def _chained(arrays: object) -> pa.Array:
    import pyarrow as pa

    return pa.concat_arrays(list(arrays))  # type: ignore[call-overload]


def _first(survey: list[Answer]) -> int:
    return min((answer.number for answer in survey), default=0)
