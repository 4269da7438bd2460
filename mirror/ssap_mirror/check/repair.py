"""Bring damaged files of a snapshot back: from equal ones here, from where it is published, or by making them anew.

Rows that are nowhere else come back by a sync alone, which builds another snapshot.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ssap_mirror.build.supplements.supplements import build_supplements
from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import Catalog, read_catalog
from ssap_mirror.core.snapshots.collection import write_collection
from ssap_mirror.errors import CatalogError, MirrorError, SourceError
from ssap_mirror.publish.files import list_snapshot
from ssap_mirror.publish.gathered_metadata import gather_metadata
from ssap_mirror.sources.published.host import Host
from ssap_mirror.sources.published.listing import ListedFile, Listing
from ssap_mirror.sources.source import RequestPolicy

__all__ = ["Repaired", "repair"]


@dataclass(frozen=True)
class Repaired:
    """What a repair did."""

    restored: tuple[str, ...]
    """Paths below the mirror of the files that are as they were again."""
    left: tuple[str, ...]
    """What could not be restored, a sentence each."""


def repair(
    mirror: Path,
    snapshot: str,
    url: str | None = None,
    policy: RequestPolicy | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> Repaired:
    """Restore damaged files of a snapshot and of its supplements.

    Parameters
    ----------
    mirror : pathlib.Path
        Folder of the mirror.
    snapshot : str
        Name of the snapshot.
    url : str, optional
        Where it was pulled from.
    policy : RequestPolicy, optional
        How to behave towards that host.
    note : callable, optional
        Told one sentence for each wait.

    Returns
    -------
    Repaired
        A file is restored only as it was, byte for byte, or made anew of files that are.

    Raises
    ------
    BusyError
        If another process is writing the mirror.
    MirrorError
        If the mirror cannot be written.
    """
    with storage.lock_mirror(mirror), storage.translate_errors(mirror):
        work = layout.build_dir(mirror, os.getpid())
        work.mkdir(parents=True, exist_ok=True)
        try:
            with contextlib.ExitStack() as stack:
                host = None
                if url is not None:
                    host = Host(url, policy or RequestPolicy(), note)
                    stack.callback(host.close)
                return _Repair(mirror, layout.snapshots_dir(mirror) / snapshot, work, host).run()
        finally:
            storage.clear(work)


class _Repair:
    """One repair: what is known of the host, and what has been done so far."""

    def __init__(self, mirror: Path, snapshot: Path, work: Path, host: Host | None) -> None:
        self._mirror, self._snapshot, self._work, self._host = mirror, snapshot, work, host
        self._listing: Listing | None = None
        self._silence = ""
        self._restored: list[str] = []
        if host is not None:
            try:
                self._listing = host.listing()
            except SourceError as error:
                self._silence = f" ({error})"

    def run(self) -> Repaired:
        """Restore what can be: first what all else is held against."""
        self._restore(self._described())
        try:
            catalog = read_catalog(self._snapshot)
        except CatalogError as error:
            return self._done([f"{error}{self._silence}"])
        try:
            files = list_snapshot(catalog).files
        except (CatalogError, OSError):  # its supplements cannot even be listed
            files = ()
        damaged = self._restore(files or _rows_and_others(catalog, self._mirror))
        damaged = [file for file in damaged if not self._gather(file, files)]
        rows = {catalog.path / item["path"] for item in catalog.row_files}
        beside = [file for file in damaged if file.path.startswith("supplements/")]
        if (beside or not files) and not any(self._mirror / file.path in rows for file in damaged):
            build_supplements(self._mirror, catalog, catalog)
            self._restored += [file.path for file in beside] or [f"supplements/{catalog.path.name}"]
            damaged = [file for file in damaged if file not in beside]
        write_collection(self._mirror, self._snapshot)
        return self._done([f"{file.path} is damaged, and there is no other copy{self._silence}" for file in damaged])

    def _done(self, left: list[str]) -> Repaired:
        return Repaired(tuple(self._restored), tuple(left))

    def _described(self) -> list[ListedFile]:
        """Files without a checksum here, if the host still publishes this snapshot."""
        if self._listing is None or self._listing.snapshot != self._snapshot.name:
            return []
        names = (layout.MANIFEST, layout.MANIFEST_DIGEST, layout.SUPPLEMENTS)
        return [file for file in self._listing.files if file.path.rpartition("/")[2] in names]

    def _restore(self, files: Iterable[ListedFile]) -> list[ListedFile]:
        """Restore files from equal ones; gives those that are still damaged."""
        damaged = [file for file in files if not _is_sound(self._mirror, file)]
        if not damaged:
            return []
        at_hand = self._at_hand({file.sha256 for file in damaged})
        left = []
        for file in damaged:
            source = at_hand.get(file.sha256) or self._fetched(file)
            if source is None:
                left.append(file)
            else:
                self._put(source, file)
        return left

    def _at_hand(self, wanted: set[str]) -> dict[str, Path]:
        """Checksum -> a sound file that has it, of this snapshot or another."""
        found: dict[str, Path] = {}
        for name in layout.snapshot_names(self._mirror):
            with contextlib.suppress(CatalogError, OSError):
                for file in list_snapshot(read_catalog(layout.snapshots_dir(self._mirror) / name)).files:
                    if file.sha256 in wanted and file.sha256 not in found and _is_sound(self._mirror, file):
                        found[file.sha256] = self._mirror / file.path
        return found

    def _fetched(self, file: ListedFile) -> Path | None:
        """Fetch a file from the host, which may have it under another snapshot's name now; None if it has not."""
        if self._host is None or self._listing is None:
            return None
        others = [one for one in self._listing.files if one.sha256 == file.sha256]
        for candidate in (*others, file):
            try:
                self._host.fetch([candidate], self._work, lambda arrived: None)
                return self._work / file.sha256
            except SourceError as error:
                self._silence = f" ({error})"
        return None

    def _gather(self, file: ListedFile, files: tuple[ListedFile, ...]) -> bool:
        """Make the gathered metadata of a catalogue anew; whether it is what it was."""
        if not file.path.endswith(f"/{layout.METADATA}"):
            return False
        root = file.path.removesuffix(layout.METADATA)
        others = {one.path.removeprefix(root): self._mirror / one.path for one in files if one.path.startswith(root)}
        made = self._work / "made"
        with contextlib.suppress(OSError, KeyError, ValueError, MirrorError):
            gather_metadata(others, made)
            if storage.sha256(made) == file.sha256:
                self._put(made, file)
                return True
        return False

    def _put(self, source: Path, file: ListedFile) -> None:
        """Put a copy in place, and wherever a hard link shared the damage."""
        target = self._mirror / file.path
        shared = [target, *(path for path in self._links(file) if path != target)]
        for place in shared:
            place.parent.mkdir(parents=True, exist_ok=True)
            with storage.replacing(place) as beside:
                shutil.copyfile(source, beside)
                storage.flush(beside)
            storage.flush(place.parent)
        self._restored.append(file.path)

    def _links(self, file: ListedFile) -> list[Path]:
        """Files of other snapshots that are the same damaged one."""
        target = self._mirror / file.path
        if not target.is_file() or target.stat().st_nlink == 1:
            return []
        room, _, below = file.path.partition("/")
        inside = below.partition("/")[2]
        others = (self._mirror / room).glob(f"*/{inside}")
        return [path for path in others if path.is_file() and path.samefile(target)]


def _rows_and_others(catalog: Catalog, mirror: Path) -> list[ListedFile]:
    return [
        ListedFile((catalog.path / item["path"]).relative_to(mirror).as_posix(), item["bytes"], item["sha256"])
        for item in (*catalog.row_files, *catalog.other_files)
    ]


def _is_sound(mirror: Path, file: ListedFile) -> bool:
    try:
        return storage.sha256(mirror / file.path) == file.sha256
    except OSError:
        return False
