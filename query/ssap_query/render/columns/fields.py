"""Which FIELD a VOTable declares for a column of a result, and the column's values as that FIELD has them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
from ssap_mirror.core.schema import Column
from ssap_mirror.errors import FormatError

from ssap_query.arrow.literals import number
from ssap_query.render.columns.cells import is_text, string_values
from ssap_query.render.columns.facts import BOUNDS, Facts, gather
from ssap_query.render.columns.lists import bytes_as_numbers, relist
from ssap_query.render.columns.plain import PlainColumn, plain_columns
from ssap_query.render.renderable import Renderable

__all__ = ["Field", "declare", "fitting", "no_free_value"]

_WIDER = {"unsignedByte": "short", "short": "int", "int": "long"}


@dataclass(frozen=True)
class Field:
    """A FIELD and where its values come from."""

    source: PlainColumn
    """The column of the result."""
    column: Column
    """The FIELD."""

    def values(self, batch: pa.RecordBatch) -> pa.Array:
        """Values in some rows in the Arrow type of the FIELD, shape (n,); strings are plain text."""
        array, column = self.source.values(batch), self.column
        if column.is_text:
            return string_values(array)
        if pa.types.is_binary(array.type):
            array = bytes_as_numbers(array)
        wanted = column.arrow_type()
        if column.shape and column.null is not None and pa.types.is_integer(wanted.value_type):
            elements = array.flatten().cast(wanted.value_type)
            array = relist(array, pc.coalesce(elements, number(int(column.null), wanted.value_type)))
        return array if array.type.equals(wanted) else array.cast(wanted)


def declare(result: Renderable, *, null_literals: bool = False) -> list[Field]:
    """FIELDs for the columns of a result.

    What these depend on is known from the values alone, so the rows are read once before they are written: text that
    is not ASCII is ``unicodeChar``, since ``char`` is ASCII (VOTable 1.4 §2.1), and a missing integer may need a value
    that stands for it. An integer whose values leave none gets a wider type.

    Parameters
    ----------
    result : Renderable
        What is going to be written.
    null_literals : bool
        Whether the serialization has no other way to tell a missing integer.

    Returns
    -------
    list of Field
        One for each column, in order; one for each field of a structure.

    Raises
    ------
    FormatError
        If an integer column has missing values and leaves no 64-bit value to stand for them.
    """
    sources = plain_columns(result)
    fields = [Field(source, fitting(source.column, source.kind)) for source in sources]
    wanted = [_matters(field.column, null_literals=null_literals) for field in fields]
    found = gather(result, sources, wanted)
    return [_applied(f, facts, null_literals=null_literals) for f, facts in zip(fields, found, strict=True)]


def fitting(column: Column, kind: pa.DataType) -> Column:
    """Describe a column by a FIELD whose datatype fits its plain Arrow type."""
    # VOTable has no unsigned 64-bit integer (VOTable 1.4 §2.1), so its digits are text.
    if is_text(kind) or pa.types.is_uint64(getattr(kind, "value_type", kind)):
        # Values may be shorter than a fixed length, and missing ones are empty: only a free length is always right.
        size = column.arraysize or ""
        free = column.is_text and size.endswith("*") and "x" not in size
        datatype = "unicodeChar" if column.datatype == "unicodeChar" else "char"
        return replace(column, datatype=datatype, arraysize=size if free else "*", xtype=_text_xtype(column))
    if pa.types.is_binary(kind):
        return replace(column, datatype="unsignedByte", arraysize="*", null=None)
    if column.datatype == "bit":
        column = replace(column, datatype="boolean")
    if column.arrow_type().equals(kind):
        return column
    known = Column.from_arrow(pa.field(column.name, kind))
    return replace(column, datatype=known.datatype, arraysize=known.arraysize)


def no_free_value(name: str, datatype: str) -> FormatError:
    """Make the error for a column that no value can stand for NULL in."""
    return FormatError(f"column {name!r} has missing values and leaves no value of {datatype} to stand for them")


def _text_xtype(column: Column) -> str | None:
    """Keep an xtype that text can have."""
    return column.xtype if column.is_text else None


def _applied(field: Field, facts: Facts | None, *, null_literals: bool) -> Field:
    column = field.column
    if facts is None:
        return field
    if column.is_text:
        return field if facts.is_ascii else replace(field, column=replace(column, datatype="unicodeChar"))
    missing = facts.missing_elements or (facts.missing > 0 and _whole_matters(column))
    if missing and column.xtype == "polygon":
        # DALI 1.1 §3.3.7 has no text for a missing polygon; an empty cell is valid for any other array.
        return replace(field, column=replace(column, xtype=None))
    if column.datatype not in BOUNDS:
        return field
    if not (missing and (null_literals or column.shape)):
        return replace(field, column=replace(column, null=None)) if facts.null_is_value else field
    datatype: str | None = column.datatype
    while datatype is not None:
        free = facts.free(datatype)
        if free is not None:
            return replace(field, column=replace(column, datatype=datatype, null=str(free)))
        datatype = _WIDER.get(datatype)
    raise no_free_value(column.name, "long")


def _matters(column: Column, *, null_literals: bool) -> bool:
    """Whether the FIELD depends on the values."""
    if column.datatype in BOUNDS:
        return null_literals or bool(column.shape) or column.null is not None
    return column.datatype == "char" or column.xtype == "polygon"


def _whole_matters(column: Column) -> bool:
    """Whether a missing value is more than an array without elements."""
    return None not in column.shape or column.xtype == "polygon"
