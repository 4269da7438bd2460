"""A page of rows that have been found already, whoever found them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
from ssap_mirror.errors import ParameterError

from ssap_query.arrow.arrays import as_arrow, as_numpy
from ssap_query.engine.browse.page import PageOrder

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["sorted_page"]


def sorted_page(schema: pa.Schema, batches: Callable[[], Iterable[pa.RecordBatch]], order: PageOrder) -> pa.Table:
    """Take a page out of a stream of rows.

    Parameters
    ----------
    schema : pyarrow.Schema
        Columns of the rows.
    batches : callable
        Gives all rows, each time anew.
    order : PageOrder
        Which rows. NaN and NULL come last, whatever the direction.

    Raises
    ------
    ParameterError
        If the column is of a type that has no order.
    """
    import pyarrow as pa

    if order.sort is None:
        chosen = np.arange(order.offset, order.offset + order.rows)
    else:
        chosen = _sorted(schema, batches, order)[order.offset : order.offset + order.rows]
    first, pieces, places = 0, [], []
    for batch in batches():
        here = np.flatnonzero((chosen >= first) & (chosen < first + batch.num_rows))
        if len(here):
            pieces.append(batch.take(as_arrow(chosen[here] - first)))
            places.append(here)
        first += batch.num_rows
        if order.sort is None and first > chosen[-1:].sum():
            break
    table = pa.Table.from_batches(pieces, schema)
    return table.take(as_arrow(np.argsort(np.concatenate(places)))) if places else table


def _sorted(
    schema: pa.Schema, batches: Callable[[], Iterable[pa.RecordBatch]], order: PageOrder
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Numbers of all rows, sorted; equal ones keep their order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    assert order.sort is not None
    name = order.sort.name
    column = pa.chunked_array([batch[name] for batch in batches()], schema.field(name).type)
    try:
        found = pc.sort_indices(
            pa.table({name: column}),
            sort_keys=[(name, "descending" if order.descending else "ascending")],
        )
    except (pa.ArrowNotImplementedError, pa.ArrowTypeError):
        parameter = "_sort"
        raise ParameterError(parameter, name, "is a column of values that have no order") from None
    return as_numpy(found.cast(pa.int64()))
