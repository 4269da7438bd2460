"""What a request means and what it is going to cost: in words, in SQL, in files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path

from ssap_mirror.core.schema import Schema

from ssap_query.engine.compile import CompiledQuery
from ssap_query.engine.engine import Engine
from ssap_query.engine.plan import Way
from ssap_query.engine.score import SCORE_RULE
from ssap_query.mirror.answerable import answerable
from ssap_query.ssap.interpret import Query

__all__ = ["Explanation", "TouchedFile", "explain"]

_SHOWN_VALUES, _SHOWN_FILES = 40, 20
_SHOWN_CHARACTERS = 100
_WRAPPED = 'style="white-space: pre-wrap; overflow-wrap: anywhere"'


@dataclass(frozen=True)
class TouchedFile:
    """A file that a request reads."""

    path: str
    """Below the snapshot."""
    groups: tuple[int, ...]
    """Row groups that can hold rows of the result, from 0."""
    of: int
    """How many row groups the file has."""
    rows: int
    """Rows in these row groups."""


@dataclass(frozen=True, repr=False)
class Explanation:
    """How a request is read and answered; ``str()`` of it is for people."""

    words: tuple[str, ...]
    """Each constraint in words."""
    compared: tuple[str, ...]
    """What each constraint is compared with: columns, units, and where they come from."""
    notes: tuple[str, ...]
    """What was passed over."""
    dialect: str
    """Whose reading of the parameters."""
    columns: tuple[str, ...]
    """Names of the columns of the result."""
    limit: int | None
    """Most rows; None is no limit."""
    ranked: bool
    """Whether the best-scored rows come first."""
    way: Way
    """How the rows are found."""
    query: CompiledQuery
    """The request as one statement."""
    files: tuple[TouchedFile, ...]
    """What it reads, by the position alone; DuckDB may skip more by other columns' least and largest values."""
    files_in_all: int
    """Files of the snapshot."""

    def __str__(self) -> str:
        return "\n".join([*self._plan(), "", "SQL", *self._sql()])

    def _plan(self) -> list[str]:
        """How the request is read, and what it reads."""
        groups = sum(len(file.groups) for file in self.files)
        rows = sum(file.rows for file in self.files)
        limit = "none" if self.limit is None else f"{self.limit:,} rows"
        return [
            f"Request ({self.dialect})",
            *(f"  {words}" for words in self.words or ("every row",)),
            *(f"  {words}" for words in self.compared),
            *(f"  note: {note}" for note in self.notes),
            f"  limit: {limit}" + (f", best first by {SCORE_RULE}" if self.ranked else ""),
            f"  columns: {len(self.columns)}",
            "",
            f"Way: {self.way.words()}",
            f"Files: {len(self.files):,} of {self.files_in_all:,}; {groups:,} row groups with {rows:,} rows",
            *(
                f"  {file.path}: row groups {_numbers(file.groups)} of {file.of}, {file.rows:,} rows"
                for file in self.files[:_SHOWN_FILES]
            ),
            *([f"  ... and {len(self.files) - _SHOWN_FILES:,} more"] if len(self.files) > _SHOWN_FILES else []),
        ]

    def _sql(self) -> list[str]:
        """Give the statement and its values."""
        lines = [
            f"  {self.query.sql}",
            "Bound values",
            *(f"  {i + 1}: {_short(value)}" for i, value in enumerate(self.query.values[:_SHOWN_VALUES])),
        ]
        if len(self.query.values) > _SHOWN_VALUES:
            lines.append(f"  ... and {len(self.query.values) - _SHOWN_VALUES:,} more")
        return lines

    def __repr__(self) -> str:
        groups = sum(len(file.groups) for file in self.files)
        return f"<Explanation: {'; '.join(self.words) or 'every row'}; {self.way.words()}, {groups:,} row groups>"

    def _repr_html_(self) -> str:
        plan, sql = (f"<pre {_WRAPPED}>{escape(chr(10).join(lines))}</pre>" for lines in (self._plan(), self._sql()))
        return f"{plan}<details><summary>SQL</summary>{sql}</details>"


def explain(engine: Engine, query: Query, columns: Schema) -> Explanation:
    """Explain a request without answering it.

    Parameters
    ----------
    engine : Engine
        The open snapshot.
    query : Query
        The interpreted request.
    columns : Schema
        Columns of the result.

    Raises
    ------
    CatalogError
        If the files cannot be read.
    """
    way = engine.plan(query, columns)
    return Explanation(
        words=query.words,
        compared=_compared(engine.catalog.schema, query),
        notes=query.notes,
        dialect=query.dialect,
        columns=columns.names,
        limit=query.limit,
        ranked=query.ranked,
        way=way,
        query=way.statement(),
        files=_touched(engine, way),
        files_in_all=len(engine.catalog.files),
    )


def _compared(schema: Schema, query: Query) -> tuple[str, ...]:
    found = {one.parameter: one for one in answerable(schema, query.dialect)}
    asked = (found[name] for name in query.parameters if name in found and found[name].columns)
    return tuple(f"{one.parameter} is compared with {one.words}" for one in asked)


def _touched(engine: Engine, way: Way) -> tuple[TouchedFile, ...]:
    files = []
    for path, members in groupby(way.row_groups(), key=lambda group: group.path):
        part = list(members)
        files.append(
            TouchedFile(
                path=str(Path(path).relative_to(engine.catalog.path)),
                groups=tuple(group.number for group in part),
                of=len(engine.row_groups.footer(path).groups),
                rows=sum(group.rows for group in part),
            )
        )
    return tuple(files)


def _numbers(numbers: Sequence[int]) -> str:
    """``0-3, 7``."""
    parts = []
    for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        members = [number for _, number in run]
        parts.append(str(members[0]) if len(members) == 1 else f"{members[0]}-{members[-1]}")
    return ", ".join(parts)


def _short(value: object) -> str:
    if isinstance(value, list):
        first = ", ".join(repr(item) for item in value[:3])
        return f"[{first}{', ...' if len(value) > 3 else ''}] ({len(value):,} items)"
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
