"""Rows that files stand behind: any result, or a table that somebody has written into a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ssap_mirror.core.schema import Column, Schema

if TYPE_CHECKING:
    import pyarrow as pa
    from ssap_mirror.tables.table import Table

__all__ = ["Rows", "TableRows", "identities", "playing", "values_of"]

# Names that a column has where neither utype nor UCD tells, as in a CSV file.
_NAMES = {"access_url": ("accref", "acref"), "access_format": ("mime",), "identity": ("mobsid",)}


class Rows(Protocol):
    """Rows that files stand behind: any result."""

    @property
    def schema(self) -> Schema:
        """Their columns."""

    @property
    def service_xml(self) -> bytes:
        """VOTable header of the service, which may say where its links are."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, piece by piece; each call begins anew."""


@dataclass(frozen=True)
class TableRows:
    """Rows of a table."""

    table: Table
    """The table."""

    @property
    def schema(self) -> Schema:
        """Its columns."""
        return self.table.columns

    @property
    def service_xml(self) -> bytes:
        """Its header, with the services that stand behind its rows, where it is a VOTable."""
        if self.table.opening_header and not self.table.ending.header:
            # What stands behind the rows is known once they were read.
            for _ in self.table.batches():
                pass
        return self.table.header

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, piece by piece; each call begins anew."""
        return self.table.batches()


def identities(rows: Rows) -> list[str]:
    """Say which row each row is: its identity, else the publisher's; empty where neither is known."""
    column = playing(rows.schema, "identity") or playing(rows.schema, "obs_publisher_did")
    if column is None:
        return [""] * sum(batch.num_rows for batch in rows.batches())
    return ["" if value is None else str(value) for value in values_of(rows, column.name)]


def values_of(rows: Rows, *names: str) -> Any:
    """Values of a column, or tuples of the values of several, row by row."""
    for batch in rows.batches():
        columns = [batch.column(name).to_pylist() for name in names]
        yield from columns[0] if len(names) == 1 else zip(*columns, strict=True)


def playing(schema: Schema, role: str) -> Column | None:
    """Column that plays a role, by what is said of it or else by its name."""
    found = schema.role(role)
    return found or next((schema[name] for name in _NAMES.get(role, ()) if name in schema), None)
