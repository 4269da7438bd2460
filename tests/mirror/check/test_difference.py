"""Added, removed and changed rows between two snapshots, against sets of the rows themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from ssap_mirror.build.snapshot import BuildInfo, build_snapshot
from ssap_mirror.check import difference
from ssap_mirror.check.difference import diff
from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import CatalogError

RowMaker = Callable[..., pa.RecordBatch]
INFO = BuildInfo("spectra", "Test spectra")


def edited(batch: pa.RecordBatch, edits: dict[int, dict[str, Any]]) -> pa.RecordBatch:
    rows = batch.to_pylist()
    for number, values in edits.items():
        rows[number] = {**rows[number], **values}
    return pa.RecordBatch.from_pylist(rows, schema=batch.schema)


@pytest.mark.parametrize("tile_rows", [(50, 50), (50, 400), (1000, 20)])
def test_what_is_added_removed_and_changed(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker, tile_rows: tuple[int, int]
) -> None:
    batch = spectra_rows(600)
    ids = batch.column("specid").to_pylist()
    rows = batch.to_pylist()
    somewhere = next(n for n in range(40, 80) if rows[n]["ssa_location"])
    edits: dict[int, dict[str, Any]] = {
        10: {"flag": 999},
        11: {"flag": None if rows[11]["flag"] is not None else 1},
        12: {"mags": [1.0, float("nan"), 2.0]},
        13: {"region": [1.0]},
        14: {"ra": None},  # has no place any more
        somewhere: {"ra": 1.0, "dec": 1.0, "ssa_location": [1.0, 1.0]},  # moves to another cell
        90: {"ssa_score": 5.0},  # the question's, not the row's
        91: {},
    }
    old = build_snapshot([batch.slice(0, 590)], spectra_schema, tmp_path, INFO, tile_rows=tile_rows[0])
    new_rows = edited(batch, edits).slice(5)
    new = build_snapshot([new_rows], spectra_schema, tmp_path, INFO, tile_rows=tile_rows[1], previous=old)
    found = diff(old, new)
    assert found.added.to_pylist() == ids[590:]
    assert found.removed.to_pylist() == ids[:5]
    assert found.changed.to_pylist() == [ids[n] for n in (10, 11, 12, 13, 14, somewhere)]
    assert found.columns_added == found.columns_removed == ()
    assert found
    moved = {"ra": 2, "dec": 1, "ssa_location": 1}
    assert found.changes == {
        name: count
        for name in spectra_schema.names
        if (count := {"flag": 2, "mags": 1, "region": 1, **moved}.get(name))
    }

    back = diff(new, old)
    assert back.added.equals(found.removed)
    assert back.removed.equals(found.added)
    assert back.changed.equals(found.changed)
    assert back.changes == found.changes


def test_nan_and_null_are_each_equal_to_themselves(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    batch = spectra_rows(300)
    assert any(value != value for value in batch.column("ssa_score").to_pylist())
    assert batch.column("mags").flatten().to_numpy().tolist().count(np.nan) or batch.column("mags").null_count
    old = build_snapshot([batch], spectra_schema, tmp_path, INFO, tile_rows=20)
    new = build_snapshot([batch], spectra_schema, tmp_path, INFO, tile_rows=200)
    found = diff(old, new)
    assert not found
    assert len(found.changed) == 0


def test_files_of_both_snapshots_are_not_read(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = spectra_rows(500)
    old = build_snapshot([batch], spectra_schema, tmp_path, INFO, tile_rows=50)
    new = build_snapshot([edited(batch, {3: {"flag": 77}})], spectra_schema, tmp_path, INFO, tile_rows=50)
    stretches = list(difference._stretches(old, new))
    assert [(len(before), len(after)) for before, after in stretches] == [(1, 1)]
    assert diff(old, new).changed.to_pylist() == [batch.column("specid")[3].as_py()]


def test_columns_that_come_and_go(tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker) -> None:
    batch = spectra_rows(100)
    names = [name for name in spectra_schema.names if name != "good"]
    extra = Column("more", "long")
    wide = Schema((*spectra_schema.columns, extra))
    columns = [*batch.columns, pa.array(range(100))]
    old = build_snapshot([batch.select(names)], spectra_schema.select(names), tmp_path, INFO)
    wider = pa.RecordBatch.from_arrays(columns, schema=wide.arrow_schema())
    new = build_snapshot([wider], wide, tmp_path, INFO)
    found = diff(old, new)
    assert found.columns_added == ("good", "more")
    assert found.columns_removed == ()
    assert diff(new, old).columns_removed == ("good", "more")
    assert len(found.added) == len(found.removed) == len(found.changed) == 0
    assert found


def test_snapshots_without_one_identity_cannot_be_compared(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker, live_mirror: Catalog
) -> None:
    names = [name for name in spectra_schema.names if name != "specid"]
    other = build_snapshot([spectra_rows(20).select(names)], spectra_schema.select(names), tmp_path / "o", INFO)
    with pytest.raises(CatalogError, match="do not have one column that identifies a row"):
        diff(live_mirror, other)
