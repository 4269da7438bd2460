"""The XML of a VOTable around its rows: an expat parser that refuses what could harm, and what it has learnt."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from ssap_mirror.errors import FormatError
from ssap_mirror.schema import Column
from ssap_mirror.votable.model import (
    Info,
    Param,
    column_from_attributes,
    knows_datatype,
    param_from_attributes,
)

__all__ = ["Document", "Serialization", "Table"]

Serialization = Literal["TABLEDATA", "BINARY", "BINARY2"]

_DEEPEST = 64
_MOST_ELEMENTS = 30_000
_SHOWN = 80
_WITH_TEXT = ("INFO", "DESCRIPTION")


@dataclass
class Table:
    """The table whose rows are read."""

    fields: list[Column] = field(default_factory=list)
    """Its FIELDs."""
    params: list[Param] = field(default_factory=list)
    """Its own PARAMs."""
    in_results: bool = False
    """Whether its RESOURCE says ``type="results"``."""
    texts_only: list[str] = field(default_factory=list)
    """Columns of a datatype that VOTable does not know, read as text."""
    serialization: Serialization | None = None
    """How its rows are written; None without rows."""


class Document:
    """What the XML parser has seen.

    The table is the first of a RESOURCE of type ``results`` (DALI 1.1 §4.4) or of no type; one in a RESOURCE of type
    ``meta`` describes what the rows would be, and counts if there is no other.

    Parameters
    ----------
    max_bytes : int
        Largest header, and largest piece of XML without an end, that is taken [byte].
    """

    def __init__(self, max_bytes: int) -> None:
        self.table: Table | None = None
        self.params: list[Param] = []
        self.infos: list[Info] = []
        self.other_tables = 0
        self.content: Serialization | None = None
        """What the parser is inside of, while it is inside the rows of the table."""
        self.rows_done = False
        self.rows: list[list[str | None]] = []
        """Rows of TABLEDATA that came through the parser."""
        self.base64: list[str] = []
        """Text of a STREAM that came through the parser."""
        self.content_start = -1
        """Where the tag began that opened the rows [byte fed]."""
        self._max_bytes = max_bytes
        self.fed = 0
        """Bytes given to the parser."""
        self._row_number = 0
        self._stack: list[str] = []
        self._names: list[str] = []
        self._resources: list[str] = []
        self._described_only: Table | None = None
        self._undescribed_rows = False
        self._open: Table | None = None
        self._elements = 0
        self._declaring: list[tuple[Mapping[str, str], dict[str, Any]]] = []
        self._text: list[str] | None = None
        self._text_size = 0
        self._silent_from = 0
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
        try:
            self._parser.Parse(piece, last)
        except expat.ExpatError as error:
            raise self._not_xml(error, piece) from None
        self.fed += len(piece)
        if self.fed - self._parser.CurrentByteIndex > self._max_bytes:
            message = f"a single piece of its XML is larger than {self._max_bytes:,} bytes"
            raise FormatError(message)
        if last and self.table is None:
            if self._undescribed_rows:
                message = "its only table with rows stands in a RESOURCE of type meta"
                raise FormatError(message)
            self.table = self._described_only

    def header(self) -> bytes:
        """Give the document as far as it was read, without rows; well-formed UTF-8."""
        visible = self._names[: self._silent_from - 1] if self._silent_from else self._names
        ends = "".join(f"</{name}>" for name in reversed(visible))
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{self._header.getvalue()}{ends}\n'.encode()

    def rows_before(self, count: int) -> None:
        """Say how many rows did not go through the parser, so that errors name the right one."""
        self._row_number = count

    def _make_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate("utf-8")
        # The reader watches the tag that opens the rows: it must be reported at once (expat 2.6 and later may wait).
        defer = getattr(parser, "SetReparseDeferralEnabled", None)
        if defer is not None:
            defer(False)
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        return parser

    def _refuse_doctype(self, name: str, *_: object) -> None:
        if name.lower() == "html":
            message = "an HTML page instead of a VOTable"
        else:
            message = "it has a DOCTYPE, which could define entities, and is refused"
        raise FormatError(message)

    def _not_xml(self, error: expat.ExpatError, piece: bytes) -> FormatError:
        if not self._stack and not self._elements:
            shown = " ".join(piece[:400].decode("utf-8", "replace").split())[:_SHOWN]
            return FormatError(f"not a VOTable: it begins with {shown!r}" if shown else "empty instead of a VOTable")
        where = f" after row {self._row_number:,}" if self.content else ""
        reason = expat.errors.messages[error.code]
        if reason in ("no element found", "unclosed token", "unclosed CDATA section"):
            return FormatError(f"the document ends too early{where}")
        return FormatError(f"not well-formed XML{where}: {reason}")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if self.content is not None:
            self._start_in_rows(name, attributes)
        elif not self._stack and name != "VOTABLE":
            message = (
                "an HTML page instead of a VOTable"
                if name.lower() == "html"
                else f"not a VOTable but XML of type {tag!r}"
            )
            raise FormatError(message)
        self._stack.append(name)
        self._names.append(tag)
        if len(self._stack) > _DEEPEST:
            message = f"its elements are nested more than {_DEEPEST} deep"
            raise FormatError(message)
        if self._silent_from:
            if self.content is None:
                self._start_in_data(name, attributes)
            return
        if name == "DATA":
            self._silent_from = len(self._stack)
            return
        self._write(f"<{tag}{''.join(f' {key}={quoteattr(value)}' for key, value in attributes.items())}>")
        self._start_in_header(name, attributes)

    def _start_in_header(self, name: str, attributes: dict[str, str]) -> None:
        if name == "RESOURCE":
            self._resources.append(attributes.get("type", "").strip().lower())
        elif name == "TABLE":
            self._open_table()
        elif name in ("FIELD", "PARAM", "INFO", "OPTION"):
            self._elements += 1
            if self._elements > _MOST_ELEMENTS:
                message = f"it has more than {_MOST_ELEMENTS:,} FIELDs, PARAMs and INFOs"
                raise FormatError(message)
            if name == "OPTION" and self._declaring:
                option = (attributes.get("name", ""), attributes.get("value", ""))
                self._declaring[-1][1].setdefault("options", []).append(option)
            elif name != "OPTION":
                self._declaring.append((attributes, {}))
        elif name in ("VALUES", "MIN", "MAX") and self._declaring:
            key, attribute = {"VALUES": ("null", "null"), "MIN": ("minimum", "value"), "MAX": ("maximum", "value")}[
                name
            ]
            if attribute in attributes:
                self._declaring[-1][1].setdefault(key, attributes[attribute])
        if name in _WITH_TEXT:
            self._text = []

    def _open_table(self) -> None:
        if self._resources and "meta" in self._resources:
            self._open = Table()
            if self._described_only is None:
                self._described_only = self._open
            return
        in_results = bool(self._resources) and self._resources[-1] == "results"
        if self.table is None:
            self._open = self.table = Table(in_results=in_results)
            return
        if in_results and not self.table.in_results:
            message = "a table of its results comes after another table, and cannot be told from it"
            raise FormatError(message)
        self._open = None
        self.other_tables += 1

    def _start_in_data(self, name: str, attributes: dict[str, str]) -> None:
        if self._open is None or self._open is not self.table:
            self._undescribed_rows = self._undescribed_rows or name in ("TR", "STREAM")
            return
        if name in ("BINARY", "BINARY2"):
            self._open.serialization = "BINARY" if name == "BINARY" else "BINARY2"
        elif name == "TABLEDATA":
            self._open.serialization = "TABLEDATA"
            self._begin_rows("TABLEDATA")
        elif name == "STREAM" and self._open.serialization is not None:
            if attributes.get("href"):
                message = f"its rows are not in it but at {attributes['href'][:_SHOWN]!r}"
                raise FormatError(message)
            if attributes.get("encoding", "base64").strip().lower() != "base64":
                message = f"its rows are encoded as {attributes['encoding'][:_SHOWN]!r}; only base64 is read"
                raise FormatError(message)
            self._begin_rows(self._open.serialization)
        elif name in ("FITS", "PARQUET"):
            message = f"its rows are {name} data inside a VOTable, which are not read; save them as a file of that kind"
            raise FormatError(message)

    def _begin_rows(self, serialization: Serialization) -> None:
        assert self.table is not None
        if self.rows_done:
            message = "a table with two sets of rows"
            raise FormatError(message)
        if serialization != "TABLEDATA" and self.table.texts_only:
            message = f"column {self.table.texts_only[0]!r} has a datatype that VOTable does not know"
            raise FormatError(message)
        self.content = serialization
        self.content_start = self._parser.CurrentByteIndex

    def _start_in_rows(self, name: str, attributes: dict[str, str]) -> None:
        if self.content != "TABLEDATA":
            message = f"an element {name!r} within base64 data"
            raise FormatError(message)
        if name == "TR":
            self._row = []
        elif name == "TD" and self._row is not None:
            if attributes.get("encoding"):
                message = f"a cell in row {self._row_number + 1:,} is encoded, which is not read"
                raise FormatError(message)
            self._text, self._text_size = [], 0

    def _end(self, tag: str) -> None:
        name = self._stack.pop()
        self._names.pop()
        if self.content is not None:
            self._end_in_rows(name)
            return
        if self._silent_from:
            if len(self._stack) < self._silent_from:
                self._silent_from = 0
            return
        self._write(f"</{tag}>")
        if name == "RESOURCE":
            self._resources.pop()
        elif name == "TABLE":
            self._open = None
        elif name == "DESCRIPTION" and self._text is not None:
            description, self._text = " ".join("".join(self._text).split()), None
            if self._declaring and self._stack and self._stack[-1] in ("FIELD", "PARAM"):
                self._declaring[-1][1].setdefault("description", description)
        elif name in ("FIELD", "PARAM", "INFO") and self._declaring:
            self._declared(name, *self._declaring.pop())

    def _declared(self, name: str, attributes: Mapping[str, str], described: dict[str, Any]) -> None:
        parent = self._stack[-1] if self._stack else ""
        if name == "INFO":
            text, self._text = "".join(self._text or ()), None
            info = Info(attributes.get("name", ""), attributes.get("value", ""), text, attributes.get("ID"))
            self.infos.append(info)
        elif name == "FIELD" and parent == "TABLE" and self._open is not None:
            column = column_from_attributes(attributes, len(self._open.fields) + 1, described)
            if not knows_datatype(attributes):
                self._open.texts_only.append(column.name)
            self._open.fields.append(column)
        elif name == "PARAM" and parent == "TABLE" and self._open is not None:
            self._open.params.append(param_from_attributes(attributes, described))
        elif name == "PARAM" and parent == "RESOURCE":
            self.params.append(param_from_attributes(attributes, described))

    def _end_in_rows(self, name: str) -> None:
        assert self.table is not None
        if name == "TD" and self._row is not None:
            self._row.append("".join(self._text or ()) or None)
            self._text = None
        elif name == "TR" and self._row is not None:
            self._row_number += 1
            if len(self._row) != len(self.table.fields):
                cells, columns = len(self._row), len(self.table.fields)
                message = f"row {self._row_number:,} has {cells} cells, and the table {columns} columns"
                raise FormatError(message)
            self.rows.append(self._row)
            self._row = None
        elif name in ("TABLEDATA", "STREAM"):
            self.content = None
            self.rows_done = True

    def _characters(self, text: str) -> None:
        if self.content is not None and self.content != "TABLEDATA":
            self.base64.append(text)
            return
        if self._text is not None:
            self._text.append(text)
            self._text_size += len(text)
            if self.content is not None and self._text_size > self._max_bytes:
                message = f"a cell in row {self._row_number + 1:,} is larger than {self._max_bytes:,} bytes"
                raise FormatError(message)
        if not self._silent_from:
            self._write(escape(text))

    def _write(self, text: str) -> None:
        self._header.write(text)
        self._header_size += len(text)
        if self._header_size > self._max_bytes:
            message = f"what it says beside its rows is larger than {self._max_bytes:,} bytes"
            raise FormatError(message)
