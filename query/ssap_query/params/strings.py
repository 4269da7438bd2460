"""Parameters about words of a record: TARGETCLASS, FLUXCALIB, WAVECALIB, COLLECTION, PUBDID, CREATORDID."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, LiteralString
from urllib.parse import unquote

from ssap_mirror.errors import ParameterError

from ssap_query.params.parameter import Columns, Parameter, Row
from ssap_query.predicate import Predicate, any_of
from ssap_query.ranges import Range, RangeList, dachs_list

__all__ = ["CALIBRATIONS", "PARAMETERS", "StringList", "fold", "read_strings", "string_words", "without_blanks"]

CALIBRATIONS = ("ABSOLUTE", "CALIBRATED", "RELATIVE", "NORMALIZED", "UNCALIBRATED")
_MAX_ITEMS = 100_000
_MAX_RANGES = 1000
_BLANKS = "\t\n\v\f\r "


@dataclass(frozen=True)
class IvoaStrings:
    """A list of words, any of which matches; case is not significant."""

    doc: ClassVar[str] = (
        "A list is a union; case is not significant, blanks around an item neither. A comma within an item is written "
        "`%2C` (encoded twice in a URL)."
    )
    column: LiteralString
    """``{role}``."""

    @property
    def role(self) -> str:
        """The role of the column."""
        return self.column[1:-1]

    def parse(self, name: str, text: str) -> tuple[str, ...]:
        """Read the list; `/` alone is everything, as in any range list (SSA 1.1 §8.7.2)."""
        items = tuple(unquote(item).strip() for item in text.split(","))
        if not all(items):
            raise ParameterError(name, text, "has an empty item in its list")
        if len(items) > _MAX_ITEMS:
            raise ParameterError(name, text, f"is a list of {len(items):,} items; {_MAX_ITEMS:,} are allowed")
        return items

    def compile(self, value: tuple[str, ...], columns: Columns) -> Predicate | None:
        """Equality without case, blanks around the column's value left out too."""
        if "/" in value:
            return None
        folded = tuple(dict.fromkeys(fold(item) for item in value))
        return Predicate("lower(trim(" + self.column + ", ' \t\n\v\f\r')) IN (SELECT unnest(?::VARCHAR[]))", (folded,))

    def covers(self, value: tuple[str, ...], row: Row, columns: Columns) -> bool:
        """Whether the row's word is one of the list."""
        if "/" in value:
            return True
        word = row[self.role]
        return word is not None and any(fold(word.strip(_BLANKS)) == fold(item) for item in value)

    def words(self, value: tuple[str, ...]) -> str:
        """Say the union in words."""
        return " or ".join(repr(item) for item in value)

    def needs(self, value: tuple[str, ...]) -> tuple[str, ...]:
        """Ask for the one column."""
        return (self.role,)


@dataclass(frozen=True)
class IvoaCalibration(IvoaStrings):
    """A kind of calibration, out of SSA's list."""

    doc: ClassVar[str] = (
        "One or more of ABSOLUTE, CALIBRATED, RELATIVE, NORMALIZED, UNCALIBRATED in any case; ANY is no constraint."
    )

    def parse(self, name: str, text: str) -> tuple[str, ...]:
        """Read the list; ANY becomes everything."""
        items = tuple(item.upper() for item in IvoaStrings.parse(self, name, text))
        for item in items:
            if item not in (*CALIBRATIONS, "ANY", "/"):
                raise ParameterError(name, text, f"has {item!r}, which is none of {', '.join(CALIBRATIONS)} or ANY")
        return ("/",) if "ANY" in items else items


@dataclass(frozen=True)
class StringList:
    """Strings, lists and byte-order ranges of them, as the reference server reads them."""

    doc: ClassVar[str] = "Exact strings and ranges of them in byte order (`a/b`, `a/`, `/b`); lists are unions."
    column: LiteralString
    """``{role}``."""
    ignore_case: bool = False
    """Whether both sides are put in lower case first."""
    any_word: bool = False
    """Whether ``any`` (any case) alone means no constraint."""
    ranges: bool = True
    """Whether ``/`` has a meaning."""

    @property
    def role(self) -> str:
        """The role of the column."""
        return self.column[1:-1]

    def parse(self, name: str, text: str) -> RangeList[str] | None:
        """Read a list; None is ``any``."""
        if self.any_word and text.lower() == "any":
            return None
        return read_strings(name, text.lower() if self.ignore_case else text, ranges=self.ranges)

    def compile(self, value: RangeList[str] | None, columns: Columns) -> Predicate | None:
        """Make a condition on the column."""
        if value is None:
            return None
        column = "lower(" + self.column + ")" if self.ignore_case else self.column
        parts = []
        for item in value.ranges:
            if item.low is None:
                parts.append(Predicate(column + " <= ?", (item.high,)))
            elif item.high is None:
                parts.append(Predicate(column + " >= ?", (item.low,)))
            else:
                parts.append(Predicate(column + " BETWEEN ? AND ?", (item.low, item.high)))
        if len(value.values) == 1:
            parts.append(Predicate(column + " = ?", value.values))
        elif value.values:
            parts.append(Predicate(column + " IN (SELECT unnest(?::VARCHAR[]))", (value.values,)))
        return any_of(parts)

    def covers(self, value: RangeList[str] | None, row: Row, columns: Columns) -> bool:
        """Whether the row's string is one of the values or in one of the ranges, in the order of UTF-8 bytes."""
        if value is None:
            return True
        word = row[self.role]
        if word is None:
            return False
        key = (fold(word) if self.ignore_case else word).encode()
        return any(
            (item.low is None or item.low.encode() <= key) and (item.high is None or key <= item.high.encode())
            if isinstance(item, Range)
            else item.encode() == key
            for item in value.items
        )

    def words(self, value: RangeList[str] | None) -> str:
        """Say the union in words."""
        return "any" if value is None else string_words(value)

    def needs(self, value: RangeList[str] | None) -> tuple[str, ...]:
        """Ask for the one column."""
        return () if value is None else (self.role,)


@dataclass(frozen=True)
class DachsCalibration:
    """One word out of an enumeration, as the reference server reads FLUXCALIB."""

    doc: ClassVar[str] = "Exactly one of the six words, any case; lists, qualifiers and blanks are errors."
    column: LiteralString
    """``{role}``."""

    @property
    def role(self) -> str:
        """The role of the column."""
        return self.column[1:-1]

    def parse(self, name: str, text: str) -> str | None:
        """Read a word; None is ``any``."""
        word = text.upper()
        if word not in (*CALIBRATIONS, "ANY"):
            raise ParameterError(name, text, f"is none of {', '.join(CALIBRATIONS)} or ANY")
        return None if word == "ANY" else word

    def compile(self, value: str | None, columns: Columns) -> Predicate | None:
        """Equality without case."""
        return None if value is None else Predicate("lower(" + self.column + ") = ?", (value.lower(),))

    def covers(self, value: str | None, row: Row, columns: Columns) -> bool:
        """Whether the row's word is that word."""
        word = row[self.role]
        return value is None or (word is not None and fold(word) == fold(value))

    def words(self, value: str | None) -> str:
        """Show the word."""
        return value or "any"

    def needs(self, value: str | None) -> tuple[str, ...]:
        """Ask for the one column."""
        return () if value is None else (self.role,)


@dataclass(frozen=True)
class Identifier:
    """A dataset identifier, equal as a whole; the same in both dialects."""

    doc: ClassVar[str] = (
        "The whole string, exactly: no lists, no ranges, no patterns. From Python, a sequence of identifiers is a "
        "union."
    )
    column: LiteralString
    """``{role}``."""

    @property
    def role(self) -> str:
        """The role of the column."""
        return self.column[1:-1]

    def parse(self, name: str, text: str | Iterable[str]) -> tuple[str, ...]:
        """Take the identifier, or the sequence of them, as it is."""
        return (text,) if isinstance(text, str) else tuple(text)

    def compile(self, value: tuple[str, ...], columns: Columns) -> Predicate | None:
        """Equality; many identifiers are one hash lookup per row."""
        if len(value) == 1:
            return Predicate(self.column + " = ?", value)
        return Predicate(self.column + " IN (SELECT unnest(?::VARCHAR[]))", (value,))

    def covers(self, value: tuple[str, ...], row: Row, columns: Columns) -> bool:
        """Whether the row's identifier is among them."""
        return row[self.role] in value

    def words(self, value: tuple[str, ...]) -> str:
        """Show the identifier, or say how many."""
        return repr(value[0]) if len(value) == 1 else f"one of {len(value):,} identifiers"

    def needs(self, value: tuple[str, ...]) -> tuple[str, ...]:
        """Ask for the one column."""
        return (self.role,)


def read_strings(name: str, text: str, *, ranges: bool = True) -> RangeList[str]:
    """Read a list of strings as the reference server does; steps are an error.

    Raises
    ------
    ParameterError
        For what the server calls an invalid value.
    """
    found = dachs_list(name, text, str, ranges=ranges)
    if any(item.step is not None for item in found.ranges):
        raise ParameterError(name, text, "has a step, which strings do not take")
    if len(found.ranges) > _MAX_RANGES:
        raise ParameterError(name, text, f"has more than the {_MAX_RANGES:,} ranges allowed")
    return found


def string_words(value: RangeList[str]) -> str:
    """Say a union of strings in words."""
    return " or ".join(
        f"{item.low or ''}/{item.high or ''}" if isinstance(item, Range) else repr(item) for item in value.items
    )


def fold(text: str) -> str:
    """Lower case character by character, as DuckDB's and PostgreSQL's ``lower`` have it."""
    return "".join(c.lower()[0] for c in text)


def without_blanks(text: str) -> str:
    """Remove ASCII blanks."""
    return text.translate(dict.fromkeys(map(ord, _BLANKS)))


PARAMETERS = (
    Parameter(
        name="TARGETCLASS",
        title="Ob. cls",
        description="Object class (star, QSO, ...).",
        rules={"ivoa": IvoaStrings("{target_class}"), "dachs": StringList("{target_class}", ranges=False)},
        grammar="list of words",
        examples=("star", "star,galaxy", "QSO%2C cand"),
        roles=("target_class",),
        ucd="src.class",
        utype="ssa:Target.Class",
        null="NULL never matches",
    ),
    Parameter(
        name="FLUXCALIB",
        title="Calib Flux",
        description="Type of flux calibration (ABSOLUTE, CALIBRATED, RELATIVE, NORMALIZED, UNCALIBRATED, or ANY).",
        rules={"ivoa": IvoaCalibration("{flux_calib}"), "dachs": DachsCalibration("{flux_calib}")},
        grammar="list of ABSOLUTE, CALIBRATED, RELATIVE, NORMALIZED, UNCALIBRATED, ANY",
        examples=("RELATIVE", "any", "absolute,calibrated"),
        roles=("flux_calib",),
        utype="ssa:Char.FluxAxis.Calibration",
        null="NULL never matches",
    ),
    Parameter(
        name="WAVECALIB",
        title="Calib. Spect.",
        description="Type of wavelength calibration.",
        rules={
            "ivoa": IvoaCalibration("{wave_calib}"),
            "dachs": StringList("{wave_calib}", ignore_case=True, any_word=True),
        },
        grammar="list of ABSOLUTE, CALIBRATED, RELATIVE, NORMALIZED, UNCALIBRATED, ANY",
        examples=("ABSOLUTE", "any", "absolute,calibrated"),
        roles=("wave_calib",),
        ucd="meta.code.qual",
        utype="ssa:Char.SpectralAxis.Calibration",
        null="NULL never matches",
    ),
    Parameter(
        name="COLLECTION",
        title="Collection",
        description="A short handle naming the collection this spectrum belongs to.",
        rules={"ivoa": IvoaStrings("{obs_collection}"), "dachs": StringList("{obs_collection}", any_word=True)},
        grammar="list of names",
        examples=("LAMOST6 MRS", "LAMOST6 MRS,LAMOST6 LRS"),
        roles=("obs_collection",),
        utype="ssa:DataID.Collection",
        null="NULL never matches",
    ),
    Parameter(
        name="PUBDID",
        title="P. DID",
        description="Dataset identifier assigned by the publisher.",
        rules={"ivoa": Identifier("{obs_publisher_did}"), "dachs": Identifier("{obs_publisher_did}")},
        grammar="an identifier",
        examples=("ivo://org.gavo.dc/~?lamost6/mrs/x",),
        roles=("obs_publisher_did",),
        ucd="meta.ref.ivoid",
        utype="ssa:Curation.PublisherDID",
        null="NULL never matches",
        takes_sequence=True,
    ),
    Parameter(
        name="CREATORDID",
        title="C. DID",
        description="Dataset identifier assigned by the creator.",
        rules={"ivoa": Identifier("{obs_creator_did}"), "dachs": Identifier("{obs_creator_did}")},
        grammar="an identifier",
        examples=("ivo://lamost.org/dr6/mrs?60100193102",),
        roles=("obs_creator_did",),
        ucd="meta.id",
        utype="ssa:DataID.CreatorDID",
        null="NULL never matches",
        takes_sequence=True,
    ),
)
