"""What a harvest has found, in numbers for the manifest and in sentences for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ssap_mirror.sources.harvest.audit.sample import Sample
from ssap_mirror.sources.harvest.refresh_base import refresh_findings
from ssap_mirror.sources.source import Finding, Verdict
from ssap_mirror.sources.ssap.looks.lost import Gone
from ssap_mirror.sources.ssap.looks.proof import Proof
from ssap_mirror.sources.ssap.sweeps import HARVEST

__all__ = ["Outcome", "judge"]


@dataclass(frozen=True)
class Outcome:
    """How a harvest went."""

    main: str | None
    """Parameter of the sweep for full rows."""
    second: str | None
    """Parameter of the survey."""
    settled: bool
    """Whether the full rows agree with the last survey."""
    restless: int
    """Rows that came with other values in another answer, where no survey looks."""
    columns: str | None
    """How the columns are not what they were at the beginning."""
    gone: Gone
    """What became of rows that the last survey did not see again."""
    unwatched: int
    """Rows of the snapshot of a refresh that no survey could see."""
    overlooked: dict[str, int]
    """By parameter, rows that its sweep should have had, and that only the sweep by the other brought."""
    proof: Proof
    """What the last proof came to."""
    base: str | None
    """Name of the snapshot that a refresh started from."""
    signs: tuple[str, ...]
    """What was noticed on the way, one sentence each."""
    rows: int
    """Different rows at hand, without those that are no longer in the table."""
    duplicates: int
    """Full rows that came again."""
    removed: int
    """Rows at hand that are no longer in the table."""
    missing: int
    """Rows that a survey saw, and that could not be had in full."""
    undated: int
    """Rows without a date."""
    rows_by_sweep: dict[str, int]
    """How many rows each sweep was the first to bring."""
    fetched: tuple[int, int]
    """Of a refresh: rows that are new, and rows of the snapshot that were fetched again."""
    uncompared: int
    """Columns that a survey does not see."""
    divided: int
    """Ranges that could not be cut, and were asked for cell by cell of the sky."""
    sample: Sample | None = None
    """Of a refresh: whole rows that were compared, if that was wanted."""
    volatile: tuple[str, ...] = ()
    """Columns that differed between two answers with the same rows, so that rows were compared without them."""
    collections: tuple[str, ...] = ()
    """Collections that were had, of a service that gives nothing without COLLECTION."""
    needed: tuple[str, ...] = ()
    """Parameters that every request had to constrain."""
    refused: tuple[tuple[str, str], ...] = ()
    """Collections that the service refuses, and in which words."""

    @property
    def is_one_state(self) -> bool:
        """Whether what was fetched is one state of the table, as far as anybody can tell."""
        return self.settled and not self.restless and self.columns is None

    def to_json(self) -> dict[str, Any]:
        """Say it for the manifest."""
        return {
            "rows_by_sweep": self.rows_by_sweep,
            "rows_without_date": self.undated,
            "rows_removed": self.removed,
            "rows_missing": self.missing,
            "duplicates": self.duplicates,
            "refresh_of": self.base,
            **({"collections": list(self.collections)} if self.collections else {}),
            **({"collections_refused": dict(self.refused)} if self.refused else {}),
        }


def judge(outcome: Outcome) -> Verdict:
    """Weigh how a harvest went."""
    return Verdict((*_what_was_done(outcome), *map(Finding, outcome.signs), *_what_it_is_worth(outcome)))


def _what_was_done(outcome: Outcome) -> list[Finding]:
    if outcome.base is not None:
        compared = () if outcome.sample is None else (outcome.sample.finding(),)
        return [*refresh_findings(outcome.base, outcome.fetched, outcome.uncompared), *compared]
    swept = sum(rows for sweep, rows in outcome.rows_by_sweep.items() if sweep.startswith(HARVEST))
    found = [Finding(f"the sweep by {outcome.main or 'no parameter'} gave {swept:,} rows")]
    if outcome.second is not None:
        others = sum(outcome.rows_by_sweep.values()) - swept
        words = (
            f"surveys of the identities by other parameters found {others:,} more, which were fetched; "
            f"{outcome.undated:,} rows have no date"
        )
        found.append(Finding(words))
    return found


def _what_it_is_worth(outcome: Outcome) -> list[Finding]:
    found = []
    if outcome.divided:
        words = (
            f"{outcome.divided:,} ranges of {outcome.main} that cannot be cut have more rows than the service gives; "
            "of those, rows without a position could only be seen otherwise"
        )
        found.append(Finding(words))
    if outcome.volatile:
        words = (
            f"{', '.join(outcome.volatile)} differed between two answers with the same rows, so rows were compared "
            "without them: a change of their values while they were fetched would not be seen"
        )
        found.append(Finding(words, unproven=True))
    if outcome.collections:
        words = (
            f"not proven: the service wants COLLECTION, and was asked for {', '.join(outcome.collections)}; rows of "
            "other collections, if there are any, are not in the copy (--param COLLECTION=NAME, for each of them)"
        )
        found.append(Finding(words, unproven=True))
    for name in outcome.needed:
        words = f"not proven: the service wants {name} in each request; rows without a value of it are not in the copy"
        found.append(Finding(words, unproven=True))
    for name, why in outcome.refused:
        words = f"not proven: COLLECTION {name} is refused, and its rows, if it has any, are not in the copy: {why}"
        found.append(Finding(words, unproven=True))
    if outcome.removed:
        found.append(Finding(f"{outcome.removed:,} rows are no longer in the table, and are left out"))
    found += _what_did_not_come_back(outcome)
    found += _what_moved(outcome)
    if len(outcome.overlooked) > 1 and all(outcome.overlooked.values()):
        lacks = ", ".join(f"the sweep by {name} lacks {rows:,} rows" for name, rows in outcome.overlooked.items())
        found.append(Finding(f"not proven: {lacks} that the other has: some may be in neither", unproven=True))
    if outcome.missing:
        found.append(Finding(f"{outcome.missing:,} rows were seen, but could not be fetched in full", doubt=True))
    found.append(Finding(outcome.proof.words, unproven=not outcome.proof.proven))
    return found


def _what_did_not_come_back(outcome: Outcome) -> list[Finding]:
    found, gone = [], outcome.gone
    if gone.came_back:
        words = (
            f"not proven: {gone.came_back:,} rows that a survey did not give were there when they were asked for, so "
            f"answers are not whole; no row is removed, though {gone.kept:,} were not seen again"
        )
        found.append(Finding(words, unproven=True))
    elif gone.kept:
        words = (
            f"not proven: {gone.kept:,} rows were not seen again and are kept, since the answers that would have them "
            "lack other rows that are in the table"
        )
        found.append(Finding(words, unproven=True))
    if gone.out_of_reach:
        words = f"{gone.out_of_reach:,} rows were seen by a survey once, and could not be had"
        found.append(Finding(words, doubt=True))
    if outcome.unwatched:
        words = (
            f"not proven: the refresh cannot see whether {outcome.unwatched:,} rows that it has no parameter for are "
            "still in the table"
        )
        found.append(Finding(words, unproven=True, caveat=True))
    return found


def _what_moved(outcome: Outcome) -> list[Finding]:
    """Say what is known of changes while the table was read."""
    found = []
    if not outcome.settled:
        words = "not settled: the table did not come to rest, and what was fetched is not one state of it"
        found.append(Finding(words, doubt=True))
    if outcome.restless:
        words = (
            f"not settled: {outcome.restless:,} of the rows that came twice had other values the second time, in "
            "columns that no survey sees; so the table changed while it was read, and other rows may be stale"
        )
        found.append(Finding(words, doubt=True))
    if outcome.columns is not None:
        found.append(Finding(f"not settled: the columns changed meanwhile ({outcome.columns})", doubt=True))
    return found
