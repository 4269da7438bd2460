"""A file of which parts have been fetched: it lies at its place in the cache, with holes where the others belong.

What is known of it stands beside it, in a file that ends in ``.ranges``. It may be removed at any time.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from threading import RLock

from ssap_mirror.core import storage
from ssap_mirror.remote.byte_ranges import ByteRange, merged, missing

__all__ = ["CachedFile"]


class CachedFile:
    """A file of the cache. Whoever changes it holds its lock.

    Parameters
    ----------
    path : pathlib.Path
        Where it lies, or will.
    remote : str
        Its path below the address of the mirror.
    size : int
        Size of the whole [byte].
    """

    def __init__(self, path: Path, remote: str, size: int) -> None:
        self.path = path
        self.remote = remote
        self.size = size
        self.lock = RLock()
        self.doubtful = False
        """Whether what came is of different versions of the file, or of nobody knows which."""
        self._record = path.with_name(f"{path.name}.ranges")
        self._version: str | None = None
        self._present: list[ByteRange] = []
        self._recall()

    @property
    def is_whole(self) -> bool:
        """Whether no byte is missing."""
        return self._present == [(0, self.size)]

    def look(self) -> None:
        """Forget what was here, if somebody has removed the file."""
        if self._present and not self.path.is_file():
            self.forget()

    def missing(self, wanted: Iterable[ByteRange]) -> list[ByteRange]:
        """Give what has to be fetched of some ranges."""
        return missing(wanted, self._present)

    def write(self, start: int, content: bytes, version: str | None) -> None:
        """Put bytes in their place; they count as present only after `keep`.

        Parameters
        ----------
        start : int
            Place of the first.
        content : bytes
            The bytes.
        version : str or None
            Version of the file that they are of; None if nobody knows.
        """
        if len(content) < self.size:
            self.doubtful |= version is None or version != (self._version or version)
            self._version = version
        self.reserve()
        with self.path.open("r+b") as out:
            out.seek(start)
            out.write(content)
            out.flush()
            os.fdatasync(out.fileno())

    def keep(self, ranges: Iterable[ByteRange]) -> None:
        """Count ranges as present: they are written, and what they hold was looked at."""
        self._present = merged([*self._present, *ranges])
        record = {"version": self._version, "ranges": self._present}
        with storage.replacing(self._record) as beside:
            beside.write_text(json.dumps(record))

    def forget(self) -> None:
        """Count nothing as present any more."""
        self._present, self._version, self.doubtful = [], None, False
        self._record.unlink(missing_ok=True)

    def reserve(self) -> None:
        """Make a file that is one hole, where there is none; another process may do so at the same time."""
        if self.path.is_file():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}.new")
        with beside.open("wb") as out:
            out.truncate(self.size)
        with contextlib.suppress(FileExistsError):
            os.link(beside, self.path)
        beside.unlink()

    def _recall(self) -> None:
        """Read what is known of it; nothing, where that makes no sense."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(self._record.read_bytes())
            ranges = [(int(start), int(stop)) for start, stop in found["ranges"]]
            if self.path.stat().st_size == self.size and all(0 <= start < stop <= self.size for start, stop in ranges):
                self._present, self._version = merged(ranges), found["version"]
