"""What a VOTable says beside its rows: INFOs, PARAMs, and FIELDs as columns (VOTable 1.5 §3 and §4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ssap_mirror.core.schema import Column
from ssap_mirror.errors import FormatError
from ssap_mirror.tables.votable.text import TextColumn

__all__ = [
    "Info",
    "Param",
    "column_from_attributes",
    "is_whole_column",
    "knows_datatype",
    "param_from_attributes",
]

_DATATYPES = frozenset(
    [
        "boolean",
        "bit",
        "unsignedByte",
        "short",
        "int",
        "long",
        "char",
        "unicodeChar",
        "float",
        "double",
        "floatComplex",
        "doubleComplex",
    ]
)
# VOTable 1.5 §2.2: all dimensions but the last are fixed.
_ARRAYSIZE = re.compile(r"(\d{1,9}x)*(\d{1,9}\*?|\*)")
_MOST_ITEMS = 1 << 24
#: First words of the utypes of the SSA data model (SSA 1.1 appendix D).
_SSA_WORDS = {
    "query",
    "association",
    "access",
    "dataset",
    "dataid",
    "curation",
    "target",
    "derived",
    "coordsys",
    "char",
}


@dataclass(frozen=True)
class Info:
    """An INFO: ``QUERY_STATUS``, warnings, citations."""

    name: str
    """Its name, as sent."""
    value: str
    """The value attribute."""
    text: str
    """Its content."""
    id: str | None
    """The ID attribute."""


@dataclass(frozen=True)
class Param(Column):
    """A PARAM: a column with one value; in a metadata answer, an input of the service (SSA 1.1 §4.1)."""

    text: str = ""
    """The value attribute, as sent."""
    value: Any = None
    """The value as a Python object of the datatype; None if there is none or it does not fit."""
    minimum: str | None = None
    """MIN of its VALUES."""
    maximum: str | None = None
    """MAX of its VALUES."""
    options: tuple[tuple[str, str], ...] = ()
    """(name, value) of each OPTION of its VALUES; the name is empty where there is none."""

    @property
    def column(self) -> Column:
        """What it is without its value."""
        return Column(**{item.name: getattr(self, item.name) for item in fields(Column)})


def column_from_attributes(attributes: Mapping[str, str], number: int, described: Mapping[str, Any]) -> Column:
    """Column that a FIELD or PARAM declares.

    Parameters
    ----------
    attributes : mapping
        Of the element. A datatype that VOTable does not know (LAMOST's own service sends ``date``) stands for text.
    number : int
        Of the FIELD, from 1, for one without a name.
    described : mapping
        ``description`` and ``null`` from the element's content, where it has them.

    Raises
    ------
    FormatError
        If the arraysize is malformed, zero or too large.
    """
    name = attributes.get("name") or attributes.get("ID") or f"col{number}"
    datatype = attributes.get("datatype", "").strip()
    arraysize = attributes.get("arraysize", "").strip() or None
    if arraysize is not None and not _ARRAYSIZE.fullmatch(arraysize):
        message = f"column {name!r} has the arraysize {arraysize!r}, which is none"
        raise FormatError(message)
    if datatype not in _DATATYPES:
        datatype, arraysize = "char", "*"
    if "x" in (arraysize or "") or not datatype.endswith(("char", "Char")):
        _refuse_size(name, arraysize)
    column = Column(
        name=name,
        datatype=datatype,
        arraysize=arraysize,
        unit=attributes.get("unit") or None,
        ucd=attributes.get("ucd") or None,
        utype=attributes.get("utype") or None,
        xtype=attributes.get("xtype") or None,
        description=described.get("description") or None,
        null=described.get("null") or None,
    )
    return column


def _refuse_size(name: str, arraysize: str | None) -> None:
    """Refuse lists of no items, which Arrow cannot have, and of more than anybody means."""
    items = 1
    for part in (arraysize or "").split("x"):
        items *= int(part) if part.isdigit() else 1
    if not 0 < items <= _MOST_ITEMS:
        message = f"column {name!r} has the arraysize {arraysize!r}, which is {'too large' if items else 'nothing'}"
        raise FormatError(message)


def knows_datatype(attributes: Mapping[str, str]) -> bool:
    """Whether VOTable knows the datatype of a FIELD."""
    return attributes.get("datatype", "").strip() in _DATATYPES


def param_from_attributes(attributes: Mapping[str, str], described: Mapping[str, Any]) -> Param:
    """PARAM with its value; one that does not fit its datatype is None, for it may be an example or a default."""
    try:
        column = column_from_attributes(attributes, 0, described)
    except FormatError:
        column = column_from_attributes({**attributes, "datatype": "char", "arraysize": "*"}, 0, described)
    text = attributes.get("value", "")
    try:
        value = TextColumn(column).parse_one(text)
    except FormatError:
        value = None
    return Param(
        **{item.name: getattr(column, item.name) for item in fields(Column)},
        text=text,
        value=value,
        minimum=described.get("minimum"),
        maximum=described.get("maximum"),
        options=tuple(described.get("options", ())),
    )


def is_whole_column(param: Param) -> bool:
    """Whether a PARAM of a TABLE stands for a column that has one value in all rows (SSA 1.1 §4.2.5)."""
    if param.utype is None or param.name.upper().startswith(("INPUT:", "OUTPUT:")):
        return False
    words = param.utype.rpartition(":")[2].lower().removeprefix("spectrum.").removeprefix("ssa.").split(".")
    return len(words) > 1 and words[0] in _SSA_WORDS
