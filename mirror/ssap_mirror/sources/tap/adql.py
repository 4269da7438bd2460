"""Questions in ADQL about one table: how many rows, which columns have an index, where to cut.

ADQL has no bound values. What goes into a query here is numbers and names: those of columns come from the service, are
spelled as TAP_SCHEMA spells them, and are quoted where they are not regular.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ssap_mirror.core.schema import Column
from ssap_mirror.errors import ParameterError, ServiceError, SourceError
from ssap_mirror.sources.harvest.client import Client
from ssap_mirror.sources.harvest.samples import BINARY2, Sample, small_table
from ssap_mirror.sources.harvest.slices import Range, Slice

__all__ = ["Adql", "Counter", "Listed"]

_REGULAR = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PART = r'(?:[A-Za-z][A-Za-z0-9_]*|"(?:[^"\x00-\x1f]|"")+")'
_TABLE = re.compile(rf"{_PART}(?:\.{_PART}){{0,2}}")
_MOST_COLUMNS = 10_000
#: Words that ADQL 2.1 §2.1.2 keeps for itself and that a column of numbers may well be called.
# fmt: off
_RESERVED = frozenset({
    "abs", "absolute", "action", "area", "avg", "bit", "box", "circle", "column", "count", "current", "date", "day",
    "degrees", "distance", "end", "exp", "first", "float", "floor", "found", "full", "group", "hour", "identity", "int",
    "integer", "interval", "key", "language", "last", "left", "level", "local", "log", "log10", "lower", "match", "max",
    "min", "minute", "mod", "mode", "module", "month", "names", "next", "only", "open", "option", "order", "pi",
    "point", "polygon", "position", "power", "precision", "primary", "prior", "radians", "rand", "read", "real",
    "region", "relative", "right", "round", "rows", "second", "section", "session", "sign", "size", "space", "sum",
    "time", "timestamp", "top", "truncate", "type", "unique", "unknown", "upper", "user", "value", "values", "view",
    "work", "write", "year", "zone",
})
# fmt: on
_INTEGERS = ("short", "int", "long", "unsignedByte")
# Finite even as float32: PostgreSQL's MAX is NaN where there is one.
_FINITE = "BETWEEN -3e38 AND 3e38"
# Each halving leaves a value on either side; values that crowd more than this are left to the jobs.
_MOST_HALVINGS = 64


@dataclass(frozen=True)
class Listed:
    """What TAP_SCHEMA says of a column (TAP 1.1 §4.3)."""

    spelling: str
    """Its name as a query writes it."""
    unit: str | None
    """Unit."""
    ucd: str | None
    """UCD."""
    utype: str | None
    """Utype."""
    description: str | None
    """For people."""
    principal: bool
    """Whether most people want it."""
    indexed: bool
    """Whether queries by it are quick."""


class Adql:
    """Asks a TAP service about one table.

    Parameters
    ----------
    client : Client
        Carries the requests.
    url : str
        The service, without ``/sync``.
    table : str
        Name of the table.
    scratch : pathlib.Path
        Folder for answers on their way.

    Raises
    ------
    ParameterError
        If the table's name is none.
    """

    def __init__(self, client: Client, url: str, table: str, scratch: Path) -> None:
        if _TABLE.fullmatch(table) is None:
            raise ParameterError(name="table", value=table, reason="is not the name of a table in ADQL")
        self.client = client
        self.url = url
        self.table = table
        self._scratch = scratch
        self._integers: set[str] = set()
        self._listed: dict[str, Listed] = {}

    def sample(self, rows: int) -> Sample:
        """Fetch some rows.

        Raises
        ------
        SourceError
            If the service cannot be reached, or has no such table.
        """
        try:
            sample = self._ask(_query(f"SELECT TOP {rows} *", self.table), maxrec=rows + 1, attempts=3)
        except ServiceError as error:
            message = f"{self.url} does not give the table {self.table}: {error}"
            raise SourceError(message) from error
        self._integers = {column.name for column in sample.reader.schema if column.datatype in _INTEGERS}
        return sample

    def count(self, part: Slice | None = None) -> int:
        """Count the rows of the table, or of a slice of it."""
        return int(self._row("SELECT COUNT(*) AS n", *self._conditions(part))["n"])

    def span(self, column: str, part: Slice | None = None) -> tuple[int, float, float]:
        """Tell how many rows have a finite value in a column, the least and the largest; NaN where there is none.

        Parameters
        ----------
        column : str
            Of numbers.
        part : Slice, optional
            Rows to look at; all without it.
        """
        name = self._name(column)
        finite = [] if self.is_integer(column) else [f"{name} {_FINITE}"]
        row = self._row(
            f"SELECT COUNT({name}) AS n, MIN({name}) AS low, MAX({name}) AS high", *self._conditions(part), *finite
        )
        low, high = (math.nan if row[key] is None else float(row[key]) for key in ("low", "high"))
        return int(row["n"]), low, high

    def can_be_cut(self, part: Slice) -> bool:
        """Whether a slice has two values that a range could part."""
        if part.span is None:
            return False
        _, low, high = self.span(part.span.parameter, part)
        return low < high

    def listed(self, column: str) -> Listed | None:
        """Tell what TAP_SCHEMA says of a column; None if it does not list it, or `read_tap_schema` was not called."""
        return self._listed.get(column.lower())

    def read_tap_schema(self) -> None:
        """Learn what TAP_SCHEMA says of the table's columns; not every service lists a table as it is asked for.

        Raises
        ------
        SourceError
            If there is no TAP_SCHEMA.
        """
        written = {self.table, self.table.lower(), self.table.upper(), self.table.replace('"', "")}
        names = ", ".join("'" + name.replace("'", "''") + "'" for name in sorted(written))
        select = "SELECT column_name, unit, ucd, utype, description, principal, indexed"
        query = _query(select, "tap_schema.columns", f"table_name IN ({names})")
        answer = self._ask(query, maxrec=_MOST_COLUMNS)
        for row in zip(*(column.to_pylist() for column in answer.rows.columns), strict=True):
            name, unit, ucd, utype, description, principal, indexed = row
            delimited = name.startswith('"')
            self._listed[name.strip('"').replace('""', '"').lower()] = Listed(
                spelling=name if delimited else _quoted(name),
                unit=unit or None,
                ucd=ucd or None,
                utype=utype or None,
                description=description or None,
                principal=bool(principal),
                indexed=bool(indexed),
            )

    def alive(self) -> None:
        """Ask for a sign of life.

        Raises
        ------
        SourceError
            If there is none.
        """
        self._ask(_query("SELECT TOP 1 table_name", "tap_schema.tables"), maxrec=2)

    def select(self, part: Slice, columns: Iterable[str] = ()) -> str:
        """Write the query for some columns, or for all, of the rows of a slice."""
        names = ", ".join(self._name(column) for column in columns)
        return _query(f"SELECT {names or '*'}", self.table, *self._conditions(part))

    def record(self, before: int, after: int) -> dict[str, Any]:
        """Say what was asked, for the manifest, and how many rows the table had before and after."""
        return {
            "requests": self.client.requests,
            "retries": self.client.retries,
            "bytes": self.client.received,
            "table": self.table,
            "count_before": before,
            "count_after": after,
        }

    def is_integer(self, column: str) -> bool:
        """Whether a column holds integers."""
        return column in self._integers

    def _conditions(self, part: Slice | None) -> list[str]:
        if part is None or part == Slice():
            return []
        if part.null is not None:
            return [f"{self._name(part.null)} IS NULL"]
        if part.span is None:
            message = f"{part.key} cannot be asked of TAP"
            raise ValueError(message)
        span, name = part.span, self._name(part.span.parameter)
        # Half-open: a value on a cut belongs to one slice alone, and the counts add up.
        low = [] if span.start is None else [f"{name} >= {self._number(span.parameter, span.start)}"]
        high = [] if span.stop is None else [f"{name} < {self._number(span.parameter, span.stop)}"]
        return [*low, *high]

    def _number(self, column: str, value: float) -> str:
        # An integer compared with a real would not use its index.
        return str(int(value)) if self.is_integer(column) else repr(value)

    def _name(self, column: str) -> str:
        listed = self.listed(column)
        # Regular names are the same in any case; an answer may spell its columns as the question does.
        return _quoted(column) if listed is None or listed.spelling.lower() == column.lower() else listed.spelling

    def _row(self, select: str, *conditions: str) -> dict[str, Any]:
        rows = self._ask(_query(select, self.table, *conditions), maxrec=2).rows.to_pylist()
        if len(rows) != 1:
            message = f"{self.url} gave {len(rows)} rows for a count of {self.table}"
            raise ServiceError(message)
        return {name.lower(): value for name, value in rows[0].items()}

    def _ask(self, query: str, *, maxrec: int, attempts: int | None = None) -> Sample:
        """Run a query whose answer is small."""
        asked = [("REQUEST", "doQuery"), ("LANG", "ADQL"), ("QUERY", query), ("MAXREC", str(maxrec))]
        asked += [("RESPONSEFORMAT", BINARY2), ("FORMAT", BINARY2)]
        url = f"{self.url}/sync"
        return self.client.retrying(lambda: small_table(self.client, url, asked, self._scratch), attempts)


class Counter:
    """Finds cuts of a column between which the server counts at most so many rows.

    Parameters
    ----------
    adql : Adql
        Counts.
    rows : int
        For one slice.
    """

    def __init__(self, adql: Adql, rows: int) -> None:
        self._adql = adql
        self._rows = rows

    def plan(self, column: Column) -> list[Slice]:
        """Cut the table by a column.

        Parameters
        ----------
        column : Column
            Of numbers.

        Returns
        -------
        list of Slice
            That together hold every row, those without a value too; empty if the column has too few values.
        """
        rows, low, high = self._adql.span(column.name)
        if not low < high:
            return []
        cuts = self._cuts(Range(column.name), rows, _MOST_HALVINGS)
        if not cuts:
            return [Slice()]
        spans = [Slice(Range(column.name, *ends)) for ends in itertools.pairwise([None, *cuts, None])]
        return [*spans, Slice(null=column.name)]

    def _cuts(self, within: Range, rows: int, halvings: int) -> list[float]:
        """Halve between the values that occur, until the pieces are small or of one value each."""
        if rows <= self._rows or not halvings:
            return []
        rows, low, high = self._adql.span(within.parameter, Slice(within))
        middle = low + (high - low) / 2
        if self._adql.is_integer(within.parameter):
            middle = math.floor(middle) + 1.0
        if rows <= self._rows or not low < middle <= high:
            return []
        left, right = replace(within, stop=middle), replace(within, start=middle)
        below = self._adql.count(Slice(left))
        return [*self._cuts(left, below, halvings - 1), middle, *self._cuts(right, rows - below, halvings - 1)]


def _query(select: str, table: str, *conditions: str) -> str:
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"{select} FROM {table}{where}"


def _quoted(name: str) -> str:
    return name if _REGULAR.fullmatch(name) and name.lower() not in _RESERVED else '"' + name.replace('"', '""') + '"'
