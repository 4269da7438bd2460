"""An SSAP service as a source of rows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import CatalogError, SourceError
from ssap_mirror.sources.harvest.client import Client
from ssap_mirror.sources.harvest.journal import Journal
from ssap_mirror.sources.harvest.ledger import ANSWERS, JOURNAL, Answer, Ledger
from ssap_mirror.sources.harvest.refresh_base import refreshed_batches, same_columns
from ssap_mirror.sources.progress import Progress
from ssap_mirror.sources.source import Estimate, Harvest, Manners
from ssap_mirror.sources.ssap.endpoint import Service
from ssap_mirror.sources.ssap.harvester import Harvester
from ssap_mirror.sources.ssap.probe import describe, inquire
from ssap_mirror.sources.ssap.sweeps import is_survey

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["SsapSource"]

_AUDIT = "audit"


class SsapSource:
    """An SSAP service as a source of rows.

    Parameters
    ----------
    url : str
        The endpoint.
    title : str
        For people.
    known : Schema, optional
        Exact verbosity levels and roles.
    manners : Manners, optional
        How to behave.
    base : Catalog, optional
        A snapshot of the same service: only what changed since is fetched, as long as its columns are the service's.
    """

    def __init__(
        self,
        url: str,
        title: str,
        known: Schema | None = None,
        manners: Manners | None = None,
        base: Catalog | None = None,
    ) -> None:
        self.kind = "ssap"
        self.url = url
        self._title = title
        self._known = known
        self._manners = manners or Manners()
        self._base = base
        self._schema = Schema(())
        self._answers: list[Answer] = []
        self._removed: frozenset[str] = frozenset()
        self._identity: str | None = None

    def estimate(self, staging: Path, progress: Progress) -> Estimate:
        """Find out what `harvest` will cost; the survey that it takes is kept in `staging`.

        Parameters
        ----------
        staging : pathlib.Path
            As for `harvest`.
        progress : Progress
            Told of each stage and answer.

        Raises
        ------
        SourceError
            If the service cannot be reached, is none, or keeps failing.
        """
        with self._harvester(staging, progress) as (harvester, _):
            return harvester.estimate(staging / _AUDIT)

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
            If the service cannot be reached, is none, or keeps failing; what was fetched stays.
        CatalogError
            If there is not enough room on disk, or the journal cannot be used.
        """
        with self._harvester(staging, progress) as (harvester, ledger):
            found = harvester.run(staging / _AUDIT)
            self._removed, self._identity = found.removed, found.record["identity"]
            self._schema = found.description.schema
            self._answers = [answer for answer in ledger.answers() if not is_survey(answer.sweep)]
            return found

    @contextlib.contextmanager
    def _harvester(self, staging: Path, progress: Progress) -> Iterator[tuple[Harvester, Ledger]]:
        import duckdb

        client = Client(self._manners, progress.note)
        try:
            progress.stage("describe", None)
            service = Service(self.url, client, staging)
            traits, description = inquire(service, describe(service, self._known, self._title))
            for note in description.notes:
                progress.note(note)
            if self._base is not None and not same_columns(self._base, description.schema):
                progress.note("the service's columns are not those of the live snapshot, so all rows are fetched")
                self._base = None
            with Journal(staging / JOURNAL) as journal:
                ledger = Ledger(journal, staging / ANSWERS)
                yield Harvester(service, description, traits, ledger, self._manners, progress, self._base), ledger
        except duckdb.Error as error:
            message = f"the audit's index in {staging / _AUDIT} failed: {str(error).splitlines()[0]}"
            raise CatalogError(message) from error
        finally:
            client.close()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Full rows: first those of the snapshot of a refresh, then all others in the order of arrival.

        A row may come more than once, from the edges of slices for one; the last of each identity counts.

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
