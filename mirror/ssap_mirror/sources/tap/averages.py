"""Averages of all columns of numbers, as the server works them out and as the rows at hand have them.

A count of rows stays the same when values change; the average of a column hardly ever does. One query tells.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import ServiceError
from ssap_mirror.sources.harvest.ledger import Answer
from ssap_mirror.sources.progress import Progress
from ssap_mirror.sources.source import Finding
from ssap_mirror.sources.tap.adql import Adql

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Average", "Comparison", "altered_columns", "ask_averages", "averages_of", "compare_averages"]

#: Column -> number of values, mean, least and largest, as the server tells them.
Told = Mapping[str, Sequence[float]]

_NUMBERS = ("short", "int", "long", "float", "double")
# A query has an end; what is left out was no better than what is in.
_MOST_COLUMNS = 40
# Servers add up in double precision, in any order, but what is single may be rounded on the way.
_TOLERANCE, _SINGLE_TOLERANCE = 1e-10, 1e-5


@dataclass(frozen=True)
class Average:
    """What is known of the values of a column."""

    count: float
    """Rows that have one."""
    mean: float
    """Their mean; NaN where there is none, or where not all are finite."""
    low: float
    """The least."""
    high: float
    """The largest."""

    def differs(self, other: Average, *, single: bool) -> bool:
        """Whether it is of other values than another one; False where one of them cannot tell."""
        if (self.count and not math.isfinite(self.mean)) or (other.count and not math.isfinite(other.mean)):
            return False
        if self.count != other.count:
            return True
        scale = max(abs(self.low), abs(self.high), abs(other.low), abs(other.high)) if self.count else 0.0
        allowed = (_SINGLE_TOLERANCE if single else _TOLERANCE) * scale
        pairs = ((self.mean, other.mean), (self.low, other.low), (self.high, other.high)) if self.count else ()
        return any(abs(one - two) > allowed for one, two in pairs)


def ask_averages(adql: Adql, schema: Schema, progress: Progress) -> Told | None:
    """Ask the server for the averages of a table's columns; None if it does not want to work them out.

    Parameters
    ----------
    adql : Adql
        Asks.
    schema : Schema
        Columns of the table.
    progress : Progress
        Told if it does not.
    """
    columns = _columns(schema)
    if not columns:
        return None
    try:
        return adql.averages([column.name for column in columns])
    except ServiceError as error:
        progress.note(f"{adql.table} tells no averages, so that rows are held against COUNT(*) alone: {error}")
        return None


def altered_columns(answers: Iterable[Answer], schema: Schema) -> set[str]:
    """Names of the columns whose values are not all as the server has them: some were read as missing.

    Parameters
    ----------
    answers : iterable of Answer
        Of full rows.
    schema : Schema
        Columns of the table.
    """
    return {name for answer in answers for name in answer.bad_cells} | set(schema.missing)


def averages_of(batches: Iterable[pa.RecordBatch], schema: Schema, but: Iterable[str] = ()) -> dict[str, Average]:
    """Work out the averages of rows at hand.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        Each row once.
    schema : Schema
        Columns of the table.
    but : iterable of str
        Columns to leave out.
    """
    names = [column.name for column in _columns(schema) if column.name not in set(but)]
    counts, sums = dict.fromkeys(names, 0), dict.fromkeys(names, 0.0)
    lows, highs = dict.fromkeys(names, math.inf), dict.fromkeys(names, -math.inf)
    for batch in batches:
        for name in names:
            values = batch.column(name).drop_null().to_numpy(zero_copy_only=False).astype(np.float64)
            values = values[~np.isnan(values)]
            if len(values):
                counts[name] += len(values)
                sums[name] += float(values.sum())
                lows[name], highs[name] = min(lows[name], values.min()), max(highs[name], values.max())
    return {
        name: Average(counts[name], sums[name] / counts[name] if counts[name] else math.nan, lows[name], highs[name])
        for name in names
    }


@dataclass(frozen=True)
class Comparison:
    """How the averages of the rows at hand and those that the server told, at first and at last, agree."""

    compared: int = 0
    """Columns that were compared."""
    moved: tuple[str, ...] = ()
    """Columns of which the server told other averages at last than at first."""
    strange: tuple[str, ...] = ()
    """Columns of which the rows at hand have other averages than the server told at last."""

    @property
    def agree(self) -> bool:
        """Whether there is something to compare, and all of it is the same."""
        return bool(self.compared) and not self.moved and not self.strange

    def findings(self) -> list[Finding]:
        """Say it."""
        if self.moved:
            words = f"not settled: the averages of {', '.join(self.moved)} are not what they were at the beginning"
            return [Finding(f"{words}, so the table has changed meanwhile", doubt=True)]
        if self.strange:
            words = f"the server's averages of {', '.join(self.strange)} are not those of the rows at hand"
            return [Finding(f"not proven: {words}", unproven=True)]
        if self.compared:
            return [Finding(f"the server's averages of {self.compared:,} columns are those of the rows at hand")]
        return []


def compare_averages(
    here: Mapping[str, Average], at_first: Told | None, at_last: Told | None, schema: Schema
) -> Comparison:
    """Hold the averages of the rows at hand against those that the server told.

    Parameters
    ----------
    here : mapping of str to Average
        Of the rows at hand; columns with cells that could not be read are not among them.
    at_first, at_last : mapping, optional
        What the server told before the harvest, and after it.
    schema : Schema
        Columns of the table.
    """
    if at_last is None:
        return Comparison()
    now = {name: Average(*told) for name, told in at_last.items()}
    before = {name: Average(*told) for name, told in (at_first or {}).items()}
    compared = len(here.keys() & now.keys())
    return Comparison(compared, _differing(before, now, schema), _differing(here, now, schema))


def _differing(one: Mapping[str, Average], other: Mapping[str, Average], schema: Schema) -> tuple[str, ...]:
    return tuple(
        name
        for name, average in one.items()
        if name in other and average.differs(other[name], single=schema[name].datatype == "float")
    )


def _columns(schema: Schema) -> list[Column]:
    return [column for column in schema if not column.shape and column.datatype in _NUMBERS][:_MOST_COLUMNS]
