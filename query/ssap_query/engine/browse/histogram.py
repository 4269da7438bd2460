"""How the values of a column are distributed over all rows that a request finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssap_query.engine.browse.match import Match
from ssap_query.engine.browse.statements import bins_of, bounds_of
from ssap_query.engine.duckdb_session import translate_errors

__all__ = ["Histogram", "histogram"]

_BINS, _FINE = 48, 4800
# Beyond the quantiles of this and of the rest there are outliers, which would leave nothing to see of the others.
_TAIL = 0.01
# Without them the picture has to become so many times as narrow, or they stay in it.
_WORTH = 1.5
# Wide ranges are narrowed step by step: each one can make them _FINE times as narrow.
_MAX_STEPS = 6


@dataclass(frozen=True)
class Histogram:
    """Numbers of rows in equal bins; every row that has a finite value is counted once."""

    low: float
    """Lower edge of the first bin."""
    high: float
    """Upper edge of the last bin, which has it."""
    counts: tuple[int, ...]
    """Rows in each bin; none if no row has a value."""
    below: int
    """Rows below the first bin."""
    above: int
    """Rows above the last bin."""
    least: float | None
    """Least value of all; None if there is none."""
    largest: float | None
    """Largest value of all."""
    known: int
    """Rows that have a finite value."""


def histogram(match: Match, column: str) -> Histogram:
    """Count the rows of a match by the value of a column.

    The range is that of all values, unless a few outliers take up more than a third of it.

    Parameters
    ----------
    match : Match
        All rows.
    column : str
        Name of a column of numbers. NULL, NaN and infinities are in no bin.

    Raises
    ------
    CatalogError
        If the snapshot cannot be read.
    """
    snapshot, source = match.query.snapshot, match.source([column])
    bounds = bounds_of(source.query, column)
    with translate_errors(snapshot.catalog.path):
        found = snapshot.session.table(bounds.sql, bounds.values, **source.tables).to_pylist()[0]
    known, least, largest = found["n"], found["low"], found["high"]
    if not known:
        return Histogram(0.0, 0.0, (), 0, 0, None, None, 0)
    if not largest / _FINE - least / _FINE > 0:  # one value, or as good as one
        return Histogram(least, largest, (known,), 0, 0, least, largest, known)
    low, high = least, largest
    for _ in range(_MAX_STEPS):
        counting = bins_of(source.query, column, low, high, _FINE)
        with translate_errors(snapshot.catalog.path):
            read = snapshot.session.arrays(counting.sql, counting.values, **source.tables)
        counts = np.zeros(_FINE + 2, np.int64)  # below, the bins, above
        counts[read["bin"] + 1] = read["n"]
        first, last = _without_tails(counts, known)
        width = high / _FINE - low / _FINE
        narrower = low + first * width, low + (last + 1) * width
        if (last + 1 - first) * _WORTH > _FINE or not narrower[1] / _FINE - narrower[0] / _FINE > 0:
            break
        low, high = narrower
    bins = counts[1:-1].reshape(_BINS, -1).sum(axis=1)
    return Histogram(low, high, tuple(map(int, bins)), int(counts[0]), int(counts[-1]), least, largest, known)


def _without_tails(counts: np.ndarray, known: int) -> tuple[int, int]:
    """First and last fine bin of what is left without the tails; `counts` has what is outside at its two ends."""
    passed = np.cumsum(counts)[1:-1]
    first = int(np.searchsorted(passed, known * _TAIL, side="right"))
    last = int(np.searchsorted(passed, known * (1 - _TAIL), side="left"))
    return min(first, _FINE - 1), min(max(last, first), _FINE - 1)
