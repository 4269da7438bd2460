"""The part of a document that has been read and not yet been used."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

from ssap_mirror.tables.votable.stream import pieces

__all__ = ["Buffer"]


class Buffer:
    """Bytes of a document in order.

    Parameters
    ----------
    source : binary file or pathlib.Path
        The document.
    """

    def __init__(self, source: BinaryIO | Path) -> None:
        self._pieces = pieces(source)
        self._bytes = bytearray()

    def __len__(self) -> int:
        return len(self._bytes)

    def fill(self) -> bool:
        """Read another piece; False at the end."""
        piece = next(self._pieces, b"")
        self._bytes += piece
        return bool(piece)

    def fill_to(self, mark: bytes, size: int) -> int:
        """Read until a mark is there, or so many bytes, or the end; the mark's place or -1."""
        searched = 0
        while True:
            place = self._bytes.find(mark, searched)
            if place >= 0 or len(self._bytes) >= size:
                return place
            searched = max(0, len(self._bytes) - len(mark))
            if not self.fill():
                return -1

    def find(self, mark: bytes, size: int) -> int:
        """Place of a mark within the first bytes, or -1."""
        return self._bytes.find(mark, 0, size)

    def rfind(self, mark: bytes) -> int:
        """Place of the last such mark, or -1."""
        return self._bytes.rfind(mark)

    def startswith(self, mark: bytes, place: int) -> bool:
        """Whether a mark is at a place."""
        return self._bytes.startswith(mark, place)

    def search(self, pattern: re.Pattern[bytes]) -> tuple[int, int] | None:
        """First and last place + 1 of what fits a pattern."""
        found = pattern.search(self._bytes)
        return None if found is None else found.span()

    def peek(self, size: int) -> bytes:
        """Look at the beginning."""
        with memoryview(self._bytes) as view:
            return bytes(view[:size])

    def drop(self, size: int) -> None:
        """Forget the beginning."""
        del self._bytes[:size]

    def cut(self, size: int) -> bytes:
        """Take the beginning off."""
        piece = self.peek(size)
        self.drop(size)
        return piece
