"""The XML of a VOTable, as it comes: header elements are collected, cells are handed on raw.

Nothing of a document type is accepted (no entities to expand, nothing to fetch), and what is held at any time is
bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pyexpat import ExpatError, ParserCreate
from typing import Any, cast

from ssap_mirror.errors import FormatError
from ssap_mirror.schema import Column
from ssap_mirror.votablestream.header import Declaration, Info, Param

__all__ = ["MAX_PENDING", "Document"]

#: Most bytes of markup that may pass without a row or a block of data coming to an end [byte].
MAX_PENDING = 64 << 20
_MAX_DEPTH = 60
_MAX_HEADER = 32 << 20
_TITLE = re.compile(rb"<title[^>]*>(.{0,200}?)</title", re.IGNORECASE | re.DOTALL)
_TEXT_OF = {"INFO", "DESCRIPTION"}
_SERVICE = "service descriptor"


class Document:
    """A push parser for one document.

    Attributes
    ----------
    fields : list of Column
        FIELDs of the table that holds the answer, as far as they are read.
    table_params, params : list of Param
        PARAMs of that table; all PARAMs outside data-link blocks.
    infos : list of Info
        Of the document and its results, in order.
    serialization : str or None
        ``TABLEDATA``, ``BINARY`` or ``BINARY2`` once the data begins.
    cells : list of str
        TABLEDATA cells not yet taken, row after row.
    chunks : list of str
        Base64 text not yet taken.
    """

    def __init__(self) -> None:
        self.fields: list[Column] = []
        self.table_params: list[Param] = []
        self.params: list[Param] = []
        self.infos: list[Info] = []
        self.serialization: str | None = None
        self.data_done = False
        self.cells: list[str] = []
        self.chunks: list[str] = []
        self.rows_seen = 0
        self._chosen = False
        self._chosen_meta = False
        self._reading_table = False
        self._strange = False
        self._stack: list[str] = []
        self._roles: list[str] = []
        self._declaration: Declaration | None = None
        self._info: dict[str, str] | None = None
        self._text: list[str] = []
        self._header = bytearray()
        self._raw = bytearray()
        self._raw_base = 0
        self._skipping = False
        self._pending = 0
        self._parser = self._new_parser()

    def _new_parser(self) -> Any:
        parser = ParserCreate()
        parser.buffer_text = True
        parser.buffer_size = 1 << 20
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.EntityDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        return parser

    @property
    def header(self) -> bytes:
        """The document so far without its data."""
        return bytes(self._header) if self._skipping else bytes(self._header + self._raw)

    def feed(self, data: bytes, *, last: bool = False) -> None:
        """Take the next piece of the document.

        Raises
        ------
        FormatError
            If it is no well-formed XML, no VOTable, or hostile.
        """
        self._raw += data
        before = self.rows_seen, len(self.chunks)
        try:
            self._parser.Parse(data, last)
        except ExpatError as error:
            raise self._not_xml(error) from error
        moved = (self.rows_seen, len(self.chunks)) != before
        self._pending = 0 if moved else self._pending + len(data)
        if self._pending > MAX_PENDING:
            message = f"more than {MAX_PENDING >> 20} MiB of a VOTable went by without a row of it coming to an end"
            raise FormatError(message)
        if self._skipping:
            # The end tag of DATA may begin in this piece and end in the next.
            drop = max(0, len(self._raw) - len(data))
            del self._raw[:drop]
            self._raw_base += drop
        elif len(self._raw) + len(self._header) > _MAX_HEADER:
            message = f"the header of a VOTable is larger than {_MAX_HEADER >> 20} MiB"
            raise FormatError(message)

    def _not_xml(self, error: ExpatError) -> FormatError:
        start = bytes(self._header[:4096] or self._raw[:4096])
        if re.search(rb"<(!doctype\s+html|html)\b", start[:1024], re.IGNORECASE):
            return FormatError(_html_message(start))
        return FormatError(f"not a well-formed VOTable: {error}")

    def _refuse_doctype(self, *args: Any) -> None:
        start = bytes(self._raw[:4096])
        if args and str(args[0]).lower() == "html":
            raise FormatError(_html_message(start))
        message = "the document has a document type or entities of its own, which a VOTable has no use for"
        raise FormatError(message)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        stack = self._stack
        if not stack and local != "VOTABLE":
            start = bytes(self._raw[:4096])
            message = _html_message(start) if local.lower() == "html" else f"the document is {local!r}, not a VOTable"
            raise FormatError(message)
        if len(stack) >= _MAX_DEPTH:
            message = f"the document nests deeper than {_MAX_DEPTH} elements"
            raise FormatError(message)
        stack.append(local)
        handler: Callable[[dict[str, str]], None] | None = getattr(self, f"_start_{local.lower()}", None)
        if handler is not None:
            handler(attributes)
        if local in _TEXT_OF:
            self._text.clear()

    def _end(self, name: str) -> None:
        local = self._stack.pop()
        handler: Callable[[], None] | None = getattr(self, f"_end_{local.lower()}", None)
        if handler is not None:
            handler()

    def _characters(self, text: str) -> None:
        if self._stack and self._stack[-1] in _TEXT_OF:
            self._text.append(text)

    # Resources and tables. A service descriptor (DataLink 1.0 §4) is a resource beside the answer; an answer to
    # FORMAT=METADATA is a resource of type "meta" too, and its table counts if there is no other.
    def _start_resource(self, attributes: dict[str, str]) -> None:
        inherited = self._roles[-1] if self._roles else ""
        is_service = attributes.get("utype", "").lower().startswith("adhoc:")
        self._roles.append(_SERVICE if is_service else attributes.get("type", inherited).lower())

    def _end_resource(self) -> None:
        self._roles.pop()

    def _in_service(self) -> bool:
        return bool(self._roles) and self._roles[-1] == _SERVICE

    def _start_table(self, attributes: dict[str, str]) -> None:
        is_meta = bool(self._roles) and self._roles[-1] == "meta"
        self._reading_table = not self._in_service() and (not self._chosen or (self._chosen_meta and not is_meta))
        if self._reading_table:
            self.fields.clear()
            self.table_params.clear()
            self._chosen, self._chosen_meta = True, is_meta

    def _in_table(self) -> bool:
        return "TABLE" in self._stack and self._reading_table

    # Columns.
    def _start_field(self, attributes: dict[str, str]) -> None:
        self._declaration = Declaration(dict(attributes), is_param=False)

    def _start_param(self, attributes: dict[str, str]) -> None:
        self._declaration = Declaration(dict(attributes), is_param=True)

    def _start_values(self, attributes: dict[str, str]) -> None:
        if self._declaration is not None and "null" in attributes:
            self._declaration.null = attributes["null"]

    def _start_min(self, attributes: dict[str, str]) -> None:
        if self._declaration is not None:
            self._declaration.minimum = attributes.get("value")

    def _start_max(self, attributes: dict[str, str]) -> None:
        if self._declaration is not None:
            self._declaration.maximum = attributes.get("value")

    def _start_option(self, attributes: dict[str, str]) -> None:
        if self._declaration is not None and "value" in attributes:
            self._declaration.options.append(attributes["value"])

    def _end_description(self) -> None:
        if self._declaration is not None:
            self._declaration.description = "".join(self._text)

    def _end_field(self) -> None:
        if self._declaration is not None and self._in_table() and self._stack[-1] == "TABLE":
            self.fields.append(self._declaration.column())
            self._strange |= not self._declaration.is_known
        self._declaration = None

    def _end_param(self) -> None:
        declaration, self._declaration = self._declaration, None
        if (
            declaration is None
            or self._in_service()
            or self._stack[-1] not in ("TABLE", "RESOURCE", "VOTABLE", "GROUP")
        ):
            return
        param = cast(Param, declaration.column())
        if self._stack[-1] == "TABLE" and self._in_table() and not param.name.upper().startswith("INPUT:"):
            self.table_params.append(param)
        self.params.append(param)

    def _start_info(self, attributes: dict[str, str]) -> None:
        self._info = dict(attributes)

    def _end_info(self) -> None:
        attributes, self._info = self._info or {}, None
        text = "".join(self._text).strip()
        if not self._in_service():
            self.infos.append(Info(attributes.get("name", ""), attributes.get("value", ""), text, attributes.get("ID")))

    # Data.
    def _start_data(self, attributes: dict[str, str]) -> None:
        at = self._parser.CurrentByteIndex - self._raw_base
        self._header += self._raw[:at]
        del self._raw[:at]
        self._raw_base += at
        self._skipping = True

    def _end_data(self) -> None:
        at = self._parser.CurrentByteIndex - self._raw_base
        # CurrentByteIndex is the first byte of the end tag; what follows its ">" is header again.
        end = self._raw.find(b">", max(0, at))
        cut = len(self._raw) if end < 0 else end + 1
        del self._raw[:cut]
        self._raw_base += cut
        self._skipping = False
        if self._in_table():
            self.data_done = True

    def _start_tabledata(self, attributes: dict[str, str]) -> None:
        if not self._in_table():
            return
        self.serialization = "TABLEDATA"
        self._read_cells()

    def _start_binary(self, attributes: dict[str, str]) -> None:
        self._expect_binary("BINARY")

    def _start_binary2(self, attributes: dict[str, str]) -> None:
        self._expect_binary("BINARY2")

    def _expect_binary(self, serialization: str) -> None:
        if not self._in_table():
            return
        if self._strange:
            message = f"a column has a datatype that VOTable does not know, so its {serialization} cells have no size"
            raise FormatError(message)
        self.serialization = serialization

    def _start_fits(self, attributes: dict[str, str]) -> None:
        if self._in_table():
            message = "a VOTable with its data in FITS is not supported; read the FITS file itself"
            raise FormatError(message)

    def _start_stream(self, attributes: dict[str, str]) -> None:
        if not self._in_table():
            return
        if attributes.get("href") or attributes.get("encoding", "none") != "base64":
            message = "a VOTable STREAM that is not inline base64 is not supported"
            raise FormatError(message)
        self._parser.CharacterDataHandler = self.chunks.append

    def _end_stream(self) -> None:
        self._parser.CharacterDataHandler = self._characters

    def _read_cells(self) -> None:
        """Swap in the handlers of the hot path: three calls a cell, and nothing else."""
        parser, cells = self._parser, self.cells
        text: list[str] = []
        depth = 0
        width = len(self.fields)
        add, take, drop = cells.append, "".join, text.clear

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal depth
            depth += 1
            drop()
            if depth > 2 or attributes:  # TR, then TD
                self._check_cell(depth, name, attributes)

        def end(name: str) -> None:
            nonlocal depth
            depth -= 1
            if depth == 1:
                add(take(text))
                drop()
            elif depth == 0:
                self.rows_seen += 1
                if len(cells) % width if width else cells:
                    message = f"row {self.rows_seen:,} has another number of cells than the table has columns ({width})"
                    raise FormatError(message)
            else:
                parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
                parser.CharacterDataHandler = self._characters
                self._end(name)

        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.CharacterDataHandler = text.append

    def _check_cell(self, depth: int, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if depth > 2 or attributes.get("encoding", "none") != "none":
            message = f"row {self.rows_seen + 1:,} holds the element {local!r}, which a table cell cannot"
            raise FormatError(message)


def _html_message(start: bytes) -> str:
    title = _TITLE.search(start)
    said = f" ({title.group(1).decode('utf-8', 'replace').strip()!r})" if title else ""
    return f"the answer is an HTML page{said}, not a VOTable"
