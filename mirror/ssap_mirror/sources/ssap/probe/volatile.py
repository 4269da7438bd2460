"""Columns that a service fills anew for each request, found by asking for the same rows twice."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa

from ssap_mirror.errors import FormatError, ServiceError
from ssap_mirror.sources.harvest.client import ServerFailure
from ssap_mirror.sources.harvest.samples import Sample
from ssap_mirror.sources.ssap.endpoint import Endpoint

__all__ = ["volatile_columns"]

_FULL = (("VERB", "3"), ("MAXREC", "200"))
_SIZE_DEG, _ASIDE_DEG = 0.02, 0.0005
# A column of the request has another value in nearly every row; a column of the row, in hardly any.
_SHARED = 0.1


def volatile_columns(endpoint: Endpoint, known: tuple[float, float] | None) -> frozenset[str]:
    """Names of columns whose values differ in nearly every row between two answers that hold the same rows.

    Parameters
    ----------
    endpoint : Endpoint
        The service.
    known : tuple of float, float, or None
        Position of a row, of a service that obeys POS: its neighbours are asked for, the second time from a little
        aside, so that a distance from POS differs as well. Without it a few rows are asked for.
    """
    first, second = (_answer(endpoint, known, aside) for aside in (0.0, _ASIDE_DEG))
    if first is None or second is None or not first.num_rows or first.column_names != second.column_names:
        return frozenset()
    shared = {name: _share(first.column(name), second.column(name)) for name in first.column_names}
    volatile = frozenset(name for name, share in shared.items() if share is not None and share < _SHARED)
    # Where most columns differ, the answers do not hold the same rows.
    steady = [name for name, share in shared.items() if share is not None and share > 1 - _SHARED]
    return volatile if len(steady) > len(volatile) else frozenset()


def _answer(endpoint: Endpoint, known: tuple[float, float] | None, aside: float) -> pa.Table | None:
    cone = []
    if known is not None:
        ra, dec = known
        cone = [("POS", f"{ra!r},{dec - aside if dec > 0 else dec + aside!r}"), ("SIZE", repr(_SIZE_DEG))]
    try:
        found: Sample = endpoint.sample([*cone, *_FULL], attempts=2)
    except (ServiceError, FormatError, ServerFailure):
        return None
    return found.rows


def _share(first: pa.ChunkedArray, second: pa.ChunkedArray) -> float | None:
    """Share of the values of one column that are in both answers; None if there is hardly a value."""
    one, other = (Counter(repr(value) for value in column.to_pylist()) for column in (first, second))
    one.pop("None", None)
    other.pop("None", None)
    least = min(one.total(), other.total())
    return (one & other).total() / least if least else None
