"""What a harvest has found, in numbers for the manifest and in sentences for people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ssap_mirror.core.schema import Schema
from ssap_mirror.sources.harvest.audit import Audit
from ssap_mirror.sources.harvest.ledger import Ledger
from ssap_mirror.sources.harvest.refresh_base import TOO_MANY_GONE, refresh_words
from ssap_mirror.sources.source import Description, Harvest, Verdict
from ssap_mirror.sources.ssap.endpoint import Service
from ssap_mirror.sources.ssap.probe import Traits
from ssap_mirror.sources.ssap.sweeps import HARVEST

__all__ = ["Findings", "judge"]


@dataclass(frozen=True)
class Findings:
    """How a harvest went."""

    main: str | None
    """Parameter of the sweep for full rows."""
    second: str | None
    """Parameter of the survey."""
    swept: tuple[str, ...]
    """All parameters that surveys went by."""
    since: int
    """First answer of the survey that is believed."""
    settled: bool
    """Whether the full rows agree with that survey."""
    proven: bool
    """Whether one request without any constraint showed every row."""
    base: str | None
    """Name of the snapshot that a refresh started from."""
    removed: tuple[str, ...]
    """Identities of rows that are at hand and no longer in the table."""
    signs: tuple[str, ...]
    """What was noticed on the way, one sentence each."""


def judge(
    findings: Findings,
    description: Description,
    traits: Traits,
    identity: str | None,
    audit: Audit,
    ledger: Ledger,
    service: Service,
) -> Harvest:
    """Weigh what was found.

    Returns
    -------
    Harvest
        With a verdict and its reasons, and the record for the manifest.
    """
    missing, removed = len(audit.missing(findings.since)), len(findings.removed)
    rows = audit.rows() - removed
    by_sweep, undated = _rows_by_sweep(audit, ledger), audit.undated()
    uncompared = len(description.schema) - len(traits.survey_columns)
    reasons = list(_how(findings, by_sweep, audit.fetched(), undated, uncompared))
    reasons += findings.signs
    if divided := ledger.divided_by_sky():
        reasons.append(
            f"{divided:,} ranges of {findings.main} that cannot be cut have more rows than the service gives; "
            "of those, rows without a position could only be seen otherwise"
        )
    if removed:
        reasons.append(f"{removed:,} rows are no longer in the table, and are left out")
    doubtful = findings.base is not None and removed > TOO_MANY_GONE * audit.rows()
    if doubtful:
        reasons.append("so many rows gone is more likely a fault of the service than true")
    if not findings.settled:
        reasons.append("the table did not come to rest: what was fetched is not one state of it")
    if missing:
        reasons.append(f"{missing:,} rows were seen, but could not be fetched in full")
    elif findings.proven:
        reasons.append(f"one request without any constraint has no row but these {rows:,}")
    else:
        unseen = ", ".join(findings.swept)
        reasons.append(f"rows that no sweep by {unseen} can see would be missed; nothing hints at any")
    complete = findings.settled and not missing and not doubtful
    client = service.client
    record: dict[str, Any] = {
        "rows_by_sweep": by_sweep,
        "rows_without_date": undated,
        "rows_removed": removed,
        "rows_missing": missing,
        "duplicates": audit.full_rows() - audit.rows(),
        "sweeps": [ledger.sweep_record(name) for name in ledger.sweeps()],
        "requests": client.requests,
        "retries": client.retries,
        "bytes": client.received,
        "identity": identity,
        "size_is_radius": traits.size_is_radius,
        "refresh_of": findings.base,
    }
    schema = description.schema
    described = replace(description, schema=Schema(schema.columns, {**schema.overrides, "identity": identity or ""}))
    return Harvest(described, rows, Verdict(complete, tuple(reasons)), record, frozenset(findings.removed))


def _how(
    findings: Findings, by_sweep: dict[str, int], fetched: tuple[int, int], undated: int, uncompared: int
) -> tuple[str, ...]:
    """Say what was done."""
    if findings.base is not None:
        return refresh_words(findings.base, fetched, uncompared)
    main = f"the sweep by {findings.main or 'no parameter'} gave {by_sweep.get(HARVEST, 0):,} rows"
    if findings.second is None:
        return (main,)
    others = sum(by_sweep.values()) - by_sweep.get(HARVEST, 0)
    return (
        main,
        f"surveys of the identities by other parameters found {others:,} more, which were fetched; "
        f"{undated:,} rows have no date",
    )


def _rows_by_sweep(audit: Audit, ledger: Ledger) -> dict[str, int]:
    """How many rows each sweep was the first to bring."""
    counts: dict[str, int] = {}
    brought = audit.brought_by()
    if 0 in brought:
        counts["base"] = brought[0]
    for answer in ledger.answers():
        if answer.number in brought:
            counts[answer.sweep] = counts.get(answer.sweep, 0) + brought[answer.number]
    return counts
