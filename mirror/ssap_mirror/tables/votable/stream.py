"""The bytes of a document as UTF-8 text: decompressed, decoded if its encoding is another, and kept until used."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ssap_mirror.errors import FormatError

__all__ = ["Buffer"]

_PIECE = 1 << 20
_BEGINNING = 1 << 10
_GZIP = b"\x1f\x8b"
_DECLARED = re.compile(rb"""<\?xml[^>]{0,100}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_ENCODINGS = re.compile(
    r"ascii|utf-(8|16|16-le|16-be|32|32-le|32-be)|iso8859-\d+|cp\d+|koi8-[ru]|gb2312|gbk|gb18030|big5|shift_jis|euc_(jp|kr)"
)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_UNMARKED = ((b"<\0?\0", "utf-16-le"), (b"\0<\0?", "utf-16-be"))
# DEFLATE reaches 1000 : 1 on nothing but repetition; tables of constants stay below 200.
_LARGEST_RATIO, _RATIO_COUNTS_FROM = 400, 16 << 20


def pieces(source: BinaryIO | Path) -> Iterator[bytes]:
    """Read a document piece by piece.

    Parameters
    ----------
    source : binary file or pathlib.Path
        Plain or gzip, told by its first bytes. A path is opened here, and closed at the end or with the generator.

    Yields
    ------
    bytes
        UTF-8 (or what claims to be), about 1 MiB each.

    Raises
    ------
    FormatError
        If it cannot be decompressed or decoded.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            yield from _decoded(_decompressed(file))
    else:
        yield from _decoded(_decompressed(source))


def _decompressed(source: BinaryIO) -> Iterator[bytes]:
    counted = _Counted(source)
    if not counted.begin().startswith(_GZIP):
        while piece := counted.read(_PIECE):
            yield piece
        return
    came = 0
    with gzip.GzipFile(fileobj=counted) as file:  # type: ignore[call-overload]
        while True:
            try:
                piece = file.read(_PIECE)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                message = f"damaged or truncated gzip data: {error}"
                raise FormatError(message) from error
            if not piece:
                return
            came += len(piece)
            if came > _RATIO_COUNTS_FROM and came > _LARGEST_RATIO * counted.count:
                message = f"gzip data that unfold to more than {_LARGEST_RATIO} times their size, as no table does"
                raise FormatError(message)
            yield piece


def _decoded(raw: Iterator[bytes]) -> Iterator[bytes]:
    first = next(raw, b"")
    encoding = _encoding(first)
    if encoding in ("utf-8", "ascii"):
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from raw
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        yield decoder.decode(first).encode()
        for piece in raw:
            yield decoder.decode(piece).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        message = f"not the {encoding} text that it claims to be: {error}"
        raise FormatError(message) from error


def _encoding(first: bytes) -> str:
    for mark, encoding in (*_MARKS, *_UNMARKED):
        if first.startswith(mark):
            return encoding
    declared = _DECLARED.match(first.lstrip()[:200])
    name = declared[1].decode() if declared else "utf-8"
    try:
        encoding = codecs.lookup(name).name
    except LookupError:
        encoding = name
    if not _ENCODINGS.fullmatch(encoding):
        message = f"the encoding {name!r} is not known"
        raise FormatError(message)
    return encoding


class _Counted:
    """A file that counts what was read of it, and whose beginning can be looked at."""

    def __init__(self, file: BinaryIO) -> None:
        self.count = 0
        self._file = file
        self._first = b""

    def begin(self) -> bytes:
        while len(self._first) < _BEGINNING and (piece := self._file.read(_PIECE)):
            self._first += piece
        self.count = len(self._first)
        return self._first

    def read(self, size: int = -1) -> bytes:
        if self._first:
            piece, self._first = (self._first, b"") if size < 0 else (self._first[:size], self._first[size:])
            return piece
        piece = self._file.read(size)
        self.count += len(piece)
        return piece


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
