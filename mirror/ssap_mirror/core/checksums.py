"""A file of a snapshot is used only as it was written: it is held against its SHA-256 before its first use.

That costs about 0.7 s of CPU for each GB, in threads, before the first answer from a file and never again: what was
checked is remembered by inode, size and times of change, in memory and in the user's cache folder. A snapshot that was
built on this machine is remembered from the start.

Bytes that change on the disk without the file system noticing are not found this way. The pages of the Parquet files
have checksums of their own, which Arrow compares each time; `ssap_mirror.check.snapshot.verify` reads all again.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from ssap_mirror.core import layout, storage
from ssap_mirror.errors import CatalogError

__all__ = ["ADVICE", "Checksums", "FilePart"]

#: What to do about damage, for the end of a message.
ADVICE = "ssap-mirror verify says which files are damaged"

# Files with fewer bytes in all are not worth the start of threads.
_FEW_BYTES = 32 << 20

# Inode, size [byte], and times of the last change of content and of inode [ns].
Identity = tuple[int, int, int, int]


@dataclass(frozen=True)
class FilePart:
    """What is about to be read of a Parquet file, for those who have to fetch it first."""

    path: str
    """Absolute path of the file."""
    columns: Sequence[str] | None = None
    """Names of columns; none at all is the footer, which is read in any case; None is all of them."""
    row_groups: Sequence[int] | None = None
    """Numbers of row groups; None is all of them."""


class Checksums:
    """Which files of a snapshot are as they were written; may be used from many threads.

    Parameters
    ----------
    snapshot : pathlib.Path
        Its folder.
    files : mapping of str to str
        Path below the folder -> SHA-256 of each file, in hexadecimal.
    settled_ns : int
        A file that changed more lately [ns] may change again without its times showing it, since their grain is some
        milliseconds; it is not remembered.
    max_remembered : int
        Snapshots that the cache folder remembers.
    """

    def __init__(
        self, snapshot: Path, files: Mapping[str, str], settled_ns: int = 100_000_000, max_remembered: int = 64
    ) -> None:
        self._settled_ns, self._max_remembered = settled_ns, max_remembered
        self._folder = snapshot
        root = f"{snapshot}{os.sep}"  # joining paths one by one takes a fifth of a second for 20,000 files
        self._digests = {root + path: digest for path, digest in files.items()}
        self._checked: dict[str, Identity] | None = None
        self._lock = Lock()

    def check(self, paths: Iterable[Path | str]) -> None:
        """Hold files against their checksums, unless that was done before and they have not changed since.

        Parameters
        ----------
        paths : iterable of path
            Absolute paths of files of the snapshot.

        Raises
        ------
        CatalogError
            If one is damaged or cannot be read.
        """
        known = self._checked  # replaced as a whole, never changed, so that it can be read without the lock
        found = {str(path): _identity(path) for path in paths}
        if known is not None and all(known.get(path) == identity for path, identity in found.items()):
            return
        with self._lock:
            if self._checked is None:
                self._checked = self._recall()
            unknown = {path: it for path, it in found.items() if self._checked.get(path) != it}
            if unknown:
                self._compare(unknown)

    def check_parts(self, parts: Iterable[FilePart]) -> None:
        """Hold files against their checksums, as `check` does, of which only parts are going to be read.

        A file on disk is one whole, whatever is read of it.
        """
        self.check(part.path for part in parts)

    def reserve(self, paths: Iterable[Path | str]) -> None:
        """See that files are at their places, for those who look whether they are there before they read some of them.

        On disk they are.
        """

    def trust(self) -> None:
        """Remember all files as they are now, because their checksums were made of them as they are."""
        with self._lock:
            self._checked = {}
            self._remember({path: _identity(path) for path in self._digests})

    def _compare(self, files: Mapping[str, Identity]) -> None:
        if wrong := [path for path, it in zip(files, _digests(files), strict=True) if it != self._digests[path]]:
            raise self._damaged(wrong)
        self._remember(files)

    def _damaged(self, wrong: Sequence[str]) -> CatalogError:
        """Make the error of files that are not as they were written."""
        names = ", ".join(Path(path).relative_to(self._folder).as_posix() for path in wrong)
        return CatalogError(f"snapshot {self._folder} is damaged: {names}: not the SHA-256 in the manifest ({ADVICE})")

    def _remember(self, files: Mapping[str, Identity]) -> None:
        settled = time.time_ns() - self._settled_ns
        self._checked = {**(self._checked or {}), **{path: it for path, it in files.items() if max(it[2:]) < settled}}
        memory = self._memory()
        if memory is not None:
            content = {path: (self._digests[path], *it) for path, it in self._checked.items()}
            _write_memory(memory, json.dumps(content), self._max_remembered)

    def _recall(self) -> dict[str, Identity]:
        """Read what was remembered: files that had the checksum they should have. Nothing, if it makes no sense."""
        memory = self._memory()
        found: dict[str, Identity] = {}
        if memory is not None:
            with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
                for path, (digest, inode, size, modified, changed) in json.loads(memory.read_bytes()).items():
                    if digest == self._digests.get(path):
                        found[path] = int(inode), int(size), int(modified), int(changed)
        return found

    def _memory(self) -> Path | None:
        """File of the cache folder that remembers this snapshot, in this place; None without such a folder."""
        folder = layout.cache_dir()
        if folder is None:
            return None
        status = self._folder.stat()
        return folder / "checked" / f"{self._folder.name}-{status.st_dev:x}-{status.st_ino:x}.json"


def _identity(path: Path | str) -> Identity:
    try:
        status = os.stat(path)  # noqa: PTH116  (three times as fast as that of pathlib, and asked for each cone)
    except OSError as error:
        raise _unreadable(path, error) from error
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _digests(files: Mapping[str, Identity]) -> list[str]:
    """SHA-256 of each file."""
    if len(files) == 1 or sum(size for _, size, _, _ in files.values()) < _FEW_BYTES:
        return [_digest(path) for path in files]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(_digest, files))


def _digest(path: str) -> str:
    try:
        return storage.sha256(Path(path))
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path | str, error: OSError) -> CatalogError:
    return CatalogError(f"{path} cannot be read: {error.strerror} ({ADVICE})")


def _write_memory(memory: Path, content: str, most: int) -> None:
    """Write what is remembered, if the folder can be written; the oldest of other snapshots are forgotten."""
    with contextlib.suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        with storage.replacing(memory) as beside:
            beside.write_text(content)
        by_age = sorted(memory.parent.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for old in by_age[:-most]:
            old.unlink()
