"""Rows that a survey did not see again: nothing is removed on the word of one answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.sources.harvest.audit import SeenRows
from ssap_mirror.sources.harvest.slices import Range, Slice
from ssap_mirror.sources.ssap.looks.overlooked import believable_sight
from ssap_mirror.sources.ssap.probe.traits import TIME
from ssap_mirror.sources.ssap.survey import Settled, Survey, run_survey, settle
from ssap_mirror.sources.ssap.sweeps import Sweeps

__all__ = ["Gone", "find_gone", "settle_with_lost", "slices_around"]

# Requests that a look for lost rows may take at any rate.
_FEW_REQUESTS = 16
# Around a date: it came in one form, and is asked for in another [d].
_AROUND_DATE_DAYS = 1e-4


@dataclass(frozen=True)
class Gone:
    """What became of the rows that a survey did not see again."""

    removed: tuple[str, ...]
    """Identities of full rows at hand that were not there when they were asked for either."""
    came_back: int = 0
    """Rows that were there all the same: then answers are not whole, and no row is removed for being in none."""
    kept: int = 0
    """Rows at hand that nothing has seen again, and that are kept since answers are shown not to be whole."""
    out_of_reach: int = 0
    """Rows that an earlier survey saw, that are not at hand, and that did not come back, though others did."""


def settle_with_lost(sweeps: Sweeps, base: Catalog | None, survey: Survey) -> tuple[Settled, Gone]:
    """Let full rows and surveys agree, and find out which rows are gone.

    Parameters
    ----------
    sweeps : Sweeps
        Of the harvest.
    base : Catalog, optional
        The snapshot that a refresh starts from.
    survey : Survey
        The first.
    """
    settled = settle(sweeps, base, survey)
    gone = find_gone(sweeps, settled.survey)
    if not gone.came_back or not settled.survey.whole:
        return settled, gone
    if sweeps.probe.traits.unreported_limit in sweeps.rows_of_whole():
        # Two answers to different questions, one of them known to be cut off, have as many rows.
        sweeps.learn_limit(sweeps.probe.traits.unreported_limit)
    sign = f"one answer for the whole table lacked {gone.came_back:,} rows that it has: the table is swept instead"
    sweeps.progress.note(sign)
    swept = settle(sweeps, base, run_survey(sweeps, base, at_once=False))
    return replace(swept, signs=(*settled.signs, sign, *swept.signs)), find_gone(sweeps, swept.survey)


def find_gone(sweeps: Sweeps, survey: Survey) -> Gone:
    """Ask for the rows that a survey has not seen again, by their position or date.

    Parameters
    ----------
    sweeps : Sweeps
        Of the harvest.
    survey : Survey
        The last one.
    """
    asked_before = sweeps.numbers_of_lost(survey.since)
    lost = sweeps.audit.lost(survey.since, survey.sight, asked_before)
    if not len(lost):
        return Gone(())
    sweeps.progress.stage("look for lost rows", len(lost))
    sweeps.fetch_lost(survey.since, _some(slices_around(sweeps, lost), sweeps))
    still = sweeps.audit.lost(survey.since, survey.sight)
    came_back = len(lost) - len(still)
    held = [name for name, is_held in zip(still.identities, still.held.tolist(), strict=True) if is_held]
    if not came_back:
        believed = {*sweeps.audit.lost(survey.since, believable_sight(sweeps, survey)).identities}
        removed = tuple(name for name in held if name in believed)
        return Gone(removed, kept=len(held) - len(removed))
    sweeps.progress.note(f"{came_back:,} rows that a survey had not seen are there all the same")
    return Gone((), came_back, kept=len(held), out_of_reach=len(still) - len(held))


def slices_around(sweeps: Sweeps, rows: SeenRows) -> list[Slice]:
    """Where rows are that were seen before: around their positions, or their dates."""
    placed = np.isfinite(rows.ra) & np.isfinite(rows.dec) & sweeps.probe.traits.cones
    slices: list[Slice] = []
    if placed.any():
        slices += sweeps.around_positions(rows.ra[placed], rows.dec[placed])
    if TIME in sweeps.probe.traits.parameters:
        dates = np.unique(np.round(rows.t[~placed & np.isfinite(rows.t)], 4))
        slices += [Slice(Range(TIME, t - _AROUND_DATE_DAYS, t + _AROUND_DATE_DAYS)) for t in dates.tolist()]
    return slices


def _some(slices: list[Slice], sweeps: Sweeps) -> list[Slice]:
    """Slices within what such a look may cost: of many, those picked at random tell as well whether rows are gone."""
    policy = sweeps.probe.endpoint.client.policy
    allowed = max(_FEW_REQUESTS, int(policy.proof_share * sweeps.ledger.requests()))
    if len(slices) <= allowed:
        return slices
    picked = np.random.default_rng(len(slices)).choice(len(slices), allowed, replace=False)
    return [slices[at] for at in sorted(picked.tolist())]
