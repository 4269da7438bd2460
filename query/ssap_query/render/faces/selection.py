"""Some rows and columns out of a stream of record batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

__all__ = ["selected"]


def selected(batches: Iterable[pa.RecordBatch], columns: Sequence[int], rows: range) -> Iterator[pa.RecordBatch]:
    """Yield some columns of some rows; what comes after the last of them is not read.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        The stream.
    columns : sequence of int
        Numbers of the columns, from 0.
    rows : range
        Numbers of the rows, from 0, ascending.
    """
    first = 0
    left = rows
    for batch in batches if rows else ():
        end = first + batch.num_rows
        here = range(left.start, min(left.stop, end), left.step)
        if here:
            part = batch.select(columns)
            if here.step == 1:
                yield part.slice(here.start - first, len(here))
            else:
                yield part.take(pa.array(range(here.start - first, here.stop - first, here.step), pa.int64()))
            left = left[len(here) :]
        if not left:
            return
        first = end
