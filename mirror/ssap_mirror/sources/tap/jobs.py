"""Sweeps of a TAP service's table: jobs over ranges of a column, each proven by the server's own count."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import FormatError, ServiceError
from ssap_mirror.sources.harvest.answers import AnswerWriter, Stored, raw_file
from ssap_mirror.sources.harvest.client import Download
from ssap_mirror.sources.harvest.ledger import Answer, Ledger
from ssap_mirror.sources.harvest.slices import WHOLE, Slice
from ssap_mirror.sources.harvest.sweep import Fetch, Sweep, run_sweep
from ssap_mirror.sources.progress import Progress
from ssap_mirror.sources.tap.adql import Adql
from ssap_mirror.sources.tap.ranges import RangePlanner
from ssap_mirror.sources.tap.uws import NoJobsError, run_job

__all__ = ["JOBS", "SURVEY", "Jobs", "foreseen_requests"]

#: Sweeps of all full rows, and of a few columns of all rows.
JOBS, SURVEY = "jobs", "survey"

# Room for rows that arrive between the count and the job; a job that fills its limit counts as truncated.
_SPARE_ROWS = 1000
# Rows of a survey are so much narrower than full ones.
_SURVEY_JOBS = 4
# Requests of a job: its count, its making, its start, two looks, its result, its end; and those without jobs.
_REQUESTS_PER_JOB, _REQUESTS_WITHOUT_JOBS = 7, 2
# A survey brings so many columns by which rows may be found again.
_MOST_CUTTERS = 3


class Jobs:
    """Asks for the rows of one table, in sweeps that the journal can resume.

    Parameters
    ----------
    adql : Adql
        Of the table; it has read TAP_SCHEMA and a sample.
    schema : Schema
        All columns of the table.
    ledger : Ledger
        What has been answered so far.
    progress : Progress
        Told of answers.
    """

    def __init__(self, adql: Adql, schema: Schema, ledger: Ledger, progress: Progress) -> None:
        columns = _by_usefulness(schema)
        listed = {column.name: adql.listed(column.name) for column in columns}
        self._indexed = [column for column in columns if (about := listed[column.name]) is not None and about.indexed]
        self._others = [column for column in columns if column not in self._indexed]
        self._texts = _texts(schema)
        #: Columns by whose values rows are found again.
        self.cutters = tuple((self._indexed or self._others)[:_MOST_CUTTERS])
        roles = schema.roles
        told = {roles.get("identity"), roles.get("date_published"), *(column.name for column in self.cutters)}
        seen = [column.name for column in schema if column.verbosity <= 10 or column.name in told]
        #: What a survey sees of a row; everything, where nothing stands out.
        self.survey_columns = schema.select(seen or schema.names)
        self._adql = adql
        self._ledger = ledger
        self._job_rows = adql.client.policy.job_rows
        # Where every answer is cut, slices are planned for half of that: rows may come meanwhile.
        self._most_rows = None if adql.most_rows is None else max(1, adql.most_rows // 2)
        self._progress = progress
        check = adql.client.check_stopped
        self._fetch_full: Fetch = partial(
            _fetch, adql, AnswerWriter(schema, self.survey_columns, check, strict=adql.client.policy.strict), ()
        )
        survey = AnswerWriter(self.survey_columns, self.survey_columns, check, strict=adql.client.policy.strict)
        self._fetch_survey: Fetch = partial(_fetch, adql, survey, self.survey_columns.names)

    def harvest(self, rows: int) -> list[Answer]:
        """Ask for all full rows of a table that has so many."""
        return self._sweep(JOBS, rows, self._job_rows, self._fetch_full)

    def survey(self, rows: int) -> list[Answer]:
        """Ask for the survey's columns of all rows of a table that has so many."""
        return self._sweep(SURVEY, rows, _SURVEY_JOBS * self._job_rows, self._fetch_survey)

    def fetch(self, name: str, slices: tuple[Slice, ...]) -> list[Answer]:
        """Ask for the full rows of some slices, unless the journal has a plan of that name."""
        return self._run(Sweep(name, slices, 2 * self._job_rows, self._fetch_full))

    def _sweep(self, name: str, rows: int, job_rows: int, fetch: Fetch) -> list[Answer]:
        job_rows = job_rows if self._most_rows is None else min(job_rows, self._most_rows)
        slices = () if name in self._ledger.sweeps() else tuple(self._plan(rows, job_rows))
        return self._run(Sweep(name, slices, 2 * job_rows, fetch))

    def _run(self, sweep: Sweep) -> list[Answer]:
        return run_sweep(sweep, self._adql, self._ledger, self._progress)

    def _plan(self, rows: int, job_rows: int) -> list[Slice]:
        """Cut the table by the first indexed column that has many values."""
        planner = RangePlanner(self._adql, job_rows)
        for column in self._indexed:
            if slices := planner.plan(column):
                return slices
        if rows > 2 * job_rows:
            # More than one job may give: without an index each range costs the server a look at all rows.
            for column in self._others:
                if slices := planner.plan(column):
                    self._progress.note(f"{self._adql.table} has no index of use; it is cut by {column.name}")
                    return slices
            for column in self._texts:
                if slices := planner.plan_texts(column):
                    self._progress.note(f"{self._adql.table} has no column of numbers; it is cut by {column.name}")
                    return slices
        return [WHOLE]


def foreseen_requests(adql: Adql, rows: int) -> int:
    """Count the requests that it takes to fetch so many rows."""
    job_rows = adql.client.policy.job_rows
    if adql.most_rows is not None:
        job_rows = min(job_rows, max(1, adql.most_rows // 2))
    each = _REQUESTS_WITHOUT_JOBS if adql.no_jobs.is_set() else _REQUESTS_PER_JOB
    return math.ceil(rows / job_rows) * each


def _fetch(
    adql: Adql, writer: AnswerWriter, columns: tuple[str, ...], slice_: Slice, maxrec: int, target: Path
) -> Stored | None:
    return adql.client.retrying(lambda: _fetch_once(adql, writer, columns, slice_, maxrec, target))


def _fetch_once(
    adql: Adql, writer: AnswerWriter, columns: tuple[str, ...], slice_: Slice, maxrec: int, target: Path
) -> Stored | None:
    """Fetch a slice once; None if the server counts more rows than the limit, and smaller slices can be had."""
    counted = adql.count(slice_)
    if counted > maxrec and adql.can_be_cut(slice_):
        return None
    limit = counted + _SPARE_ROWS
    form = {
        "REQUEST": "doQuery",
        "LANG": "ADQL",
        "QUERY": adql.select(slice_, columns),
        "RESPONSEFORMAT": adql.response_format,
        "FORMAT": adql.response_format,
        "MAXREC": str(limit),
    }
    with raw_file(target) as raw:
        download = _download(adql, form, raw)
        stored = replace(writer.store(raw, target, limit), received=download.size)
    if stored.overflow or (stored.rows != counted and stored.rows != adql.count(slice_)):
        target.unlink()
        if stored.overflow and stored.rows < counted and adql.can_be_cut(slice_):
            return None
        message = f"the job for {slice_.key} gave {stored.rows:,} rows, and the server counts {counted:,}"
        if stored.overflow and stored.rows < counted:
            # Its limit is no accident: to ask again would give the same.
            message += "; it gives no more, and no column cuts these rows"
            raise ServiceError(message)
        raise FormatError(message)
    return stored


def _download(adql: Adql, form: dict[str, str], raw: Path) -> Download:
    """Run a query as a job, or at once where the service has no jobs."""
    if not adql.no_jobs.is_set():
        try:
            return run_job(adql.client, adql.url, form, raw)
        except NoJobsError:
            adql.no_jobs.set()
    return adql.client.download(f"{adql.url}/sync", form.items(), raw)


def _by_usefulness(schema: Schema) -> list[Column]:
    """Columns of numbers, the likeliest to have many different values first."""
    numbers = ("short", "int", "long", "float", "double")
    return _ranked(schema, lambda column: not column.shape and column.datatype in numbers)


def _texts(schema: Schema) -> list[Column]:
    """Columns of text, the likeliest to have many different values first."""
    return _ranked(schema, lambda column: column.is_text and not column.shape)


def _ranked(schema: Schema, wanted: Callable[[Column], bool]) -> list[Column]:
    roles = {name: role for role, name in schema.roles.items()}

    def rank(column: Column) -> tuple[bool, bool, bool, bool]:
        ucd = (column.ucd or "").lower()
        return (
            roles.get(column.name) != "identity",
            not ucd.startswith("meta.id"),
            roles.get(column.name) != "t_mid",
            column.datatype not in ("int", "long"),
        )

    # A row whose value is taken as missing is not found again by that value.
    return sorted((column for column in schema if wanted(column) and column.name not in schema.missing), key=rank)
