"""The pipeline: harvest, build, validate, make live, tidy up. `ssap-mirror sync` is this one call."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ssap_mirror.build.hats_files import BuildInfo
from ssap_mirror.check.snapshot import validate
from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import Catalog, open_catalog
from ssap_mirror.core.snapshots import make_live, prune
from ssap_mirror.errors import CatalogError, ParameterError
from ssap_mirror.pipeline.build_mirror import build_checked, live_snapshot
from ssap_mirror.pipeline.known_services import Service, services
from ssap_mirror.pipeline.staging import Staging
from ssap_mirror.sources.file.source import FileSource
from ssap_mirror.sources.progress import Progress, Silent
from ssap_mirror.sources.source import Estimate, Harvest, Manners, Source
from ssap_mirror.sources.ssap.source import SsapSource
from ssap_mirror.sources.tap.source import TapSource

__all__ = ["SyncReport", "sync"]


@dataclass(frozen=True)
class SyncReport:
    """What a `sync` did."""

    name: str
    """Name of the mirror."""
    complete: bool
    """Whether every row of the source is in the snapshot, once, as far as the source lets anyone tell."""
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

    def words(self) -> str:
        """Say it to a person."""
        if self.estimate is not None:
            return f"{self.name}: {self.estimate.words()}"
        verdict = "complete" if self.complete else "NOT COMPLETE"
        lines = [f"{self.name}: {self.rows:,} rows, {verdict}"]
        lines += [f"  {reason}" for reason in self.reasons]
        asked = f"{self.slices:,} slices, {self.requests:,} requests, {self.bytes / 1e6:,.1f} MB, "
        lines.append(f"  {asked if self.requests else ''}{self.duplicates:,} duplicates dropped, {self.seconds:,.0f} s")
        if self.snapshot is None:
            lines.append("  nothing was made live; what was fetched is kept, and the same command goes on from there")
        else:
            lines.append(f"  live: {self.snapshot}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON document."""
        return {**asdict(self), "snapshot": None if self.snapshot is None else str(self.snapshot)}


def sync(
    service: str,
    *,
    source: str | Path | None = None,
    home: Path | None = None,
    name: str | None = None,
    progress: Progress | None = None,
    keep: int | None = None,
    manners: Manners | None = None,
    table: str | None = None,
    units: Mapping[str, str] | None = None,
    full: bool = False,
    dry_run: bool = False,
    restart: bool = False,
    accept_incomplete: bool = False,
) -> SyncReport:
    """Mirror a service: harvest its table, build a snapshot, validate it, make it live.

    A run that was cut off goes on where it stopped. The live snapshot stays as it is until the new one is whole.

    Parameters
    ----------
    service : str
        Name of a built-in service, whose columns are then known, or any name if `source` is given.
    source : str or pathlib.Path, optional
        Address of an SSAP endpoint in place of the service's own, of a TAP service with a table as its fragment
        (``http://dc.g-vo.org/tap#lamost6.ssa_lrs``), or path of a file of rows.
    home : pathlib.Path, optional
        Folder of the mirrors; `ssap_mirror.core.layout.default_home` without it.
    name : str, optional
        Name of the mirror; the service's without it.
    progress : Progress, optional
        Told of what goes on.
    keep : int, optional
        How many snapshots that were live before stay, beside the new one; all without it. The one that it replaced
        stays at any rate, until the next sync.
    manners : Manners, optional
        How to behave towards the server.
    table : str, optional
        Table to mirror, if `source` is a TAP service and its address does not say.
    units : mapping of str to str, optional
        Units of columns of a file, by name, where the file is silent or wrong.
    full : bool
        Fetch all rows, even if the live snapshot is one of the same service. Without it only what is new is fetched,
        and what differs in the columns of VERB=1 (of a TAP table: the identity, position, date and link).
    dry_run : bool
        Only survey the table and tell what a harvest would cost. The survey is kept for the harvest.
    restart : bool
        Forget what an earlier run fetched.
    accept_incomplete : bool
        Make a snapshot live even if rows are known to be missing; its manifest says so.

    Returns
    -------
    SyncReport
        With ``snapshot`` None if the harvest is not complete and `accept_incomplete` is false.

    Raises
    ------
    ParameterError
        If the service is unknown and no source is given, or the name cannot be a folder's.
    SourceError
        If the source cannot be read; what was fetched is kept.
    BusyError
        If another process is writing the mirror.
    MirrorError
        If the mirror cannot be written.
    """
    began = time.monotonic()
    tell = progress or Silent()
    known = _known_service(service, source, table)
    mirror = layout.mirror_dir(home or layout.default_home(), _mirror_name(name or service))
    with storage.lock_mirror(mirror), storage.told(mirror):
        chosen = _open_source(known, source, manners, units, None if full else live_snapshot(mirror))
        staging = Staging(mirror)
        if not (restart or dry_run) and (catalog := _finish_earlier(mirror, staging)) is not None:
            tell.note("an earlier sync had all but made its snapshot live; that is done now")
        else:
            if said := staging.begin(_facts(chosen, mirror, full=full), restart=restart):
                tell.note(said)
            if dry_run:
                return _report(mirror.name, {}, began, estimate=chosen.estimate(staging.path, tell))
            harvest = chosen.harvest(staging.path, tell)
            if not harvest.verdict.complete and not accept_incomplete:
                return _report(mirror.name, _record(harvest), began)
            catalog = _build(mirror, chosen, harvest, tell)
            staging.add({"type": "built", "snapshot": catalog.path.name})
            make_live(mirror, catalog)
        staging.clear()
        if keep is not None:
            # What this very sync replaced stays until the next, come what may: it is the way back.
            prune(mirror, max(keep, 1))
    return _report(mirror.name, catalog.manifest["harvest"], began, catalog=catalog)


def _facts(source: Source, mirror: Path, *, full: bool) -> dict[str, str]:
    """Say what has to be the same for an earlier harvest to be continued."""
    # Digests of rows are DuckDB's hashes, which another version may work out otherwise.
    import duckdb

    base = None if full else live_snapshot(mirror)
    return {
        "kind": source.kind,
        "url": source.url,
        "base": "" if base is None else base.path.name,
        "hashes": f"duckdb {duckdb.__version__}",
    }


def _finish_earlier(mirror: Path, staging: Staging) -> Catalog | None:
    """Make the snapshot live that a sync had built when it was cut off."""
    name = staging.built()
    if name is None:
        return None
    previous = live_snapshot(mirror)
    if previous is not None and previous.path.name == name:
        # Only the tidying up was left.
        staging.clear()
        return None
    try:
        catalog = open_catalog(layout.snapshots_dir(mirror) / name)
    except CatalogError:
        return None
    if validate(catalog):
        return None
    make_live(mirror, catalog)
    return catalog


def _build(mirror: Path, source: Source, harvest: Harvest, progress: Progress) -> Catalog:
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

    # Slices of a service overlap, and its table may change between them; a file is one state of one table.
    return build_checked(
        source.batches(),
        description.schema,
        mirror,
        info,
        expected_rows=harvest.rows,
        on_conflict="error" if source.kind == "file" else "last",
        progress=tell,
    )


def _record(harvest: Harvest) -> dict[str, Any]:
    """Say how a harvest went, for the manifest."""
    verdict = harvest.verdict
    return {"complete": verdict.complete, "reasons": list(verdict.reasons), "rows": harvest.rows, **harvest.record}


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
        complete=record.get("complete", False),
        reasons=tuple(record.get("reasons", ())),
        rows=record.get("rows", 0) if catalog is None else catalog.rows,
        duplicates=record.get("duplicates", 0 if catalog is None else catalog.manifest["build"]["duplicates_removed"]),
        requests=record.get("requests", 0),
        bytes=record.get("bytes", 0),
        slices=sum(sweep["slices"] for sweep in record.get("sweeps", ())),
        seconds=time.monotonic() - began,
        snapshot=None if catalog is None else catalog.path,
        estimate=estimate,
    )


def _known_service(name: str, source: str | Path | None, table: str | None) -> Service:
    for known in services():
        if known.name == name:
            return known if table is None else replace(known, kind="tap", table=table)
    if source is None:
        built_in = ", ".join(known.name for known in services())
        reason = f"is no built-in service ({built_in}), and no source is given"
        raise ParameterError(name="service", value=name, reason=reason)
    return Service(name=name, title=name, kind="ssap" if table is None else "tap", url="", table=table)


def _mirror_name(name: str) -> str:
    if not name or name in (".", "..") or Path(name).name != name or name.startswith("."):
        raise ParameterError(name="name", value=name, reason="cannot be the name of a mirror's folder")
    return name


def _open_source(
    service: Service,
    source: str | Path | None,
    manners: Manners | None,
    units: Mapping[str, str] | None,
    live: Catalog | None,
) -> Source:
    url = service.url if source is None else str(source)
    scheme = urlsplit(url).scheme
    if scheme not in ("http", "https"):
        if len(scheme) > 1 and "://" in url:
            raise ParameterError(name="source", value=url, reason="is neither an http address nor a file")
        return FileSource(Path(url).expanduser(), service.schema(), units=units, title=service.title)
    endpoint, _, fragment = url.partition("#")
    table = unquote(fragment) or service.table
    if table is not None:
        return TapSource(
            endpoint, table, service.title, manners, _same_source(live, "tap", f"{endpoint.rstrip('/')}#{table}")
        )
    return SsapSource(url, service.title, service.schema(), manners, _same_source(live, "ssap", url))


def _same_source(live: Catalog | None, kind: str, url: str) -> Catalog | None:
    return live if live is not None and live.manifest["source"] == {"kind": kind, "url": url} else None
