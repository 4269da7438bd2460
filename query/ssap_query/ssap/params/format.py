"""FORMAT: the format of the spectra themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from ssap_mirror.errors import ParameterError

from ssap_query.ssap.columns import Columns, Row
from ssap_query.ssap.parameter import Parameter
from ssap_query.ssap.predicate import Predicate, any_of, one_of
from ssap_query.ssap.ranges import RangeList, dachs_list
from ssap_query.ssap.values.python_text import list_text
from ssap_query.ssap.values.string_lists import fold

__all__ = ["PARAMETERS"]

_COLUMN = "lower({access_format})"
_VOTABLE = (
    "(" + _COLUMN + " = 'application/x-votable+xml' OR starts_with(" + _COLUMN + ", 'application/x-votable+xml;')"
    " OR " + _COLUMN + " = 'text/xml;content=x-votable')"
)
_FITS = "split_part(" + _COLUMN + ", ';', 1) = 'application/fits'"
_XML = "regexp_full_match(" + _COLUMN + ", '(text|application)/xml(;.*)?') AND NOT " + _VOTABLE
_GRAPHIC = "split_part(" + _COLUMN + ", ';', 1) IN ('image/jpeg', 'image/png', 'image/gif')"
_COMPLIANT = "(" + _VOTABLE + " OR " + _FITS + " OR " + _XML + ")"
# Whether a FITS file follows the SSA data model cannot be seen from its type, so application/fits is both.
_NATIVE = "NOT (" + _VOTABLE + ") AND NOT (" + _XML + ") AND NOT (" + _GRAPHIC + ")"


def _is_votable(mime: str) -> bool:
    base, _, parameters = mime.partition(";")
    return base == "application/x-votable+xml" or (base == "text/xml" and parameters == "content=x-votable")


def _is_xml(mime: str) -> bool:
    return mime.partition(";")[0] in ("text/xml", "application/xml") and not _is_votable(mime)


def _is_graphic(mime: str) -> bool:
    return mime.partition(";")[0] in ("image/jpeg", "image/png", "image/gif")


def _is_fits(mime: str) -> bool:
    return mime.partition(";")[0] == "application/fits"


_KEYWORDS: dict[str, tuple[Predicate, Callable[[str], bool]]] = {
    "compliant": (Predicate(_COMPLIANT), lambda m: _is_votable(m) or _is_fits(m) or _is_xml(m)),
    "native": (Predicate(_NATIVE), lambda m: not (_is_votable(m) or _is_xml(m) or _is_graphic(m))),
    "graphic": (Predicate(_GRAPHIC), _is_graphic),
    "votable": (Predicate(_VOTABLE), _is_votable),
    "fits": (Predicate(_FITS), _is_fits),
    "xml": (Predicate(_XML), _is_xml),
}


@dataclass(frozen=True)
class IvoaFormat:
    """FORMAT as SSA 1.1 reads it."""

    doc: ClassVar[str] = (
        "MIME types (any case; without parameters they match with any) and keywords: `all`; `votable`; `fits` "
        "(application/fits); `xml` (XML that is not VOTable); `graphic` (JPEG, PNG, GIF); `compliant` (VOTable, "
        "application/fits, XML); `native` (all that is not VOTable, XML or graphic). `metadata` anywhere asks for the "
        "description of the service, whatever else is asked (§6.1)."
    )

    def parse(self, name: str, text: str) -> tuple[str, ...]:
        """Read a list of types and keywords, in lower case."""
        # Without repeats: each keyword is a condition of its own.
        items = tuple(dict.fromkeys(item.strip().lower().replace(" ", "+") for item in text.split(",")))
        for item in items:
            if not item:
                raise ParameterError(name, text, "has an empty item in its list")
            if item not in _KEYWORDS and item not in ("all", "metadata") and "/" not in item:
                reason = f"has {item!r}, which is neither a MIME type nor one of all, {', '.join(_KEYWORDS)}, metadata"
                raise ParameterError(name, text, reason)
        return items

    def compile(self, value: tuple[str, ...], columns: Columns) -> Predicate | None:
        """Condition on the MIME type."""
        if {"all", "/", "metadata"} & set(value):
            return None
        parts = [_KEYWORDS[item][0] for item in value if item in _KEYWORDS]
        mimes = [item for item in value if item not in _KEYWORDS]
        full = tuple(m for m in mimes if ";" in m)
        base = tuple(m for m in mimes if ";" not in m)
        return any_of([*parts, one_of(_COLUMN, full), one_of("split_part(" + _COLUMN + ", ';', 1)", base)])

    def covers(self, value: tuple[str, ...], row: Row, columns: Columns) -> bool:
        """Whether the row's MIME type fits one of the items."""
        if {"all", "/", "metadata"} & set(value):
            return True
        mime = row["access_format"]
        if mime is None:
            return False
        mime = fold(mime)
        for item in value:
            if item in _KEYWORDS:
                if _KEYWORDS[item][1](mime):
                    return True
            elif mime == item or (";" not in item and mime.partition(";")[0] == item):
                return True
        return False

    def words(self, value: tuple[str, ...]) -> str:
        """Say the union in words."""
        return " or ".join(value)

    def needs(self, value: tuple[str, ...]) -> tuple[str, ...]:
        """Ask for the MIME type."""
        return () if {"all", "/", "metadata"} & set(value) else ("access_format",)


_DACHS_KEYWORDS = {
    "compliant": ("application/x-votable+xml",),
    "native": ("application/fits", "text/csv", "text/plain", "image/fits"),
    "votable": ("application/x-votable+xml",),
    "fits": ("application/fits",),
    "xml": (),
}


@dataclass(frozen=True)
class DachsFormat:
    """FORMAT as the reference server reads it; what it breaks on is read as in ``ivoa``."""

    doc: ClassVar[str] = (
        "Exact MIME types in lower case (a type stored with capitals cannot be reached), no parameters understood. "
        "`compliant`, `votable`: application/x-votable+xml; `native`: application/fits, text/csv, text/plain, "
        "image/fits; `fits`: application/fits; `xml`: nothing; `all`: everything. `graphic`, on which the server "
        "fails, is read as in ivoa."
    )
    ivoa: ClassVar[IvoaFormat] = IvoaFormat()

    def parse(self, name: str, text: str) -> RangeList[str] | tuple[str, ...]:
        """Read a list of types and keywords, in lower case."""
        found = dachs_list(name, text.lower(), str, ranges=False)
        if "graphic" in found.values and "all" not in found.values:
            return tuple(dict.fromkeys(found.values))
        return found

    def compile(self, value: Any, columns: Columns) -> Predicate | None:
        """Condition on the MIME type, whose case is significant."""
        if isinstance(value, tuple):
            return self.ivoa.compile(value, columns)
        if "all" in value.values:
            return None
        mimes = self._mimes(value)
        return one_of("{access_format}", mimes)

    def covers(self, value: Any, row: Row, columns: Columns) -> bool:
        """Whether the row's MIME type is one of the types."""
        if isinstance(value, tuple):
            return self.ivoa.covers(value, row, columns)
        return "all" in value.values or row["access_format"] in self._mimes(value)

    def words(self, value: Any) -> str:
        """Say the union in words."""
        return " or ".join(value if isinstance(value, tuple) else value.values)

    def needs(self, value: Any) -> tuple[str, ...]:
        """Ask for the MIME type."""
        return () if "all" in (value if isinstance(value, tuple) else value.values) else ("access_format",)

    def _mimes(self, value: RangeList[str]) -> tuple[str, ...]:
        return tuple(mime for item in value.values for mime in _DACHS_KEYWORDS.get(item, (item,)))


PARAMETERS = (
    Parameter(
        name="FORMAT",
        title="Type",
        description="MIME type of the file served.",
        rules={"ivoa": IvoaFormat(), "dachs": DachsFormat()},
        grammar="list of MIME types and all, compliant, native, graphic, votable, fits, xml, metadata",
        python=list_text,
        examples=("application/fits", "votable,fits", "all"),
        roles=("access_format",),
        section="4.1.1.5",
        ucd="meta.code.mime",
        utype="ssa:Access.Format",
        null="NULL never matches",
    ),
)
