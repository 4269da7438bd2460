"""What is known of a column: VOTable FIELD attributes <-> Arrow field metadata."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from ssap_mirror.errors import FormatError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["UNLISTED", "Column"]

#: Verbosity of a column that the service does not have: above every VERB, so that no answer carries it unasked.
UNLISTED = 31

# VOTable 1.4 table 1 ("primitives"): what each datatype is in Arrow.
_ARROW_NAME = {
    "boolean": "bool_",
    "bit": "bool_",
    "unsignedByte": "uint8",
    "short": "int16",
    "int": "int32",
    "long": "int64",
    "char": "string",
    "unicodeChar": "string",
    "float": "float32",
    "double": "float64",
}
_VOTABLE_NAME = {
    "bool": "boolean",
    "uint8": "unsignedByte",
    "int8": "short",
    "int16": "short",
    "uint16": "int",
    "int32": "int",
    "uint32": "long",
    "int64": "long",
    # VOTable has no larger type; a value that does not fit is an error where it is cast.
    "uint64": "long",
    "halffloat": "float",
    "float": "float",
    "double": "double",
    "string": "char",
    "large_string": "char",
}


@dataclass(frozen=True)
class Column:
    """One column, as a VOTable FIELD describes it (VOTable 1.4 §4.1)."""

    name: str
    """The service's own name."""
    datatype: str
    """VOTable datatype: ``char``, ``double``, ``long``, ..."""
    arraysize: str | None = None
    """VOTable arraysize: ``*``, ``2``, ``10*``, ``2x3``; None is a scalar."""
    unit: str | None = None
    """VOUnits string."""
    ucd: str | None = None
    """UCD1+ words."""
    utype: str | None = None
    """Data-model path, with its prefix."""
    xtype: str | None = None
    """DALI xtype: ``point``, ``timestamp``, ``polygon``, ``mjd``."""
    description: str | None = None
    """The service's sentence about it."""
    verbosity: int = 20
    """1 to 30: in an answer if at most ten times VERB."""
    null: str | None = None
    """The VALUES null literal: what stands for NULL in a serialisation without NULL flags."""
    title: str | None = None
    """A short head for people (DaCHS table head)."""
    frame: str | None = None
    """Celestial frame of a coordinate where its source tells (COOSYS): ``ICRS``, ``FK5 J2000``, ``galactic``."""
    time_origin: str | None = None
    """Julian date that times are counted from where their source tells (TIMESYS): ``0`` is JD, ``2400000.5`` MJD."""
    time_scale: str | None = None
    """Time scale of a date where its source tells (TIMESYS): ``UTC``, ``TT``, ``TDB``."""
    epoch: str | None = None
    """Date of a position where its source tells (COOSYS): a Julian year."""
    source_name: str | None = None
    """Name in the source, where the mirror had to choose another."""

    @property
    def is_hidden(self) -> bool:
        """Whether the mirror has worked it out for itself, to compare requests with; no answer carries it unasked."""
        return self.name.startswith("_") and self.verbosity >= UNLISTED

    @property
    def is_text(self) -> bool:
        """Whether the values are strings (``char`` arrays are strings, not arrays)."""
        return self.datatype in ("char", "unicodeChar")

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Array dimensions as Arrow sees them, without a string's own length; None is a free one."""
        if self.arraysize is None:
            return ()
        parts = self.arraysize.split("x")
        if self.is_text:
            parts = parts[1:]
        return tuple(None if "*" in part else int(part) for part in parts)

    def arrow_type(self) -> pa.DataType:
        """Arrow type of the column.

        Returns
        -------
        pyarrow.DataType
            Scalars as such; a fixed array is ``fixed_size_list`` (dimensions multiplied out), a free one ``list``.

        Raises
        ------
        FormatError
            If the datatype is none of VOTable's.
        """
        import pyarrow as pa

        if self.datatype in ("floatComplex", "doubleComplex"):
            part = pa.float32() if self.datatype == "floatComplex" else pa.float64()
            size = _product(self.shape)
            return pa.list_(part) if size is None else pa.list_(part, 2 * size)
        if self.datatype not in _ARROW_NAME:
            message = f"column {self.name!r} has the datatype {self.datatype!r}, which VOTable does not know"
            raise FormatError(message)
        scalar: pa.DataType = getattr(pa, _ARROW_NAME[self.datatype])()
        if not self.shape:
            return scalar
        size = _product(self.shape)
        return pa.list_(scalar) if size is None else pa.list_(scalar, size)

    def metadata(self) -> dict[str, str]:
        """Everything but the name, as the strings kept with a Parquet field."""
        values = ((f.name, getattr(self, f.name)) for f in fields(self))
        return {key: str(value) for key, value in values if key != "name" and value is not None}

    def field_attributes(self) -> dict[str, str]:
        """Give the attributes of a VOTable FIELD, without its ID and references (VOTable 1.4 §4.1)."""
        names = ("name", "datatype", "arraysize", "unit", "ucd", "utype", "xtype")
        return {name: value for name in names if (value := getattr(self, name))}

    def arrow_field(self) -> pa.Field:
        """Arrow field with the type and the metadata."""
        import pyarrow as pa

        return pa.field(self.name, self.arrow_type(), metadata=self.metadata())

    @classmethod
    def from_arrow(cls, arrow_field: pa.Field) -> Column:
        """Read a column back from an Arrow field; what has no VOTable metadata gets its datatype from the type."""
        known = {f.name for f in fields(cls)} - {"name"}
        found: dict[str, Any] = {
            key.decode(): value.decode()
            for key, value in (arrow_field.metadata or {}).items()
            if key.decode() in known and value
        }
        if "datatype" not in found:
            found["datatype"], found["arraysize"] = _votable_type(arrow_field.type)
        found["verbosity"] = int(found.get("verbosity", 20))
        return cls(name=arrow_field.name, **found)


def _product(shape: tuple[int | None, ...]) -> int | None:
    size = 1
    for part in shape:
        if part is None:
            return None
        size *= part
    return size


def _votable_type(arrow_type: pa.DataType) -> tuple[str, str | None]:
    import pyarrow as pa

    if pa.types.is_fixed_size_list(arrow_type):
        return _votable_type(arrow_type.value_type)[0], str(arrow_type.list_size)
    if pa.types.is_list(arrow_type) or pa.types.is_large_list(arrow_type):
        return _votable_type(arrow_type.value_type)[0], "*"
    if pa.types.is_decimal(arrow_type):
        return "double", None
    name = _VOTABLE_NAME.get(str(arrow_type), "char")
    return name, "*" if name == "char" else None
