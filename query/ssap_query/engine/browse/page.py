"""A page of the rows that a request finds, sorted by any column over all of them.

First the page's rows are found by the column to sort by alone; then all columns are read of these few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssap_mirror.core.schema import Column

from ssap_query.arrow.arrays import as_arrow
from ssap_query.engine.browse.match import Match
from ssap_query.engine.browse.statements import places_of
from ssap_query.engine.compile import count_of
from ssap_query.engine.duckdb_session import translate_errors
from ssap_query.engine.rows import RowGroupRows

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["PageOrder", "count_rows", "page_rows"]

_FLOATS = ("float", "double")


@dataclass(frozen=True)
class PageOrder:
    """Which rows a page has."""

    offset: int
    """Rows before it."""
    rows: int
    """Most rows on it."""
    sort: Column | None = None
    """Column to sort by; the order of the result without it."""
    descending: bool = False
    """Largest first. Rows without a value are last in any case."""


def count_rows(match: Match) -> int:
    """Count the rows of a match.

    Raises
    ------
    CatalogError
        If the snapshot cannot be read.
    """
    query, snapshot = match.query, match.query.snapshot
    if query.region is None and not query.where and query.cover.paths:
        return snapshot.catalog.rows if query.limit is None else min(snapshot.catalog.rows, query.limit)
    source = match.source([])
    counting = count_of(source.query)
    with translate_errors(snapshot.catalog.path):
        return int(snapshot.session.arrays(counting.sql, counting.values, **source.tables)["n"][0])


def page_rows(match: Match, order: PageOrder) -> pa.Table:
    """Read a page.

    Parameters
    ----------
    match : Match
        All rows, and the columns that are shown.
    order : PageOrder
        Which of them.

    Raises
    ------
    CatalogError
        If the snapshot cannot be read.
    """
    import pyarrow as pa

    from ssap_query.arrow import kernels

    query, snapshot, score = match.query, match.query.snapshot, match.query.score_column
    sort = order.sort
    source = match.source([] if sort is None else [sort.name])
    statement = places_of(
        source.query,
        order.offset,
        order.rows,
        None if sort is None else sort.name,
        is_float=sort is not None and sort.datatype in _FLOATS and not sort.shape,
        descending=order.descending,
        ranked_by=source.ranked_by,
        extra=() if score is None else (score,),
    )
    with translate_errors(snapshot.catalog.path):
        found = match.at(snapshot.session.table(statement.sql, statement.values, **source.tables))
        selections, places = found.selections(score)
        rows = RowGroupRows(query.columns, snapshot.row_groups, selections, keep=True, catalog=snapshot.catalog)
        return kernels.take(pa.Table.from_batches(rows.batches(), query.columns.arrow), as_arrow(places))
