"""Which parameters a mirror can answer, by which of its columns, and what its rows do not tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import Schema
from ssap_mirror.core.schema.roles import UNITS

from ssap_query.ssap import REGISTRY, Columns, Parameter

__all__ = ["Answerable", "answerable", "answerable_words", "missing_words"]

# Beside the columns without which a parameter has no answer, those that are looked at where they are there.
_ALSO = {"TIME": ("t_exptime",)}
# It constrains nothing without POS.
_PART_OF_ANOTHER = frozenset({"SIZE"})
_FROM = " by the mirror from "


@dataclass(frozen=True)
class Answerable:
    """Whether a parameter can be answered, and by what."""

    parameter: str
    """Canonical name."""
    columns: tuple[str, ...] = ()
    """Names of the columns that its values are compared with; empty if it cannot be answered."""
    unit: str | None = None
    """Unit that they are compared in."""
    source: str = ""
    """Where the numbers of worked-out columns come from, or what is taken for granted."""
    reason: str = ""
    """Why it cannot be answered."""

    @property
    def words(self) -> str:
        """What it is compared with, in a few words."""
        if not self.columns:
            return f"not answered: {self.reason}"
        unit = f" [{self.unit}]" if self.unit else ""
        return f"{', '.join(self.columns)}{unit}" + (f", {self.source}" if self.source else "")


def answerable(schema: Schema, dialect: str = "ivoa") -> tuple[Answerable, ...]:
    """Say of every parameter that selects rows whether a mirror can answer it.

    Parameters
    ----------
    schema : Schema
        Columns of the mirror.
    dialect : {'ivoa', 'dachs'}
        Whose reading of the parameters.

    Returns
    -------
    tuple of Answerable
        In the order of the registry.
    """
    columns = Columns.of(schema)
    selecting = (param for param in REGISTRY if param.roles and param.name not in _PART_OF_ANOTHER)
    return tuple(_answerable(param, schema, columns, dialect) for param in selecting)


def _answerable(param: Parameter, schema: Schema, columns: Columns, dialect: str) -> Answerable:
    roles = param.compared(columns, dialect)
    if not roles:
        said = dict.fromkeys(
            columns.refused[role] for role in (*param.roles, *param.instead) if role in columns.refused
        )
        return Answerable(param.name, reason="; ".join(said) or "no column")
    if roles == param.roles:
        roles += tuple(role for role in _ALSO.get(param.name, ()) if role in columns.present)
    units = {UNITS.get(role) for role in roles if role not in _ALSO.get(param.name, ())}
    unit = units.pop() if len(units) == 1 else None
    return Answerable(
        param.name,
        tuple(dict.fromkeys(schema.roles[role] for role in roles)),
        "MJD" if param.name == "TIME" else unit or None,
        "; ".join(dict.fromkeys(filter(None, (_source(schema, role) for role in roles)))),
    )


def _source(schema: Schema, role: str) -> str:
    column = schema[schema.roles[role]]
    _, derived, source = (column.description or "").partition(_FROM)
    if derived:
        return f"worked out from {source}"
    if not column.unit and UNITS.get(role):
        return f"{column.name} has no unit, so {'MJD' if UNITS[role] == 'd' else UNITS[role]} is taken for granted"
    return ""


def answerable_words(found: Iterable[Answerable]) -> list[str]:
    """Make lines of a table for people, one for each parameter."""
    return [f"{one.parameter:<14}  {one.words}" for one in found]


# What a row may lack -> the parameter that is compared with it.
_TESTED = {"position": "POS", "date": "TIME", "band": "BAND"}


def missing_words(catalog: Catalog) -> Sequence[str]:
    """Say how many rows tell no position, no date, no band; what is true of all of them is said loudly."""
    without: dict[str, Any] = catalog.manifest.get("without") or {}
    lines = []
    for what, rows in without.items():
        if rows and rows == catalog.rows:
            lines.append(f"NO ROW HAS A {what.upper()}: no request about it finds anything")
        elif rows:
            lines.append(f"{rows:,} of {catalog.rows:,} rows have no {what} that {_TESTED[what]} could find them by")
    return lines
