"""Statements about all rows of another one: a page of them, how many, in which bins, in which cells."""

from __future__ import annotations

from ssap_mirror.core.healpix import ORDER
from ssap_mirror.core.schema import HEALPIX_COLUMN

from ssap_query.engine.compile import FILE_INDEX, FILE_ROW, CompiledQuery, select
from ssap_query.ssap.predicate import quoted

__all__ = ["bins_of", "bounds_of", "cells_of", "first_of", "places_of"]


def first_of(query: CompiledQuery, rows: int) -> CompiledQuery:
    """Keep the first rows of a query."""
    return CompiledQuery(f"{select(['*'], f'({query.sql})')} LIMIT ?", (*query.values, rows))


def places_of(
    query: CompiledQuery,
    offset: int,
    rows: int,
    sort: str | None = None,
    *,
    is_float: bool = False,
    descending: bool = False,
    ranked_by: str | None = None,
    extra: tuple[str, ...] = (),
) -> CompiledQuery:
    """Say where the rows of a page are.

    Parameters
    ----------
    query : CompiledQuery
        Selects `FILE_INDEX`, `FILE_ROW` and the columns named here.
    offset, rows : int
        Rows before the page, and most rows on it.
    sort : str, optional
        Column to sort by; equal rows, and all without it, keep the order of the query.
    is_float : bool
        Whether that column can hold NaN, which is taken for a missing value.
    descending : bool
        Largest first. Missing values are last in any case.
    ranked_by : str, optional
        Column by which the query has its rows, the largest first; else they are in the order of the files.
    extra : tuple of str
        Further columns to select.
    """
    text = select([FILE_INDEX, FILE_ROW, *map(quoted, extra)], f"({query.sql})")
    if sort is not None:
        key = f"nullif({quoted(sort)}, 'nan')" if is_float else quoted(sort)
        ties = [FILE_INDEX, FILE_ROW] if ranked_by is None else [f"{quoted(ranked_by)} DESC", FILE_INDEX, FILE_ROW]
        text += f" ORDER BY {key} {'DESC' if descending else 'ASC'} NULLS LAST, {', '.join(ties)}"
    return CompiledQuery(f"{text} LIMIT ? OFFSET ?", (*query.values, rows, offset))


def bounds_of(query: CompiledQuery, column: str) -> CompiledQuery:
    """Count the finite values of a column (``n``), and find the least and the largest (``low``, ``high``)."""
    finite = "FILTER (WHERE isfinite(x))"
    selected = [f"count(x) {finite} AS n", f"min(x) {finite} AS low", f"max(x) {finite} AS high"]
    return CompiledQuery(select(selected, _numbers(query, column)), query.values)


def bins_of(query: CompiledQuery, column: str, low: float, high: float, bins: int) -> CompiledQuery:
    """Count the finite values of a column in equal bins.

    ``bin`` is from 0; -1 has what is below the first one, and `bins` what is above the last one, which has its upper
    edge. ``n`` is how many.
    """
    width = high / bins - low / bins
    # Both quotients are near the number of bins, whatever the values are: their difference cannot overflow.
    place = "CASE WHEN x < ? THEN -1 WHEN x > ? THEN ? ELSE least(greatest(floor(x / ? - ?), 0), ?) END::INTEGER"
    text = select([f"{place} AS bin", "count(*) AS n"], _numbers(query, column))
    values = (low, high, bins, width, low / width, bins - 1, *query.values)
    return CompiledQuery(f"{text} WHERE isfinite(x) GROUP BY bin ORDER BY bin", values)


def cells_of(query: CompiledQuery, order: int) -> CompiledQuery:
    """Count the rows in each HEALPix cell (``cell``, NULL for rows without a position; ``n``)."""
    text = select([f"({HEALPIX_COLUMN} >> ?::INTEGER) AS cell", "count(*) AS n"], f"({query.sql})")
    return CompiledQuery(f"{text} GROUP BY cell ORDER BY cell", (2 * (ORDER - order), *query.values))


def _numbers(query: CompiledQuery, column: str) -> str:
    return f"({select([f'{quoted(column)}::DOUBLE AS x'], f'({query.sql})')})"
