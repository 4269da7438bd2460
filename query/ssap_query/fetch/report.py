"""What came of fetching: which files are there, which are missing and why, and which rows each belongs to."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

from ssap_mirror.core import storage
from ssap_mirror.errors import MirrorError

from ssap_query.arrow.counted import counted
from ssap_query.fetch.wanted import Wanted

__all__ = ["MANIFEST", "Fetched", "FetchedFile", "read_manifest", "write_manifest"]

#: Name of the table in a folder that joins files to rows.
MANIFEST = "manifest.csv"
#: Its lines, by identity and address.
Lines: TypeAlias = Mapping[tuple[str, str], Sequence[str]]

_COLUMNS = ("identity", "file", "state", "address", "semantics", "bytes", "sha256", "media_type", "reason")
_TOLD = 5


@dataclass(frozen=True)
class FetchedFile:
    """A file that was wanted, and what came of it."""

    wanted: Wanted
    """What was wanted."""
    state: Literal["fetched", "kept", "missing"]
    """Whether it came now, was there before, or did not come."""
    path: Path | None = None
    """Where it is; None if it is missing."""
    size_bytes: int = 0
    """Its size [byte]."""
    sha256: str = ""
    """Its checksum."""
    reason: str = ""
    """Why it is missing, a sentence."""


@dataclass(frozen=True)
class Fetched:
    """All files that were wanted, in the order of their rows."""

    folder: Path
    """Where they are."""
    files: tuple[FetchedFile, ...]
    """Each once."""
    identities: tuple[str, ...]
    """What each row is known by, in the order of the rows."""

    @property
    def missing(self) -> tuple[FetchedFile, ...]:
        """Files that did not come."""
        return tuple(file for file in self.files if file.state == "missing")

    @cached_property
    def rows_without_file(self) -> tuple[int, ...]:
        """Numbers of the rows that no file belongs to, since they have no address."""
        return tuple(number for number in range(len(self.identities)) if number not in self._by_row)

    @property
    def complete(self) -> bool:
        """Whether every file came."""
        return not self.missing

    @cached_property
    def _by_row(self) -> dict[int, list[FetchedFile]]:
        found: dict[int, list[FetchedFile]] = {}
        for file in self.files:
            for row in file.wanted.rows:
                found.setdefault(row, []).append(file)
        return found

    def files_of(self, row: int) -> tuple[FetchedFile, ...]:
        """Files of a row, by its number."""
        return tuple(self._by_row.get(row, ()))

    def words(self) -> str:
        """Say it to a person: how many files came, and what is missing for which reasons."""
        states = Counter(file.state for file in self.files)
        size = sum(file.size_bytes for file in self.files if file.state == "fetched")
        came = f"{states['fetched']:,} fetched ({size / 1e6:,.1f} MB)"
        lines = [
            f"{counted(len(self.files), 'file')} of "
            f"{counted(len(self.identities) - len(self.rows_without_file), 'row')}: {came}, "
            f"{states['kept']:,} kept from before, {states['missing']:,} missing; {self.folder / MANIFEST}"
        ]
        if self.rows_without_file:
            lines.append(f"rows without an address: {len(self.rows_without_file):,}")
        reasons = Counter(file.reason for file in self.missing)
        lines += [f"{count:,} missing: {reason}" for reason, count in reasons.most_common(_TOLD)]
        lines += [f"and {len(reasons) - _TOLD:,} more reasons, in the manifest"] if len(reasons) > _TOLD else []
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON document."""
        return {
            "folder": str(self.folder),
            "complete": self.complete,
            "rows": len(self.identities),
            "rows_without_file": len(self.rows_without_file),
            "files": [
                dict(zip(_COLUMNS[1:], cells[1:], strict=True)) | {"rows": list(file.wanted.rows)}
                for file in self.files
                for cells in [_cells("", file, self.folder)]
            ],
        }


def write_manifest(fetched: Fetched, before: Lines) -> None:
    """Write which file belongs to which row, a line for each pair.

    Parameters
    ----------
    fetched : Fetched
        What was fetched.
    before : mapping
        What `read_manifest` has found, which stays where it is of other rows.

    Raises
    ------
    MirrorError
        If it cannot be written.
    """
    path = fetched.folder / MANIFEST
    with storage.translate_write_errors(path):
        known = {**before}
        for file in fetched.files:
            for row in file.wanted.rows:
                cells = _cells(fetched.identities[row], file, fetched.folder)
                known[cells[0], cells[3]] = cells
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(known.values())
        with storage.replacing(path) as beside:
            storage.write_file(beside, text.getvalue().encode())


def read_manifest(folder: Path) -> Lines:
    """Read the manifest of a folder; empty if there is none.

    Raises
    ------
    MirrorError
        If a file of somebody else has its name.
    """
    path = folder / MANIFEST
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        if tuple(next(lines, ())) != _COLUMNS:
            message = f"{path} is no manifest of fetched files; move it away"
            raise MirrorError(message)
        return {(cells[0], cells[3]): cells for cells in lines}


def _cells(identity: str, file: FetchedFile, folder: Path) -> Sequence[str]:
    wanted = file.wanted
    name = "" if file.path is None else file.path.relative_to(folder).as_posix()
    size = str(file.size_bytes) if file.path else ""
    # A reason may have lines; a cell of this table has none.
    reason = " ".join(file.reason.split())
    return (
        *(identity, name, file.state, wanted.address, wanted.semantics),
        *(size, file.sha256, wanted.media_type, reason),
    )
