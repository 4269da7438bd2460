"""A table of a TAP service as a source of rows: all of them, or those that changed since a snapshot."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.sources.corrections import Corrections
from ssap_mirror.sources.harvest.audit import translate_index_errors
from ssap_mirror.sources.harvest.client import Client
from ssap_mirror.sources.harvest.journal import Journal
from ssap_mirror.sources.harvest.ledger import ANSWERS, JOURNAL, Ledger
from ssap_mirror.sources.harvest.refresh_base import same_columns
from ssap_mirror.sources.progress import Progress
from ssap_mirror.sources.source import Estimate, Harvest, RequestPolicy
from ssap_mirror.sources.tap.adql import Adql
from ssap_mirror.sources.tap.harvester import harvest_table
from ssap_mirror.sources.tap.jobs import foreseen_requests
from ssap_mirror.sources.tap.probe import Probe, probe
from ssap_mirror.sources.tap.refresh import Refresh

__all__ = ["TapSource"]


class TapSource:
    """A table of a TAP service as a source of rows.

    Parameters
    ----------
    url : str
        The service, without ``/sync``.
    table : str
        Name of the table, with its schema, as ADQL writes it.
    title : str
        For people.
    policy : RequestPolicy, optional
        How to behave.
    base : Catalog, optional
        A snapshot of the same table: only what changed since is fetched, as long as its columns are the table's.
    where : str, optional
        A condition in ADQL that all rows have to meet; passed on as it is.
    corrections : Corrections, optional
        What somebody says of its columns.
    """

    def __init__(
        self,
        url: str,
        table: str,
        title: str,
        policy: RequestPolicy | None = None,
        base: Catalog | None = None,
        where: str = "",
        *,
        corrections: Corrections | None = None,
    ) -> None:
        self._service = url.rstrip("/")
        self._table = table
        self._title = title
        self._where = where
        self._policy = policy or RequestPolicy()
        self._base = base
        self._corrections = corrections or Corrections()

    def estimate(self, staging: Path, progress: Progress) -> Estimate:
        """Count the rows, and work out what the harvest will cost; a survey that it takes is kept in `staging`.

        Raises
        ------
        SourceError
            If the service cannot be reached, or has no such table.
        """
        with self._probed(staging, progress) as (found, base), _ledger(staging) as ledger:
            rows = found.adql.count()
            if base is not None:
                missing = Refresh(found, ledger, staging, progress, base).missing_rows(rows)
                rows = rows if missing is None else missing
            return found.price.estimate(rows, found.description.schema, foreseen_requests(found.adql, rows))

    def harvest(self, staging: Path, progress: Progress) -> Harvest:
        """Bring all rows to disk, resuming what `staging` already holds.

        Parameters
        ----------
        staging : pathlib.Path
            Folder of the journal and the answers; it is there.
        progress : Progress
            Told of each stage and answer.

        Returns
        -------
        Harvest
            Its rows are those of the snapshot of a refresh first, then all others in the order of arrival.

        Raises
        ------
        SourceError
            If the service cannot be reached, has no such table, or keeps failing; what was fetched stays.
        CatalogError
            If there is not enough room on disk, or the journal cannot be used.
        """
        with self._probed(staging, progress) as (found, base), _ledger(staging) as ledger:
            before = found.adql.count()
            if base is not None:
                refreshed = Refresh(found, ledger, staging, progress, base).run(before)
                if refreshed is not None:
                    return refreshed
                found = self._probe(found.adql, None)
            return harvest_table(found, ledger, before, staging, progress)

    @contextlib.contextmanager
    def _probed(self, staging: Path, progress: Progress) -> Iterator[tuple[Probe, Catalog | None]]:
        """See what the table is like; with the snapshot, if a refresh can start from it."""
        with contextlib.closing(Client(self._policy, progress.note)) as client, translate_index_errors(staging):
            progress.stage("describe", None)
            adql = Adql(client, self._service, self._table, staging, where=self._where).with_tap_schema()
            base = self._base
            found = self._probe(adql, base)
            if base is not None and not same_columns(base, found.description.schema):
                progress.note("the table's columns are not those of the live snapshot, so all rows are fetched")
                base = None
                found = self._probe(adql, base)
            for note in found.description.notes:
                progress.note(note)
            yield found, base

    def _probe(self, adql: Adql, base: Catalog | None) -> Probe:
        # The fragment tells the tables of one service apart.
        where = f" WHERE {self._where}" if self._where else ""
        return probe(adql, f"{self._service}#{self._table}{where}", self._title, base, self._corrections)


@contextlib.contextmanager
def _ledger(staging: Path) -> Iterator[Ledger]:
    with Journal(staging / JOURNAL) as journal:
        yield Ledger(journal, staging / ANSWERS)
