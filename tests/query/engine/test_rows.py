"""Results are held in memory while they are small."""

from __future__ import annotations

import pyarrow as pa
import pytest
from ssap_query.engine.rows import MemoryLimit, read_if_small

BATCH = pa.record_batch({"n": pa.array(range(10), pa.int64())})


@pytest.mark.parametrize("limit", [MemoryLimit(30, 1 << 20), MemoryLimit(1000, 3 * BATCH.nbytes)])
def test_a_small_stream_is_read_to_its_end(limit: MemoryLimit) -> None:
    table, rows = read_if_small(iter([BATCH] * 3), BATCH.schema, limit)
    assert table is not None
    assert (rows, table["n"].to_pylist()) == (30, [*range(10)] * 3)


@pytest.mark.parametrize("limit", [MemoryLimit(29, 1 << 20), MemoryLimit(1000, 3 * BATCH.nbytes - 1)])
def test_the_rest_of_a_large_stream_is_left(limit: MemoryLimit) -> None:
    stream = iter([BATCH] * 7)
    assert read_if_small(stream, BATCH.schema, limit) == (None, 30)
    assert sum(batch.num_rows for batch in stream) == 40


def test_an_empty_stream_has_its_columns() -> None:
    table, rows = read_if_small([], BATCH.schema, MemoryLimit(0, 0))
    assert (table, rows) == (BATCH.schema.empty_table(), 0)
