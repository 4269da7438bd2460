"""A table of a TAP service as a source of rows: all of them, or those that changed since a snapshot."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import CatalogError, SourceError
from ssap_mirror.sources.harvest.audit import Audit
from ssap_mirror.sources.harvest.client import Client
from ssap_mirror.sources.harvest.cost import Price, refuse_full_disk
from ssap_mirror.sources.harvest.journal import Journal
from ssap_mirror.sources.harvest.ledger import ANSWERS, JOURNAL, Answer, Ledger
from ssap_mirror.sources.harvest.refresh_base import refreshed_batches, same_columns
from ssap_mirror.sources.progress import Progress
from ssap_mirror.sources.source import Description, Estimate, Harvest, Manners, Verdict
from ssap_mirror.sources.tap.adql import Adql, Listed
from ssap_mirror.sources.tap.jobs import JOBS, Jobs
from ssap_mirror.sources.tap.refresh import FETCHES, Refresh

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TapSource"]

_AUDIT = "audit"
# So many rows show which column tells them apart; where a snapshot says so, fewer will do.
_SAMPLE_ROWS, _SMALL_SAMPLE_ROWS = 2000, 100
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
    base : Catalog, optional
        A snapshot of the same table: only what changed since is fetched, as long as its columns are the table's.
    """

    def __init__(
        self, url: str, table: str, title: str, manners: Manners | None = None, base: Catalog | None = None
    ) -> None:
        self.kind = "tap"
        self.url = f"{url.rstrip('/')}#{table}"
        self._service = url.rstrip("/")
        self._table = table
        self._title = title
        self._manners = manners or Manners()
        self._base = base
        self._schema = Schema(())
        self._answers: list[Answer] = []
        self._removed: frozenset[str] = frozenset()
        self._identity: str | None = None

    def estimate(self, staging: Path, progress: Progress) -> Estimate:
        """Count the rows, and work out what the harvest will cost; a survey that it takes is kept in `staging`.

        Raises
        ------
        SourceError
            If the service cannot be reached, or has no such table.
        """
        with self._described(staging, progress) as (adql, description, price), self._ledger(staging) as ledger:
            rows = adql.count()
            if self._base is not None:
                refresh = self._refresh(adql, description, ledger, progress, self._base)
                missing = refresh.missing_rows(staging / _AUDIT, rows)
                rows = rows if missing is None else missing
            return price.of(rows)

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
        with self._described(staging, progress) as (adql, description, price), self._ledger(staging) as ledger:
            before = adql.count()
            found = None
            if self._base is not None:
                refresh = self._refresh(adql, description, ledger, progress, self._base)
                found = refresh.run(staging / _AUDIT, before)
            if found is None:
                if self._base is not None:
                    self._base = None
                    description, price = self._describe(adql)
                found = self._harvest_all(adql, description, price, ledger, before, staging, progress)
            self._schema, self._answers = found.description.schema, ledger.answers(JOBS, *FETCHES)
            self._removed, self._identity = found.removed, found.record["identity"]
            return found

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Full rows: first those of the snapshot of a refresh, then all others in the order of arrival.

        Of a row that comes more than once the last counts.

        Raises
        ------
        SourceError
            If nothing was harvested.
        """
        if not len(self._schema):
            message = f"{self.url} has not been harvested"
            raise SourceError(message)
        paths = [answer.path for answer in self._answers]
        yield from refreshed_batches(self._base, paths, self._schema, self._identity, self._removed)

    @contextlib.contextmanager
    def _described(self, staging: Path, progress: Progress) -> Iterator[tuple[Adql, Description, Price]]:
        import duckdb

        client = Client(self._manners, progress.note)
        try:
            progress.stage("describe", None)
            adql = Adql(client, self._service, self._table, staging)
            adql.read_tap_schema()
            description, price = self._describe(adql)
            if self._base is not None and not same_columns(self._base, description.schema):
                progress.note("the table's columns are not those of the live snapshot, so all rows are fetched")
                self._base = None
                description, price = self._describe(adql)
            yield adql, description, price
        except duckdb.Error as error:
            message = f"the audit's index in {staging / _AUDIT} failed: {str(error).splitlines()[0]}"
            raise CatalogError(message) from error
        finally:
            client.close()

    @contextlib.contextmanager
    def _ledger(self, staging: Path) -> Iterator[Ledger]:
        with Journal(staging / JOURNAL) as journal:
            yield Ledger(journal, staging / ANSWERS)

    def _describe(self, adql: Adql) -> tuple[Description, Price]:
        sample = adql.sample(_SAMPLE_ROWS if self._base is None else _SMALL_SAMPLE_ROWS)
        named = Schema(tuple(_completed(column, adql.listed(column.name)) for column in sample.reader.schema))
        identity = "" if self._base is None else self._base.schema.roles.get("identity", "")
        for role in _IDENTITIES:
            column = named.role(role)
            if identity or column is None or column.shape:
                continue
            values = sample.rows.column(column.name)
            if values.null_count == 0 and len(values.unique()) == len(values):
                identity = column.name
        brief = {named.roles[role] for role in _BRIEF if role in named.roles}
        columns = tuple(replace(column, verbosity=10 if column.name in brief else column.verbosity) for column in named)
        schema = Schema(columns, {"identity": identity})
        rows = max(sample.rows.num_rows, 1)
        price = Price(sample.wire_bytes / rows, sample.rows.nbytes / rows, sample.seconds / rows)
        return Description("tap", self.url, self._title, schema, header=sample.reader.header), price

    def _refresh(
        self, adql: Adql, description: Description, ledger: Ledger, progress: Progress, base: Catalog
    ) -> Refresh:
        jobs = Jobs(adql, description.schema, ledger, self._manners, progress)
        return Refresh(adql, jobs, description, ledger, progress, base)

    def _harvest_all(
        self,
        adql: Adql,
        description: Description,
        price: Price,
        ledger: Ledger,
        before: int,
        staging: Path,
        progress: Progress,
    ) -> Harvest:
        estimate = price.of(before)
        progress.note(estimate.words())
        refuse_full_disk(estimate, staging, sum(answer.path.stat().st_size for answer in ledger.answers()))
        progress.stage("harvest", before)
        jobs = Jobs(adql, description.schema, ledger, self._manners, progress)
        answers = jobs.harvest(before)
        schema = description.schema
        column = schema.roles.get("identity")
        audit = Audit(staging / _AUDIT, schema, column, jobs.survey_columns)
        try:
            audit.add(answers, full=True)
            different, came, ambiguous = audit.rows(), audit.full_rows(), audit.ambiguous()
        finally:
            audit.close()
        after = adql.count()
        reasons = [
            f"COUNT(*) of {self._table} was {before:,} before and is {after:,} now",
            f"{came:,} rows came in {len(answers):,} jobs, each with as many rows as the server counted",
        ]
        if ambiguous:
            reasons.append(f"{column} does not tell rows apart: rows are compared by all values")
            column, different = None, came
        if came > different:
            reasons.append(f"{came - different:,} rows came more than once")
        complete = different == after
        if not complete:
            reasons.append(
                f"that is not the {after:,} rows of the table, which must have changed meanwhile; --restart begins anew"
            )
        record = {
            "duplicates": came - different,
            **adql.record(before, after),
            "sweeps": [ledger.sweep_record(name) for name in ledger.sweeps()],
            "identity": column,
            "refresh_of": None,
        }
        described = replace(description, schema=Schema(schema.columns, {"identity": column or ""}))
        return Harvest(described, different, Verdict(complete, tuple(reasons)), record)


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
