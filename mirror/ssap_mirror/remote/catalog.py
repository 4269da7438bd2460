"""A snapshot that lies elsewhere, opened: its manifest is here, its files come when they are asked for."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import Catalog, catalog_of, manifest_digest, name_in
from ssap_mirror.errors import CatalogError, SourceError
from ssap_mirror.remote.files import RemoteFiles
from ssap_mirror.remote.open_store import open_store

__all__ = ["RemoteCatalog", "RemoteMirror"]

_DIGEST = re.compile(rb"([0-9a-f]{64})  manifest\.json\n")
# Names of files come from strangers, and become names of files here.
_SAFE = re.compile(r"(?!\.\.?(/|$))[\w=.-]+(/(?!\.\.?(/|$))[\w=.-]+)*")
# Snapshots of one mirror that the cache keeps: the live one, and the one before for those who are reading it.
_KEPT_SNAPSHOTS = 2
# Whoever opens what was just found does not ask again [s].
_JUST_NOW_S = 1.0
# Characters of a digest that name a folder.
_SHOWN = 16


@dataclass(frozen=True)
class RemoteCatalog(Catalog):
    """A snapshot that lies elsewhere. Its folder is in the cache, and has what was fetched of it."""

    fetched: RemoteFiles = field(kw_only=True, repr=False, compare=False)
    """What fetches its files."""
    url: str = field(kw_only=True)
    """Address of the mirror."""
    folder: tempfile.TemporaryDirectory[str] | None = field(default=None, kw_only=True, repr=False, compare=False)
    """Where it lies if this computer has no folder for caches; removed with this object."""

    @property
    def address(self) -> str:
        """Where it lies, for people."""
        return self.url

    @property
    def is_remote(self) -> bool:
        """Whether its files come over a network when they are asked for."""
        return True

    @cached_property
    def checksums(self) -> RemoteFiles:
        """What fetches its files, and tells whether they are as they were written."""
        return self.fetched


class RemoteMirror:
    """A mirror that lies elsewhere: the folder of one as it is, or as `ssap_mirror.publish` makes it.

    Parameters
    ----------
    url : str
        Address of the folder of the mirror, or of one of its snapshots.
    options : mapping of str to object, optional
        What fsspec's file system of the scheme takes; nothing for HTTP.

    Raises
    ------
    CatalogError
        If there is no way to read it.
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        self.url = url.rstrip("/")
        try:
            self.store = open_store(self.url, options)
        except SourceError as error:
            raise CatalogError(str(error)) from error
        self._cache, self._folder = _cache_of(self.url)
        self._found: tuple[float, _Live] | None = None
        self._lock = threading.Lock()

    def find(self, max_age_s: float = 0.0) -> Path:
        """Ask which snapshot is live, and give its folder in the cache.

        Parameters
        ----------
        max_age_s : float
            An answer that is not older than this [s] is taken again.

        Raises
        ------
        CatalogError
            If the host cannot be read, or has no mirror there.
        """
        return self._place(self._live(max_age_s))

    def open(self) -> RemoteCatalog:
        """Open the live snapshot: its manifest is fetched, unless it is here.

        Raises
        ------
        CatalogError
            If the host cannot be read, has no mirror there, or a damaged one.
        """
        live = self._live(_JUST_NOW_S)
        folder = self._place(live)
        if _digest_of(folder) != live.digest:
            self._bring_manifest(live, folder)
        with storage.translate_errors(folder):
            folder.parent.touch()
        _prune(folder.parent)
        return catalog_of(folder, lambda manifest: self._catalog(folder, live, manifest))

    def _catalog(self, folder: Path, live: _Live, manifest: dict[str, Any]) -> RemoteCatalog:
        listed = Catalog(folder, manifest)
        for item in (*listed.row_files, *listed.other_files):
            if not _SAFE.fullmatch(item["path"]):
                message = f"{self.url} names {item['path']!r}, which cannot be a file of its snapshot"
                raise CatalogError(message)
        files = RemoteFiles(folder, manifest, self.store, live.below)
        return RemoteCatalog(folder, manifest, fetched=files, url=self.url, folder=self._folder)

    def _bring_manifest(self, live: _Live, folder: Path) -> None:
        content = self._read(live.below + layout.MANIFEST)
        if content is None or hashlib.sha256(content).hexdigest() != live.digest:
            said = "is not there" if content is None else f"is not the one that {layout.MANIFEST_DIGEST} is about"
            message = f"mirror {self.url} cannot be opened: {live.below}{layout.MANIFEST} {said}"
            raise CatalogError(message)
        with storage.translate_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for name, written in ((layout.MANIFEST, content), (layout.MANIFEST_DIGEST, manifest_digest(content))):
                with storage.replacing(folder / name) as beside:
                    beside.write_bytes(written)

    def _live(self, max_age_s: float) -> _Live:
        with self._lock:
            if self._found is None or time.monotonic() - self._found[0] >= max_age_s:
                self._found = None
                self._found = time.monotonic(), self._ask()
            return self._found[1]

    def _ask(self) -> _Live:
        current = self._read(layout.current_file(Path()).name)
        if current is None:  # it may be the address of a snapshot
            name, below = self.url.rpartition("/")[2], ""
        else:
            found = name_in(current)
            if found is None or not _SAFE.fullmatch(found):
                message = f"mirror {self.url} cannot be opened: what it has as CURRENT is no name of a snapshot"
                raise CatalogError(message)
            name, below = found, f"snapshots/{found}/"
        digest = self._read(below + layout.MANIFEST_DIGEST)
        matched = None if digest is None else _DIGEST.fullmatch(digest)
        if matched is None or not _SAFE.fullmatch(name):
            missing = "CURRENT" if current is None else f"{below}{layout.MANIFEST_DIGEST}"
            said = f"there is no {missing}" if digest is None else f"{below}{layout.MANIFEST_DIGEST} is none"
            message = f"{self.url} is not the address of a mirror: {said}"
            raise CatalogError(message)
        return _Live(name, below, matched[1].decode())

    def _read(self, path: str) -> bytes | None:
        try:
            return self.store.read(path)
        except SourceError as error:
            message = f"mirror {self.url} cannot be opened: {error}"
            raise CatalogError(message) from error

    def _place(self, live: _Live) -> Path:
        return self._cache / live.digest[:_SHOWN] / live.name


@dataclass(frozen=True)
class _Live:
    """The snapshot that is live."""

    name: str
    """Its name."""
    below: str
    """Its path below the address of the mirror, with a slash at the end."""
    digest: str
    """SHA-256 of its manifest."""


def _cache_of(url: str) -> tuple[Path, tempfile.TemporaryDirectory[str] | None]:
    """Folder for what is fetched from an address; one for this process alone where there is no folder for caches."""
    folder = layout.cache_dir()
    own = None
    if folder is None:
        own = tempfile.TemporaryDirectory(prefix="ssap-mirror-")
        folder = Path(own.name)
    return folder / "remote" / hashlib.sha256(url.encode()).hexdigest()[:_SHOWN], own


def _digest_of(folder: Path) -> str | None:
    """SHA-256 of the manifest that is here; None if there is none."""
    try:
        return hashlib.sha256((folder / layout.MANIFEST).read_bytes()).hexdigest()
    except OSError:
        return None


def _prune(live: Path) -> None:
    """Remove what was fetched of other snapshots than the live one, but for those that were opened last."""
    others = (path for path in live.parent.iterdir() if path.is_dir() and path != live)
    by_age = sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)
    for old in by_age[_KEPT_SNAPSHOTS - 1 :]:
        shutil.rmtree(old, ignore_errors=True)
