"""The files of a snapshot that lies elsewhere: what is about to be read is fetched first, and looked at.

They lie in the user's cache folder at the places that they have in a snapshot, so that whatever reads a mirror on disk
reads these as well, once it has asked. What is compared before anything is read:

- a file that is fetched as a whole with its SHA-256 in the manifest, as every file on disk is;
- of a file of which parts are fetched, its size and the version that the host names with each answer (ETag, or time of
  change); the footer with its SHA-256 in the manifest, or where an older manifest does not say it, with its number of
  rows; and each page of each column with the checksum that Parquet has for it.

Where the host names no version, or another one than before, and where it knows no ranges, files are fetched as a whole.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from ssap_mirror.core import layout
from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.checksums import Checksums, FilePart
from ssap_mirror.core.parquet_footer import TRAILER_BYTES, footer_range
from ssap_mirror.errors import CatalogError, FormatError, SourceError
from ssap_mirror.remote.byte_ranges import ByteRange, bytes_in, merged
from ssap_mirror.remote.cached_file import CachedFile
from ssap_mirror.remote.parquet_parts import chunks_of, page_faults, read_footer
from ssap_mirror.remote.store import FileRange, RangesUnknownError, Store

__all__ = ["RemoteFiles"]

# A request costs about as much as so many bytes: what lies between two ranges is fetched with them.
_GAP_BYTES = 256 << 10
# A file that is not larger comes in one piece, in place of its footer and then some more.
_SMALL_FILE_BYTES = 256 << 10
# Share of a file beyond which it is fetched as a whole.
_MOST_OF_IT = 0.7
# What a column of a row group takes in a footer [byte], about.
_CHUNK_BYTES = 130
_MOST_FOOTERS = 256


@dataclass(frozen=True)
class _Listed:
    """What the manifest says of a file."""

    rows: int | None
    """Rows, of a file that has some."""
    footer_bytes: int | None
    """Size of the footer with what stands behind it [byte]; None if the manifest is older."""
    footer_sha256: str | None
    """Its SHA-256."""


class RemoteFiles(Checksums):
    """The files of a snapshot that lies elsewhere; may be used from many threads.

    Parameters
    ----------
    snapshot : pathlib.Path
        Its folder in the cache.
    manifest : mapping
        Its manifest.
    store : Store
        What reads the mirror.
    below : str
        Path of the snapshot below the address of the store, with a slash at the end.
    """

    def __init__(self, snapshot: Path, manifest: Mapping[str, Any], store: Store, below: str) -> None:
        listed = Catalog(snapshot, dict(manifest))
        rows, others = listed.row_files, listed.other_files
        items = [*rows, *others]
        super().__init__(snapshot, {item["path"]: item["sha256"] for item in items})
        self._store = store
        self._below = below
        self._root = f"{snapshot}{os.sep}"
        self._items: dict[str, dict[str, Any]] = {self._root + item["path"]: item for item in items}
        self._files: dict[str, CachedFile] = {}
        self._footers: OrderedDict[str, Any] = OrderedDict()
        self._no_ranges = False
        self._guard = Lock()
        sizes = {item["path"]: item["bytes"] for item in others}
        self._empty_footer = sizes.get(layout.COMMON_METADATA, 0)
        self._footer_bytes_per_row = max(sizes.get(layout.METADATA, 0) - self._empty_footer, 0) / max(
            sum(item["rows"] for item in rows), 1
        )
        self._columns = len(manifest["columns"])

    def check(self, paths: Iterable[Path | str]) -> None:
        """Fetch files as a whole, unless they are here, and hold them against their checksums.

        Raises
        ------
        CatalogError
            If one cannot be fetched, or is not what the manifest says.
        """
        files = [self._file(str(path)) for path in paths]
        away = [file for file in files if not file.is_whole]
        with _locked(away):
            self._send({file: file.missing([(0, file.size)]) for file in away})
            for file in away:
                file.keep([(0, file.size)])
        super().check(file.path for file in files)

    def check_parts(self, parts: Iterable[FilePart]) -> None:
        """Fetch parts of files, unless they are here, and hold them against their checksums.

        Raises
        ------
        CatalogError
            If one cannot be fetched, or is not what the manifest says.
        """
        wanted: dict[str, list[FilePart]] = {}
        for part in parts:
            wanted.setdefault(str(part.path), []).append(part)
        files = {path: self._file(path) for path in wanted}
        whole = [path for path, file in files.items() if self._comes_whole(file, wanted[path])]
        if whole:
            self.check(whole)
        rest = [files[path] for path in sorted(set(files) - set(whole))]
        # A footer takes a megabyte in memory.
        for first in range(0, len(rest), _MOST_FOOTERS):
            some = rest[first : first + _MOST_FOOTERS]
            with _locked(some):
                self._bring({file: wanted[str(file.path)] for file in some})

    def reserve(self, paths: Iterable[Path | str]) -> None:
        """See that files are at their places; what was not fetched of them is a hole.

        Raises
        ------
        CatalogError
            If the cache cannot be written.
        """
        try:
            for path in paths:
                file = self._file(str(path))
                with file.lock:
                    file.reserve()
        except OSError as error:
            raise self._unwritable(error) from error

    def _comes_whole(self, file: CachedFile, parts: Sequence[FilePart]) -> bool:
        if file.is_whole or self._no_ranges or file.size <= _SMALL_FILE_BYTES:
            return True
        return any(part.columns is None and part.row_groups is None for part in parts)

    def _bring(self, wanted: Mapping[CachedFile, Sequence[FilePart]]) -> None:
        """Fetch parts of files whose locks are held."""
        footers = self._bring_footers(wanted)
        ranges: dict[CachedFile, list[ByteRange]] = {}
        for file, footer in footers.items():
            chunks = [
                chunk
                for part in wanted[file]
                if part.columns is None or part.columns
                for _, _, chunk in chunks_of(footer, part.columns, part.row_groups)
            ]
            if away := merged(file.missing(chunks), _GAP_BYTES):
                ranges[file] = away
        whole = [file for file, away in ranges.items() if bytes_in(away) > _MOST_OF_IT * file.size]
        if whole:
            self.check(file.path for file in whole)
        ranges = {file: away for file, away in ranges.items() if file not in whole}
        fetched_whole = self._send(ranges)
        unsound = []
        for file, away in ranges.items():
            if file not in fetched_whole:
                sound, fault = page_faults(file.path, footers[file], away)
                if fault is None:
                    file.keep(sound)
                else:
                    unsound.append(file)
        self._distrust(unsound)

    def _bring_footers(self, files: Iterable[CachedFile]) -> dict[CachedFile, Any]:
        """Footers of files, fetched where they are not here; files that had to come as a whole are left out."""
        away = [file for file in files if self._footer(file) is None]
        whole = self._send({file: [(file.size - self._footer_size(file), file.size)] for file in away})
        away = [file for file in away if file not in whole]
        unsound: list[CachedFile] = []
        longer: dict[CachedFile, list[ByteRange]] = {}
        for file in away:
            try:
                start, _ = footer_range(_bytes_of(file, file.size - TRAILER_BYTES), file.size)
            except FormatError:
                unsound.append(file)
                continue
            if start < file.size - self._footer_size(file):
                longer[file] = [(start, file.size - self._footer_size(file))]
        whole |= self._send(longer)
        for file in away:
            if file not in whole and file not in unsound and self._read_footer(file) is None:
                unsound.append(file)
        self._distrust(unsound)
        return {file: footer for file in files if not file.is_whole and (footer := self._footer(file)) is not None}

    def _footer_size(self, file: CachedFile) -> int:
        """Bytes of the footer as the manifest says or lets guess; more than needed rather than less."""
        listed = self._listed(file)
        if listed.footer_bytes is not None:
            return min(listed.footer_bytes, file.size)
        guess = self._empty_footer + self._footer_bytes_per_row * (listed.rows or 0) + _CHUNK_BYTES * self._columns
        return min(max(int(guess), TRAILER_BYTES), file.size)

    def _footer(self, file: CachedFile) -> Any:
        """Footer of a file that is known, or here; None if it has to be fetched."""
        if file.missing([(file.size - TRAILER_BYTES, file.size)]):
            return None
        with self._guard:
            if (known := self._footers.get(str(file.path))) is not None:
                self._footers.move_to_end(str(file.path))
                return known
        return self._read_footer(file)

    def _read_footer(self, file: CachedFile) -> Any:
        """Read the footer of a file, whose bytes are here; None if it is not what the manifest says."""
        listed = self._listed(file)
        try:
            place = footer_range(_bytes_of(file, file.size - TRAILER_BYTES), file.size)
            if listed.footer_sha256 is not None:
                import hashlib

                if hashlib.sha256(_bytes_of(file, place[0])).hexdigest() != listed.footer_sha256:
                    return None
            footer = read_footer(file.path, listed.rows or 0)
        except (FormatError, OSError):
            return None
        file.keep([place])
        with self._guard:
            self._footers[str(file.path)] = footer
            while len(self._footers) > _MOST_FOOTERS:
                self._footers.popitem(last=False)
        return footer

    def _send(self, wanted: Mapping[CachedFile, Sequence[ByteRange]]) -> set[CachedFile]:
        """Fetch ranges of files; gives those that had to be fetched as a whole, and are what they should be."""
        by_path = {file.remote: file for file in wanted}
        ranges = [FileRange(file.remote, *some, file.size) for file, parts in wanted.items() for some in parts]
        try:
            self._fetch(ranges, by_path)
        except RangesUnknownError:
            self._no_ranges = True
            for file in wanted:
                file.doubtful = True
        doubtful = {file for file in wanted if file.doubtful}
        self._distrust(doubtful)
        return doubtful

    def _distrust(self, files: Iterable[CachedFile]) -> None:
        """Fetch files as a whole, whose parts are of nobody knows what, and hold them against their checksums."""
        files = list(files)
        for file in files:
            file.forget()
        self._fetch([FileRange(file.remote, 0, file.size, file.size) for file in files], {f.remote: f for f in files})
        for file in files:
            file.keep([(0, file.size)])
        super().check(file.path for file in files)

    def _fetch(self, ranges: Sequence[FileRange], files: Mapping[str, CachedFile]) -> None:
        if not ranges:
            return
        try:
            self._store.fetch(
                ranges, lambda some, content, version: files[some.path].write(some.start, content, version)
            )
        except RangesUnknownError:
            raise
        except SourceError as error:
            message = f"mirror {self._store.url} cannot be read: {error}"
            raise CatalogError(message) from error
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> CatalogError:
        return CatalogError(
            f"{self._root} cannot be written, where files of {self._store.url} are kept: {error.strerror or error}"
        )

    def _damaged(self, wrong: Sequence[str]) -> CatalogError:
        for path in wrong:
            self._file(path).forget()
        names = ", ".join(path.removeprefix(self._root) for path in wrong)
        return CatalogError(
            f"mirror {self._store.url} cannot be read: {names}: not the SHA-256 in the manifest; "
            "the host may have changed meanwhile, or be damaged"
        )

    def _file(self, path: str) -> CachedFile:
        with self._guard:
            file = self._files.get(path)
            if file is None:
                item = self._items[path]
                file = self._files[path] = CachedFile(Path(path), self._below + item["path"], item["bytes"])
        file.look()
        return file

    def _listed(self, file: CachedFile) -> _Listed:
        item = self._items[str(file.path)]
        return _Listed(item.get("rows"), item.get("footer_bytes"), item.get("footer_sha256"))


def _locked(files: Iterable[CachedFile]) -> ExitStack:
    """Hold the locks of files, taken in one order by everybody."""
    stack = ExitStack()
    for file in sorted(set(files), key=lambda file: str(file.path)):
        stack.enter_context(file.lock)
    return stack


def _bytes_of(file: CachedFile, start: int) -> bytes:
    """Bytes of a file from one place to its end."""
    with file.path.open("rb") as content:
        content.seek(start)
        return content.read()
