"""The pipeline: harvest, build, validate, make live, tidy up. `ssap-mirror sync` is this one call."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ssap_mirror.build.hats_files import BuildInfo
from ssap_mirror.build.hidden_columns import foreseen_schema
from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import Catalog, open_catalog
from ssap_mirror.core.schema import Schema
from ssap_mirror.core.snapshots import make_live, prune
from ssap_mirror.errors import CatalogError, ParameterError
from ssap_mirror.pipeline.address import Address, FileAddress, PublishedAddress, SsapAddress, TapAddress
from ssap_mirror.pipeline.known_services import entry_to_remember, find_source
from ssap_mirror.pipeline.pull import estimate_pull, pull, recognise
from ssap_mirror.pipeline.recipe import build_checked
from ssap_mirror.pipeline.remembered import REMEMBERED
from ssap_mirror.pipeline.service import KnownService
from ssap_mirror.pipeline.services_file import entries_of, is_mirror_name, save_service
from ssap_mirror.pipeline.shrinkage import shrinkage
from ssap_mirror.pipeline.staging import Staging, finish_earlier
from ssap_mirror.sources.file.source import FileSource
from ssap_mirror.sources.progress import Progress, Silent
from ssap_mirror.sources.source import Estimate, Finding, Harvest, RequestPolicy, Source, Status, Verdict
from ssap_mirror.sources.ssap.source import SsapSource
from ssap_mirror.sources.tap.source import TapSource
from ssap_mirror.tables.files import catalog_title

__all__ = ["SyncOptions", "SyncReport", "sync"]


@dataclass(frozen=True)
class SyncReport:
    """What a `sync` did."""

    name: str
    """Name of the mirror."""
    status: Status
    """How complete the rows are: it is proven that none is missing, or nothing hints at one, or some are."""
    reasons: tuple[str, ...]
    """How that is known, one sentence each."""
    rows: int
    """Rows of the snapshot, or those at hand if there is none."""
    duplicates: int
    """Rows that came more than once and were dropped."""
    requests: int
    """Requests sent."""
    bytes: int
    """Bytes received."""
    slices: int
    """Slices answered, over all sweeps."""
    seconds: float
    """Time it took [s]."""
    snapshot: Path | None
    """The snapshot that is live now; None if nothing was made live."""
    estimate: Estimate | None = None
    """What the harvest would cost, if that is all that was asked."""
    schema: Schema | None = field(default=None, repr=False)
    """Columns and roles of the snapshot, or those that are foreseen."""
    caveats: tuple[str, ...] = ()
    """What could not be looked at, one sentence each."""
    begins_anew: bool = False
    """Whether the next run begins anew, where nothing was made live: going on would come to the same."""

    @property
    def complete(self) -> bool:
        """Whether every row of the source is in the snapshot, once, as far as the source lets anyone prove it."""
        return self.status == "complete"

    def words(self) -> str:
        """Say it to a person."""
        if self.estimate is not None:
            return f"{self.name}: {self.estimate.words()}"
        verdict = "NOT COMPLETE" if self.status == "incomplete" else self.status
        lines = ["; ".join([f"{self.name}: {self.rows:,} rows, {verdict}", *self.caveats])]
        lines += [f"  {reason}" for reason in self.reasons]
        asked = f"{self.slices:,} slices, {self.requests:,} requests, {self.bytes / 1e6:,.1f} MB, "
        lines.append(f"  {asked if self.requests else ''}{self.duplicates:,} duplicates dropped, {self.seconds:,.0f} s")
        if self.snapshot is None:
            what_next = "begins anew" if self.begins_anew else "resumes"
            lines.append(f"  nothing was made live; what was fetched is kept, and the same command {what_next}")
        else:
            lines.append(f"  live: {self.snapshot}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON document."""
        estimate = None if self.estimate is None else replace(self.estimate, schema=None)
        plain = asdict(replace(self, schema=None, estimate=estimate))
        del plain["schema"]
        if estimate is not None:
            del plain["estimate"]["schema"]
        snapshot = None if self.snapshot is None else str(self.snapshot)
        return {**plain, "complete": self.complete, "snapshot": snapshot}


@dataclass(frozen=True)
class SyncOptions:
    """What a `sync` does beside the plain thing."""

    full: bool = False
    """Fetch all rows, even if the live snapshot is one of the same service. Without it only what is new is fetched,
    and what differs in the columns of VERB=1 (of a TAP table: the identity, position, date and link)."""
    dry_run: bool = False
    """Only survey the table and tell what a harvest would cost. The survey is kept for the harvest."""
    restart: bool = False
    """Forget what an earlier run fetched."""
    accept_incomplete: bool = False
    """Make a snapshot live even if rows are known to be missing; its manifest says so."""
    allow_shrink: bool = False
    """Make a snapshot live even if it has many fewer rows than the one that it replaces."""
    save: bool = False
    """Write what the rows come from into ``services.toml`` in the mirrors' home, under the mirror's name."""
    keep: int | None = None
    """How many snapshots that were live before stay; None for all. The one that is replaced stays at any rate."""
    margin_arcsec: float | None = None
    """Width of the margin that LSDB matches with [arcsec], 0 for none; None for that of the live snapshot, or 10."""


def sync(
    service: str,
    *,
    source: str | Path | Address | KnownService | None = None,
    home: Path | None = None,
    name: str | None = None,
    options: SyncOptions | None = None,
    policy: RequestPolicy | None = None,
    progress: Progress | None = None,
) -> SyncReport:
    """Mirror a service: harvest its table, build a snapshot, validate it, make it live.

    An interrupted run resumes. The live snapshot stays as it is until the new one is whole.

    Parameters
    ----------
    service : str
        Name of a service that ``services.toml`` has or that is built in, or of a mirror, which knows where it came
        from; any name if `source` is given.
    source : str, pathlib.Path, Address or KnownService, optional
        Address of an SSAP endpoint in place of the service's own, of a TAP service with a table as its fragment
        (``http://dc.g-vo.org/tap#lamost6.ssa_lrs``), or path of a file of rows; or all that is known of it.
    home : pathlib.Path, optional
        Folder of the mirrors; `ssap_mirror.core.layout.default_home` without it.
    name : str, optional
        Name of the mirror; the service's without it.
    options : SyncOptions, optional
        What else to do, or not.
    policy : RequestPolicy, optional
        How to behave towards the server.
    progress : Progress, optional
        Told of what goes on.

    Returns
    -------
    SyncReport
        With ``snapshot`` None if the harvest is not complete, unless that is accepted.

    Raises
    ------
    ParameterError
        If the service is unknown and no source is given, the name cannot be a folder's, or ``services.toml`` cannot be
        read.
    SourceError
        If the source cannot be read; what was fetched is kept.
    BusyError
        If another process is writing the mirror.
    MirrorError
        If the mirror cannot be written.
    """
    began = time.monotonic()
    tell, chosen = progress or Silent(), options or SyncOptions()
    mirror = layout.mirror_dir(home or layout.default_home(), _mirror_name(name or service))
    asked = source if isinstance(source, KnownService) else find_source(service, source, name=name, home=home)
    asked = recognise(asked, asked.policy(policy))
    entry = entry_to_remember(asked, home)
    if chosen.save:
        # What cannot be read cannot be added to: better now than after hours.
        entries_of(layout.services_file(mirror.parent))
    with storage.lock_mirror(mirror), storage.translate_errors(mirror):
        if isinstance(asked.address, PublishedAddress):
            return _pull(asked, asked.address.url, mirror, chosen, asked.policy(policy), tell, began)
        base = None if chosen.full else _refresh_base(mirror, tell)
        rows = _open_source(asked, policy, base)
        staging = Staging(mirror)
        if not (chosen.restart or chosen.dry_run) and (catalog := finish_earlier(mirror, staging)) is not None:
            tell.note("an earlier sync had all but made its snapshot live; that is done now")
        else:
            # What was refused is taken by whoever says so now; for all others it is no use to go on with it.
            takes = chosen.accept_incomplete or chosen.allow_shrink
            anew = chosen.restart or (staging.refused and not takes)
            if said := staging.begin(_facts(asked, entry, base), restart=anew):
                tell.note(said)
            if chosen.dry_run:
                estimate = rows.estimate(staging.path, tell)
                _save(asked, mirror, chosen)
                return _report(mirror.name, {}, began, estimate=estimate)
            harvest = rows.harvest(staging.path, tell)
            harvest = replace(harvest, record={**harvest.record, REMEMBERED: entry})
            _save(asked, mirror, chosen)
            shrunken = None if chosen.allow_shrink else shrinkage(mirror, harvest.rows)
            if shrunken is not None or (harvest.verdict.status == "incomplete" and not chosen.accept_incomplete):
                return _refuse(mirror, staging, harvest, shrunken, began)
            catalog = _build(mirror, harvest, tell, chosen.margin_arcsec)
            staging.add({"type": "built", "snapshot": catalog.path.name})
            make_live(mirror, catalog)
        staging.clear()
        if chosen.keep is not None:
            # What this very sync replaced stays until the next, come what may: it is the way back.
            prune(mirror, max(chosen.keep, 1))
    return _report(mirror.name, catalog.manifest["harvest"], began, catalog=catalog)


def _pull(
    asked: KnownService,
    url: str,
    mirror: Path,
    chosen: SyncOptions,
    policy: RequestPolicy,
    progress: Progress,
    began: float,
) -> SyncReport:
    """Take a published mirror as it is."""
    for name, value in (("full", chosen.full or None), ("margin_arcsec", chosen.margin_arcsec)):
        if value is not None:
            raise ParameterError(name, value, "has no meaning for a mirror that is pulled as others publish it")
    if chosen.dry_run:
        return _report(mirror.name, {}, began, estimate=estimate_pull(url, mirror, policy))
    done = pull(url, mirror, policy, progress, allow_shrink=chosen.allow_shrink, restart=chosen.restart)
    _save(asked, mirror, chosen)
    if chosen.keep is not None:
        prune(mirror, max(chosen.keep, 1))
    harvest = done.catalog.manifest["harvest"]
    said = f"pulled from {url}: {done.fetched:,} files fetched, {done.linked:,} were here"
    told = {"reasons": [said, *harvest.get("reasons", ())], "requests": done.requests, "bytes": done.received}
    return _report(mirror.name, {**harvest, **told, "sweeps": ()}, began, catalog=done.catalog)


def _refuse(mirror: Path, staging: Staging, harvest: Harvest, shrunken: Finding | None, began: float) -> SyncReport:
    """Leave the live snapshot as it is, and say why."""
    if shrunken is not None:
        harvest = replace(harvest, verdict=Verdict((shrunken, *harvest.verdict.findings)))
    begins_anew = shrunken is not None or not harvest.settled
    if begins_anew:
        staging.refuse()
    return replace(_report(mirror.name, _record(harvest), began), begins_anew=begins_anew)


def _refresh_base(mirror: Path, progress: Progress) -> Catalog | None:
    """Open the live snapshot if all its files are as they were written; else all rows are fetched, and that is told.

    What is taken over from it gets fresh checksums, and damage would be sealed by them.
    """
    if not layout.snapshot_names(mirror):
        return None
    try:
        base = open_catalog(mirror)
        base.checksums.check(base.files)
    except CatalogError as error:
        progress.note(f"{error}; all rows are fetched")
        return None
    return base


def _save(asked: KnownService, mirror: Path, chosen: SyncOptions) -> None:
    """Write down what the rows come from, once that has shown to work."""
    if chosen.save:
        save_service(layout.services_file(mirror.parent), replace(asked, name=mirror.name))


def _open_source(asked: KnownService, policy: RequestPolicy | None, base: Catalog | None) -> Source:
    """Open what an address leads to; `base` is the live snapshot, of whatever source."""
    address, title, schema, said = asked.address, asked.title or asked.name, asked.schema(), asked.corrections
    policy = asked.policy(policy)
    if base is not None and not _is_of(base, asked):
        base = None
    match address:
        case SsapAddress(url):
            return SsapSource(url, title, schema, policy, base, corrections=said, habits=asked.habits)
        case TapAddress(url, table, where):
            return TapSource(url, table, title, policy, base, where, corrections=said)
        case FileAddress(path, units, positions):
            named = asked.title or catalog_title(path) or asked.name
            return FileSource(path, schema, units=units, positions=positions, title=named, corrections=said)
        case PublishedAddress():
            raise AssertionError(address)  # pulled, not harvested


def _is_of(base: Catalog, asked: KnownService) -> bool:
    """Whether a snapshot has rows of the same source, asked for and read alike."""
    address, before = asked.address, base.manifest.get("harvest", {}).get(REMEMBERED, {})
    same_source: bool = base.manifest["source"] == {"kind": address.kind, "url": address.origin}
    return same_source and all(before.get(key) == asked.to_entry().get(key) for key in ("nulls", "parameters"))


def _facts(asked: KnownService, entry: dict[str, Any], base: Catalog | None) -> dict[str, str]:
    """Say what has to be the same for an earlier harvest to be continued."""
    named = {"name": entry["name"]} if "name" in entry else {}
    # Digests of rows are DuckDB's hashes, which another version may work out otherwise.
    import duckdb

    return {
        "kind": asked.kind,
        "url": asked.address.origin,
        REMEMBERED: json.dumps({**asked.facts(), **named}, sort_keys=True),
        "base": "" if base is None else base.path.name,
        "hashes": f"duckdb {duckdb.__version__}",
    }


def _build(mirror: Path, harvest: Harvest, progress: Progress, margin_arcsec: float | None) -> Catalog:
    """Build and validate a snapshot."""
    description = harvest.description
    info = BuildInfo(
        service=mirror.name,
        title=description.title,
        synthetic=b"synthetic" in description.header.lower() or "synthetic" in description.title.lower(),
        source={"kind": description.kind, "url": description.url},
        harvest=_record(harvest),
        service_xml=description.header,
    )
    progress.stage("build", harvest.rows)
    done = 0

    def tell(stage: str, rows: int, total: int | None) -> None:
        nonlocal done
        if stage == "write":
            progress.advance(rows=rows - done)
            done = rows

    return build_checked(
        harvest.batches(),
        description.schema,
        mirror,
        info,
        expected_rows=harvest.rows,
        on_conflict="error" if harvest.one_state else "last",
        progress=tell,
        margin_arcsec=margin_arcsec,
    )


def _record(harvest: Harvest) -> dict[str, Any]:
    """Say how a harvest went, for the manifest."""
    verdict = harvest.verdict
    return {
        "status": verdict.status,
        "complete": verdict.complete,
        "caveats": list(verdict.caveats),
        "reasons": list(verdict.reasons),
        "rows": harvest.rows,
        **harvest.record,
    }


def _report(
    name: str,
    record: dict[str, Any],
    began: float,
    *,
    catalog: Catalog | None = None,
    estimate: Estimate | None = None,
) -> SyncReport:
    return SyncReport(
        name=name,
        status=record.get("status", "complete" if record.get("complete") else "incomplete"),
        reasons=tuple(record.get("reasons", ())),
        rows=record.get("rows", 0) if catalog is None else catalog.rows,
        duplicates=record.get("duplicates", 0 if catalog is None else catalog.manifest["build"]["duplicates_removed"]),
        requests=record.get("requests", 0),
        bytes=record.get("bytes", 0),
        slices=sum(sweep["slices"] for sweep in record.get("sweeps", ())),
        seconds=time.monotonic() - began,
        snapshot=None if catalog is None else catalog.path,
        estimate=estimate,
        schema=_schema(catalog, estimate),
        caveats=tuple(record.get("caveats", ())),
    )


def _schema(catalog: Catalog | None, estimate: Estimate | None) -> Schema | None:
    if catalog is not None:
        return catalog.schema
    return None if estimate is None or estimate.schema is None else foreseen_schema(estimate.schema)


def _mirror_name(name: str) -> str:
    if not is_mirror_name(name):
        raise ParameterError(name="name", value=name, reason="cannot be the name of a mirror's folder")
    return name
