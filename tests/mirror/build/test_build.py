"""Rows in, snapshot out: every row once, in its place, and the same bytes whatever the order they came in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ssap_mirror.build.snapshot import BuildInfo, build_snapshot
from ssap_mirror.check.snapshot import validate, verify
from ssap_mirror.core import healpix, layout
from ssap_mirror.core.catalog import Catalog, open_catalog
from ssap_mirror.core.schema import HEALPIX_COLUMN, Column, Schema
from ssap_mirror.core.snapshots import make_live
from ssap_mirror.errors import CatalogError, FormatError, MirrorError, SourceError

INFO = BuildInfo("spectra", "Test spectra")
RowMaker = Callable[..., pa.RecordBatch]


def read_back(catalog: Catalog) -> pa.Table:
    """All rows, sorted by identity, without the spatial index."""
    table = pa.concat_tables([pq.read_table(path, partitioning=None) for path in catalog.files])
    return table.select(list(catalog.schema.names)).sort_by("specid")


def plain(table: pa.Table | pa.RecordBatch) -> list[str]:
    """Rows as text, in which NaN equals NaN and differs from NULL."""
    return [repr(row) for row in table.to_pylist()]


def in_pieces(batch: pa.RecordBatch, rows: int, seed: int | None = None) -> Iterator[pa.RecordBatch]:
    if seed is not None:
        batch = batch.take(pa.array(np.random.default_rng(seed).permutation(batch.num_rows)))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def changed(batch: pa.RecordBatch, row: int, **values: Any) -> pa.RecordBatch:
    """One row of a batch with other values."""
    [old] = batch.slice(row, 1).to_pylist()
    return pa.RecordBatch.from_pylist([{**old, **values}], schema=batch.schema)


def digests(catalog: Catalog) -> dict[str, str]:
    return {item["path"]: item["sha256"] for item in catalog.row_files}


# Spills after a few hundred rows, so that each tile is gathered from many runs.
SMALL_RUNS = 40_000


def test_every_row_comes_back_as_it_was(tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker) -> None:
    batch = spectra_rows(3000)
    catalog = build_snapshot(
        in_pieces(batch, 271, seed=3), spectra_schema, tmp_path, INFO, tile_rows=300, run_bytes=SMALL_RUNS
    )
    assert len(catalog.partitions) > 10
    assert catalog.rows == 3000
    assert plain(read_back(catalog)) == plain(batch)
    assert validate(catalog) == []
    assert verify(catalog) == []


def test_equal_rows_are_equal_bytes(tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker) -> None:
    batch = spectra_rows(2000)
    first = build_snapshot([batch], spectra_schema, tmp_path / "a", INFO, tile_rows=200)
    for seed, rows in ((1, 17), (2, 333)):
        mirror = tmp_path / f"{seed}"
        other = build_snapshot(
            in_pieces(batch, rows, seed), spectra_schema, mirror, INFO, tile_rows=200, run_bytes=SMALL_RUNS
        )
        assert digests(other) == digests(first)
        for key in ("constants", "ranges", "coverage", "max_offset_arcsec", "build"):
            assert other.manifest[key] == first.manifest[key]


def test_rows_are_sorted_within_their_cell_and_identities_within_a_position(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    catalog = build_snapshot(in_pieces(spectra_rows(1000), 100, 1), spectra_schema, tmp_path, INFO, tile_rows=100)
    for part in catalog.partitions:
        table = pq.read_table(part.path, partitioning=None)
        keys = list(zip(table[HEALPIX_COLUMN].to_pylist(), table["specid"].to_pylist(), strict=True))
        assert keys == sorted(keys)
        low, high = part.healpix_29
        assert low <= keys[0][0] <= keys[-1][0] <= high
        assert part.rows == len(table)
        ra, dec = table["ra"].to_numpy(), table["dec"].to_numpy()
        np.testing.assert_array_equal(table[HEALPIX_COLUMN].to_numpy(), healpix.healpix_29(ra, dec))


def test_what_the_manifest_says_of_the_rows(tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker) -> None:
    batch = spectra_rows(800)
    info = BuildInfo("spectra", "T", synthetic=True, source={"kind": "file", "url": "x"}, harvest={"sweeps": 2})
    catalog = build_snapshot(in_pieces(batch, 99), spectra_schema, tmp_path, info, tile_rows=100)
    manifest = catalog.manifest
    assert manifest["constants"] == {"ssa_specstart": 4.95e-7, "survey": "LAMOST", "empty": None}
    assert catalog.synthetic
    assert manifest["source"] == {"kind": "file", "url": "x"}
    assert manifest["harvest"] == {"sweeps": 2}
    assert manifest["build"] == {"rows_read": 800, "duplicates_removed": 0, "rows_replaced": 0}
    obsid = batch.column("obsid").to_pylist()
    assert manifest["ranges"]["obsid"] == [min(obsid), max(obsid)], "beyond 2^53 an integer is still exact"
    dates = np.array(batch.column("ssa_dateObs").to_numpy(zero_copy_only=False))
    half = np.nan_to_num(batch.column("ssa_timeExt").to_numpy(zero_copy_only=False)) / 2 / 86400
    assert manifest["coverage"]["t"] == pytest.approx([np.nanmin(dates - half), np.nanmax(dates + half)], abs=1e-9)
    assert manifest["coverage"]["em"] == [4.95e-7, max(v for v in batch.column("ssa_specend").to_pylist() if v)]
    assert "empty" not in manifest["ranges"]
    assert catalog.max_offset_arcsec == pytest.approx(3.0, rel=1e-9)


def test_infinite_values_and_constants_that_json_cannot_write(tmp_path: Path) -> None:
    schema = Schema((Column("snr", "float"), Column("nan", "double"), Column("inf", "double"), Column("n", "long")))
    values = [[np.inf, 1.0, -2.0, np.nan, None], [np.nan] * 5, [np.inf] * 5, list(range(5))]
    arrays = [pa.array(v, f.type) for v, f in zip(values, schema.arrow_schema(), strict=True)]
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema.arrow_schema())
    manifest = build_snapshot([batch], schema, tmp_path, INFO).manifest
    assert manifest["nan_columns"] == ["snr", "nan"]
    assert manifest["ranges"] == {"snr": [-2.0, 1.0], "n": [0, 4]}
    assert manifest["constants"] == {"s_ra": None, "s_dec": None, "s_location": None}


def test_columns_of_text_that_is_not_ascii(tmp_path: Path) -> None:
    schema = Schema((Column("n", "long"), Column("plain", "char", "*"), Column("name", "char", "*")))
    rows = {"n": [1, 2, 3], "plain": ["a", None, "~"], "name": ["a", None, "Å"]}
    catalog = build_snapshot(pa.table(rows, schema.arrow_schema()).to_batches(), schema, tmp_path, INFO)
    assert catalog.unicode_columns == ("name",)


def test_rows_without_a_place_are_kept_apart_and_not_lost(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    batch = spectra_rows(400)
    far = changed(batch, 5, specid="far", ssa_location=[1.0, 1.0], ra=1.0, dec=2.0)
    nowhere = changed(batch, 6, specid="nowhere", ra=None)
    catalog = build_snapshot([batch, far, nowhere], spectra_schema, tmp_path, INFO, tile_rows=60)
    assert catalog.unplaced is not None
    table = pq.read_table(catalog.unplaced.path)
    assert sorted(table["specid"].to_pylist()) == ["far", "nowhere"]
    assert table[HEALPIX_COLUMN].null_count == 2
    assert catalog.rows == 402
    assert len(read_back(catalog)) == 402
    assert catalog.max_offset_arcsec < 4
    assert verify(catalog) == []


def test_a_service_without_positions_is_mirrored_too(tmp_path: Path) -> None:
    schema = Schema((Column("id", "char", "*", ucd="meta.id;meta.main"), Column("x", "float")))
    count = 5000
    ids = [f"{number:06}" for number in range(count)]
    batch = pa.RecordBatch.from_arrays(
        [pa.array(ids), pa.array(np.arange(count), pa.float32())], schema=schema.arrow_schema()
    )
    catalogs = [
        build_snapshot(
            in_pieces(batch, 700, seed), schema, tmp_path / str(seed), INFO, tile_rows=300, run_bytes=SMALL_RUNS
        )
        for seed in (1, 2)
    ]
    assert catalogs[0].partitions == ()
    assert catalogs[0].unplaced is not None
    table = pq.read_table(catalogs[0].unplaced.path)
    assert sorted(table["id"].to_pylist()) == ids
    assert digests(catalogs[0]) == digests(catalogs[1])
    assert catalogs[0].schema.roles["ra"] == "s_ra"
    assert verify(catalogs[0]) == []


def test_many_rows_at_one_position_go_through_in_pieces(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    batch = spectra_rows(2000)
    here = {"ra": [0.0] * 2000, "dec": [0.0] * 2000, "ssa_location": [[0.0, 0.0]] * 2000}
    for name, values in here.items():
        index = batch.schema.get_field_index(name)
        field = batch.schema.field(index)
        batch = batch.set_column(index, field, pa.array(values, field.type))
    catalogs = [
        build_snapshot(
            in_pieces(batch, 97, seed), spectra_schema, tmp_path / str(seed), INFO, tile_rows=100, run_bytes=SMALL_RUNS
        )
        for seed in (1, 2)
    ]
    [part] = catalogs[0].partitions
    assert part.norder == 29
    assert part.rows == 2000
    assert plain(read_back(catalogs[0])) == plain(batch)
    assert digests(catalogs[0]) == digests(catalogs[1])
    assert verify(catalogs[0]) == []


def test_rows_that_come_twice_are_kept_once_and_counted(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    batch = spectra_rows(1000)
    scored = changed(batch, 3, ssa_score=99.0)  # the score is the question's, not the row's
    twice = [batch, batch.slice(100, 300), batch.slice(150, 10), scored]
    catalog = build_snapshot(twice, spectra_schema, tmp_path, INFO, tile_rows=100, run_bytes=SMALL_RUNS)
    assert catalog.rows == 1000
    assert catalog.manifest["build"] == {"rows_read": 1311, "duplicates_removed": 311, "rows_replaced": 0}
    ids = read_back(catalog)["specid"].to_pylist()
    assert ids == batch.column("specid").to_pylist()
    assert verify(catalog) == []


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"flag": 7}, "flag is .* in one and 7 in the other$"),
        ({"ssa_dateObs": None}, "ssa_dateObs"),
        ({"mags": [1.0, None, 3.0]}, "mags"),
        ({"region": []}, "region"),
        ({"ra": 12.0, "dec": -13.0, "ssa_location": None}, r"ra is .* in one and 12.0 in the other \(and 2 more"),
        ({"ra": None}, "ra is .* in one and None in the other$"),
    ],
)
def test_two_different_rows_of_one_identity(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker, values: dict[str, Any], told: str
) -> None:
    batch = spectra_rows(1000)
    row = next(
        number
        for number, has in enumerate(batch.slice(300).to_pylist(), 300)
        if has["ssa_dateObs"] and has["region"] and has["ssa_location"] and has["flag"] != 7
    )
    other = changed(batch, row, **values)
    name = batch.column("specid")[row].as_py()
    with pytest.raises(CatalogError, match=f"two different rows for specid '{name}': {told}"):
        build_snapshot([batch, other], spectra_schema, tmp_path, INFO, tile_rows=100, run_bytes=SMALL_RUNS)
    assert not list(layout.snapshots_dir(tmp_path).glob("*"))
    assert layout.build_dirs(tmp_path) == []

    catalog = build_snapshot(
        [batch, batch.slice(row, 1), other],
        spectra_schema,
        tmp_path,
        INFO,
        tile_rows=100,
        on_conflict="last",
        run_bytes=SMALL_RUNS,
    )
    assert catalog.rows == 1000
    counts = catalog.manifest["build"]
    assert counts["rows_read"] == 1002 == 1000 + counts["duplicates_removed"] + counts["rows_replaced"]
    assert counts["rows_replaced"] >= 1
    kept = read_back(catalog).slice(row, 1)
    assert plain(kept) == plain(other)
    assert verify(catalog) == []


def test_rows_without_an_identity_are_told_apart_by_their_values(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    batch = spectra_rows(50)
    alike = [changed(batch, 1, specid=None), changed(batch, 1, specid=None), changed(batch, 1, specid=None, flag=9)]
    catalog = build_snapshot([batch, *alike], spectra_schema, tmp_path, INFO)
    assert catalog.rows == 52
    assert catalog.manifest["build"]["duplicates_removed"] == 1
    assert verify(catalog) == []


def test_a_service_without_identities(tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker) -> None:
    names = [name for name in spectra_schema.names if name != "specid"]
    schema = spectra_schema.select(names)
    batch = spectra_rows(300).select(names)
    catalog = build_snapshot([batch, batch.slice(10, 20)], schema, tmp_path, INFO, tile_rows=50)
    assert catalog.rows == 300
    assert catalog.manifest["build"]["duplicates_removed"] == 20
    assert verify(catalog) == []


def test_integers_identify_rows_too(tmp_path: Path) -> None:
    schema = Schema((Column("n", "long", ucd="meta.id;meta.main"), Column("x", "float")))
    arrow = schema.arrow_schema()
    batch = pa.RecordBatch.from_arrays([pa.array([3, 1, 2, 1]), pa.array([3, 1, 2, 1], pa.float32())], schema=arrow)
    catalog = build_snapshot([batch], schema, tmp_path, INFO)
    assert catalog.unplaced is not None
    assert sorted(pq.read_table(catalog.unplaced.path)["n"].to_pylist()) == [1, 2, 3]


def test_unchanged_partitions_are_the_same_file_on_disk(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    batch = spectra_rows(1000)
    old = build_snapshot([batch], spectra_schema, tmp_path, INFO, tile_rows=100)
    make_live(tmp_path, old)
    other = changed(batch, 8, flag=99)
    rows = pa.Table.from_batches([batch.slice(0, 8), other, batch.slice(9)]).to_batches()
    new = build_snapshot(rows, spectra_schema, tmp_path, INFO, tile_rows=100, previous=old)
    shared = [path for path in digests(new) if (old.path / path).samefile(new.path / path)]
    assert len(shared) == len(old.row_files) - 1
    assert old.path != new.path
    assert verify(old) == verify(new) == []
    assert open_catalog(tmp_path).path == old.path, "a snapshot is not live before it is made so"


def test_damage_in_the_previous_snapshot_is_not_inherited(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    old = build_snapshot([spectra_rows(100)], spectra_schema, tmp_path, INFO)
    damaged = old.partitions[0].path
    content = bytearray(damaged.read_bytes())
    content[100] ^= 1
    damaged.write_bytes(content)
    new = build_snapshot([spectra_rows(100)], spectra_schema, tmp_path, INFO, previous=old)
    assert verify(new) == []
    assert not (new.path / damaged.relative_to(old.path)).samefile(damaged)
    assert new.partitions[1].path.samefile(old.partitions[1].path)


def test_progress_counts_every_row(tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker) -> None:
    calls: list[tuple[str, int, int | None]] = []
    batch = spectra_rows(500)
    pieces = [*in_pieces(batch, 100), batch.slice(0, 50)]
    build_snapshot(pieces, spectra_schema, tmp_path, INFO, tile_rows=50, progress=lambda *call: calls.append(call))
    assert [call for call in calls if call[0] == "read"][-1] == ("read", 550, None)
    written = [done for stage, done, _ in calls if stage == "write"]
    assert written == sorted(written)
    assert calls[-1] == ("write", 550, 550)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (lambda batch: batch.drop_columns(["empty"]), "has nothing where the schema has the column 'empty'"),
        (lambda batch: batch.append_column("more", batch.column("flag")), "has the column 'more', which the schema"),
        (lambda batch: batch.rename_columns(["other", *batch.schema.names[1:]]), "column 'other' where .* 'specid'"),
        (lambda batch: batch.set_column(11, "flag", batch.column("obsid")), "'flag' .* is int64, and int16"),
    ],
)
def test_batches_of_other_columns_are_refused(
    tmp_path: Path,
    spectra_schema: Schema,
    spectra_rows: RowMaker,
    rows: Callable[[pa.RecordBatch], pa.RecordBatch],
    told: str,
) -> None:
    with pytest.raises(FormatError, match=told):
        build_snapshot([rows(spectra_rows(10))], spectra_schema, tmp_path, INFO)


@pytest.mark.parametrize("name", [HEALPIX_COLUMN, "ra"])
def test_a_name_that_is_taken_is_refused(tmp_path: Path, spectra_schema: Schema, name: str) -> None:
    schema = Schema((*spectra_schema.columns, Column(name, "double")))
    with pytest.raises(FormatError, match=f"{name!r}: the name is taken"):
        build_snapshot([], schema, tmp_path, INFO)


def test_no_rows_are_no_mirror(tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker) -> None:
    with pytest.raises(CatalogError, match="gave no rows"):
        build_snapshot([spectra_rows(10).slice(0, 0)], spectra_schema, tmp_path, INFO)
    assert layout.build_dirs(tmp_path) == []


def test_a_source_that_fails_is_not_the_mirror_s_fault(
    live_mirror: Catalog, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    def failing() -> Iterator[pa.RecordBatch]:
        yield spectra_rows(10)
        raise OSError(5, "Input/output error")

    mirror = live_mirror.path.parents[1]
    with pytest.raises(SourceError, match="the rows cannot be read: Input/output error"):
        build_snapshot(failing(), spectra_schema, mirror, INFO)
    assert open_catalog(mirror).path == live_mirror.path
    assert layout.build_dirs(mirror) == []


def test_a_place_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MirrorError, match="cannot be written: Not a directory"):
        build_snapshot([spectra_rows(10)], spectra_schema, tmp_path / "file" / "mirror", INFO)


def test_what_a_build_left_behind_is_cleared_away(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    left = layout.build_dir(tmp_path, 12345) / "runs"
    left.mkdir(parents=True)
    (left / "run-00000.arrow").write_bytes(b"half")
    harvest = layout.staging_dir(tmp_path) / "journal"
    harvest.write_text("kept")
    build_snapshot([spectra_rows(10)], spectra_schema, tmp_path, INFO)
    assert [path.name for path in layout.staging_dir(tmp_path).iterdir()] == ["journal"]


def test_two_snapshots_of_one_second_have_two_names(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "new_snapshot_name", lambda: "20261122T101500Z")
    names = [build_snapshot([spectra_rows(10)], spectra_schema, tmp_path, INFO).path.name for _ in range(3)]
    assert names == ["20261122T101500Z", "20261122T101500Z-02", "20261122T101500Z-03"] == sorted(names)


MEASURE = """
import resource, sys
from pathlib import Path
import numpy as np, pyarrow as pa
from ssap_mirror.build import snapshot as build
from ssap_mirror.core.schema import Column, Schema

columns = [Column("id", "long", ucd="meta.id;meta.main"), Column("ra", "double", ucd="pos.eq.ra;meta.main")]
columns += [Column("dec", "double", ucd="pos.eq.dec;meta.main"), Column("text", "char", "*")]
columns += [Column(f"x{number}", "double") for number in range(12)]
schema = Schema(tuple(columns))
rng = np.random.default_rng(1)

def batches(rows):
    for first in range(0, rows, 5000):
        values = [rng.permutation(5000) + first, rng.uniform(0, 360, 5000), rng.uniform(-90, 90, 5000)]
        values += [["some words that take space"] * 5000, *rng.random((12, 5000))]
        yield pa.RecordBatch.from_arrays([pa.array(v) for v in values], schema=schema.arrow_schema())

def build_once(rows):
    mirror = Path(sys.argv[1]) / str(rows)
    build.build_snapshot(batches(rows), schema, mirror, build.BuildInfo("m", "T"), tile_rows=10_000, run_bytes=2**22)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

print(build_once(50_000), build_once(400_000))
"""


def test_memory_does_not_grow_with_the_table(tmp_path: Path) -> None:
    """Eight times the rows, 56 MB more of them, in much less than that more memory."""
    run = subprocess.run([sys.executable, "-c", MEASURE, str(tmp_path)], capture_output=True, text=True, check=True)
    small, large = map(int, run.stdout.split())
    assert large - small < 28, f"peak {small} MB, then {large} MB"


@pytest.mark.parametrize("harvest", [{"rate": float("nan")}, {"path": Path("x")}])
def test_what_a_manifest_cannot_say_is_told_before_any_row_is_read(
    tmp_path: Path, spectra_schema: Schema, harvest: dict[str, Any]
) -> None:
    def never() -> Iterator[pa.RecordBatch]:
        raise AssertionError
        yield

    with pytest.raises((TypeError, ValueError), match="JSON"):
        build_snapshot(never(), spectra_schema, tmp_path, BuildInfo("m", "T", harvest=harvest))
