"""All rows of a TAP service's table, held against the server's own counts."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from ssap_mirror.core.schema import Schema
from ssap_mirror.sources.harvest.audit import AUDIT, Audit
from ssap_mirror.sources.harvest.cost import refuse_full_disk
from ssap_mirror.sources.harvest.ledger import Answer, Ledger
from ssap_mirror.sources.harvest.refresh_base import refreshed_batches, rows_once
from ssap_mirror.sources.missing_values import missing_words
from ssap_mirror.sources.progress import Progress
from ssap_mirror.sources.source import Finding, Harvest, Verdict
from ssap_mirror.sources.tap.averages import (
    Average,
    Comparison,
    altered_columns,
    ask_averages,
    averages_of,
    compare_averages,
)
from ssap_mirror.sources.tap.jobs import Jobs
from ssap_mirror.sources.tap.probe import Probe
from ssap_mirror.sources.tap.second_look import look_again

__all__ = ["harvest_table"]


def harvest_table(probe: Probe, ledger: Ledger, before: int, staging: Path, progress: Progress) -> Harvest:
    """Fetch all rows by jobs, and judge.

    Parameters
    ----------
    probe : Probe
        The table, and what is known of it.
    ledger : Ledger
        What has been answered so far.
    before : int
        How many rows the server counts.
    staging : pathlib.Path
        Folder for the audit's index.
    progress : Progress
        Told of stages.

    Raises
    ------
    SourceError
        If the service keeps failing.
    CatalogError
        If there is not enough room on disk.
    """
    estimate = probe.price.estimate(before, probe.description.schema)
    progress.note(estimate.words())
    refuse_full_disk(estimate, staging, ledger.bytes_on_disk(), probe.adql.client.policy.disk_share)
    schema = probe.description.schema
    at_first = ledger.at_beginning("averages", lambda: ask_averages(probe.adql, schema, progress))
    progress.stage("harvest", before)
    jobs = Jobs(probe.adql, schema, ledger, progress)
    answers = jobs.harvest(before)
    identity = schema.roles.get("identity")
    with Audit(staging / AUDIT, schema, identity, jobs.survey_columns) as audit:
        audit.add(answers, full=True)
        after = probe.adql.count()
        different, came, ambiguous = audit.rows(), audit.full_rows(), audit.ambiguous()
        if came == after > different:
            # Rows that share an identity came in different jobs.
            ambiguous = came - different
        missing = audit.missing_cells(by_identity=not ambiguous)
    findings = [
        Finding(f"COUNT(*) of {probe.adql.table} was {before:,} before and is {after:,} now"),
        Finding(f"{came:,} rows came in {len(answers):,} jobs, each with as many rows as the server counted"),
    ]
    if ambiguous:
        findings.append(Finding(f"{identity} does not tell rows apart: rows are compared by all values"))
        identity, different = None, came
    findings += map(Finding, (*ledger.bad_cells(answers), *missing_words(missing)))
    findings += _counted(different, came, after)
    told = Comparison()
    if different == after:
        findings += look_again(jobs, answers)
        here = _averages_here(answers, schema, identity)
        told = compare_averages(here, at_first, ask_averages(probe.adql, schema, progress), schema)
    findings += told.findings()
    record = {
        "duplicates": came - different,
        **probe.adql.record(before, after),
        "sweeps": ledger.sweep_records(),
        "identity": identity,
        "averages": told.agree,
        "refresh_of": None,
    }
    overrides = {**schema.overrides, "identity": identity or ""}
    described = replace(probe.description, schema=Schema(schema.columns, overrides))
    paths = [answer.path for answer in answers]
    read = partial(refreshed_batches, None, paths, described.schema, identity, frozenset())
    verdict = Verdict(tuple(findings))
    # Whatever is in doubt here comes of changes: going on with old rows makes no better ones.
    return Harvest(described, different, verdict, read, record, settled=verdict.status != "incomplete")


def _averages_here(answers: list[Answer], schema: Schema, identity: str | None) -> dict[str, Average]:
    paths = [answer.path for answer in answers]
    all_rows = refreshed_batches(None, paths, schema, None, ())
    rows = all_rows if identity is None else rows_once(None, paths, schema, identity, ())
    return averages_of(rows, schema, altered_columns(answers, schema))


def _counted(different: int, came: int, after: int) -> list[Finding]:
    """Hold the rows at hand against the last count."""
    found = []
    if came > different:
        found.append(Finding(f"{came - different:,} rows came more than once"))
    if different != after:
        words = f"that is not the {after:,} rows of the table, which must have changed meanwhile; --restart begins anew"
        found.append(Finding(words, doubt=True))
    return found
