"""Results are held in memory while they are small."""

from __future__ import annotations

import pyarrow as pa
import pytest
from ssap_query.engine.rows import MemoryLimit, read_up_to

BATCH = pa.record_batch({"n": pa.array(range(10), pa.int64())})


@pytest.mark.parametrize("limit", [MemoryLimit(30, 1 << 20), MemoryLimit(1000, 3 * BATCH.nbytes)])
def test_a_small_stream_is_read_to_its_end(limit: MemoryLimit) -> None:
    assert read_up_to(iter([BATCH] * 3), limit) == ([BATCH] * 3, True)


@pytest.mark.parametrize("limit", [MemoryLimit(29, 1 << 20), MemoryLimit(1000, 3 * BATCH.nbytes - 1)])
def test_the_rest_of_a_large_stream_is_left(limit: MemoryLimit) -> None:
    stream = iter([BATCH] * 7)
    assert read_up_to(stream, limit) == ([BATCH] * 3, False)
    assert sum(batch.num_rows for batch in stream) == 40


def test_an_empty_stream_is_small() -> None:
    assert read_up_to(iter([]), MemoryLimit(0, 0)) == ([], True)
