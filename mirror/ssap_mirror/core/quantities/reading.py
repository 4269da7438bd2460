"""One way to read a quantity out of a service's columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ssap_mirror.core.schema.role_finding import ColumnIndex

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from ssap_mirror.core.schema import Column, Schema

__all__ = ["Candidates", "Finder", "NotUnderstood", "Reading", "shown"]


class NotUnderstood(ValueError):
    """A column is there, and what it holds cannot be compared with anything: a sentence says why."""


class Reading(Protocol):
    """A way to read a quantity."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """What it is read out of."""

    @property
    def as_is(self) -> Mapping[str, str]:
        """Role -> name of a column that plays it as it stands; empty where the values have to be worked out."""

    @property
    def words(self) -> str:
        """Where the values come from, for people."""

    def values(self, rows: pa.RecordBatch) -> Mapping[str, NDArray[np.float64]]:
        """Role -> its values, float64 of shape (N,), NaN where unknown.

        Units are those of `ssap_mirror.core.schema.roles.UNITS`.

        A position gives the roles ``ra`` and ``dec``.
        """


@dataclass(frozen=True)
class Candidates:
    """The ways to read a quantity, and what stands in the way of others."""

    readings: tuple[Reading, ...] = ()
    """Best first."""
    refusals: tuple[str, ...] = ()
    """What is there and cannot be understood, one sentence each."""


@dataclass(frozen=True)
class Finder:
    """Finds columns by their roles, one by one or in pairs that belong together."""

    schema: Schema
    """The service's columns."""
    index: ColumnIndex = field(repr=False)
    """The same by what they are known by."""

    @classmethod
    def of(cls, schema: Schema) -> Finder:
        """Look at a schema; what the mirror has worked out counts only where a role names it."""
        return cls(schema, ColumnIndex(column for column in schema if not column.is_hidden))

    def singles(self, role: str) -> list[Column]:
        """Columns that may play a role, best first, each once."""
        said = self._said(role)
        return list(dict.fromkeys(self.index.candidates(role))) if said is None else said

    def pairs(self, role: str, other: str) -> Iterator[tuple[Column, Column]]:
        """Columns of two roles that are known by the same kind of key; failing that, the best of each."""
        if self._said(role) is not None or self._said(other) is not None:
            yield from zip(self.singles(role)[:1], self.singles(other)[:1], strict=False)
            return
        found = list(self.index.pairs(role, other))
        yield from found or zip(self.singles(role)[:1], self.singles(other)[:1], strict=False)

    def _said(self, role: str) -> list[Column] | None:
        name = self.schema.overrides.get(role)
        if name is None or (name and name not in self.schema):
            return None
        return [self.schema[name]] if name else []


def shown(columns: Sequence[Column]) -> str:
    """Names of columns with their units, for people."""
    return " and ".join(f"{column.name} [{column.unit}]" if column.unit else column.name for column in columns)
