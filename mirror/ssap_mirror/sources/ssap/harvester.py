"""The whole table of an SSAP service: survey, harvest, audit; and what changed in it since the last time.

SSAP has no count, no order and no paging. So the table is swept more than once, each time in slices of another kind:

1. the *survey* asks for the identity columns only, cell by cell of the sky; it tells how the dates are distributed;
2. the *harvest* asks for full rows, in ranges of TIME that the survey's dates make equally large;
3. the *audit* compares the two. What only the survey saw (rows without a date, or lost on the way) is fetched by its
   position. What neither could see (rows without date and position) is looked for by one request without a constraint,
   or, in a table too large for that, by a third parameter.

A service that does not obey TIME or POS is swept by the next best parameter.

A *refresh* starts from the rows of a snapshot. Only identities are asked for, of all rows at once or by TIME and by
position; full rows are fetched where a row is new, or where one of the columns of a survey is not what it was.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.errors import SourceError
from ssap_mirror.sources.harvest.audit import Audit, Changes
from ssap_mirror.sources.harvest.cost import refuse_full_disk
from ssap_mirror.sources.harvest.ledger import Ledger
from ssap_mirror.sources.harvest.refresh_base import MUCH
from ssap_mirror.sources.progress import Progress
from ssap_mirror.sources.source import Description, Estimate, Harvest, Manners
from ssap_mirror.sources.ssap.endpoint import Service
from ssap_mirror.sources.ssap.price import price_of
from ssap_mirror.sources.ssap.probe import POS, TIME, Traits
from ssap_mirror.sources.ssap.sweeps import FULL_VERB, HARVEST, Campaign, is_survey
from ssap_mirror.sources.ssap.verdict import Findings, judge

__all__ = ["Harvester"]

_ROUNDS = 3
# A table that grows meanwhile does not grow by so much.
_MANY_MORE = 1.1


@dataclass(frozen=True)
class _Look:
    """What the survey that is believed can see."""

    since: int
    """Number of its first answer."""
    whole: bool
    """Whether it was made without a constraint."""
    parameters: tuple[str, ...]
    """By which it was made otherwise."""


class Harvester:
    """One harvest of an SSAP service.

    Parameters
    ----------
    service : Service
        The endpoint.
    description : Description
        What it says of itself.
    traits : Traits
        How it behaves.
    ledger : Ledger
        What has been answered so far.
    manners : Manners
        Sizes of slices.
    progress : Progress
        Told of stages.
    base : Catalog, optional
        A snapshot of the same service with the same columns, for a refresh.
    """

    def __init__(
        self,
        service: Service,
        description: Description,
        traits: Traits,
        ledger: Ledger,
        manners: Manners,
        progress: Progress,
        base: Catalog | None = None,
    ) -> None:
        service.size_is_radius = traits.size_is_radius
        service.silent_limit = ledger.silent_limit
        self._service = service
        self._description = description
        self._traits = traits
        self._ledger = ledger
        self._manners = manners
        self._progress = progress
        self._base = base
        dimensions = [*(name for name in traits.ranges if name == TIME), *([POS] if traits.cones else [])]
        dimensions += [name for name in traits.ranges if name != TIME]
        self._main = dimensions[0] if dimensions else None
        self._second = dimensions[1] if len(dimensions) > 1 else None
        self._others = [name for name in dimensions[2:] if name != POS]
        self._signs: list[str] = []

    @cached_property
    def _campaign(self) -> Campaign:
        return Campaign(
            self._service, self._description, self._traits, self._ledger, self._audit, self._manners, self._progress
        )

    def estimate(self, folder: Path) -> Estimate:
        """Survey, and work out what the harvest will cost.

        Parameters
        ----------
        folder : pathlib.Path
            For the audit's index.
        """
        self._open_audit(folder, self._traits.identity)
        try:
            since = self._look_around().since
            rows = self._audit.seen() if self._base is None else len(self._audit.missing(since))
            return price_of(self._service, FULL_VERB).of(rows)
        finally:
            self._audit.close()

    def run(self, folder: Path) -> Harvest:
        """Sweep, compare, fetch what is missing, and judge.

        Parameters
        ----------
        folder : pathlib.Path
            For the audit's index.
        """
        try:
            found = self._run(folder, self._traits.identity)
            if self._traits.identity is not None and self._audit.ambiguous():
                if self._base is not None:
                    message = f"{self._traits.identity} no longer tells rows apart; only a full sync can tell more"
                    raise SourceError(message)
                # Seen in a whole table, not in a sample: then rows are told apart by all their values.
                self._signs.append(f"{self._traits.identity} does not tell rows apart: rows are compared by all values")
                self._audit.close()
                found = self._run(folder, None)
            return found
        finally:
            self._audit.close()

    def _run(self, folder: Path, identity: str | None) -> Harvest:
        self._open_audit(folder, identity)
        look = self._look_around()
        if self._finds_silent_limit():
            look = self._look_around()
        if self._base is None:
            self._look_at_cost()
        if self._base is None or self._much_is_missing(look):
            self._progress.stage("harvest", self._audit.seen() or None)
            self._campaign.harvest(self._main)
        elif self._base is not None:
            self._fetch_published(self._base)
        look, settled = self._settle(look)
        proven = look.whole or self._last_proof(look)
        findings = Findings(
            main=self._main,
            second=self._second,
            swept=tuple(dict.fromkeys([*look.parameters, *([self._main] if self._main else []), *self._others[:1]])),
            since=look.since,
            settled=settled,
            proven=proven,
            base=None if self._base is None else self._base.path.name,
            removed=tuple(
                self._audit.removed(
                    look.since,
                    whole=look.whole,
                    by_position=POS in look.parameters,
                    by_date=TIME in look.parameters,
                )
            ),
            signs=tuple(self._signs),
        )
        return judge(findings, self._description, self._traits, identity, self._audit, self._ledger, self._service)

    def _open_audit(self, folder: Path, identity: str | None) -> None:
        self.__dict__.pop("_campaign", None)
        self._audit = Audit(folder, self._description.schema, identity, self._traits.survey_columns)
        if self._base is not None:
            self._progress.stage("read the snapshot", self._base.rows)
            self._audit.add_base(self._base)
        for answer in self._ledger.answers():
            self._audit.add([answer], full=not is_survey(answer.sweep))

    def _look_around(self, generation: int = 1) -> _Look:
        """Survey by the second-best parameter, since the best is for the harvest; a refresh has to see everything."""
        self._progress.stage("survey", None if self._base is None else self._base.rows)
        if self._base is None:
            if self._second is None:
                return _Look(0, whole=False, parameters=())
            return _Look(self._campaign.survey(self._second, generation), whole=False, parameters=(self._second,))
        if (since := self._campaign.survey_whole(generation)) is not None:
            return _Look(since, whole=True, parameters=())
        parameters = tuple(name for name in (self._main, self._second) if name is not None)
        return _Look(
            min((self._campaign.survey(name, generation) for name in parameters), default=0),
            whole=False,
            parameters=parameters,
        )

    def _finds_silent_limit(self) -> bool:
        """Whether the survey has seen rows that an answer without a constraint did not have, and did not tell of."""
        untold = self._traits.untold_rows
        if untold is None or self._ledger.silent_limit is not None or self._base is not None:
            return False
        if self._audit.seen() <= _MANY_MORE * untold:
            return False
        self._ledger.add_limit(untold)
        self._service.silent_limit = untold
        self._signs.append(f"the service cuts its answers at {untold:,} rows and does not say so")
        self._progress.note(self._signs[-1])
        return True

    def _look_at_cost(self) -> None:
        if HARVEST in self._ledger.sweeps() and not self._ledger.open_slices(HARVEST):
            return
        estimate = price_of(self._service, FULL_VERB).of(self._audit.seen())
        self._progress.note(estimate.words())
        already = sum(answer.path.stat().st_size for answer in self._ledger.answers())
        refuse_full_disk(estimate, self._ledger.folder, already)

    def _much_is_missing(self, look: _Look) -> bool:
        missing = len(self._audit.missing(look.since))
        return HARVEST in self._ledger.sweeps() or missing > MUCH * max(self._audit.rows(), 1)

    def _fetch_published(self, base: Catalog) -> None:
        """Fetch rows by their date of publication, if the snapshot shows that it tells rows apart."""
        column = self._description.schema.role("date_published")
        if not self._traits.publication_dates or column is None or column.name in base.manifest.get("constants", {}):
            return
        created = datetime.fromisoformat(base.manifest["created"]).replace(tzinfo=None)
        # A day earlier: dates of publication may be those of a day, and of another time zone.
        self._campaign.fetch_published((created - datetime(1858, 11, 17)).total_seconds() / 86400 - 1.0)

    def _settle(self, look: _Look) -> tuple[_Look, bool]:
        """Fetch what the survey has and the harvest has not; survey again for as long as the table changes.

        Returns
        -------
        tuple of _Look, bool
            The last survey, and whether the full rows agree with it.
        """
        for generation in itertools.count(2):
            self._campaign.fetch_missing(look.since, self._others)
            changes = self._changes(look, generation)
            if not changes:
                return look, True
            said = f"{changes.changed:,} rows changed, {changes.gone:,} gone, {changes.unseen:,} new or overlooked"
            self._signs.append(f"survey {generation - 1} and the rows fetched after it do not agree: {said}")
            self._progress.note(self._signs[-1])
            if generation > _ROUNDS:
                break
            look = self._look_around(generation)
        return look, False

    def _changes(self, look: _Look, generation: int) -> Changes:
        changes = self._audit.changes(look.since)
        if POS not in look.parameters and not look.whole:
            return replace(changes, unseen=0)
        if generation > 2 and not (changes.changed or changes.gone):
            # Seen by TIME and twice not by POS: the service has another position for them, or none.
            return replace(changes, unseen=0)
        return changes

    def _last_proof(self, look: _Look) -> bool:
        """Look for rows that neither sweep could see; returns whether it is proven that there are no others."""
        if self._main is None:
            return True
        self._progress.stage("last proof", None)
        campaign = self._campaign
        if campaign.survey_whole() is not None:
            campaign.fetch_missing(look.since, self._others)
            return True
        if self._others and self._base is None:
            best = max(self._others, key=campaign.values_known)
            campaign.survey(best)
            campaign.fetch_missing(look.since, ())
            self._others = [best]
        return False
