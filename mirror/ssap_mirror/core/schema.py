"""What is known of a column, and where it is kept: VOTable FIELD attributes <-> Arrow field metadata.

The columns' own names (``ssa_specstart``) live here and in the service's answers alone. The rest of the code asks for
a *role* (``em_min``), which is found by utype, UCD or a name that is fixed (`ssap_mirror.core.roles`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ssap_mirror.core.roles import ROLES, find_roles
from ssap_mirror.errors import FormatError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["HEALPIX_COLUMN", "ROLES", "UNLISTED", "Column", "Schema"]

#: HATS spatial index: HEALPix NESTED cell of order 29 of the target position, int64.
HEALPIX_COLUMN = "_healpix_29"
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


@dataclass(frozen=True)
class Schema:
    """The columns of a service in its own order, and which of them play which part."""

    columns: tuple[Column, ...]
    """In the service's order."""
    overrides: dict[str, str] = field(default_factory=dict)
    """Role -> column name where utype and UCD would not tell or would mislead; with an empty name, no column has it."""
    refused: dict[str, str] = field(default_factory=dict)
    """Role -> why the columns that seem to play it cannot be compared with anything, in a sentence."""
    volatile: frozenset[str] = frozenset()
    """Names of columns that a service fills anew for each request, as was seen when it was asked twice: a token in a
    link, a distance from POS. They say nothing of a row."""
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column name -> its values that stand for a missing one by somebody's word, while rows are fetched."""

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Column:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def roles(self) -> dict[str, str]:
        """Role -> column name, for the roles that some column plays as it stands."""
        return find_roles(self.columns, self.overrides)

    def role(self, name: str) -> Column | None:
        """Column that plays a role, or None where the service has none."""
        if name not in ROLES:
            message = f"unknown role {name!r}"
            raise KeyError(message)
        column = self.roles.get(name)
        return None if column is None else self._by_name[column]

    @property
    def uncompared(self) -> frozenset[str]:
        """Names of columns that belong to a request, so that rows are compared without them."""
        score = self.role("score")
        return self.volatile if score is None else self.volatile | {score.name}

    def with_roles(
        self, roles: Mapping[str, str], added: Sequence[Column] = (), refused: Mapping[str, str] | None = None
    ) -> Schema:
        """Give columns their roles, and add columns; the schema itself if that changes nothing.

        Parameters
        ----------
        roles : mapping of str to str
            Role -> name of its column; empty for none.
        added : sequence of Column
            New columns, put last.
        refused : mapping of str to str, optional
            Role -> why it has no column although some seem to play it.
        """
        columns = (*self.columns, *added)
        found = find_roles(columns, self.overrides)
        own = {column.name for column in added}
        # A column that was made for a role has it by word, since others are known by more.
        new = {role: name for role, name in roles.items() if found.get(role, "") != name or name in own}
        if not (new or added or refused):
            return self
        return replace(
            self, columns=columns, overrides={**self.overrides, **new}, refused={**self.refused, **(refused or {})}
        )

    def up_to(self, verbosity: int) -> Schema:
        """Columns of at most this verbosity level (1 to 30), in order."""
        return replace(self, columns=tuple(c for c in self.columns if c.verbosity <= verbosity))

    def select(self, names: Iterable[str]) -> Schema:
        """Columns of these names, in the given order."""
        return replace(self, columns=tuple(self._by_name[name] for name in names))

    def arrow_schema(self) -> pa.Schema:
        """Arrow schema with the metadata of each field."""
        import pyarrow as pa

        return pa.schema([column.arrow_field() for column in self.columns])

    @classmethod
    def from_arrow(cls, schema: pa.Schema) -> Schema:
        """Read back what `arrow_schema` wrote; the spatial index is left out."""
        return cls(tuple(Column.from_arrow(f) for f in schema if f.name != HEALPIX_COLUMN))

    def to_json(self) -> list[dict[str, Any]]:
        """Plain values for a JSON document."""
        return [{key: value for key, value in asdict(c).items() if value is not None} for c in self.columns]

    @classmethod
    def from_json(
        cls,
        items: Iterable[dict[str, Any]],
        overrides: dict[str, str] | None = None,
        refused: dict[str, str] | None = None,
    ) -> Schema:
        """Inverse of `to_json`, with what is not said of single columns."""
        return cls(tuple(Column(**item) for item in items), overrides or {}, refused or {})


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
