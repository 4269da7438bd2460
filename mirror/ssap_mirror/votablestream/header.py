"""The descriptive elements of a VOTable: FIELD, PARAM, INFO, and how they become columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ssap_mirror.errors import FormatError
from ssap_mirror.schema import Column

__all__ = ["Declaration", "Info", "Param", "unique_columns"]

_CELL = {"boolean", "bit", "unsignedByte", "short", "int", "long", "char", "unicodeChar", "float", "double"}
_CELL |= {"floatComplex", "doubleComplex"}


@dataclass(frozen=True)
class Info:
    """An INFO element (VOTable 1.4 §4.8)."""

    name: str
    """Its name, e.g. ``QUERY_STATUS``."""
    value: str
    """Its value attribute."""
    content: str
    """Its text."""
    id: str | None = None
    """Its ID."""


@dataclass(frozen=True)
class Param(Column):
    """A PARAM: a column's description with one value, or an input (``INPUT:POS``) with the values it takes."""

    value: str = ""
    """As written."""
    minimum: str | None = None
    """VALUES/MIN."""
    maximum: str | None = None
    """VALUES/MAX."""
    options: tuple[str, ...] = ()
    """VALUES/OPTION."""


@dataclass
class Declaration:
    """A FIELD or PARAM while its element is open."""

    attributes: dict[str, str]
    """XML attributes."""
    is_param: bool
    """PARAM rather than FIELD."""
    null: str | None = None
    minimum: str | None = None
    maximum: str | None = None
    description: str = ""
    options: list[str] = field(default_factory=list)

    @property
    def is_known(self) -> bool:
        """Whether the datatype is one of VOTable's."""
        return self.attributes.get("datatype", "") in _CELL

    def column(self) -> Column:
        """Make the column that is declared.

        A datatype of the service's own invention (LAMOST sends ``date``) is text.

        Raises
        ------
        FormatError
            If it has no name, or an arraysize that is none of VOTable's.
        """
        attributes = self.attributes
        name = attributes.get("name") or attributes.get("ID") or ""
        if not name:
            message = "a column of the table has no name"
            raise FormatError(message)
        datatype, arraysize = attributes.get("datatype", ""), _arraysize(name, attributes.get("arraysize"))
        if not self.is_known:
            datatype, arraysize = "char", "*"
        common = {
            "name": name,
            "datatype": datatype,
            "arraysize": arraysize,
            "unit": attributes.get("unit") or None,
            "ucd": attributes.get("ucd") or None,
            "utype": attributes.get("utype") or None,
            "xtype": attributes.get("xtype") or None,
            "description": " ".join(self.description.split()) or None,
            "null": self.null,
        }
        if not self.is_param:
            return Column(**common)
        value = attributes.get("value", "")
        return Param(**common, value=value, minimum=self.minimum, maximum=self.maximum, options=tuple(self.options))


def unique_columns(columns: Iterable[Column]) -> tuple[Column, ...]:
    """Columns with names that differ: the second ``ra`` becomes ``ra_2``, as VOTable does not forbid it."""
    taken: set[str] = set()
    found = []
    for column in columns:
        name, number = column.name, 2
        while name in taken:
            name, number = f"{column.name}_{number}", number + 1
        taken.add(name)
        found.append(column if name == column.name else replace(column, name=name))
    return tuple(found)


def _arraysize(name: str, text: str | None) -> str | None:
    """``1`` is a scalar to many writers; ``10*`` is a free length to a reader, but is kept as written."""
    size = (text or "").strip()
    if not size or size == "1":
        return None
    parts = size.split("x")
    fixed, last = parts[:-1], parts[-1].rstrip("*")
    if not all(part.isdecimal() for part in fixed) or not (last.isdecimal() or (last == "" and size.endswith("*"))):
        message = f"column {name!r} has the arraysize {text!r}, which VOTable does not know"
        raise FormatError(message)
    return size
