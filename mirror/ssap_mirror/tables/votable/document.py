"""The XML of a VOTable around its rows: an expat parser that refuses what could harm."""

from __future__ import annotations

import io
from collections.abc import Mapping
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from ssap_mirror.errors import FormatError
from ssap_mirror.tables.votable.declarations import Declarations, Serialization

__all__ = ["Document"]

_DEEPEST = 64
_MOST_ELEMENTS = 100_000
_LARGEST_PIECE = 4 << 20
_SHOWN = 80
_BEGINNING = 400
_HTML = "an HTML page instead of a VOTable"
_CUT_SHORT = ("no element found", "unclosed token", "unclosed CDATA section")


class Document:
    """What the XML parser has seen.

    Parameters
    ----------
    max_bytes : int
        Largest header and largest cell that are taken [byte].
    join_tables : bool
        As for `Declarations`.
    """

    def __init__(self, max_bytes: int, *, join_tables: bool = False) -> None:
        self.declarations = Declarations(join_tables=join_tables)
        self.content: Serialization | None = None
        """What the parser is inside of, while it is inside the rows of the table."""
        self.content_start = -1
        """Where the tag began that opened the rows [byte fed]."""
        self.rows_done = False
        """Whether the rows are over."""
        self.rows: list[list[str | None]] = []
        """Rows of TABLEDATA that came through the parser."""
        self.base64: list[str | None] = []
        """Text of STREAMs that came through the parser; None at the end of each."""
        self.fed = 0
        """Bytes given to the parser."""
        self.rows_before = 0
        """Rows so far, also those that did not come through the parser: tell, so that errors name the right one."""
        self._max_bytes = max_bytes
        self._beginning = b""
        self._stack: list[str] = []
        self._tags: list[str] = []
        self._elements = 0
        self._text: list[str] = []
        self._text_size = 0
        # Depth of the DATA that the parser is inside of.
        self._data_depth = 0
        self._header = io.StringIO()
        self._header_size = 0
        self._row: list[str | None] | None = None
        self._parser = self._make_parser()

    def feed(self, piece: bytes, *, last: bool = False) -> None:
        """Give the parser the next piece.

        Raises
        ------
        FormatError
            If the document is not well-formed, not a VOTable, or hostile.
        """
        self._beginning = self._beginning or piece[:_BEGINNING]
        try:
            self._parser.Parse(piece, last)
        except expat.ExpatError as error:
            raise self._not_xml(error) from None
        self.fed += len(piece)
        if self.fed - self._parser.CurrentByteIndex > _LARGEST_PIECE:
            message = f"a single tag or comment is larger than {_LARGEST_PIECE:,} bytes"
            raise FormatError(message)
        if last:
            self.declarations.finish()

    def header(self) -> bytes:
        """Give the document as far as it was read, without rows; well-formed UTF-8."""
        visible = self._tags[: self._data_depth - 1] if self._data_depth else self._tags
        ends = "".join(f"</{tag}>" for tag in reversed(visible))
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{self._header.getvalue()}{ends}\n'.encode()

    def _make_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate("utf-8")
        # The reader watches the tag that opens the rows: it must be reported at once (expat 2.6 and later may wait).
        defer = getattr(parser, "SetReparseDeferralEnabled", None)
        if defer is not None:
            defer(False)
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._check_doctype
        parser.SkippedEntityHandler = self._refuse_entity
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        return parser

    def _check_doctype(self, name: str, system_id: object, public_id: object, has_definitions: int) -> None:
        """Accept a DOCTYPE that only names a DTD, as VOTable 1.0 and 1.1 have it; the DTD is never fetched."""
        if name.lower() == "html":
            raise FormatError(_HTML)
        if has_definitions:
            message = "it has a DOCTYPE with definitions, which could be of entities, and is refused"
            raise FormatError(message)

    def _refuse_entity(self, name: str, is_parameter: int) -> None:
        message = f"it refers to the entity {name!r}, which only its DTD could define, and no DTD is fetched"
        raise FormatError(message)

    def _not_xml(self, error: expat.ExpatError) -> FormatError:
        if not self._elements:
            shown = " ".join(self._beginning.decode("utf-8", "replace").split())[:_SHOWN]
            return FormatError(f"not a VOTable: it begins with {shown!r}" if shown else "empty instead of a VOTable")
        where = f" after row {self.rows_before:,}" if self.rows_before else ""
        reason = expat.errors.messages[error.code]
        if reason in _CUT_SHORT:
            return FormatError(f"the document ends too early{where}")
        return FormatError(f"not well-formed XML{where}: {reason}")

    def _limit(self, size: int, what: str) -> None:
        if size > self._max_bytes:
            message = f"{what} is larger than {self._max_bytes:,} bytes"
            raise FormatError(message)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if not self._stack and name != "VOTABLE":
            raise FormatError(_HTML if name.lower() == "html" else f"not a VOTable but XML of type {tag[:_SHOWN]!r}")
        self._stack.append(name)
        self._tags.append(tag)
        if len(self._stack) > _DEEPEST:
            message = f"its elements are nested more than {_DEEPEST} deep"
            raise FormatError(message)
        if self.content is not None:
            self._start_in_rows(name, attributes)
        elif self._data_depth:
            self.content = self.declarations.start_in_data(name, attributes)
            self.content_start = self._parser.CurrentByteIndex
        elif name == "DATA":
            self._data_depth = len(self._stack)
        else:
            self._elements += 1
            if self._elements > _MOST_ELEMENTS:
                message = f"it has more than {_MOST_ELEMENTS:,} elements beside its rows"
                raise FormatError(message)
            self._write(f"<{tag}{''.join(f' {key}={quoteattr(value)}' for key, value in attributes.items())}>")
            self._text, self._text_size = [], 0
            self.declarations.start(name, attributes)

    def _start_in_rows(self, name: str, attributes: Mapping[str, str]) -> None:
        if self.content != "TABLEDATA":
            message = f"an element {name[:_SHOWN]!r} within base64 data"
            raise FormatError(message)
        if name == "TR":
            self._row = []
        elif name == "TD":
            if self._row is not None and len(self._row) >= self._columns():
                message = f"row {self.rows_before + 1:,} has more cells than the table has columns, {self._columns()}"
                raise FormatError(message)
            if attributes.get("encoding"):
                message = f"a cell in row {self.rows_before + 1:,} is encoded, which is not read"
                raise FormatError(message)
            self._text, self._text_size = [], 0

    def _end(self, tag: str) -> None:
        name = self._stack.pop()
        self._tags.pop()
        if self.content is not None:
            self._end_in_rows(name)
        elif self._data_depth:
            if len(self._stack) < self._data_depth:
                self._data_depth = 0
        else:
            self._write(f"</{tag}>")
            self.declarations.end(name, self._stack[-1] if self._stack else "", "".join(self._text))
            self._text = []

    def _end_in_rows(self, name: str) -> None:
        if name == "TD" and self._row is not None:
            self._row.append("".join(self._text) or None)
            self._text = []
        elif name == "TR" and self._row is not None:
            self.rows_before += 1
            cells, columns = len(self._row), self._columns()
            if cells < columns:
                message = f"row {self.rows_before:,} has {cells} cells, and the table {columns} columns"
                raise FormatError(message)
            self.rows.append(self._row)
            self._row = None
        elif name in ("TABLEDATA", "STREAM"):
            if name == "STREAM":
                self.base64.append(None)
            self.content = None
            self.rows_done = True

    def _columns(self) -> int:
        table = self.declarations.table
        return 0 if table is None else len(table.fields)

    def _characters(self, text: str) -> None:
        if self.content is not None and self.content != "TABLEDATA":
            self.base64.append(text)
            return
        if self._data_depth and self.content is None:
            # Rows of a table that is not read.
            return
        self._text.append(text)
        self._text_size += len(text)
        if self.content is not None:
            self._limit(self._text_size, f"a cell in row {self.rows_before + 1:,}")
        elif not self._data_depth:
            self._write(escape(text))

    def _write(self, text: str) -> None:
        self._header.write(text)
        self._header_size += len(text)
        self._limit(self._header_size, "what it says beside its rows")
