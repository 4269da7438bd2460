"""How the columns of a result lie in the rows of a FITS binary table (FITS 4.0 §7.3)."""

from __future__ import annotations

import math
import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from ssap_mirror.core.schema import Column
from ssap_mirror.errors import FormatError

from ssap_query.render.columns.cells import is_text
from ssap_query.render.columns.facts import Facts, gather
from ssap_query.render.columns.fields import fitting, no_free_value
from ssap_query.render.columns.lists import is_array
from ssap_query.render.columns.plain import PlainColumn, plain_columns
from ssap_query.render.renderable import LossWarning, Renderable

__all__ = ["FitsColumn", "ascii_text", "lay_out"]

_MOST_COLUMNS = 999
_HEAP_OF_32_BITS = 1 << 31
_EXACT_IN_DOUBLE = 1 << 53
# VOTable datatype -> TFORM letter and bytes of a value (FITS 4.0 table 18).
_LETTERS = {
    "boolean": ("L", "u1"),
    "unsignedByte": ("B", "u1"),
    "short": ("I", ">i2"),
    "int": ("J", ">i4"),
    "long": ("K", ">i8"),
    "float": ("E", ">f4"),
    "double": ("D", ">f8"),
    "floatComplex": ("C", ">f4"),
    "doubleComplex": ("M", ">f8"),
}
_WIDER = {"unsignedByte": "short", "short": "int", "int": "long"}
# Unsigned integers are signed ones that lie so much lower (§5.2.5): letter, bytes of a value, TZERO.
_UNSIGNED = {
    "uint16": ("I", ">i2", 1 << 15),
    "uint32": ("J", ">i4", 1 << 31),
    "uint64": ("K", ">i8", 1 << 63),
}
# Units that people write with letters beyond ASCII (FITS 4.0 §4.3).
_UNIT_LETTERS = str.maketrans(
    {
        "Å": "Angstrom",
        "\u212b": "Angstrom",
        "µ": "u",
        "μ": "u",
        "Ω": "Ohm",
        "\u2126": "Ohm",
        "°": "deg",
        "′": "arcmin",
        "″": "arcsec",
        "·": ".",
        "⋅": ".",
        "⁻": "-",
    }
)


@dataclass(frozen=True)
class FitsColumn:
    """A column of the table and where its values come from."""

    source: PlainColumn
    """The column of the result."""
    column: Column
    """What is known of it; its name and unit are ASCII."""
    letter: str
    """TFORM letter of a value, or of an element of an array."""
    storage: str
    """numpy type of a value, or of an element; of a complex number the type of its parts."""
    count: int = 1
    """Elements in a row; bytes of text."""
    pointer: str = ""
    """``P`` or ``Q``, where the elements of an array of free length lie behind the table."""
    longest: int = 0
    """Elements of the longest array of free length."""
    heap_bytes: int = 0
    """Bytes of all arrays of free length."""
    null: int | None = None
    """Stored integer that stands for NULL (TNULLn)."""
    zero: int = 0
    """What is added to a stored integer (TZEROn)."""

    @property
    def parts(self) -> int:
        """Numbers that make an element."""
        return 2 if self.letter in "CM" else 1

    @property
    def form(self) -> str:
        """TFORMn."""
        if self.pointer:
            return f"1{self.pointer}{self.letter}({self.longest})"
        return f"{self.count}{self.letter}"

    @property
    def dimensions(self) -> str | None:
        """TDIMn of an array of more than one dimension: both standards have the fastest one first."""
        shape = self.column.shape
        return f"({','.join(map(str, shape))})" if len(shape) > 1 and not self.pointer and self.letter != "A" else None

    @property
    def row_type(self) -> tuple[str, tuple[int, ...]]:
        """Type and shape of numpy of the column's part of a row."""
        if self.pointer:
            return (">i4" if self.pointer == "P" else ">i8"), (2,)
        if self.letter == "A":
            return f"S{self.count}", ()
        return self.storage, (() if not self.column.shape and self.parts == 1 else (self.count * self.parts,))


def lay_out(result: Renderable) -> list[FitsColumn]:
    """Decide on a form for each column; the result is read once for it.

    Parameters
    ----------
    result : Renderable
        What is going to be written.

    Returns
    -------
    list of FitsColumn
        In order.

    Raises
    ------
    FormatError
        If there are more columns than FITS allows, or no value is left to stand for NULL.

    Warns
    -----
    LossWarning
        For names that have to change, and for numbers that become text.
    """
    sources = plain_columns(result)
    if len(sources) > _MOST_COLUMNS:
        message = (
            f"{len(sources)} columns are more than the {_MOST_COLUMNS} that a FITS table can have (FITS 4.0 §7.3.1)"
        )
        raise FormatError(message)
    found = gather(result, sources, [True] * len(sources))
    names = _names([source.column.name for source in sources])
    return [
        _laid_out(source, facts or Facts(), name) for source, facts, name in zip(sources, found, names, strict=True)
    ]


def ascii_text(text: str) -> str:
    """Text in the characters of FITS, printable ASCII (§4.2.1.1): letters of other scripts by their names."""
    return "".join(map(_ascii_letter, text))


def _ascii_letter(letter: str) -> str:
    if " " <= letter <= "~":
        return letter
    plain = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
    if plain and plain.isprintable():
        return plain
    words = unicodedata.name(unicodedata.normalize("NFKC", letter), "").split()
    if words[:1] == ["GREEK"] and words[2:3] == ["LETTER"]:
        return words[3].lower() if words[1] == "SMALL" else words[3].title()
    return "?"


def _names(names: Sequence[str]) -> list[str]:
    """Names of columns in ASCII, none twice and none empty."""
    found: list[str] = []
    for number, name in enumerate(names, 1):
        base = ascii_text(name).strip() or f"col{number}"
        free = (candidate for candidate in (base, *(f"{base}_{i}" for i in range(1, len(names) + 1))))
        new = next(candidate for candidate in free if candidate not in found)
        if new != name:
            warnings.warn(f"column {name!r} is called {new!r} in FITS", LossWarning, stacklevel=2)
        found.append(new)
    return found


def _unit(column: Column) -> str | None:
    """Spell the unit in ASCII; None if it has letters with no other spelling, since a `?` means nothing."""
    if not column.unit:
        return column.unit
    unit = ascii_text(column.unit.translate(_UNIT_LETTERS))
    if unit.count("?") > column.unit.count("?"):
        message = f"{column.name}: its unit, {column.unit!r}, has no spelling in ASCII and is left out"
        warnings.warn(message, LossWarning, stacklevel=2)
        return None
    return unit


def _laid_out(source: PlainColumn, facts: Facts, name: str) -> FitsColumn:
    column = replace(source.column, name=name, unit=_unit(source.column))
    if is_array(source.kind) and not is_text(source.kind) and not pa.types.is_uint64(source.kind.value_type):
        return _array(source, column, facts)
    if pa.types.is_binary(source.kind):
        return _of_free_length(FitsColumn(source, fitting(column, source.kind), "B", "u1"), facts)
    if str(source.kind) in _UNSIGNED and not facts.missing:
        letter, storage, zero = _UNSIGNED[str(source.kind)]
        return FitsColumn(source, column, letter, storage, zero=zero)
    if pa.types.is_uint64(source.kind) and (facts.largest or 0) < 1 << 63:
        column = replace(column, datatype="long", arraysize=None)
        return _integer(source, column, facts, missing=facts.missing > 0)
    return _scalar(source, fitting(column, source.kind), facts)


def _scalar(source: PlainColumn, column: Column, facts: Facts) -> FitsColumn:
    if column.is_text:
        longest = facts.longest
        if not is_text(source.kind):
            message = f"{source.column.name}: unsigned 64-bit integers, with NULL or in arrays, are written as text"
            warnings.warn(message, LossWarning, stacklevel=2)
            longest = longest or len(str(facts.largest))
        return FitsColumn(source, column, "A", "S", count=max(1, longest))
    if column.datatype == "boolean" and facts.missing:
        # A FITS logical has no missing value that readers agree on.
        return FitsColumn(source, replace(column, datatype="short"), *_LETTERS["short"], null=-1)
    if pa.types.is_integer(source.kind):
        return _integer(source, column, facts, missing=facts.missing > 0)
    return FitsColumn(source, column, *_LETTERS[column.datatype])


def _integer(source: PlainColumn, column: Column, facts: Facts, *, missing: bool) -> FitsColumn:
    datatype: str | None = column.datatype
    if not missing:
        return FitsColumn(source, column, *_LETTERS[column.datatype])
    while datatype is not None:
        free = facts.free(datatype)
        if free is not None:
            return FitsColumn(source, replace(column, datatype=datatype), *_LETTERS[datatype], null=free)
        datatype = _WIDER.get(datatype)
    raise no_free_value(source.column.name, "long")


def _array(source: PlainColumn, column: Column, facts: Facts) -> FitsColumn:
    column = fitting(column, source.kind)
    kind = source.kind.value_type
    is_fixed = pa.types.is_fixed_size_list(source.kind)
    missing = facts.missing_elements or (is_fixed and facts.missing > 0)
    if missing and not is_fixed and not pa.types.is_floating(kind):
        return _with_missing_elements(source, column, facts)
    if column.datatype == "boolean" and missing:
        made = FitsColumn(source, replace(column, datatype="short"), *_LETTERS["short"], null=-1)
    elif pa.types.is_integer(kind):
        made = _integer(source, column, facts, missing=missing)
    else:
        made = FitsColumn(source, column, *_LETTERS[column.datatype])
    return replace(made, count=source.kind.list_size // made.parts) if is_fixed else _of_free_length(made, facts)


def _with_missing_elements(source: PlainColumn, column: Column, facts: Facts) -> FitsColumn:
    """Write arrays of free length as floats: astropy (8.0) reads no table whose arrays of this kind have a TNULLn."""
    if max(abs(facts.least or 0), abs(facts.largest or 0)) > _EXACT_IN_DOUBLE:
        message = f"column {source.column.name!r} has NULL within arrays of integers too large for floating point"
        raise FormatError(message)
    message = f"{source.column.name}: arrays with NULL among their elements are written as floating-point numbers"
    warnings.warn(message, LossWarning, stacklevel=2)
    return _of_free_length(FitsColumn(source, replace(column, datatype="double"), *_LETTERS["double"]), facts)


def _of_free_length(made: FitsColumn, facts: Facts) -> FitsColumn:
    width = np.dtype(made.storage).itemsize * facts.elements
    pointer = "P" if width < _HEAP_OF_32_BITS else "Q"
    longest = math.ceil(facts.longest / made.parts)
    return replace(made, pointer=pointer, longest=longest, heap_bytes=width)
