"""Parameters about words of a record: TARGETCLASS, FLUXCALIB, WAVECALIB, COLLECTION."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, LiteralString
from urllib.parse import unquote

from ssap_mirror.errors import ParameterError

from ssap_query.ssap.parameter import Columns, Parameter, Row
from ssap_query.ssap.predicate import Predicate
from ssap_query.ssap.values.string_lists import BLANKS, StringList, fold

__all__ = ["CALIBRATIONS", "PARAMETERS"]

CALIBRATIONS = ("ABSOLUTE", "CALIBRATED", "RELATIVE", "NORMALIZED", "UNCALIBRATED")
_MAX_ITEMS = 100_000


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
        return word is not None and any(fold(word.strip(BLANKS)) == fold(item) for item in value)

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
)
