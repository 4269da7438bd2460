"""Sweeps of a TAP service's table: jobs over ranges of a column, each proven by the server's own count."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import FormatError
from ssap_mirror.sources.harvest.answers import Keeper, Stored
from ssap_mirror.sources.harvest.ledger import Answer, Ledger
from ssap_mirror.sources.harvest.samples import BINARY2
from ssap_mirror.sources.harvest.slices import Slice
from ssap_mirror.sources.harvest.sweep import Ask, Sweep, Sweeper
from ssap_mirror.sources.progress import Progress
from ssap_mirror.sources.source import Manners
from ssap_mirror.sources.tap.adql import Adql, Counter
from ssap_mirror.sources.tap.uws import run_job

__all__ = ["JOBS", "SURVEY", "Jobs"]

#: Sweeps of all full rows, and of a few columns of all rows.
JOBS, SURVEY = "jobs", "survey"

# Room for rows that arrive between the count and the job; a job that fills its limit counts as truncated.
_SPARE_ROWS = 1000
# Rows of a survey are so much narrower than full ones.
_SURVEY_JOBS = 4
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
    manners : Manners
        Sizes of jobs.
    progress : Progress
        Told of answers.
    """

    def __init__(self, adql: Adql, schema: Schema, ledger: Ledger, manners: Manners, progress: Progress) -> None:
        columns = _by_usefulness(schema)
        listed = {column.name: adql.listed(column.name) for column in columns}
        self._indexed = [column for column in columns if (about := listed[column.name]) is not None and about.indexed]
        self._others = [column for column in columns if column not in self._indexed]
        #: Columns by whose values rows are found again.
        self.cutters = tuple((self._indexed or self._others)[:_MOST_CUTTERS])
        roles = schema.roles
        told = {roles.get("identity"), roles.get("date_published"), *(column.name for column in self.cutters)}
        #: What a survey sees of a row.
        self.survey_columns = schema.select(c.name for c in schema if c.verbosity <= 10 or c.name in told)
        self._adql = adql
        self._ledger = ledger
        self._job_rows = manners.job_rows
        self._progress = progress
        self._ask_full: Ask = partial(_ask, adql, Keeper(schema, self.survey_columns), ())
        survey = Keeper(self.survey_columns, self.survey_columns)
        self._ask_survey: Ask = partial(_ask, adql, survey, self.survey_columns.names)
        self._sweeper = Sweeper(ledger, manners, progress, adql.alive, adql.client.stop.set)

    def harvest(self, rows: int) -> list[Answer]:
        """Ask for all full rows of a table that has so many."""
        return self._sweep(JOBS, rows, self._job_rows, self._ask_full)

    def survey(self, rows: int) -> list[Answer]:
        """Ask for the survey's columns of all rows of a table that has so many."""
        return self._sweep(SURVEY, rows, _SURVEY_JOBS * self._job_rows, self._ask_survey)

    def fetch(self, name: str, slices: tuple[Slice, ...]) -> list[Answer]:
        """Ask for the full rows of some slices, unless the journal has a plan of that name."""
        return self._sweeper.run(Sweep(name, slices, 2 * self._job_rows, self._ask_full))

    def _sweep(self, name: str, rows: int, job_rows: int, ask: Ask) -> list[Answer]:
        slices = () if name in self._ledger.sweeps() else tuple(self._plan(rows, job_rows))
        return self._sweeper.run(Sweep(name, slices, 2 * job_rows, ask))

    def _plan(self, rows: int, job_rows: int) -> list[Slice]:
        """Cut the table by the first indexed column that has many values."""
        counter = Counter(self._adql, job_rows)
        for column in self._indexed:
            if slices := counter.plan(column):
                return slices
        if rows > 2 * job_rows:
            # More than one job may give: without an index each range costs the server a look at all rows.
            for column in self._others:
                if slices := counter.plan(column):
                    self._progress.note(f"{self._adql.table} has no index of use; it is cut by {column.name}")
                    return slices
        return [Slice()]


def _ask(adql: Adql, keeper: Keeper, columns: tuple[str, ...], part: Slice, maxrec: int, target: Path) -> Stored | None:
    return adql.client.retrying(lambda: _job(adql, keeper, columns, part, maxrec, target))


def _job(adql: Adql, keeper: Keeper, columns: tuple[str, ...], part: Slice, maxrec: int, target: Path) -> Stored | None:
    """Fetch a slice once; None if the server counts more rows than the limit, and smaller slices can be had."""
    counted = adql.count(part)
    if counted > maxrec and adql.can_be_cut(part):
        return None
    limit = counted + _SPARE_ROWS
    form = {
        "REQUEST": "doQuery",
        "LANG": "ADQL",
        "QUERY": adql.select(part, columns),
        "RESPONSEFORMAT": BINARY2,
        "FORMAT": BINARY2,
        "MAXREC": str(limit),
    }
    raw = target.with_suffix(".raw")
    try:
        download = run_job(adql.client, adql.url, form, raw)
        stored = replace(keeper.keep(raw, target, limit), received=download.size)
    finally:
        raw.unlink(missing_ok=True)
        target.with_suffix(".part").unlink(missing_ok=True)
    if stored.overflow or (stored.rows != counted and stored.rows != adql.count(part)):
        target.unlink()
        message = f"the job for {part.key} gave {stored.rows:,} rows, and the server counts {counted:,}"
        raise FormatError(message)
    return stored


def _by_usefulness(schema: Schema) -> list[Column]:
    """Columns of numbers, the likeliest to have many different values first."""
    roles = {name: role for role, name in schema.roles.items()}

    def rank(column: Column) -> tuple[bool, bool, bool, bool]:
        ucd = (column.ucd or "").lower()
        return (
            roles.get(column.name) != "identity",
            not ucd.startswith("meta.id"),
            roles.get(column.name) != "t_mid",
            column.datatype not in ("int", "long"),
        )

    numbers = ("short", "int", "long", "float", "double")
    return sorted((column for column in schema if not column.shape and column.datatype in numbers), key=rank)
