"""What the elements of a VOTable declare: its tables, their FIELDs and PARAMs, and INFOs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ssap_mirror.core.schema import Column
from ssap_mirror.errors import FormatError
from ssap_mirror.tables.votable.model import Info, Param, column_from_attributes, knows_datatype, param_from_attributes
from ssap_mirror.tables.votable.systems import Systems

__all__ = ["Declarations", "Serialization", "Table"]

Serialization = Literal["TABLEDATA", "BINARY", "BINARY2"]

_SHOWN = 80
# Child of VALUES or VALUES itself -> attribute that counts, and what it is kept as.
_VALUES = {"VALUES": ("null", "null"), "MIN": ("value", "minimum"), "MAX": ("value", "maximum")}


@dataclass
class Table:
    """A table, as far as it was declared."""

    fields: list[Column] = field(default_factory=list)
    """Its FIELDs."""
    params: list[Param] = field(default_factory=list)
    """Its own PARAMs."""
    in_results: bool = False
    """Whether its RESOURCE says ``type="results"``."""
    refs: list[str] = field(default_factory=list)
    """What each FIELD refers to: the ID of a COOSYS or TIMESYS, or nothing."""
    texts_only: list[str] = field(default_factory=list)
    """Columns of a datatype that VOTable does not know, read as text."""
    serialization: Serialization | None = None
    """How its rows are written; None without rows."""


class Declarations:
    """Listens to the elements outside rows.

    The table is the first of a RESOURCE of type ``results`` (DALI 1.1 §4.4) or of no type; one in a RESOURCE of type
    ``meta`` describes what the rows would be, and counts if there is no other.

    Parameters
    ----------
    join_tables : bool
        Whether the rows of later tables of the results go on with those of the first; their columns have to be the
        same then.
    """

    def __init__(self, *, join_tables: bool = False) -> None:
        self.table: Table | None = None
        self.params: list[Param] = []
        """PARAMs of RESOURCEs."""
        self.infos: list[Info] = []
        self.systems = Systems()
        """COOSYS and TIMESYS."""
        self.other_tables = 0
        """Tables after the first that are not read."""
        self._join_tables = join_tables
        self._later: Table | None = None
        self._resources: list[str] = []
        self._meta_table: Table | None = None
        self._meta_rows = False
        self._open: Table | None = None
        self._declaring: list[tuple[Mapping[str, str], dict[str, Any]]] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take an element outside DATA."""
        if name == "RESOURCE":
            self._resources.append(attributes.get("type", "").strip().lower())
        elif name == "TABLE":
            self._open_table()
        elif name in ("FIELD", "PARAM", "INFO"):
            self._declaring.append((attributes, {}))
        elif name in ("COOSYS", "TIMESYS"):
            self.systems.add(name, attributes)
        elif self._declaring and name in _VALUES:
            attribute, key = _VALUES[name]
            if attribute in attributes:
                self._declaring[-1][1].setdefault(key, attributes[attribute])
        elif self._declaring and name == "OPTION":
            option = (attributes.get("name", ""), attributes.get("value", ""))
            self._declaring[-1][1].setdefault("options", []).append(option)

    def end(self, name: str, parent: str, text: str) -> None:
        """Take the end of an element outside DATA, and the text in it."""
        if name == "RESOURCE":
            self._resources.pop()
        elif name == "TABLE":
            self._open = None
        elif name == "DESCRIPTION" and parent in ("FIELD", "PARAM"):
            self._declaring[-1][1].setdefault("description", " ".join(text.split()))
        elif name in ("FIELD", "PARAM", "INFO"):
            attributes, described = self._declaring.pop()
            if name == "INFO":
                info = Info(attributes.get("name", ""), attributes.get("value", ""), text, attributes.get("ID"))
                self.infos.append(info)
            elif name == "FIELD" and parent == "TABLE" and self._open is not None:
                self._add_field(self._open, attributes, described)
            elif name == "PARAM" and parent == "TABLE" and self._open is not None:
                self._open.params.append(param_from_attributes(attributes, described))
            elif name == "PARAM" and parent == "RESOURCE":
                self.params.append(param_from_attributes(attributes, described))

    def located_fields(self) -> list[Column]:
        """FIELDs of the table, with the frames of coordinates and the origins of times."""
        if self.table is None:
            return []
        pairs = zip(self.table.fields, self.table.refs, strict=True)
        return [self.systems.located(column, ref) for column, ref in pairs]

    def start_in_data(self, name: str, attributes: Mapping[str, str]) -> Serialization | None:
        """Take an element within DATA; the serialisation if rows of the table begin with it.

        Raises
        ------
        FormatError
            If the rows are of a kind that is not read.
        """
        table = self._open
        if table is None or not (table is self.table or table is self._later):
            self._meta_rows = self._meta_rows or (table is not None and name in ("TR", "STREAM"))
            return None
        if name in ("FITS", "PARQUET"):
            message = f"its rows are {name} data inside a VOTable, which are not read; save them as a file of that kind"
            raise FormatError(message)
        if name in ("TABLEDATA", "BINARY", "BINARY2"):
            if table.serialization is not None:
                message = "a table with two sets of rows"
                raise FormatError(message)
            table.serialization = "TABLEDATA" if name == "TABLEDATA" else "BINARY" if name == "BINARY" else "BINARY2"
            if table is self._later:
                self._refuse_other_columns(table)
            return table.serialization if name == "TABLEDATA" else None
        if name != "STREAM" or table.serialization is None:
            return None
        _check_stream(attributes)
        if table.texts_only:
            message = f"column {table.texts_only[0]!r} has a datatype that VOTable does not know"
            raise FormatError(message)
        return table.serialization

    def finish(self) -> None:
        """Say that the document is over.

        Raises
        ------
        FormatError
            If rows would be lost.
        """
        if self.table is None:
            if self._meta_rows:
                message = "its only table with rows stands in a RESOURCE of type meta"
                raise FormatError(message)
            self.table = self._meta_table

    def _open_table(self) -> None:
        if "meta" in self._resources:
            self._open = Table()
            self._meta_table = self._meta_table or self._open
            return
        in_results = bool(self._resources) and self._resources[-1] == "results"
        if self.table is None:
            self._open = self.table = Table(in_results=in_results)
            return
        if in_results and not self.table.in_results:
            message = "a table of its results comes after another table, and cannot be told from it"
            raise FormatError(message)
        if self._join_tables and in_results == self.table.in_results:
            self._open = self._later = Table(in_results=in_results)
            return
        self._open = None
        self.other_tables += 1

    def _refuse_other_columns(self, later: Table) -> None:
        """Refuse rows that cannot go on with those of the first table (SSA 1.1 §4.2 has one table of results)."""
        assert self.table is not None
        first, second = ([replace(column, description=None) for column in t.fields] for t in (self.table, later))
        if (first, self.table.serialization) != (second, later.serialization):
            message = "its results are two tables of different columns, and which of them is meant it does not say"
            raise FormatError(message)

    def _add_field(self, table: Table, attributes: Mapping[str, str], described: dict[str, Any]) -> None:
        column = column_from_attributes(attributes, len(table.fields) + 1, described)
        if not knows_datatype(attributes):
            table.texts_only.append(column.name)
        table.fields.append(column)
        table.refs.append(attributes.get("ref", ""))


def _check_stream(attributes: Mapping[str, str]) -> None:
    if attributes.get("href"):
        message = f"its rows are not in it but at {attributes['href'][:_SHOWN]!r}"
        raise FormatError(message)
    if attributes.get("encoding", "base64").strip().lower() != "base64":
        message = f"its rows are encoded as {attributes['encoding'][:_SHOWN]!r}; only base64 is read"
        raise FormatError(message)
