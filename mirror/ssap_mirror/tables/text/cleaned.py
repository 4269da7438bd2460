"""Text of a table as a reader of CSV can take it: without comments, and with one delimiter between two cells."""

from __future__ import annotations

import io
import re
from typing import IO

from ssap_mirror.tables.table import Ending
from ssap_mirror.tables.text.dialect import Dialect

__all__ = ["CleanedText"]

_BLOCK = 1 << 20
_QUOTED = rb'("(?:[^"]|"")*")'
_COMMENT_LINE = rb"^[ \t]*#[^\n]*(?:\n|\Z)"
_COMMENT = re.compile(_QUOTED + rb"|" + _COMMENT_LINE, re.MULTILINE)
# Where no cell is quoted, a quote is a character like others (5" of arc).
_COMMENT_UNQUOTED = re.compile(_COMMENT_LINE, re.MULTILINE)
_BLANKS = re.compile(_QUOTED + rb"|[ \t]+")
_EDGES = re.compile(rb"^[ \t]+|[ \t]+(?=\r?$)", re.MULTILINE)


class CleanedText(io.RawIOBase):
    """The rows of a text table, as a stream.

    Parameters
    ----------
    source : binary file
        The file from its beginning.
    dialect : Dialect
        How it is written.
    ending : Ending
        Takes notes of what was left out.
    """

    def __init__(self, source: IO[bytes], dialect: Dialect, ending: Ending) -> None:
        super().__init__()
        self._source = source
        self._dialect = dialect
        self._ending = ending
        self._waiting = b""
        self._ready = b""
        self._comments = 0
        self._over = False
        self._is_clean = not (dialect.comments or dialect.blanks or dialect.trimmed)
        after = re.escape(dialect.delimiter.encode())
        self._after_delimiter = re.compile(_QUOTED + rb"|(?<=" + after + rb")[ \t]+")
        source.read(dialect.head_bytes)

    def readable(self) -> bool:
        """Say that it is; as `io.RawIOBase` asks."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer with the next text."""
        while not self._ready and not self._over:
            self._read_on()
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _read_on(self) -> None:
        block = self._source.read(_BLOCK)
        self._over = not block
        if self._is_clean:
            self._ready = block
            return
        text = self._waiting + block
        end = len(text) if self._over else _end_of_rows(text) if self._dialect.quoted else text.rfind(b"\n") + 1
        self._waiting = text[end:]
        self._ready = self._cleaned(text[:end])
        if self._over and self._comments:
            lines = "line" if self._comments == 1 else "lines"
            self._ending.note(f"{self._comments:,} {lines} among the rows that begin with # are taken for comments")

    def _cleaned(self, text: bytes) -> bytes:
        end = self._dialect.end
        if end and (place := (b"\n" + text).find(b"\n" + end)) >= 0:
            self._ending.note("only the first table of the file is read; another table comes after it")
            text, self._over = text[:place], True
        if self._dialect.comments and (text.startswith((b"#", b" ", b"\t")) or b"\n#" in text or b"\n " in text):
            pattern = _COMMENT if self._dialect.quoted else _COMMENT_UNQUOTED
            text = pattern.sub(self._without_comment, text)
        if self._dialect.blanks:
            text = _BLANKS.sub(lambda match: match[1] or b"\t", _EDGES.sub(b"", text))
        elif self._dialect.trimmed:
            text = self._after_delimiter.sub(lambda match: match[1] or b"", text)
        return text

    def _without_comment(self, match: re.Match[bytes]) -> bytes:
        if match[0].startswith(b'"'):
            return match[0]
        if self._dialect.quoted:
            self._comments += 1
        return b""


def _end_of_rows(text: bytes) -> int:
    """Where the last whole row ends: after a line end outside quotes; after any if there is none such."""
    last = end = text.rfind(b"\n") + 1
    quotes = text.count(b'"', 0, end)
    while end and quotes % 2:
        before = text.rfind(b"\n", 0, end - 1) + 1
        quotes -= text.count(b'"', before, end)
        end = before
    # Quotes that do not pair are no quotes.
    return end or (last if len(text) > 4 * _BLOCK else 0)
