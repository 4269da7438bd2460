"""A folder of fetched files: a file is in it whole or not at all, and no file is fetched into it twice.

A file is fetched beside its place. That it is whole, and its SHA-256, is written into the journal before it takes its
place; if the process dies between the two, it takes it when the folder is opened next.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ssap_mirror.core import storage
from ssap_mirror.errors import BusyError, MirrorError
from ssap_mirror.sources.harvest.journal import DamagedJournalError, Journal, read_whole_lines

__all__ = ["JOURNAL", "Entry", "FileFolder", "open_folder", "stored_files"]

#: Name of the journal in a folder.
JOURNAL = ".fetched.jsonl"

_LINKS = "links"
_KNOWN_ENDINGS = (".fits", ".fit", ".fts", ".vot", ".votable", ".xml", ".png", ".jpg", ".jpeg", ".gif")


@dataclass(frozen=True)
class Entry:
    """A file of the folder, as the journal has it."""

    address: str
    """Where it was fetched from."""
    file: str
    """Its path below the folder."""
    size_bytes: int
    """Its size [byte]."""
    sha256: str
    """Its checksum."""
    media_type: str
    """As the server sent it."""


class FileFolder:
    """A folder that is being filled; `open_folder` gives it. It may be used from several threads.

    Parameters
    ----------
    path : pathlib.Path
        The folder, locked.
    journal : Journal
        What was fetched into it.
    """

    def __init__(self, path: Path, journal: Journal) -> None:
        self.path = path
        self._journal = journal
        self._lock = threading.Lock()
        self._entries = _by_address(journal.records)
        self._names = {entry.file.lower() for entry in self._entries.values()}

    def whole(self, address: str) -> Entry | None:
        """Give the file of an address, if it is there as it was fetched; its checksum is compared."""
        entry = self._entries.get(address)
        if entry is None:
            return None
        place, part = self.path / entry.file, self.part(address)
        if not _is_whole(place, entry):
            if not _is_whole(part, entry):
                return None
            part.replace(place)
        return entry

    def part(self, address: str) -> Path:
        """Give the path at which the file of an address is fetched."""
        return self.path / _part_name(address)

    def accept(self, address: str, name: str, ending: str, media_type: str, *, links: bool) -> Entry:
        """Put a file that is whole at its place.

        Parameters
        ----------
        address : str
            Whose `part` it is.
        name : str
            What it may be called.
        ending : str
            What its name has to end with by its content; empty if nothing is known of that.
        media_type : str
            As the server sent it.
        links : bool
            Whether it is a list of links, which has a folder of its own.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        part = self.part(address)
        size, digest = part.stat().st_size, storage.sha256(part)
        with self._lock:
            file = self._free_name(address, _named(name, ending), _LINKS if links else "")
            entry = Entry(address, file, size, digest, media_type)
            place = self.path / file
            place.parent.mkdir(exist_ok=True)
            self._journal.add(asdict(entry))
            part.replace(place)
            self._entries[address] = entry
        return entry

    def _free_name(self, address: str, name: str, below: str) -> str:
        known = self._entries.get(address)
        if known is not None:
            return known.file
        # Two addresses may end alike; which of them came first does not change what the other is called for good.
        stem, dot, ending = name.partition(".")
        told_apart = f"{stem}-{_digest(address)[:8]}{dot}{ending}"
        for choice in (name, told_apart):
            file = f"{below}/{choice}" if below else choice
            if file.lower() not in self._names and not (self.path / file).exists():
                break
        self._names.add(file.lower())
        return file


@contextmanager
def open_folder(path: Path) -> Iterator[FileFolder]:
    """Open a folder for fetching into it; made if it is not there.

    Raises
    ------
    BusyError
        If somebody else is fetching into it.
    MirrorError
        If it cannot be written, or its journal is damaged.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(storage.lock_mirror(path))
        except BusyError as error:
            message = f"{path} is being filled by another process; try again when it is done"
            raise BusyError(message) from error
        try:
            journal = stack.enter_context(Journal(path / JOURNAL))
        except DamagedJournalError as error:
            message = f"{path / JOURNAL}, a list of what was fetched, is damaged; without it all is fetched anew"
            raise MirrorError(message) from error
        _drop_unfinished(path, journal)
        yield FileFolder(path, journal)


def stored_files(path: Path) -> dict[str, Entry]:
    """Files of a folder by address, as its journal has them, without changing anything; none if there is no folder."""
    entries = _by_address(read_whole_lines(path / JOURNAL))
    return {address: entry for address, entry in entries.items() if _is_whole(path / entry.file, entry)}


def _by_address(records: Iterable[dict[str, Any]]) -> dict[str, Entry]:
    return {entry.address: entry for entry in (Entry(**record) for record in records)}


def _is_whole(path: Path, entry: Entry) -> bool:
    try:
        return path.stat().st_size == entry.size_bytes and storage.sha256(path) == entry.sha256
    except OSError:
        return False


def _part_name(address: str) -> str:
    return f".{_digest(address)[:16]}.part"


def _digest(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()


def _drop_unfinished(path: Path, journal: Journal) -> None:
    """Remove what a process that died had not fetched to its end."""
    finished = {_part_name(record["address"]) for record in journal.records}
    for part in path.glob(".*.part"):
        if part.name not in finished:
            part.unlink()


def _named(name: str, ending: str) -> str:
    """Give a name the ending of its content, in place of one that says something else."""
    if not ending:
        return name
    stem = name.removesuffix(".gz")
    known = next((known for known in _KNOWN_ENDINGS if stem.lower().endswith(known)), "")
    return stem[: len(stem) - len(known)] + ending
