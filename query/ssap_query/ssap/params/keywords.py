"""Parameters about words of a record: TARGETCLASS, FLUXCALIB, WAVECALIB, COLLECTION."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, LiteralString
from urllib.parse import unquote

from ssap_mirror.errors import ParameterError

from ssap_query.ssap.columns import Columns, Row
from ssap_query.ssap.parameter import Parameter
from ssap_query.ssap.predicate import Predicate, any_of, one_of
from ssap_query.ssap.ranges import MAX_TESTS
from ssap_query.ssap.values.python_text import list_text
from ssap_query.ssap.values.string_lists import BLANKS, StringList, fold

__all__ = ["CALIBRATIONS", "PARAMETERS"]

#: Levels of calibration, from most to least.
CALIBRATIONS = ("ABSOLUTE", "CALIBRATED", "RELATIVE", "NORMALIZED", "UNCALIBRATED")
_MAX_ITEMS = 100_000


@dataclass(frozen=True)
class IvoaStrings:
    """A list of words, any of which matches; case is not significant."""

    doc: ClassVar[str] = (
        "A list is a union; case is not significant (the standard's own examples differ in it: §4.1.2.9 and §4.2.5.7), "
        "blanks around an item neither. A comma within an item is written `%2C` (encoded twice in a URL)."
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
        return one_of("lower(trim(" + self.column + ", ' \t\n\v\f\r'))", folded)

    def covers(self, value: tuple[str, ...], row: Row, columns: Columns) -> bool:
        """Whether the row's word is one of the list."""
        if "/" in value:
            return True
        word = row[self.role]
        return word is not None and any(fold(word.strip(BLANKS)) == fold(item) for item in value)

    def words(self, value: tuple[str, ...]) -> str:
        """Say the union in words."""
        return " or ".join(repr(item) for item in value)

    def needs(self, value: tuple[str, ...]) -> tuple[str, ...]:
        """Ask for the one column."""
        return (self.role,)


@dataclass(frozen=True)
class IvoaCollection(IvoaStrings):
    """Names of collections, whole or in part."""

    doc: ClassVar[str] = (
        "A term finds the collections in whose names it occurs, in any case (`dss` finds dss1 and ESO-DSS2); an IVOA "
        "identifier (`ivo://...`) is the whole name, in any case (§2.8). A list, an extension, is a union. A comma "
        "within an item is written `%2C` (encoded twice in a URL)."
    )

    def parse(self, name: str, text: str) -> tuple[str, ...]:
        """Read the list of terms."""
        items = IvoaStrings.parse(self, name, text)
        if len(items) > MAX_TESTS:
            raise ParameterError(name, text, f"is a list of {len(items):,} items; {MAX_TESTS:,} are allowed")
        return items

    def compile(self, value: tuple[str, ...], columns: Columns) -> Predicate | None:
        """Occurrence without case, or equality with an identifier."""
        if "/" in value:
            return None
        column = "lower(" + self.column + ")"
        whole, part = column + " = ?", "contains(" + column + ", ?)"
        terms = dict.fromkeys(map(fold, value))
        return any_of(Predicate(whole if _is_identifier(term) else part, (term,)) for term in terms)

    def covers(self, value: tuple[str, ...], row: Row, columns: Columns) -> bool:
        """Whether a term occurs in the row's name."""
        if "/" in value:
            return True
        word = row[self.role]
        if word is None:
            return False
        return any(fold(word) == item if _is_identifier(item) else item in fold(word) for item in map(fold, value))

    def words(self, value: tuple[str, ...]) -> str:
        """Say the union in words."""
        return " or ".join(repr(item) if _is_identifier(fold(item)) else f"names with {item!r}" for item in value)


def _is_identifier(item: str) -> bool:
    """Whether a folded term is an IVOA identifier."""
    return item.startswith("ivo://")


@dataclass(frozen=True)
class IvoaCalibration(IvoaStrings):
    """The least that a spectrum has to be calibrated."""

    doc: ClassVar[str] = (
        "The least level of calibration: `relative` finds absolute spectra too. From most to least: ABSOLUTE, "
        "CALIBRATED, RELATIVE, NORMALIZED, UNCALIBRATED (two of these, CALIBRATED and UNCALIBRATED, are those of "
        "§4.2.5.11 and the reference server), in any case; ANY is no constraint. Of a list, an extension, the lowest "
        "level counts."
    )

    def parse(self, name: str, text: str) -> tuple[str, ...]:
        """Read the list: the levels that are high enough; ANY becomes everything."""
        items = tuple(item.upper() for item in IvoaStrings.parse(self, name, text))
        for item in items:
            if item not in (*CALIBRATIONS, "ANY", "/"):
                raise ParameterError(name, text, f"has {item!r}, which is none of {', '.join(CALIBRATIONS)} or ANY")
        if "ANY" in items or "/" in items:
            return ("/",)
        return CALIBRATIONS[: max(map(CALIBRATIONS.index, items)) + 1]

    def words(self, value: tuple[str, ...]) -> str:
        """Say the least level in words."""
        return "any" if "/" in value else f"at least {value[-1]}"


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


PARAMETERS = (
    Parameter(
        name="TARGETCLASS",
        title="Ob. cls",
        description="Object class (star, QSO, ...).",
        rules={"ivoa": IvoaStrings("{target_class}"), "dachs": StringList("{target_class}", ranges=False)},
        grammar="list of words",
        python=list_text,
        examples=("star", "star,galaxy", "QSO%2C cand"),
        roles=("target_class",),
        section="4.1.2.9",
        ucd="src.class",
        utype="ssa:Target.Class",
        null="NULL never matches",
    ),
    Parameter(
        name="FLUXCALIB",
        title="Calib Flux",
        description="Least flux calibration (ABSOLUTE, CALIBRATED, RELATIVE, NORMALIZED, UNCALIBRATED, or ANY).",
        rules={"ivoa": IvoaCalibration("{flux_calib}"), "dachs": DachsCalibration("{flux_calib}")},
        grammar="list of ABSOLUTE, CALIBRATED, RELATIVE, NORMALIZED, UNCALIBRATED, ANY",
        python=list_text,
        examples=("RELATIVE", "any", "absolute,calibrated"),
        roles=("flux_calib",),
        section="4.1.2.10",
        utype="ssa:Char.FluxAxis.Calibration",
        null="NULL never matches",
    ),
    Parameter(
        name="WAVECALIB",
        title="Calib. Spect.",
        description="Least wavelength calibration.",
        rules={
            "ivoa": IvoaCalibration("{wave_calib}"),
            "dachs": StringList("{wave_calib}", ignore_case=True, any_word=True),
        },
        grammar="list of ABSOLUTE, CALIBRATED, RELATIVE, NORMALIZED, UNCALIBRATED, ANY",
        python=list_text,
        examples=("ABSOLUTE", "any", "absolute,calibrated"),
        roles=("wave_calib",),
        section="4.1.2.11",
        ucd="meta.code.qual",
        utype="ssa:Char.SpectralAxis.Calibration",
        null="NULL never matches",
    ),
    Parameter(
        name="COLLECTION",
        title="Collection",
        description="A short handle naming the collection this spectrum belongs to, or part of it.",
        rules={"ivoa": IvoaCollection("{obs_collection}"), "dachs": StringList("{obs_collection}", any_word=True)},
        grammar="list of names or parts of names",
        python=list_text,
        examples=("LAMOST6 MRS", "mrs", "LAMOST6 MRS,LAMOST6 LRS"),
        roles=("obs_collection",),
        section="4.1.2.14",
        utype="ssa:DataID.Collection",
        null="NULL never matches",
    ),
)
