"""Parameters that steer the request: REQUEST, TOP, MAXREC, VERB, RESPONSEFORMAT, COMPRESS, RUNID."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from ssap_mirror.errors import ParameterError

from ssap_query.arrow.formats import FORMATS
from ssap_query.ssap.columns import Columns, Row
from ssap_query.ssap.parameter import Parameter
from ssap_query.ssap.values.python_text import flag_text, number_text

__all__ = ["OPERATIONS", "PARAMETERS", "checked_count"]

#: Operations: SSA 1.1's own, and the reference server's extension.
OPERATIONS = ("queryData", "getTargetNames")

_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_MAX_COUNT = 2**63 - 1

# What the reference server's RESPONSEFORMAT may be, in lower case, and its canonical names.
_DACHS_FORMATS = {
    alias: name
    for name, aliases in {
        "votable/td": ("votable/td", "votabletd", "text/xml", "application/x-votable+xml;serialization=tabledata"),
        "votable/b": (
            *("votable/b", "votable", "application/x-votable+xml"),
            "application/x-votable+xml;serialization=binary",
        ),
        "votable/b2": ("votable/b2", "votableb2", "application/x-votable+xml;serialization=binary2"),
        "votable/td;version=1.1": ("votabletd1.1",),
        "votable/b;version=1.1": ("votable1.1",),
        "votable/td;version=1.2": ("votabletd1.2",),
        "vodml": ("vodml",),
        "vodmlb": ("vodmlb",),
        "csv": ("csv", "text/csv;header=present"),
        "csv/bare": ("csv_bare", "text/csv"),
        "tsv": ("tsv", "text/tab-separated-values"),
        "txt": ("txt", "text/plain"),
        "json": ("json", "application/json"),
        "geojson": ("geojson", "application/geo-json"),
        "fits": ("fits", "application/fits"),
        "html": ("html", "text/html"),
    }.items()
    for alias in aliases
}
_IVOA_FORMATS = {alias: known.response_format for known in FORMATS for alias in known.names}


class _Steering:
    """Selects no rows."""

    def compile(self, value: Any, columns: Columns) -> None:
        """Set no condition."""

    def covers(self, value: Any, row: Row, columns: Columns) -> bool:
        """Select every row."""
        return True

    def words(self, value: Any) -> str:
        """Show the value as it is."""
        return str(value)

    def needs(self, value: Any) -> tuple[str, ...]:
        """Ask for no column."""
        return ()


@dataclass(frozen=True)
class Operation(_Steering):
    """REQUEST."""

    doc: ClassVar[str] = (
        "`queryData` (any case), required. `getTargetNames`, the reference server's extension, lists the target names, "
        "whatever else is asked; in dialect `dachs` NULL is among them."
    )

    def parse(self, name: str, text: str) -> str:
        """Read the operation."""
        for operation in OPERATIONS:
            if text.lower() == operation.lower():
                return operation
        raise ParameterError(name, text, f"is none of {', '.join(OPERATIONS)}")


@dataclass(frozen=True)
class Count(_Steering):
    """A number of records."""

    doc: ClassVar[str]
    dialect: str
    """In ``dachs``, what Python takes for an integer."""

    def parse(self, name: str, text: str) -> int | None:
        """Read an integer."""
        if self.dialect == "ivoa" and not _INTEGER.fullmatch(text.strip()):
            raise ParameterError(name, text, "is not an integer")
        try:
            count = int(text)
        except ValueError:  # also for more digits than Python reads
            raise ParameterError(name, text, "is not an integer") from None
        return self.checked(name, text, count)

    def checked(self, name: str, text: str, count: int) -> int | None:
        """Refuse a number that no answer can have."""
        return checked_count(name, text, count)

    def words(self, value: int | None) -> str:
        """Say the limit in words."""
        return "no limit" if value is None else f"at most {value:,} records"


def checked_count(name: str, text: str, count: int) -> int:
    """Refuse a number of records that cannot be one.

    Raises
    ------
    ParameterError
        If it is negative, or so large that one more does not fit into 64 bits.
    """
    if count < 0:
        raise ParameterError(name, text, "is negative")
    if count >= _MAX_COUNT:
        raise ParameterError(name, text, "is beyond 2^63 - 2")
    return count


class MaxRec(Count):
    """MAXREC."""

    doc: ClassVar[str] = (
        "At most N records; if more match, the status is OVERFLOW. 0 asks for the description of the service."
    )

    def checked(self, name: str, text: str, count: int) -> int | None:
        """Leave it be in ``dachs``, where the first value takes effect, and this is the last."""
        return count if self.dialect == "dachs" else checked_count(name, text, count)


class Top(Count):
    """TOP."""

    doc: ClassVar[str] = (
        "The N best records: with a position the nearest first, by score (nearer and higher SNR is better); 0 is "
        "no limit. In dachs a mere limit, without ranking."
    )

    def checked(self, name: str, text: str, count: int) -> int | None:
        """Take 0, and what is beyond all tables, for None; in ``dachs`` a negative number is refused with the rows."""
        if count == 0 or count >= _MAX_COUNT:
            return None
        return count if self.dialect == "dachs" else checked_count(name, text, count)


@dataclass(frozen=True)
class Verbosity(_Steering):
    """VERB."""

    doc: ClassVar[str] = "1, 2 or 3: columns of verbosity level at most ten times that."

    def parse(self, name: str, text: str) -> int:
        """Read the level."""
        try:
            level = int(text)
        except ValueError:
            level = 0
        if level not in (1, 2, 3):
            raise ParameterError(name, text, "is none of 1, 2, 3")
        return level


@dataclass(frozen=True)
class ResponseFormat(_Steering):
    """RESPONSEFORMAT."""

    doc: ClassVar[str] = "Format of the answer: a short name or MIME type, any case."
    dialect: str
    """Whose names."""

    def parse(self, name: str, text: str) -> str:
        """Find the canonical name of the format."""
        known = _DACHS_FORMATS if self.dialect == "dachs" else _IVOA_FORMATS
        key = (
            text.lower() if self.dialect == "dachs" else re.sub(r"\s*;\s*", ";", text.strip().lower()).replace(" ", "+")
        )
        if key not in known:
            raise ParameterError(name, text, f"is none of the known formats ({', '.join(sorted(known))})")
        return known[key]


@dataclass(frozen=True)
class Flag(_Steering):
    """COMPRESS."""

    doc: ClassVar[str] = "A truth value; it changes no row."
    true: tuple[str, ...]
    """Lower-case words for yes."""
    false: tuple[str, ...]
    """Lower-case words for no."""

    def parse(self, name: str, text: str) -> bool:
        """Read a truth value."""
        word = text.strip().lower()
        if word not in (*self.true, *self.false):
            raise ParameterError(name, text, f"is no truth value ({', '.join((*self.true, *self.false))})")
        return word in self.true


@dataclass(frozen=True)
class Opaque(_Steering):
    """RUNID."""

    doc: ClassVar[str] = "Opaque; ignored."

    def parse(self, name: str, text: str) -> str:
        """Take any text."""
        return text


PARAMETERS = (
    Parameter(
        name="REQUEST",
        section="8.8.2",
        title="Request type",
        description="The operation: queryData; getTargetNames lists the target names.",
        rules={"ivoa": Operation(), "dachs": Operation()},
        grammar="queryData or getTargetNames",
        examples=("queryData",),
    ),
    Parameter(
        name="TOP",
        section="4.1.2.15",
        python=number_text(),
        title="#Best",
        description="Only return the TOP best records.",
        rules={"ivoa": Top("ivoa"), "dachs": Top("dachs")},
        grammar="an integer",
        examples=("10",),
        datatype="int",
    ),
    Parameter(
        name="MAXREC",
        section="4.1.2.16",
        python=number_text(),
        spelling="maxrec",
        title="Match limit",
        description="Maximum number of records returned. Pass 0 to retrieve service parameters.",
        rules={"ivoa": MaxRec("ivoa"), "dachs": MaxRec("dachs")},
        grammar="an integer",
        examples=("1000", "0"),
        datatype="int",
    ),
    Parameter(
        name="VERB",
        section="GAVO DaCHS",
        python=number_text(),
        spelling="verb",
        title="Verbosity",
        description="Exhaustiveness of column selection: 1 the most important, 2 the useful, 3 all columns.",
        rules={"ivoa": Verbosity(), "dachs": Verbosity()},
        grammar="1, 2 or 3",
        examples=("1", "2", "3"),
        datatype="int",
    ),
    Parameter(
        name="RESPONSEFORMAT",
        section="DALI",
        spelling="responseformat",
        title="Output Format",
        description="File format requested for output.",
        rules={"ivoa": ResponseFormat("ivoa"), "dachs": ResponseFormat("dachs")},
        grammar="a short name or a MIME type",
        examples=("votable", "csv", "application/x-votable+xml;serialization=binary2"),
        ucd="meta.code.mime",
    ),
    Parameter(
        name="COMPRESS",
        section="4.1.2.18",
        python=flag_text,
        title="Compress?",
        description="Return compressed results?",
        rules={
            "ivoa": Flag(("true", "t", "1", "yes", "y", "on"), ("false", "f", "0", "no", "n", "off")),
            "dachs": Flag(("true", "t", "1"), ("false", "f", "0", "?", "")),
        },
        grammar="true or false",
        examples=("true", "false"),
        datatype="boolean",
    ),
    Parameter(
        name="RUNID",
        section="4.1.2.19",
        title="Run id",
        description="An identifier for a certain run. Opaque to the service.",
        rules={"ivoa": Opaque(), "dachs": Opaque()},
        grammar="text",
        examples=("run-7",),
    ),
)
