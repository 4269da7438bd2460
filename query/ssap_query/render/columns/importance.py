"""Which columns a person looks for first, where there is no room for all."""

from __future__ import annotations

from collections.abc import Mapping

from ssap_mirror.core.schema import Column, Schema

__all__ = ["importance", "most_important"]

# What a result tells of itself, such as the number of a row's cone: of this verbosity, and with no meaning of SSA.
_OF_RESULT, _ANY_ID = 1, "meta.id"
_SEPARATION = "pos.angDistance"
_FIRST_ROLES = ("target_name", "ra", "dec", "t_mid", "snr", "identity")
_ADDRESS = "access_url"
# What people call the column that names their objects; columns of a service have a utype.
_NAMES = frozenset({"id", "main_id", "name", "object", "source_id", "star"})


def importance(column: Column, roles: Mapping[str, str]) -> tuple[int, int]:
    """Give a key to sort columns by: of the result itself, then what, where, when, how good; addresses come last.

    Parameters
    ----------
    column : Column
        The column.
    roles : mapping of str to str
        Role -> name of its column.
    """
    is_of_result = column.verbosity <= _OF_RESULT and not column.utype and column.ucd in (None, _ANY_ID)
    if is_of_result or column.ucd == _SEPARATION:
        return 0, 0
    if column.name.lower() in _NAMES and not column.utype:
        return 1, 0
    for number, role in enumerate(_FIRST_ROLES):
        if roles.get(role) == column.name:
            return 1, number
    return 3 if column.name == roles.get(_ADDRESS) else 2, column.verbosity


def most_important(schema: Schema, most: int) -> list[int]:
    """Numbers of all columns in order, or of so many, the most important one first."""
    every = list(range(len(schema)))
    if len(every) <= most:
        return every
    roles = schema.roles
    return sorted(every, key=lambda number: importance(schema.columns[number], roles))[:most]
