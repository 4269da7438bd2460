"""What a published mirror says of itself in one file: every file of its snapshot, with size and checksum."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from ssap_mirror.core import layout
from ssap_mirror.errors import FormatError

__all__ = ["LISTING", "ListedFile", "Listing"]

#: Name of the file.
LISTING = "files.json"

_FORMAT = "ssap-mirror published 1"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ListedFile:
    """A file of a snapshot or of its supplements."""

    path: str
    """Path below the folder of the mirror."""
    bytes: int
    """Size [byte]."""
    sha256: str
    """SHA-256 in hexadecimal."""


@dataclass(frozen=True)
class Listing:
    """A snapshot that is published, with its supplements."""

    name: str
    """Name of the mirror."""
    title: str
    """For people."""
    snapshot: str
    """Name of the snapshot."""
    rows: int
    """Rows of it."""
    licence: str | None
    """What others may do with the rows, in the words of whoever publishes them."""
    files: tuple[ListedFile, ...]
    """All files, by path."""

    @property
    def total_bytes(self) -> int:
        """Size of all files [byte]."""
        return sum(file.bytes for file in self.files)

    def to_json(self) -> bytes:
        """Content of the file."""
        files = [[file.path, file.bytes, file.sha256] for file in self.files]
        known = {key: value for key, value in asdict(self).items() if key != "files"}
        lines = ",\n".join(json.dumps(file) for file in files)
        return f'{json.dumps({"format": _FORMAT, **known})[:-1]}, "files": [\n{lines}\n]}}\n'.encode()

    @classmethod
    def from_json(cls, content: bytes, where: str) -> Listing:
        """Read the file; what it says comes from strangers, and is to become names of files here.

        Parameters
        ----------
        content : bytes
            Of the file.
        where : str
            Its address, for errors.

        Raises
        ------
        FormatError
            If it is none, of another version, or names a file that does not belong to its snapshot.
        """
        try:
            found: dict[str, Any] = json.loads(content)
            if found["format"] != _FORMAT:
                message = f"{where} has the format {found['format']!r}; this version of ssap-mirror reads {_FORMAT!r}"
                raise FormatError(message)
            files = tuple(ListedFile(str(path), int(size), str(digest)) for path, size, digest in found["files"])
            listing = cls(
                name=str(found["name"]),
                title=str(found["title"]),
                snapshot=str(found["snapshot"]),
                rows=int(found["rows"]),
                licence=found["licence"],
                files=files,
            )
        except (ValueError, KeyError, TypeError) as error:
            message = f"{where} does not list a published mirror: {error!r}"
            raise FormatError(message) from error
        if not layout.is_snapshot_name(listing.snapshot):
            message = f"{where} names the snapshot {listing.snapshot!r}, which cannot be one"
            raise FormatError(message)
        if wrong := next((file.path for file in files if not _belongs(file, listing.snapshot)), None):
            message = f"{where} lists {wrong!r}, which cannot be a file of its snapshot"
            raise FormatError(message)
        return listing


def _belongs(file: ListedFile, snapshot: str) -> bool:
    room, _, rest = file.path.partition("/")
    own, *below = rest.split("/")
    inside = bool(below) and all(part not in ("", ".", "..") and part.isprintable() for part in below)
    known = room in ("snapshots", "supplements") and own == snapshot and "\\" not in file.path
    return inside and known and file.bytes >= 0 and _SHA256.fullmatch(file.sha256) is not None
