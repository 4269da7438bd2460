"""An SSAP service as a source of rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.errors import SourceError
from ssap_mirror.journal import Journal
from ssap_mirror.progress import Progress
from ssap_mirror.schema import Schema
from ssap_mirror.sources import Harvest, Manners
from ssap_mirror.sources.answers import read_answer
from ssap_mirror.sources.describe import describe, inquire
from ssap_mirror.sources.harvest import Harvester, is_survey
from ssap_mirror.sources.http import Client
from ssap_mirror.sources.service import Service
from ssap_mirror.sources.sweep import Answer, Ledger

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["SsapSource"]


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
    """

    def __init__(self, url: str, title: str, known: Schema | None = None, manners: Manners | None = None) -> None:
        self.kind = "ssap"
        self.url = url
        self._title = title
        self._known = known
        self._manners = manners or Manners()
        self._names: list[str] = []
        self._answers: list[Answer] = []
        self._removed: frozenset[str] = frozenset()
        self._identity: str | None = None

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
        """
        client = Client(self._manners, progress.note)
        try:
            progress.stage("describe", None)
            service = Service(self.url, client, staging)
            traits, description = inquire(service, describe(service, self._known, self._title))
            for note in description.notes:
                progress.note(note)
            with Journal(staging / "journal.jsonl") as journal:
                ledger = Ledger(journal, staging / "answers")
                harvester = Harvester(service, description, traits, ledger, self._manners, progress)
                found = harvester.run(staging / "audit")
            self._removed, self._identity = found.removed, found.record["identity"]
            self._names = list(description.schema.names)
            self._answers = [answer for answer in ledger.answers() if not is_survey(answer.sweep)]
            return found
        finally:
            client.close()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Full rows in the order of arrival; rows on the edges of slices come more than once.

        Raises
        ------
        SourceError
            If nothing was harvested.
        """
        if not self._names:
            message = f"{self.url} has not been harvested"
            raise SourceError(message)
        for answer in self._answers:
            for batch in read_answer(answer.path, self._names):
                yield self._without_removed(batch)

    def _without_removed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        import pyarrow as pa
        import pyarrow.compute as pc

        if not self._removed or self._identity is None:
            return batch
        identity = batch.column(self._identity).cast(pa.string())
        return batch.filter(pc.invert(pc.is_in(identity, pa.array(sorted(self._removed), pa.string()))))
