"""What a harvest has done so far, one line of JSON each, on disk before it counts."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from ssap_mirror.core import storage
from ssap_mirror.errors import CatalogError

__all__ = ["DamagedJournalError", "Journal", "read_whole_lines"]


class DamagedJournalError(CatalogError):
    """A journal whose records cannot be read any more, so that what they tell of is of no use."""


class Journal:
    """An append-only file of records, each flushed to disk before `add` returns.

    A process that dies while it writes leaves half a line at the end at most; that line never counted and is cut off.

    Parameters
    ----------
    path : pathlib.Path
        The file; made if it is not there.

    Raises
    ------
    DamagedJournalError
        If a line that was complete cannot be read.
    CatalogError
        If the file cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: list[dict[str, Any]] = []
        try:
            self._open()
        except OSError as error:
            message = f"the journal {path} cannot be opened: {error.strerror}"
            raise CatalogError(message) from error

    def _open(self) -> None:
        existed = self.path.exists()
        with contextlib.ExitStack() as undone:
            self._file = undone.enter_context(self.path.open("a+b", buffering=0))
            self._file.seek(0)
            content = self._file.read()
            complete, newline, torn = content.rpartition(b"\n")
            for number, line in enumerate(complete.split(b"\n") if newline else (), 1):
                try:
                    record = json.loads(line)
                except ValueError as error:
                    message = f"line {number} of the journal {self.path} is damaged; start again with --restart"
                    raise DamagedJournalError(message) from error
                self.records.append(record)
            if torn:
                self._file.truncate(len(content) - len(torn))
                os.fsync(self._file.fileno())
            if not existed:
                storage.flush(self.path.parent)
            undone.pop_all()

    def add(self, record: dict[str, Any]) -> None:
        """Write one record; it is on disk when this returns."""
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        start = self._file.seek(0, os.SEEK_END)
        try:
            written = self._file.write(line)
            while written < len(line):
                written += self._file.write(line[written:])
            os.fsync(self._file.fileno())
        except BaseException:
            # A half-written line must not stand before the next one.
            self._file.truncate(start)
            raise
        self.records.append(record)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def read_whole_lines(path: Path) -> list[dict[str, Any]]:
    """Whole lines of a journal that may be growing."""
    try:
        content = path.read_bytes()
    except OSError:
        return []
    found = []
    for line in content.rpartition(b"\n")[0].splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    return found
