"""What the values of a result say about its columns: those who declare a column first read all of it once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from ssap_query.render.columns.cells import is_text, string_values
from ssap_query.render.columns.lists import is_array
from ssap_query.render.columns.plain import PlainColumn
from ssap_query.render.renderable import Renderable

__all__ = ["BOUNDS", "Facts", "gather"]

#: Least and largest value of VOTable's integers (VOTable 1.4 §6).
BOUNDS = {
    "unsignedByte": (0, 255),
    "short": (-(1 << 15), (1 << 15) - 1),
    "int": (-(1 << 31), (1 << 31) - 1),
    "long": (-(1 << 63), (1 << 63) - 1),
}
# So many values from the lowest one up are tried for one that stands for NULL.
_TRIED = 64


@dataclass
class Facts:
    """What the values of a column have in common."""

    null: int | None = None
    """The value that the service has for a missing integer."""
    rows: int = 0
    """Number of values."""
    missing: int = 0
    """Number of NULLs; arrays that are NULL count once."""
    missing_elements: bool = False
    """Whether an element of an array is NULL."""
    is_ascii: bool = True
    """Whether all text is ASCII."""
    longest: int = 0
    """Bytes of the longest text, or elements of the longest array."""
    elements: int = 0
    """Elements of all arrays."""
    least: int | None = None
    """Least integer."""
    largest: int | None = None
    """Largest integer."""
    null_is_value: bool = False
    """Whether `null` is among the values."""
    low_values: dict[str, set[int]] = field(default_factory=dict)
    """VOTable datatype -> which of its lowest values there are."""

    def add(self, array: pa.Array) -> None:
        """Take the values of some rows, of a plain type."""
        kind = array.type
        self.rows += len(array)
        self.missing += array.null_count
        if pa.types.is_binary(kind):
            self._add_lengths(pc.binary_length(array))
        elif is_array(kind) and not (is_text(kind) or pa.types.is_uint64(kind.value_type)):
            elements = array.flatten()
            self._add_lengths(pc.list_value_length(array))
            self.missing_elements = self.missing_elements or elements.null_count > 0
            if pa.types.is_integer(kind.value_type):
                self._add_integers(elements)
        elif pa.types.is_integer(kind):
            self._add_integers(array)
        elif pa.types.is_string(kind) or is_array(kind):
            self._add_texts(string_values(array))

    def free(self, datatype: str) -> int | None:
        """Value of an integer type that can stand for NULL, since no value is equal to it; None if none was found."""
        low, high = BOUNDS[datatype]
        if self.null is not None and low <= self.null <= high and not self.null_is_value:
            return self.null
        if self.least is None or self.largest is None:
            return low
        taken = self.low_values.get(datatype, set())
        candidates = [*range(low, low + _TRIED), high]
        return next((c for c in candidates if c not in taken and (c != high or self.largest < high)), None)

    def _add_lengths(self, lengths: pa.Array) -> None:
        self.longest = max(self.longest, pc.max(lengths).as_py() or 0)
        self.elements += pc.sum(lengths).as_py() or 0

    def _add_texts(self, texts: pa.Array) -> None:
        self.is_ascii = self.is_ascii and pc.all(pc.string_is_ascii(texts), min_count=0).as_py()
        self.longest = max(self.longest, pc.max(pc.binary_length(texts)).as_py() or 0)

    def _add_integers(self, numbers: pa.Array) -> None:
        bounds = pc.min_max(numbers)
        least, largest = bounds["min"].as_py(), bounds["max"].as_py()
        if least is None:
            return
        self.least = least if self.least is None else min(self.least, least)
        self.largest = largest if self.largest is None else max(self.largest, largest)
        if self.null is not None and least <= self.null <= largest:
            is_null = pc.equal(numbers, pa.scalar(self.null, numbers.type))
            self.null_is_value = self.null_is_value or pc.any(is_null).as_py()
        for datatype, (low, _) in BOUNDS.items():
            if least < low + _TRIED:
                few = numbers.filter(pc.less(numbers, pa.scalar(low + _TRIED, numbers.type))).unique().to_pylist()
                self.low_values.setdefault(datatype, set()).update(few)


def gather(result: Renderable, columns: Sequence[PlainColumn], wanted: Sequence[bool]) -> list[Facts | None]:
    """Read a result once, for what has to be known before it is written.

    Parameters
    ----------
    result : Renderable
        The rows.
    columns : sequence of PlainColumn
        Its columns.
    wanted : sequence of bool
        For which of them; if for none, nothing is read.

    Returns
    -------
    list of Facts or None
        One for each column, None where it is not wanted.
    """
    found = [
        Facts(null=int(c.column.null) if c.column.null and c.column.datatype in BOUNDS else None) if needed else None
        for c, needed in zip(columns, wanted, strict=True)
    ]
    if any(wanted):
        for batch in result.batches():
            for column, facts in zip(columns, found, strict=True):
                if facts is not None:
                    facts.add(column.values(batch))
    return found
