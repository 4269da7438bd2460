"""What the rules of parameters have to know of a service's columns and of a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ssap_mirror.core.schema import Schema
from ssap_mirror.core.schema.roles import ROLES, TEXT_ROLES

__all__ = ["ALL_COLUMNS", "Columns", "Row"]

#: A row as the oracles see it: role -> plain Python value (None for NULL, lists for arrays, text for timestamps).
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Columns:
    """What rules have to know of a service's columns."""

    present: frozenset[str]
    """Roles that a column plays."""
    single: frozenset[str] = frozenset()
    """Roles whose column is float32."""

    refused: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Role -> why the columns that seem to play it cannot be compared with anything."""

    @classmethod
    def of(cls, schema: Schema) -> Columns:
        """Read a schema; a column whose type does not fit its role counts as missing."""
        found = {role: schema[name] for role, name in schema.roles.items()}
        fitting = {role for role, column in found.items() if column.is_text == (role in TEXT_ROLES)}
        single = frozenset(role for role in fitting if found[role].datatype == "float")
        return cls(frozenset(fitting), single, schema.refused)


#: Every role but those that only some services have beside others, all numbers double: for the documentation, and where
#: nothing else is known.
ALL_COLUMNS = Columns(frozenset(ROLES) - {"t_min", "t_max", "em_res_power"})
