"""Pull a mirror that somebody publishes: only files that are not here yet, checked, and live when all of it is."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ssap_mirror.check.snapshot import validate
from ssap_mirror.check.supplements import check_supplements
from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import Catalog, live_name, open_catalog, read_catalog
from ssap_mirror.core.snapshots import make_live
from ssap_mirror.errors import CatalogError, FormatError, MirrorError, ServiceError, SourceError
from ssap_mirror.pipeline.address import PublishedAddress, SsapAddress
from ssap_mirror.pipeline.remembered import remember_pulled
from ssap_mirror.pipeline.service import KnownService
from ssap_mirror.pipeline.shrinkage import shrinkage
from ssap_mirror.pipeline.staging import Staging
from ssap_mirror.publish.files import list_snapshot
from ssap_mirror.publish.gathered_metadata import gather_metadata
from ssap_mirror.sources.progress import Progress
from ssap_mirror.sources.published.host import Host
from ssap_mirror.sources.published.listing import ListedFile, Listing
from ssap_mirror.sources.source import Estimate, RequestPolicy

__all__ = ["Pulled", "estimate_pull", "pull", "recognise"]

# So often a host may publish anew while it is pulled.
_MOST_ROUNDS = 3


@dataclass(frozen=True)
class Pulled:
    """What a pull did."""

    catalog: Catalog
    """The snapshot, live."""
    requests: int
    """Requests sent."""
    received: int
    """Bytes received."""
    fetched: int
    """Files that were fetched."""
    linked: int
    """Files that were here already."""


def recognise(asked: KnownService, policy: RequestPolicy) -> KnownService:
    """Tell a published mirror from an SSAP service: where the address is that of a folder, the host is asked.

    Parameters
    ----------
    asked : KnownService
        What is to be mirrored.
    policy : RequestPolicy
        How to behave towards the host.

    Returns
    -------
    KnownService
        At the address of a published mirror if that is what is there; else the same.
    """
    parts = urlsplit(asked.address.origin)
    if not isinstance(asked.address, SsapAddress) or parts.query or not parts.path.endswith("/"):
        return asked
    with contextlib.closing(Host(asked.address.url, policy)) as host, contextlib.suppress(SourceError):
        host.listing(attempts=1)
        return asked.moved_to(PublishedAddress(asked.address.url))
    return asked


def estimate_pull(url: str, mirror: Path, policy: RequestPolicy) -> Estimate:
    """Find out what `pull` will fetch.

    Raises
    ------
    SourceError
        If the host fails.
    """
    began = time.monotonic()
    with contextlib.closing(Host(url, policy)) as host:
        listing = host.listing()
        rate = host.received / (time.monotonic() - began)
    missing, _ = _sorted_out(mirror, listing)
    size = sum(file.bytes for file in missing)
    return Estimate(listing.rows, size, size / rate, size, len(missing))


def pull(
    url: str,
    mirror: Path,
    policy: RequestPolicy,
    progress: Progress,
    *,
    allow_shrink: bool = False,
    restart: bool = False,
) -> Pulled:
    """Bring the snapshot that is published at an address here, and make it live. The mirror is locked.

    Parameters
    ----------
    url : str
        Address of the published folder.
    mirror : pathlib.Path
        Folder of the mirror.
    policy : RequestPolicy
        How to behave towards the host.
    progress : Progress
        Told of what goes on.
    allow_shrink : bool
        Whether it may have many fewer rows than the live one.
    restart : bool
        Whether to forget what an earlier run fetched.

    Raises
    ------
    SourceError
        If the host fails, or publishes anew again and again; what was fetched is kept.
    CatalogError
        If what came is no sound snapshot, has lost many rows, or another one of its name is here.
    OSError
        If the mirror cannot be written.
    """
    staging = Staging(mirror)
    if said := staging.begin({"kind": PublishedAddress.kind, "url": url}, restart=restart):
        progress.note(said)
    with contextlib.closing(Host(url, policy, progress.note)) as host:
        listing = host.listing()
        for _ in range(_MOST_ROUNDS):
            if not allow_shrink and (shrunken := shrinkage(mirror, listing.rows)) is not None:
                raise CatalogError(shrunken.words)
            fetched = 0
            if (catalog := _already_here(mirror, listing)) is not None:
                break
            try:
                fetched, linked = _fetch(host, mirror, listing, policy, progress)
            except (ServiceError, FormatError) as error:
                now = host.listing()
                if now == listing:
                    raise
                progress.note(f"{error}; the host has published {now.snapshot} meanwhile, which is pulled instead")
                listing = now
                continue
            catalog = _assemble(mirror, listing, linked)
            break
        else:
            message = f"{url} publishes anew more quickly than it can be pulled; try again later"
            raise SourceError(message)
    remember_pulled(mirror, listing.snapshot, url)
    if live_name(mirror) != listing.snapshot:
        make_live(mirror, catalog)
    staging.clear()
    return Pulled(catalog, host.requests, host.received, fetched, len(listing.files) - fetched)


def _already_here(mirror: Path, listing: Listing) -> Catalog | None:
    """Find the snapshot here; None if there is none of its name.

    Raises
    ------
    CatalogError
        If there is one that is another, or damaged.
    """
    target = layout.snapshots_dir(mirror) / listing.snapshot
    if not target.exists():
        return None
    catalog = open_catalog(target)
    catalog.checksums.check(catalog.files)
    if list_snapshot(catalog).files != listing.files:
        message = f"{target} is another snapshot than the one of that name that is published; it can be renamed"
        raise CatalogError(message)
    return catalog


def _sorted_out(mirror: Path, listing: Listing) -> tuple[list[ListedFile], dict[str, Path]]:
    """Tell files that are to be fetched, each checksum once, from those at hand: checksum -> file."""
    wanted = {file.sha256: file for file in listing.files}
    linked = _at_hand(mirror, set(wanted))
    return [file for digest, file in wanted.items() if digest not in linked], linked


def _fetch(
    host: Host, mirror: Path, listing: Listing, policy: RequestPolicy, progress: Progress
) -> tuple[int, dict[str, Path]]:
    """Fetch what is not here; gives the number of files, and checksum -> file of what is."""
    missing, linked = _sorted_out(mirror, listing)
    folder = _fetched_dir(mirror)
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.stem not in {file.sha256 for file in missing}:
            path.unlink()  # of a snapshot that is published no more
    size = sum(file.bytes for file in missing)
    if lack := storage.lack_of_room(mirror, policy.disk_share * size):
        message = f"there is no room for the mirror: {lack}"
        raise MirrorError(message)
    progress.note(f"{len(missing):,} of {len(listing.files):,} files, {size / 1e6:,.1f} MB, are to be fetched")
    progress.stage("pull", None)
    # What gathers the footers of all other files is made of them, and is as large as some.
    last = [file for file in missing if file.path.endswith(f"/{layout.METADATA}")]
    first = [file for file in missing if file not in last]
    host.fetch(first, folder, lambda arrived: progress.advance(size=arrived))
    places = {file.path: linked.get(file.sha256, folder / file.sha256) for file in listing.files}
    left = [file for file in last if not _made_here(file, places, folder)]
    host.fetch(left, folder, lambda arrived: progress.advance(size=arrived))
    return len(first) + len(left), linked


def _made_here(file: ListedFile, places: dict[str, Path], folder: Path) -> bool:
    """Make the gathered metadata of a catalogue; whether it is the same as that which is published."""
    root = file.path.removesuffix(layout.METADATA)
    others = {path.removeprefix(root): place for path, place in places.items() if path.startswith(root)}
    trial = folder / f"{file.sha256}.made"
    with contextlib.suppress(OSError, KeyError, ValueError, MirrorError):
        gather_metadata(others, trial)
        if storage.sha256(trial) == file.sha256:
            storage.flush(trial)
            trial.replace(folder / file.sha256)
            return True
    return False


def _fetched_dir(mirror: Path) -> Path:
    """Folder of the files that a pull has fetched, each named by its checksum."""
    return layout.staging_dir(mirror) / "fetched"


def _at_hand(mirror: Path, wanted: set[str]) -> dict[str, Path]:
    """Checksum -> a file of a snapshot here that has it, and has been looked at; the younger snapshots first."""
    found: dict[str, Path] = {}
    for name in reversed(layout.snapshot_names(mirror)):
        try:
            files = list_snapshot(read_catalog(layout.snapshots_dir(mirror) / name)).files
        except (CatalogError, OSError):
            continue
        for file in files:
            if file.sha256 in wanted and file.sha256 not in found:
                with contextlib.suppress(OSError):
                    if storage.sha256(mirror / file.path) == file.sha256:
                        found[file.sha256] = mirror / file.path
    return found


def _assemble(mirror: Path, listing: Listing, linked: dict[str, Path]) -> Catalog:
    """Put the files together, look at every byte once more, and give the snapshot its place."""
    work = layout.build_dir(mirror, os.getpid())
    fetched = _fetched_dir(mirror)
    try:
        for file in listing.files:
            target = work / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            source = linked.get(file.sha256, fetched / file.sha256)
            try:
                target.hardlink_to(source)
            except OSError:  # a file system without links
                shutil.copyfile(source, target)
                storage.flush(target)
        snapshot = work / layout.snapshots_dir(mirror).name / listing.snapshot
        catalog = read_catalog(snapshot)
        catalog.checksums.check(catalog.path / item["path"] for item in (*catalog.row_files, *catalog.other_files))
        if problems := [*validate(catalog), *check_supplements(catalog)]:
            message = f"what is published as {listing.snapshot} is not sound: {'; '.join(problems)}"
            raise CatalogError(message)
        for folder in sorted(path for path in work.rglob("*") if path.is_dir()):
            storage.flush(folder)
        return open_catalog(_move_in(mirror, snapshot))
    finally:
        storage.clear(work)


def _move_in(mirror: Path, snapshot: Path) -> Path:
    """Give a snapshot its place; its supplements go before it, so that nobody finds it without them."""
    target = layout.snapshots_dir(mirror) / snapshot.name
    supplements = layout.supplements_dir(target)
    if supplements.exists():  # of a pull that was interrupted between the two
        shutil.rmtree(supplements)
    for source, place in ((layout.supplements_dir(snapshot), supplements), (snapshot, target)):
        if source.exists():
            place.parent.mkdir(exist_ok=True)
            source.rename(place)
            storage.flush(place.parent)
    return target
