"""Questions in ADQL about one table: how many rows, which columns have an index, where to cut.

ADQL has no bound values. What goes into a query here is names, quoted where they are not regular, and numbers.
"""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path
from typing import Any

from ssap_mirror.errors import ParameterError, ServiceError, SourceError
from ssap_mirror.schema import Column
from ssap_mirror.sources.http import Client
from ssap_mirror.sources.service import BINARY2, Sample, small_table
from ssap_mirror.sources.slices import Range, Slice

__all__ = ["Adql", "Counter"]

_REGULAR = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_TABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*){0,2}")
_MOST_COLUMNS = 10_000
#: Words that ADQL 2.1 §2.1.2 keeps for itself and that a column may well be called.
# fmt: off
_RESERVED = frozenset({
    "area", "box", "circle", "count", "date", "day", "distance", "end", "hour", "language", "level", "max", "min",
    "minute", "mode", "module", "month", "names", "order", "point", "polygon", "position", "power", "region",
    "second", "section", "sign", "size", "sum", "time", "timestamp", "top", "type", "user", "value", "view",
    "year", "zone",
})
# fmt: on
_INTEGERS = ("short", "int", "long", "unsignedByte")


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
        self._table = table
        self._scratch = scratch
        self._integers: set[str] = set()

    def sample(self, rows: int) -> Sample:
        """Fetch some rows.

        Raises
        ------
        SourceError
            If the service cannot be reached, or has no such table.
        """
        try:
            sample = self._ask(f"SELECT TOP {rows} *", self._table, maxrec=rows + 1, attempts=3)
        except ServiceError as error:
            message = f"{self.url} does not give the table {self._table}: {error}"
            raise SourceError(message) from error
        self._integers = {column.name for column in sample.reader.schema if column.datatype in _INTEGERS}
        return sample

    def count(self, part: Slice | None = None) -> int:
        """Count the rows of the table, or of a slice of it."""
        return int(self._row("SELECT COUNT(*) AS n", part)["n"])

    def span(self, column: str) -> tuple[int, float, float]:
        """Tell how many rows have a value in a column, the least and the largest; NaN where there is none."""
        name = _quoted(column)
        row = self._row(f"SELECT COUNT({name}) AS n, MIN({name}) AS low, MAX({name}) AS high", None)
        low, high = (math.nan if row[key] is None else float(row[key]) for key in ("low", "high"))
        return int(row["n"]), low, high

    def indexed_columns(self) -> set[str]:
        """Names of the columns that TAP_SCHEMA says have an index."""
        return self._flagged("indexed")

    def principal_columns(self) -> set[str]:
        """Names of the columns that TAP_SCHEMA calls principal."""
        return self._flagged("principal")

    def alive(self) -> None:
        """Ask for a sign of life.

        Raises
        ------
        SourceError
            If there is none.
        """
        self._ask("SELECT TOP 1 table_name", "tap_schema.tables", maxrec=2)

    def select_all(self, part: Slice) -> str:
        """Write the query for the rows of a slice."""
        return " ".join(["SELECT * FROM", self._table, self._where(part)]).strip()

    def is_integer(self, column: str) -> bool:
        """Whether a column holds integers."""
        return column in self._integers

    def _where(self, part: Slice | None) -> str:
        if part is None or part == Slice():
            return ""
        if part.null is not None:
            return f"WHERE {_quoted(part.null)} IS NULL"
        if part.span is None:
            message = f"{part.key} cannot be asked of TAP"
            raise ValueError(message)
        name = _quoted(part.span.parameter)
        # Half-open: a value on a cut belongs to one slice alone, and the counts add up.
        low = [] if part.span.start is None else [f"{name} >= {self._number(part.span.parameter, part.span.start)}"]
        high = [] if part.span.stop is None else [f"{name} < {self._number(part.span.parameter, part.span.stop)}"]
        return " ".join(["WHERE", " AND ".join([*low, *high])])

    def _number(self, column: str, value: float) -> str:
        # An integer compared with a real would not use its index.
        return str(int(value)) if self.is_integer(column) else repr(value)

    def _flagged(self, flag: str) -> set[str]:
        where = f"WHERE LOWER(table_name) = '{self._table.lower()}'"
        rows = self._ask(f"SELECT column_name, {_quoted(flag)}", "tap_schema.columns", where, maxrec=_MOST_COLUMNS).rows
        names, flags = (rows.column(number).to_pylist() for number in (0, 1))
        return {name.strip('"') for name, marked in zip(names, flags, strict=True) if marked}

    def _row(self, select: str, part: Slice | None) -> dict[str, Any]:
        rows = self._ask(select, self._table, self._where(part), maxrec=2).rows.to_pylist()
        if len(rows) != 1:
            message = f"{self.url} gave {len(rows)} rows for a count of {self._table}"
            raise ServiceError(message)
        return {name.lower(): value for name, value in rows[0].items()}

    def _ask(self, select: str, table: str, where: str = "", *, maxrec: int, attempts: int | None = None) -> Sample:
        """Run a query whose answer is small."""
        query = " ".join([select, "FROM", table, where]).strip()
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
        with_value, low, high = self._adql.span(column.name)
        if not with_value or not low < high:
            return []
        cuts = sorted(self._cuts(column.name, low, high, with_value))
        if not cuts:
            return [Slice()]
        spans = [Slice(Range(column.name, *ends)) for ends in itertools.pairwise([None, *cuts, None])]
        return [*spans, Slice(null=column.name)]

    def _cuts(self, column: str, low: float, high: float, rows: int) -> list[float]:
        """Halve until the pieces are small; the last piece has its upper end within."""
        if rows <= self._rows:
            return []
        middle = (low + high) / 2
        if self._adql.is_integer(column):
            middle = math.floor(middle) + 1.0
        if not low < middle <= high:
            return []
        below = self._adql.count(Slice(Range(column, low, middle)))
        left, right = self._cuts(column, low, middle, below), self._cuts(column, middle, high, rows - below)
        return [*left, middle, *right]


def _quoted(name: str) -> str:
    return name if _REGULAR.fullmatch(name) and name.lower() not in _RESERVED else '"' + name.replace('"', '""') + '"'
