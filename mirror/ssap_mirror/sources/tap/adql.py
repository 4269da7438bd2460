"""Questions in ADQL about one table: how many rows, which columns have an index, between which values.

ADQL has no bound values. What goes into a query here is numbers and names: those of columns come from the service, are
spelled as TAP_SCHEMA spells them, and are quoted where they are not regular.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ssap_mirror.errors import ParameterError, ServiceError, SourceError
from ssap_mirror.sources.harvest.client import Client
from ssap_mirror.sources.harvest.samples import BINARY2, Sample, small_table
from ssap_mirror.sources.harvest.slices import WHOLE, Slice

__all__ = ["Adql", "TapSchemaColumn"]

_REGULAR = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PART = r'(?:[A-Za-z][A-Za-z0-9_]*|"(?:[^"\x00-\x1f]|"")+")'
_TABLE = re.compile(rf"{_PART}(?:\.{_PART}){{0,2}}")
_MOST_COLUMNS = 10_000
# What every service can write, by the word that every one knows (TAP 1.1 §2.7.3).
_PLAIN = "votable"
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


@dataclass(frozen=True)
class TapSchemaColumn:
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


@dataclass(frozen=True)
class Adql:
    """Asks a TAP service about one table.

    Raises
    ------
    ParameterError
        If the table's name is none.
    """

    client: Client
    """Carries the requests."""
    url: str
    """The service, without ``/sync``."""
    table: str
    """Name of the table, with its schema, as ADQL writes it."""
    scratch: Path
    """Folder for answers on their way."""
    columns: Mapping[str, TapSchemaColumn] = field(default_factory=dict, repr=False)
    """What TAP_SCHEMA says of the table's columns, by their names, and by these in lower case."""
    alike: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names of columns that differ from others in case alone, by the names that the mirror has for them."""
    integers: frozenset[str] = frozenset()
    """Columns that hold integers."""
    where: str = ""
    """A condition in ADQL that all rows have to meet, as it was given; none if empty."""
    response_format: str = BINARY2
    """RESPONSEFORMAT of every request."""
    most_rows: int | None = None
    """Rows at which the service cuts any answer, as its first one showed."""
    no_jobs: threading.Event = field(default_factory=threading.Event, compare=False, repr=False)
    """Set once the service has shown that it has no jobs (TAP 1.1 §2 wants them)."""

    def __post_init__(self) -> None:
        if _TABLE.fullmatch(self.table) is None:
            raise ParameterError(name="table", value=self.table, reason="is not the name of a table in ADQL")

    def sample(self, rows: int) -> Sample:
        """Fetch some rows.

        Raises
        ------
        SourceError
            If the service cannot be reached, or has no such table.
        """
        query = _query(f"SELECT TOP {rows} *", self.table, *self._conditions(None))
        try:
            return self._ask(query, maxrec=rows + 1, attempts=3)
        except ServiceError as error:
            message = f"{self.url} does not give the table {self.table}: {error}"
            raise SourceError(message) from error

    def with_sample(self, sample: Sample, rows: int) -> Adql:
        """Know which columns hold integers or have names of the mirror's own, and where the service cuts its answers.

        Parameters
        ----------
        sample : Sample
            Some rows.
        rows : int
            How many were asked for.
        """
        columns = sample.reader.schema
        integers = frozenset(column.name for column in columns if column.datatype in _INTEGERS)
        alike = {column.name: column.source_name for column in columns if column.source_name}
        cut = sample.overflow and 0 < sample.rows.num_rows < rows
        return replace(self, integers=integers, alike=alike, most_rows=sample.rows.num_rows if cut else None)

    def count(self, slice_: Slice | None = None) -> int:
        """Count the rows of the table, or of a slice of it."""
        return int(self._row("SELECT COUNT(*) AS n", *self._conditions(slice_))["n"])

    def bounds(self, column: str, slice_: Slice | None = None) -> tuple[int, float, float]:
        """Tell how many rows have a finite value in a column, the least and the largest; NaN where there is none.

        Parameters
        ----------
        column : str
            Of numbers.
        slice_ : Slice, optional
            Rows to look at; all without it.
        """
        name = self._name(column)
        finite = [] if self.is_integer(column) else [f"{name} {_FINITE}"]
        row = self._row(
            f"SELECT COUNT({name}) AS n, MIN({name}) AS low, MAX({name}) AS high", *self._conditions(slice_), *finite
        )
        low, high = (math.nan if row[key] is None else float(row[key]) for key in ("low", "high"))
        return int(row["n"]), low, high

    def some_texts(self, column: str, slice_: Slice, rows: int) -> tuple[int, list[str]]:
        """Tell how many rows of a slice have a value in a column of text, and some of these in the server's order.

        Parameters
        ----------
        column : str
            Of text.
        slice_ : Slice
            Rows to look at.
        rows : int
            How many values to ask for; the least and the largest come beside them.
        """
        name, within = self._name(column), [*self._conditions(slice_), f"{self._name(column)} IS NOT NULL"]
        row = self._row(f"SELECT COUNT({name}) AS n, MIN({name}) AS low, MAX({name}) AS high", *within)
        if not row["n"]:
            return 0, []
        query = _query(f"SELECT TOP {rows} {name}", self.table, *within)
        found = self._ask(query, maxrec=rows + 1).rows.column(0).to_pylist()
        # An empty text may come as none at all.
        low, high = str(row["low"] or ""), str(row["high"] or "")
        between = sorted({str(value) for value in found if value} - {low, high})
        return int(row["n"]), [low, *between, high] if low != high else [low]

    def averages(self, columns: list[str]) -> dict[str, tuple[float, float, float, float]]:
        """Tell of columns of numbers how many rows have a value, the mean, the least and the largest; NaN for none.

        Parameters
        ----------
        columns : list of str
            Their names.

        Raises
        ------
        ServiceError
            If the service does not want to.
        """
        # A real factor: some servers round the mean of integers to one.
        told = ", ".join(
            f"COUNT({name}) AS n{at}, AVG(1.0E0 * {name}) AS a{at}, MIN({name}) AS l{at}, MAX({name}) AS h{at}"
            for at, name in enumerate(map(self._name, columns))
        )
        row = self._row(f"SELECT {told}", *self._conditions(None))
        numbers = {key: math.nan if value is None else float(value) for key, value in row.items()}
        return {
            name: (numbers[f"n{at}"], numbers[f"a{at}"], numbers[f"l{at}"], numbers[f"h{at}"])
            for at, name in enumerate(columns)
        }

    def can_be_cut(self, slice_: Slice) -> bool:
        """Whether a slice has two values that a range could part."""
        if slice_.range is None:
            return False
        _, low, high = self.bounds(slice_.range.parameter, slice_)
        return low < high

    def listed(self, column: str) -> TapSchemaColumn | None:
        """Tell what TAP_SCHEMA says of a column; None if it does not list it, or was not read."""
        name = self.alike.get(column, column)
        return self.columns.get(name) or self.columns.get(name.lower())

    def with_tap_schema(self) -> Adql:
        """Learn what TAP_SCHEMA says of the table's columns; not every service lists a table as it is asked for.

        Raises
        ------
        SourceError
            If there is no TAP_SCHEMA.
        """
        written = {self.table, self.table.lower(), self.table.upper(), self.table.replace('"', "")}
        names = ", ".join(map(_literal, sorted(written)))
        # All columns that there are: some services lack ``indexed`` and ``principal``.
        query = _query("SELECT *", "tap_schema.columns", f"table_name IN ({names})")
        asking, answer = self._first_answer(query)
        columns = {}
        for row in answer.rows.to_pylist():
            about = {key.lower(): value for key, value in row.items()}
            name = str(about["column_name"]).strip()
            delimited = name.startswith('"')
            columns[name.strip('"').replace('""', '"')] = TapSchemaColumn(
                spelling=name if delimited else _quoted(name),
                unit=about.get("unit") or None,
                ucd=about.get("ucd") or None,
                utype=about.get("utype") or None,
                description=about.get("description") or None,
                principal=bool(about.get("principal")),
                indexed=bool(about.get("indexed")),
            )
        return replace(asking, columns={name.lower(): about for name, about in columns.items()} | columns)

    def _first_answer(self, query: str) -> tuple[Adql, Sample]:
        """Ask for the most compact answer, and for the one that every service has if that is refused."""
        try:
            return self, self._ask(query, maxrec=_MOST_COLUMNS, attempts=3)
        except ServiceError as error:
            plain = replace(self, response_format=_PLAIN)
            try:
                return plain, plain._ask(query, maxrec=_MOST_COLUMNS, attempts=3)
            except ServiceError:
                raise error from None

    def ping(self) -> None:
        """Ask for a sign of life.

        Raises
        ------
        SourceError
            If there is none.
        """
        self._ask(_query("SELECT TOP 1 table_name", "tap_schema.tables"), maxrec=2)

    def select(self, slice_: Slice, columns: Iterable[str] = ()) -> str:
        """Write the query for some columns, or for all, of the rows of a slice."""
        names = ", ".join(self._name(column) for column in columns)
        return _query(f"SELECT {names or '*'}", self.table, *self._conditions(slice_))

    def record(self, before: int, after: int) -> dict[str, Any]:
        """Say what was asked, for the manifest, and how many rows the table had before and after."""
        return {
            **self.client.traffic,
            "table": self.table,
            **({"where": self.where} if self.where else {}),
            "count_before": before,
            "count_after": after,
        }

    def is_integer(self, column: str) -> bool:
        """Whether a column holds integers."""
        return column in self.integers

    def _conditions(self, slice_: Slice | None) -> list[str]:
        always = [f"({self.where})"] if self.where else []
        return [*always, *self._within(slice_)]

    def _within(self, slice_: Slice | None) -> list[str]:
        if slice_ is None or slice_ == WHOLE:
            return []
        if slice_.null is not None:
            return [f"{self._name(slice_.null)} IS NULL"]
        if slice_.text is not None:
            name, ends = self._name(slice_.text.column), ((">=", slice_.text.start), ("<", slice_.text.stop))
            return [f"{name} {sign} {_literal(end)}" for sign, end in ends if end is not None]
        if slice_.range is None:
            message = f"{slice_.key} cannot be asked of TAP"
            raise ValueError(message)
        within, name = slice_.range, self._name(slice_.range.parameter)
        # Half-open: a value on a cut belongs to one slice alone, and the counts add up.
        low = [] if within.start is None else [f"{name} >= {self._number(within.parameter, within.start)}"]
        high = [] if within.stop is None else [f"{name} < {self._number(within.parameter, within.stop)}"]
        return [*low, *high]

    def _number(self, column: str, value: float) -> str:
        # An integer compared with a real would not use its index.
        return str(int(value)) if self.is_integer(column) else repr(value)

    def _name(self, column: str) -> str:
        if column in self.alike:
            return _delimited(self.alike[column])
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
        asked += [("RESPONSEFORMAT", self.response_format), ("FORMAT", self.response_format)]
        url = f"{self.url}/sync"
        return self.client.retrying(lambda: small_table(self.client, url, asked, self.scratch), attempts)


def _query(select: str, table: str, *conditions: str) -> str:
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"{select} FROM {table}{where}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return name if _REGULAR.fullmatch(name) and name.lower() not in _RESERVED else _delimited(name)


def _delimited(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
