"""An SSAP service as a source of rows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import Schema
from ssap_mirror.sources.corrections import Corrections
from ssap_mirror.sources.harvest.audit import translate_index_errors
from ssap_mirror.sources.harvest.client import Client
from ssap_mirror.sources.harvest.journal import Journal
from ssap_mirror.sources.harvest.ledger import ANSWERS, JOURNAL, Ledger
from ssap_mirror.sources.harvest.refresh_base import same_columns
from ssap_mirror.sources.harvest.shape import shape_digest
from ssap_mirror.sources.http.limits import ServiceLimits
from ssap_mirror.sources.progress import Progress
from ssap_mirror.sources.source import Estimate, Harvest, RequestPolicy
from ssap_mirror.sources.ssap.endpoint import Endpoint
from ssap_mirror.sources.ssap.habits import Habits
from ssap_mirror.sources.ssap.harvester import Harvester
from ssap_mirror.sources.ssap.probe import probe

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
    policy : RequestPolicy, optional
        How to behave.
    base : Catalog, optional
        A snapshot of the same service: only what changed since is fetched, as long as its columns are the service's.
    corrections : Corrections, optional
        What somebody says of its columns.
    habits : Habits, optional
        What somebody knows of its needs and limits.
    """

    def __init__(
        self,
        url: str,
        title: str,
        known: Schema | None = None,
        policy: RequestPolicy | None = None,
        base: Catalog | None = None,
        *,
        corrections: Corrections | None = None,
        habits: Habits | None = None,
    ) -> None:
        self._url = url
        self._title = title
        self._known = known
        self._policy = policy or RequestPolicy()
        self._base = base
        self._corrections = corrections
        self._habits = habits or Habits()

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
        with self._harvester(staging, progress) as harvester:
            return harvester.estimate()

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
            If the service cannot be reached, is none, or keeps failing; what was fetched stays.
        CatalogError
            If there is not enough room on disk, or the journal cannot be used.
        """
        with self._harvester(staging, progress) as harvester:
            return harvester.run()

    @contextlib.contextmanager
    def _harvester(self, staging: Path, progress: Progress) -> Iterator[Harvester]:
        with contextlib.closing(Client(self._policy, progress.note)) as client, translate_index_errors(staging):
            progress.stage("describe", None)
            habits = self._habits
            endpoint = Endpoint(
                self._url,
                client,
                staging,
                parameters=habits.always,
                collections=habits.collections,
                limits=ServiceLimits(habits.largest_size_deg),
            )
            found = probe(endpoint, self._known, self._title, self._corrections)
            if habits.size_is_radius and found.traits.cones and not found.endpoint.size_is_radius:
                progress.note("SIZE is said to be a radius, but a known row shows that it is a diameter")
            for note in found.description.notes:
                progress.note(note)
            base = self._base
            if base is not None and not same_columns(base, found.description.schema):
                progress.note("the service's columns are not those of the live snapshot, so all rows are fetched")
                base = None
            with Journal(staging / JOURNAL) as journal:
                ledger = Ledger(journal, staging / ANSWERS)
                if ledger.begin(shape_digest(found.description.schema, found.traits.survey_columns)):
                    progress.note("the columns are no longer those of the harvest that was under way: it begins anew")
                if habits.largest_answer_rows is not None and ledger.answer_limit is None:
                    ledger.add_limit(habits.largest_answer_rows)
                yield Harvester(found, ledger, staging, progress, base)
