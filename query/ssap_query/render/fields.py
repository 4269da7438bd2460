"""Which FIELD a VOTable declares for a column of an answer, and the column's values as that FIELD has them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
from ssap_mirror.core.schema import Column
from ssap_mirror.errors import FormatError

from ssap_query.arrow.literals import number
from ssap_query.render.answer import Answer
from ssap_query.render.cells import is_text_like, plain_strings, relist

__all__ = ["as_declared", "declare"]

_BOUNDS = {
    "unsignedByte": (0, 255),
    "short": (-(1 << 15), (1 << 15) - 1),
    "int": (-(1 << 31), (1 << 31) - 1),
    "long": (-(1 << 63), (1 << 63) - 1),
}


def declare(answer: Answer, *, null_literals: bool = False) -> list[Column]:
    """FIELDs for the columns of an answer.

    What these depend on is known from the values alone, so the rows are read once before they are written: text that
    is not ASCII is ``unicodeChar``, since ``char`` is ASCII (VOTable 1.4 §2.1), and a missing integer may need a value
    that stands for it.

    Parameters
    ----------
    answer : Answer
        What is going to be written.
    null_literals : bool
        Whether the serialization has no other way to tell a missing integer.

    Returns
    -------
    list of Column
        One for each column, in order.

    Raises
    ------
    FormatError
        If an integer column has missing values and every value of its type.
    """
    columns = [_fitting(column, column.arrow_type()) for column in answer.schema]
    found: list[_Facts | None] = []
    for batch in answer.batches():
        if not found:
            columns = [_fitting(column, array.type) for column, array in zip(answer.schema, batch.columns, strict=True)]
            found = [_Facts() if _matters(column, null_literals=null_literals) else None for column in columns]
        for column, facts, array in zip(columns, found, batch.columns, strict=True):
            if facts is not None:
                facts.add(column, array)
    return [
        c if facts is None else facts.applied(c)
        for c, facts in zip(columns, found or [None] * len(columns), strict=True)
    ]


def as_declared(array: pa.Array, column: Column) -> pa.Array:
    """Values of a column in the Arrow type of its FIELD; strings are plain text."""
    if column.is_text:
        return plain_strings(array)
    wanted = column.arrow_type()
    if column.shape and column.null is not None and pa.types.is_integer(wanted.value_type):
        elements = pc.coalesce(array.flatten(), number(int(column.null), wanted.value_type))
        array = relist(array, elements)
    return array if array.type.equals(wanted) else array.cast(wanted)


@dataclass
class _Facts:
    """What the values of a column say about its FIELD."""

    ascii: bool = True
    """Whether all text is ASCII."""
    missing: bool = False
    """Whether a value, or an element of an array, is NULL."""
    least: int | None = None
    """Least integer."""
    largest: int | None = None
    """Largest integer."""

    def add(self, column: Column, array: pa.Array) -> None:
        if column.is_text:
            self.ascii = self.ascii and pc.all(pc.string_is_ascii(plain_strings(array)), min_count=0).as_py()
            return
        numbers = array.flatten() if column.shape else array
        gone = numbers.null_count > 0 or (array.null_count > 0 and _whole_matters(column))
        self.missing = self.missing or gone
        if column.datatype not in _BOUNDS:
            return
        bounds = pc.min_max(numbers).as_py()
        if bounds["min"] is not None:
            self.least = bounds["min"] if self.least is None else min(self.least, bounds["min"])
            self.largest = bounds["max"] if self.largest is None else max(self.largest, bounds["max"])

    def applied(self, column: Column) -> Column:
        if column.is_text:
            return column if self.ascii else replace(column, datatype="unicodeChar")
        if not self.missing:
            return column
        if column.xtype == "polygon":
            # DALI 1.1 §3.3.7 has no text for a missing polygon; an empty cell is valid for any other array.
            return replace(column, xtype=None)
        return replace(column, null=self._literal(column))

    def _literal(self, column: Column) -> str:
        if column.null is not None:
            return column.null
        low, high = _BOUNDS[column.datatype]
        for candidate in (low, high):
            if self.least is None or self.largest is None or not self.least <= candidate <= self.largest:
                return str(candidate)
        message = (
            f"column {column.name!r} has missing values and leaves no value of {column.datatype} to stand for them"
        )
        raise FormatError(message)


def _matters(column: Column, *, null_literals: bool) -> bool:
    """Whether the FIELD depends on the values."""
    if column.datatype in _BOUNDS:
        return null_literals or bool(column.shape)
    return column.datatype == "char" or column.xtype == "polygon"


def _whole_matters(column: Column) -> bool:
    """Whether a missing array is more than one without elements."""
    return None not in column.shape or column.xtype == "polygon"


def _fitting(column: Column, kind: pa.DataType) -> Column:
    """Describe a column by a FIELD whose datatype fits its Arrow type."""
    # VOTable has no unsigned 64-bit integer (VOTable 1.4 §2.1), so its digits are text.
    if is_text_like(kind) or pa.types.is_uint64(kind):
        # Values may be shorter than a fixed length, and missing ones are empty: only a free length is always right.
        size = column.arraysize or ""
        free = column.is_text and size.endswith("*") and "x" not in size
        datatype = "unicodeChar" if column.datatype == "unicodeChar" else "char"
        return replace(column, datatype=datatype, arraysize=size if free else "*")
    if column.datatype == "bit":
        column = replace(column, datatype="boolean")
    if column.arrow_type().equals(kind):
        return column
    known = Column.from_arrow(pa.field(column.name, kind))
    return replace(column, datatype=known.datatype, arraysize=known.arraysize)
