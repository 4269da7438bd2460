"""What somebody says of a source's columns where the source is silent or wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import ParameterError
from ssap_mirror.sources.missing_values import MissingValues

__all__ = ["Corrections"]

_LISTED = 8


@dataclass(frozen=True)
class Corrections:
    """Which columns play which part, what their units are and what means missing, in somebody's words."""

    roles: Mapping[str, str] = field(default_factory=dict)
    """Role of `ssap_mirror.core.schema.roles.ROLES` -> name of its column."""
    units: Mapping[str, str] = field(default_factory=dict)
    """Name of a column -> its unit; with an empty one, it has none."""
    nulls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name of a column -> its values that stand for a missing one, as texts."""
    said_by: str = ""
    """Where they are written down, for errors; ends in a colon and a blank."""

    def applied_to(self, schema: Schema) -> Schema:
        """Columns as they are said to be; what is said of a role outweighs what a schema says.

        Raises
        ------
        ParameterError
            If a column is named that there is none of, or a value that it cannot have.
        """
        for role, column in self.roles.items():
            self._check("identity" if role == "identity" else f"roles.{role}", column, column, schema)
        for column, unit in self.units.items():
            self._check(f"units.{column}", unit, column, schema)
        if self.nulls:
            MissingValues(self.nulls, schema.arrow_schema(), self.said_by)
        columns = tuple(
            replace(column, unit=self.units[column.name] or None) if column.name in self.units else column
            for column in schema
        )
        overrides = {**schema.overrides, **self.roles}
        return replace(schema, columns=columns, overrides=overrides, missing=self.nulls)

    def _check(self, key: str, value: str, column: str, schema: Schema) -> None:
        if column in schema:
            return
        listed = ", ".join(schema.names[:_LISTED]) + (", …" if len(schema) > _LISTED else "")
        named = "" if column == value else f"is said of {column!r}, which "
        name = f"{self.said_by}{key}"
        raise ParameterError(name, value, f"{named}is no column of the source ({listed})")
