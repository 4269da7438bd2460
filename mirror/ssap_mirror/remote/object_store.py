"""Files in an object store, or wherever else fsspec reads: ``s3://``, ``gs://``, ``az://``, ``memory://``."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ssap_mirror.errors import FormatError, ServiceError, SourceError, TransportError
from ssap_mirror.remote.store import Deliver, FileRange

__all__ = ["ObjectStore"]

# Of what is read at a time, all is in memory before the first of it is delivered.
_AT_A_TIME = 16
# What the stores call that which changes with the content of a file, the surest first.
_VERSIONS = (
    "ETag",
    "etag",
    "md5Hash",
    "content_md5",
    "generation",
    "LastModified",
    "last_modified",
    "mtime",
    "created",
)


class ObjectStore:
    """Files below an address that fsspec knows how to read.

    Parameters
    ----------
    url : str
        The address of the mirror's folder.
    options : mapping of str to object
        What the file system takes; keys and endpoints also come from where its library looks for them.

    Raises
    ------
    SourceError
        If the scheme is unknown, or what reads it is not installed.
    """

    def __init__(self, url: str, options: Mapping[str, Any]) -> None:
        self.url = url.rstrip("/")
        self.requests = 0
        self.received = 0
        self._counting = threading.Lock()
        scheme = url.partition("://")[0]
        try:
            import fsspec

            self._files, self._root = fsspec.core.url_to_fs(self.url, **options)
        except (ImportError, ValueError) as error:
            message = f"{scheme}:// cannot be read here: {error} (pip install 'ssap-mirror[remote]' has fsspec and S3)"
            raise SourceError(message) from error

    def read(self, path: str) -> bytes | None:
        """Read a small file as a whole; None if there is no such file."""
        try:
            with self._translated(path):
                self._count(requests=1)
                content: bytes = self._files.cat_file(f"{self._root}/{path}")
        except _MissingError:
            return None
        self._count(received=len(content))
        return content

    def fetch(self, ranges: Sequence[FileRange], deliver: Deliver) -> None:
        """Read ranges of files, several at a time."""
        for first in range(0, len(ranges), _AT_A_TIME):
            self._fetch(ranges[first : first + _AT_A_TIME], deliver)

    def _fetch(self, ranges: Sequence[FileRange], deliver: Deliver) -> None:
        paths = [f"{self._root}/{wanted.path}" for wanted in ranges]
        with self._translated(ranges[0].path):
            starts, stops = [wanted.start for wanted in ranges], [wanted.stop for wanted in ranges]
            self._count(requests=len(ranges))
            found = self._files.cat_ranges(paths, starts, stops, on_error="return")
        versions: dict[str, str | None] = {}
        for wanted, path, content in zip(ranges, paths, found, strict=True):
            with self._translated(wanted.path):
                if isinstance(content, Exception):
                    raise content
                if path not in versions:
                    versions[path] = self._version(path, wanted)
            self._count(received=len(content))
            if len(content) != wanted.stop - wanted.start:
                where = f"{self.url}/{wanted.path}"
                message = f"{where} broke off: received {len(content):,} of {wanted.stop - wanted.start:,} bytes"
                raise TransportError(message)
            deliver(wanted, content, versions[path])

    def _version(self, path: str, wanted: FileRange) -> str | None:
        """Ask what tells this version of the file from another, after it was read."""
        if wanted.is_whole:  # its checksum says more
            return None
        self._count(requests=1)
        self._files.invalidate_cache(path)  # what it has kept is of an earlier version
        about: Mapping[str, Any] = self._files.info(path)
        if int(about["size"]) != wanted.size:
            message = f"it has {int(about['size']):,} bytes, not the {wanted.size:,} that the manifest says"
            raise FormatError(message)
        return next((str(about[name]) for name in _VERSIONS if about.get(name)), None)

    @contextmanager
    def _translated(self, path: str) -> Iterator[None]:
        where = f"{self.url}/{path}"
        try:
            yield
        except FileNotFoundError as error:
            message = f"{where} is not there"
            raise _MissingError(message) from error
        except PermissionError as error:
            message = f"{where} may not be read: {error}"
            raise ServiceError(message) from error
        except Exception as error:  # each store has errors of its own, which have no class in common
            message = f"{where} cannot be read: {str(error).strip() or type(error).__name__}"
            raise TransportError(message) from error

    def _count(self, requests: int = 0, received: int = 0) -> None:
        with self._counting:
            self.requests += requests
            self.received += received


class _MissingError(ServiceError):
    """There is no such file."""
