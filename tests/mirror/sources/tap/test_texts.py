"""Tables of text alone: whole, cut by a column of text where they are too large, or an honest word at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import SourceError
from ssap_mirror.sources.harvest.slices import Slice, TextRange
from ssap_mirror.sources.progress import Silent
from ssap_mirror.sources.source import Harvest, RequestPolicy
from ssap_mirror.sources.tap.source import TapSource

from tests.support import fake_tap
from tests.support.fake_tap import FakeTap

QUICK = RequestPolicy(attempts=3, first_wait_s=0.001, longest_wait_s=0.01, first_poll_s=0.001, job_rows=100)
SCHEMA = Schema(tuple(Column(name, "char", "*") for name in ("name", "place", "remark"))).arrow_schema()


def rows(count: int, names: int | None = None) -> pa.Table:
    """Rows of text; so many different names, or all different, and some of them missing."""
    rng = np.random.default_rng(5)
    spelled = ["Ähre {}", "o'Neill {}", "star {}", "STAR {}", "_{}", "日 {}"]
    numbers = rng.permutation(count) if names is None else rng.integers(0, names, count)
    found = [spelled[number % len(spelled)].format(number) for number in numbers.tolist()]
    missing = rng.random(count) < 0.02
    return pa.table(
        {
            "name": pa.array(found, mask=missing),
            "place": [f"{i / 7:.5f} {i / 11:.5f}" for i in range(count)],
            "remark": ["same"] * count,
        },
        schema=SCHEMA,
    )


@contextmanager
def service(table: pa.Table, most_rows: int | None = None) -> Iterator[FakeTap]:
    with fake_tap.running(FakeTap(table, indexed=(), most_rows=most_rows)) as running:
        yield running


def harvest(found: FakeTap, staging: Path) -> tuple[Harvest, list[dict[str, object]]]:
    source = TapSource(found.url, "spectra.lrs", "Test", QUICK)
    made = source.harvest(staging, Silent())
    return made, [row for batch in made.batches() for row in batch.to_pylist()]


def ordered(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return sorted(rows, key=lambda row: str(row["place"]))


@pytest.mark.parametrize(
    ("table", "most_rows", "jobs"),
    [(rows(150), None, 1), (rows(1000), None, 8), (rows(1000, names=30), None, 8), (rows(1000), 150, 10)],
    ids=["one job", "cut", "names that many rows share", "cut, for answers have at most 150 rows"],
)
def test_every_row_comes_once(table: pa.Table, most_rows: int | None, jobs: int, tmp_path: Path) -> None:
    with service(table, most_rows) as found:
        made, held = harvest(found, tmp_path)
    assert made.verdict.complete
    assert ordered(held) == ordered(table.to_pylist())
    assert jobs <= found.made <= 4 * jobs


def test_what_no_column_cuts_is_told_at_once(tmp_path: Path) -> None:
    table = pa.table({name: ["same"] * 400 for name in SCHEMA.names}, schema=SCHEMA)
    says = r"gave 150 rows, and the server counts 400; it gives no more, and no column cuts these rows"
    with service(table, 150) as found, pytest.raises(SourceError, match=says):
        harvest(found, tmp_path)
    assert found.made == 1


def test_a_slice_of_texts_survives_the_journal() -> None:
    slice_ = Slice(text=TextRange("name", "o'Neill", None))
    assert Slice.from_json(slice_.to_json()) == slice_
    assert slice_.key != Slice(text=TextRange("name", None, "o'Neill")).key
    assert slice_.cut() is None
