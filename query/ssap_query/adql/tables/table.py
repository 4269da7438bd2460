"""The tables that a query may read, and what is known of their columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import Column

from ssap_query.adql.errors import AdqlError
from ssap_query.ssap.predicate import quoted

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["REGION_TEXT", "UPLOADS", "AdqlTable", "MirrorPart", "Tables", "adql_name", "files_view"]

#: xtype of a region in words (STC-S), as ObsCore has it.
REGION_TEXT = "adql:REGION"
#: Schema of the tables that come with a query.
UPLOADS = "tap_upload"
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

# Words that ADQL keeps for itself (2.1 §2.1.2): a column of such a name is written in quotes.
_RESERVED = frozenset(
    word
    for line in (
        "ABS ABSOLUTE ACOS ACTION ADD ALL ALLOCATE ALTER AND ANY ARE AREA AS ASC ASIN ASSERTION AT ATAN ATAN2",
        "AUTHORIZATION AVG BEGIN BETWEEN BIGINT BIT BIT_LENGTH BOTH BOX BY CASCADE CASCADED CASE CAST CATALOG",
        "CEILING CENTROID CHAR CHARACTER CHARACTER_LENGTH CHAR_LENGTH CHECK CIRCLE CLOSE COALESCE COLLATE",
        "COLLATION COLUMN COMMIT CONNECT CONNECTION CONSTRAINT CONSTRAINTS CONTAINS CONTINUE CONVERT COORD1",
        "COORD2 COORDSYS CORRESPONDING COS COT COUNT CREATE CROSS CURRENT CURRENT_DATE CURRENT_TIME",
        "CURRENT_TIMESTAMP CURRENT_USER CURSOR DATE DAY DEALLOCATE DECIMAL DECLARE DEFAULT DEFERRABLE",
        "DEFERRED DEGREES DELETE DESC DESCRIBE DESCRIPTOR DIAGNOSTICS DISCONNECT DISTANCE DISTINCT DOMAIN",
        "DOUBLE DROP ELSE END END-EXEC ESCAPE EXCEPT EXCEPTION EXEC EXECUTE EXISTS EXP EXTERNAL EXTRACT FALSE",
        "FETCH FIRST FLOAT FLOOR FOR FOREIGN FOUND FROM FULL GET GLOBAL GO GOTO GRANT GROUP HAVING HOUR",
        "IDENTITY ILIKE IMMEDIATE IN INDICATOR INITIALLY INNER INPUT INSENSITIVE INSERT INT INTEGER INTERSECT",
        "INTERSECTS INTERVAL INTO IN_UNIT IS ISOLATION JOIN KEY LANGUAGE LAST LEADING LEFT LEVEL LIKE LOCAL",
        "LOG LOG10 LOWER MATCH MAX MIN MINUTE MOD MODULE MONTH NAMES NATIONAL NATURAL NCHAR NEXT NO NOT NULL",
        "NULLIF NUMERIC OCTET_LENGTH OF OFFSET ON ONLY OPEN OPTION OR ORDER OUTER OUTPUT OVERLAPS PAD PARTIAL",
        "PI POINT POLYGON POSITION POWER PRECISION PREPARE PRESERVE PRIMARY PRIOR PRIVILEGES PROCEDURE PUBLIC",
        "RADIANS RAND READ REAL REFERENCES REGION RELATIVE RESTRICT REVOKE RIGHT ROLLBACK ROUND ROWS SCHEMA",
        "SCROLL SECOND SECTION SELECT SESSION SESSION_USER SET SIN SIZE SMALLINT SOME SPACE SQL SQLCODE",
        "SQLERROR SQLSTATE SQRT SUBSTRING SUM SYSTEM_USER TABLE TAN TEMPORARY THEN TIME TIMESTAMP",
        "TIMEZONE_HOUR TIMEZONE_MINUTE TO TOP TRAILING TRANSACTION TRANSLATE TRANSLATION TRIM TRUE TRUNCATE",
        "UNION UNIQUE UNKNOWN UPDATE UPPER USAGE USER USING VALUE VALUES VARCHAR VARYING VIEW WHEN WHENEVER",
        "WHERE WITH WORK WRITE YEAR ZONE",
    )
    for word in line.split()
)


@dataclass(frozen=True)
class MirrorPart:
    """The rows of one mirror in a table that has those of several."""

    catalog: Catalog
    """The snapshot."""
    files: str
    """Name of the view that has the rows of its files as they are."""
    selected: str
    """What the table's columns are, of those of the mirror: SQL."""

    def statement(self, files: str | None = None) -> str:
        """Statement that gives its rows, from all of its files or from another view of some of them."""
        return " ".join(("SELECT", self.selected, "FROM", quoted(files or self.files)))


@dataclass(frozen=True)
class AdqlTable:
    """One table: rows of a snapshot, rows in memory, or a view of other tables."""

    name: str
    """``schema.table``, in lower case."""
    columns: tuple[Column, ...]
    """Its columns."""
    rows: int
    """How many rows it has, about: it decides how it is joined, never what the answer is."""
    description: str = ""
    """A sentence."""
    catalog: Catalog | None = field(default=None, repr=False)
    """The snapshot whose rows it has."""
    data: pa.Table | None = field(default=None, repr=False)
    """Its rows in memory."""
    parts: tuple[MirrorPart, ...] = field(default=(), repr=False)
    """Where its rows come from, if it has those of all mirrors under other names."""
    target: tuple[str, str] | None = None
    """Its columns with the position by which rows are found fast: longitude and latitude."""
    utype: str | None = None
    """Data-model path."""

    @property
    def is_view(self) -> bool:
        """Whether its rows are those of other tables."""
        return bool(self.parts)

    @property
    def schema(self) -> str:
        """Schema that it is in."""
        return self.name.partition(".")[0]

    @property
    def indexed(self) -> frozenset[str]:
        """Columns by which rows are found fast: the positions, whose cells are known."""
        location = None if self.catalog is None else self.catalog.schema.roles.get("location")
        return frozenset(self.target or ()) | ({location} if location else frozenset())


class Tables:
    """What a query may read, by name.

    Parameters
    ----------
    tables : iterable of AdqlTable
        All of them.
    default_schema : str
        The schema whose tables need not be named with it.
    schemas : mapping of str to str
        Schema -> what it holds.
    """

    def __init__(
        self, tables: Iterable[AdqlTable], default_schema: str, schemas: Mapping[str, str] | None = None
    ) -> None:
        self.default_schema = default_schema
        self.schemas = schemas or {}
        self._by_name = {table.name: table for table in tables}

    def __iter__(self) -> Iterator[AdqlTable]:
        return iter(self._by_name.values())

    def with_uploads(self, uploads: Iterable[AdqlTable]) -> Tables:
        """Add the tables that come with a query."""
        return Tables([*self, *uploads], self.default_schema, self.schemas)

    def find(self, name: str) -> AdqlTable:
        """Find a table by its name, in any case.

        Raises
        ------
        AdqlError
            If there is none.
        """
        wanted = name.lower()
        for candidate in (wanted, f"{self.default_schema}.{wanted}"):
            if candidate in self._by_name:
                return self._by_name[candidate]
        message = f"names a table {name!r} that is not here; there are {', '.join(self._by_name)}"
        raise AdqlError(message)


def files_view(name: str) -> str:
    """Name of the view that has the rows of a table's files as they are, in its database."""
    return f"{name}@files"


def adql_name(name: str) -> str:
    """Write a name as it stands in a query: in quotes where it needs them."""
    if _PLAIN.fullmatch(name) and name.upper() not in _RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'
