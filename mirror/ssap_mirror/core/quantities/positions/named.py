"""Columns of a table by what is said of them, by UCD, or by usual name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ssap_mirror.core.quantities.positions import names as usual
from ssap_mirror.core.quantities.positions.said import MOTION_ROLES, Positions
from ssap_mirror.core.schema import Column
from ssap_mirror.core.schema.role_finding import ColumnIndex
from ssap_mirror.core.units import says_no_unit
from ssap_mirror.errors import ParameterError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "checked",
    "find_column",
    "find_motions",
    "index_of",
    "is_number",
    "is_text",
    "resolve",
    "unit_of",
]


def find_motions(types: pa.Schema, said: Positions, parameter: str) -> Positions | None:
    """Fill in proper motions, and parallax and radial velocity where there are any; None without proper motions.

    Raises
    ------
    ParameterError
        If a column so found holds no numbers.
    """
    found: dict[str, Any] = {role: getattr(said, role) or find_column(types, role) for role in MOTION_ROLES}
    if found["pmra"] is None or found["pmdec"] is None:
        return None
    return checked(types, replace(said, **{role: column for role, column in found.items() if column}), parameter)


def checked(types: pa.Schema, said: Positions, parameter: str) -> Positions:
    """Give the columns that are said the names that they have here, and check that they can play their roles.

    Raises
    ------
    ParameterError
        If a column is not in the table, or of a type that cannot be read.
    """
    import pyarrow as pa

    named: dict[str, Any] = {
        role: resolve(types, column, f"{parameter}.{role}") for role, column in said.columns().items()
    }
    for role, column in named.items():
        kind = types.field(column).type
        reads_text = role in ("ra", "dec", "epoch")
        if is_number(kind) or (reads_text and is_text(kind)) or (role == "epoch" and pa.types.is_temporal(kind)):
            continue
        name = f"{parameter}.{role}"
        raise ParameterError(name, column, f"is a column of type {kind}, not numbers{' or text' if reads_text else ''}")
    return replace(said, **named)


def find_column(types: pa.Schema, role: str) -> str | None:
    """Column of a role by UCD, then by usual name; None if there is none, or if more than one has that UCD."""
    index = index_of(types)
    for ucd in usual.UCDS[role]:
        columns = index.known_by(usual.ucd_key(ucd))
        if len(columns) == 1:
            return columns[0].name
    known = (index.known_by(f"name:{name}") for name in usual.NAMES[role])
    return next((columns[0].name for columns in known if columns), None)


def resolve(types: pa.Schema, name: str, parameter: str) -> str:
    """Column of a name, or of that name in the source where it has another here.

    Raises
    ------
    ParameterError
        If there is none.
    """
    if name in types.names:
        return name
    renamed = [item.name for item in types if (item.metadata or {}).get(b"source_name") == name.encode()]
    if len(renamed) == 1:
        return str(renamed[0])
    raise ParameterError(parameter, name, "is not a column of the table")


def unit_of(types: pa.Schema, column: str, said: Positions) -> str:
    """Give the unit of a column: as said, else as the table says; empty without one."""
    given = next((unit for name, unit in said.units.items() if resolve(types, name, "units") == column), None)
    unit = given if given is not None else (types.field(column).metadata or {}).get(b"unit", b"").decode()
    return "" if says_no_unit(unit) else str(unit).strip()


def index_of(types: pa.Schema) -> ColumnIndex:
    """Columns by what they are known by: UCDs, usual names."""
    return ColumnIndex(Column.from_arrow(item) for item in types)


def is_number(kind: pa.DataType) -> bool:
    """Whether a type is one of numbers."""
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is one of text."""
    return str(kind) in ("string", "large_string", "string_view")
