"""What a mirror that lies elsewhere is read through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from ssap_mirror.errors import SourceError

__all__ = ["Deliver", "FileRange", "RangesUnknownError", "Store"]


@dataclass(frozen=True)
class FileRange:
    """Some bytes of a file."""

    path: str
    """Path below the address of the mirror."""
    start: int
    """First byte."""
    stop: int
    """The byte behind the last."""
    size: int
    """Size of the file, as the manifest says [byte]."""

    @property
    def is_whole(self) -> bool:
        """Whether that is all of the file."""
        return self.start == 0 and self.stop == self.size


class RangesUnknownError(SourceError):
    """The host sends files as a whole only."""


#: Takes a range, its bytes, and what tells one version of the file from another (None if the host does not say).
Deliver: TypeAlias = Callable[[FileRange, bytes, "str | None"], None]


class Store(Protocol):
    """Files below an address; may be used from many threads."""

    url: str
    """The address, without a slash at the end."""
    requests: int
    """Requests sent."""
    received: int
    """Bytes received."""

    def read(self, path: str) -> bytes | None:
        """Read a small file as a whole; None if there is no such file.

        Raises
        ------
        SourceError
            If the host cannot be reached, refuses, or its answer breaks off.
        """
        ...

    def fetch(self, ranges: Sequence[FileRange], deliver: Deliver) -> None:
        """Read ranges of files, several at a time.

        Parameters
        ----------
        ranges : sequence of FileRange
            What to read.
        deliver : callable
            Is given the bytes of each as they arrive: exactly so many as were asked for, in whatever order.

        Raises
        ------
        RangesUnknownError
            If the host has sent a whole file in place of a part.
        SourceError
            If the host cannot be reached, refuses, has other files than the manifest says, or breaks off.
        """
        ...
