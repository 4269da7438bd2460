"""Columns of a table by what is said of them, by UCD, or by usual name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ssap_mirror.core.quantities.units import says_no_unit
from ssap_mirror.errors import ParameterError
from ssap_mirror.tables.positions import names as usual
from ssap_mirror.tables.positions.said import MOTION_ROLES, Positions

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "checked",
    "find_column",
    "find_motions",
    "is_number",
    "is_text",
    "names_by_key",
    "names_by_ucd",
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
    by_ucd = names_by_ucd(types)
    for ucd in usual.UCDS[role]:
        columns = by_ucd.get(ucd, [])
        if len(columns) == 1:
            return columns[0]
    by_name = names_by_key(types)
    return next((by_name[name][0] for name in usual.NAMES[role] if name in by_name), None)


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


def names_by_ucd(types: pa.Schema) -> dict[str, list[str]]:
    """Find the columns of each UCD, which is without blanks and in lower case."""
    found: dict[str, list[str]] = {}
    for field in types:
        ucd = (field.metadata or {}).get(b"ucd", b"").decode()
        found.setdefault("".join(ucd.split()).lower(), []).append(field.name)
    return found


def names_by_key(types: pa.Schema) -> dict[str, list[str]]:
    """Find the columns of each usual name: without case, and any marks in it as one underscore."""
    found: dict[str, list[str]] = {}
    for field in types:
        name = (field.metadata or {}).get(b"source_name", field.name.encode()).decode()
        found.setdefault(usual.key(name), []).append(field.name)
    return found


def is_number(kind: pa.DataType) -> bool:
    """Whether a type is one of numbers."""
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is one of text."""
    return str(kind) in ("string", "large_string", "string_view")
