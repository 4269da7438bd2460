"""The whole table of a TAP service: jobs over ranges of an indexed column, each proven by the server's own count."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.errors import CatalogError, FormatError, SourceError
from ssap_mirror.journal import Journal
from ssap_mirror.progress import Progress
from ssap_mirror.schema import Column, Schema
from ssap_mirror.sources import Description, Estimate, Harvest, Manners, Verdict
from ssap_mirror.sources.adql import Adql, Counter, Listed
from ssap_mirror.sources.answers import Keeper, Stored, read_answer
from ssap_mirror.sources.audit import Audit
from ssap_mirror.sources.cost import Price, refuse_full_disk
from ssap_mirror.sources.http import Client
from ssap_mirror.sources.ledger import ANSWERS, JOURNAL, Answer, Ledger
from ssap_mirror.sources.service import BINARY2
from ssap_mirror.sources.slices import Slice
from ssap_mirror.sources.sweep import Sweep, Sweeper
from ssap_mirror.sources.uws import run_job

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TapSource"]

_SWEEP = "jobs"
_SAMPLE_ROWS = 2000
# Room for rows that arrive between the count and the job; a job that fills its limit counts as truncated.
_SPARE_ROWS = 1000
#: Roles whose columns are in answers of the lowest verbosity: TAP says of a column only whether it is a principal one.
_BRIEF = ("access_url", "identity", "obs_publisher_did", "ra", "dec", "location", "t_mid", "t_exptime")
_IDENTITIES = ("identity", "obs_publisher_did", "obs_creator_did", "access_url")


class TapSource:
    """A table of a TAP service as a source of rows.

    Parameters
    ----------
    url : str
        The service, without ``/sync``.
    table : str
        Name of the table, with its schema, as ADQL writes it. It is the fragment of the source's own `url`, which so
        tells apart the tables of one service.
    title : str
        For people.
    manners : Manners, optional
        How to behave.
    """

    def __init__(self, url: str, table: str, title: str, manners: Manners | None = None) -> None:
        self.kind = "tap"
        self.url = f"{url.rstrip('/')}#{table}"
        self._service = url.rstrip("/")
        self._table = table
        self._title = title
        self._manners = manners or Manners()
        self._schema = Schema(())
        self._answers: list[Answer] = []

    def estimate(self, staging: Path, progress: Progress) -> Estimate:
        """Count the rows, and work out what the harvest will cost.

        Raises
        ------
        SourceError
            If the service cannot be reached, or has no such table.
        """
        with self._described(staging, progress) as (adql, _, price):
            return price.of(adql.count())

    def harvest(self, staging: Path, progress: Progress) -> Harvest:
        """Bring all rows to disk, resuming what `staging` already holds.

        Parameters
        ----------
        staging : pathlib.Path
            Folder of the journal and the answers; it is there.
        progress : Progress
            Told of each stage and answer.

        Raises
        ------
        SourceError
            If the service cannot be reached, has no such table, or keeps failing; what was fetched stays.
        CatalogError
            If there is not enough room on disk, or the journal cannot be used.
        """
        with self._described(staging, progress) as (adql, description, price):
            before = adql.count()
            estimate = price.of(before)
            progress.note(estimate.words())
            with Journal(staging / JOURNAL) as journal:
                ledger = Ledger(journal, staging / ANSWERS)
                already = sum(answer.path.stat().st_size for answer in ledger.answers())
                refuse_full_disk(estimate, staging, already)
                progress.stage("harvest", before)
                self._sweep(adql, description, ledger, before, progress)
                self._schema, self._answers = description.schema, ledger.answers(_SWEEP)
                return self._judge(adql, description, ledger, before, staging / "audit")

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows in the order of arrival.

        Raises
        ------
        SourceError
            If nothing was harvested.
        """
        if not len(self._schema):
            message = f"{self.url} has not been harvested"
            raise SourceError(message)
        for answer in self._answers:
            yield from read_answer(answer.path, list(self._schema.names))

    @contextlib.contextmanager
    def _described(self, staging: Path, progress: Progress) -> Iterator[tuple[Adql, Description, Price]]:
        import duckdb

        client = Client(self._manners, progress.note)
        try:
            progress.stage("describe", None)
            adql = Adql(client, self._service, self._table, staging)
            description, price = self._describe(adql)
            yield adql, description, price
        except duckdb.Error as error:
            message = f"the audit's index in {staging} failed: {str(error).splitlines()[0]}"
            raise CatalogError(message) from error
        finally:
            client.close()

    def _describe(self, adql: Adql) -> tuple[Description, Price]:
        adql.read_tap_schema()
        sample = adql.sample(_SAMPLE_ROWS)
        named = Schema(tuple(_completed(column, adql.listed(column.name)) for column in sample.reader.schema))
        brief = {named.roles[role] for role in _BRIEF if role in named.roles}
        columns = tuple(replace(column, verbosity=10 if column.name in brief else column.verbosity) for column in named)
        identity = ""
        for role in _IDENTITIES:
            column = named.role(role)
            if column is None or column.shape:
                continue
            values = sample.rows.column(column.name)
            if not identity and values.null_count == 0 and len(values.unique()) == len(values):
                identity = column.name
        schema = Schema(columns, {"identity": identity})
        rows = max(sample.rows.num_rows, 1)
        price = Price(sample.wire_bytes / rows, sample.rows.nbytes / rows, sample.seconds / rows)
        return Description("tap", self.url, self._title, schema, header=sample.reader.header), price

    def _sweep(self, adql: Adql, description: Description, ledger: Ledger, rows: int, progress: Progress) -> None:
        keeper = Keeper(description.schema, description.schema.up_to(10))
        client = adql.client

        def ask(part: Slice, maxrec: int, target: Path) -> Stored | None:
            return client.retrying(lambda: _job(adql, keeper, part, maxrec, target))

        sweeper = Sweeper(ledger, self._manners, progress, adql.alive, client.stop.set)
        limit = 2 * self._manners.job_rows
        slices = () if _SWEEP in ledger.sweeps() else tuple(self._plan(adql, description.schema, rows, progress))
        sweeper.run(Sweep(_SWEEP, slices, limit, ask))

    def _plan(self, adql: Adql, schema: Schema, rows: int, progress: Progress) -> list[Slice]:
        """Cut the table by the first indexed column that has many values."""
        counter = Counter(adql, self._manners.job_rows)
        columns = _by_usefulness(schema)
        listed = {column.name: adql.listed(column.name) for column in columns}
        indexed = [column for column in columns if (about := listed[column.name]) is not None and about.indexed]
        for column in indexed:
            if slices := counter.plan(column):
                return slices
        if rows > 2 * self._manners.job_rows:
            # More than one job may give: without an index each range costs the server a look at all rows.
            for column in columns:
                if column not in indexed and (slices := counter.plan(column)):
                    progress.note(f"{self._table} has no index of use; it is cut by {column.name}")
                    return slices
        return [Slice()]

    def _judge(self, adql: Adql, description: Description, ledger: Ledger, before: int, folder: Path) -> Harvest:
        schema = description.schema
        column = schema.roles.get("identity")
        audit = Audit(folder, schema, column, schema.up_to(10))
        try:
            audit.add(ledger.answers(), full=True)
            different, came, ambiguous = audit.rows(), audit.full_rows(), audit.ambiguous()
        finally:
            audit.close()
        after = adql.count()
        reasons = [
            f"COUNT(*) of {self._table} was {before:,} before and is {after:,} now",
            f"{came:,} rows came in {len(ledger.answers()):,} jobs, each with as many rows as the server counted",
        ]
        if ambiguous:
            reasons.append(f"{column} does not tell rows apart: rows are compared by all values")
            column, different = None, came
        if came > different:
            reasons.append(f"{came - different:,} rows came more than once")
        complete = different == after
        if not complete:
            reasons.append(f"that is not the {after:,} rows of the table, which must have changed meanwhile")
        record = {
            "duplicates": came - different,
            "sweeps": [{"name": _SWEEP, "slices": len(ledger.answers()), "cuts": ledger.cuts(_SWEEP), "rows": came}],
            "requests": adql.client.requests,
            "retries": adql.client.retries,
            "bytes": adql.client.received,
            "identity": column,
            "table": self._table,
            "count_before": before,
            "count_after": after,
        }
        described = replace(description, schema=Schema(schema.columns, {"identity": column or ""}))
        return Harvest(described, different, Verdict(complete, tuple(reasons)), record)


def _job(adql: Adql, keeper: Keeper, part: Slice, maxrec: int, target: Path) -> Stored | None:
    """Fetch a slice once; None if the server counts more rows than the limit, and smaller slices can be had."""
    counted = adql.count(part)
    if counted > maxrec and adql.can_be_cut(part):
        return None
    limit = counted + _SPARE_ROWS
    form = {
        "REQUEST": "doQuery",
        "LANG": "ADQL",
        "QUERY": adql.select_all(part),
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


def _completed(column: Column, listed: Listed | None) -> Column:
    """Add what TAP_SCHEMA knows and the answer does not say; the verbosity is a guess from ``principal``."""
    if listed is None:
        return replace(column, verbosity=20)
    return replace(
        column,
        unit=column.unit or listed.unit,
        ucd=column.ucd or listed.ucd,
        utype=column.utype or listed.utype,
        description=column.description or listed.description,
        verbosity=20 if listed.principal else 30,
    )


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
