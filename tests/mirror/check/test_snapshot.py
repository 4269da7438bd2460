"""Whatever is wrong with a snapshot is found; of a good one nothing is said."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ssap_mirror.build.snapshot import BuildInfo, build_snapshot
from ssap_mirror.check.snapshot import validate, verify
from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import Catalog, Partition, manifest_digest, open_catalog, read_catalog
from ssap_mirror.core.schema import HEALPIX_COLUMN, Schema
from ssap_mirror.errors import CatalogError

RowMaker = Callable[..., pa.RecordBatch]
Edit = Callable[[dict[str, Any]], None]


def seal(catalog: Catalog, edit: Edit = lambda manifest: None) -> Catalog:
    """Write the manifest anew, with the sizes and digests of what is there now: a fault, and not damage."""
    manifest = json.loads((catalog.path / layout.MANIFEST).read_bytes())
    for item in [
        *manifest["partitions"],
        *manifest["files"],
        *([manifest["unplaced"]] if manifest["unplaced"] else []),
    ]:
        file = catalog.path / item["path"]
        if file.is_file():
            item["bytes"], item["sha256"] = file.stat().st_size, storage.sha256(file)
    edit(manifest)
    content = json.dumps(manifest).encode()
    (catalog.path / layout.MANIFEST).write_bytes(content)
    (catalog.path / layout.MANIFEST_DIGEST).write_bytes(manifest_digest(content))
    return read_catalog(catalog.path)


def rewrite(part: Partition, edit: Callable[[pa.Table], pa.Table]) -> None:
    """Put other rows into a partition."""
    table = pq.read_table(part.path, partitioning=None)
    pq.write_table(edit(table).replace_schema_metadata(table.schema.metadata), part.path)


def with_values(table: pa.Table, name: str, values: list[Any]) -> pa.Table:
    index = table.schema.get_field_index(name)
    return table.set_column(index, table.schema.field(index), pa.array(values, table.schema.field(index).type))


def test_a_good_snapshot_has_no_problems(live_mirror: Catalog) -> None:
    calls: list[tuple[str, int, int | None]] = []
    assert len(live_mirror.partitions) > 5
    assert live_mirror.unplaced is not None
    assert validate(live_mirror) == []
    assert verify(live_mirror, lambda *call: calls.append(call)) == []
    assert calls[-1] == ("verify", 500, 500)


def test_every_single_byte_flip_is_found(tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker) -> None:
    """500 flips: partition files, properties, manifest, its digest, and every other file in turn."""
    batch = spectra_rows(60)
    near = {"ra": np.linspace(10, 20, 60), "dec": np.linspace(10, 20, 60)}
    near["ra"][3] = np.nan
    columns = [near.get(name, batch.column(name)) for name in batch.schema.names]
    columns[3] = pa.nulls(60, batch.schema.field(3).type)
    batch = pa.RecordBatch.from_arrays([pa.array(column) for column in columns], schema=batch.schema)
    info = BuildInfo("spectra", "Test spectra", service_xml=b"<VOTABLE/>")
    catalog = build_snapshot([batch], spectra_schema, tmp_path, info, tile_rows=40)
    files = sorted(path for path in catalog.path.rglob("*") if path.is_file())
    assert {"hats.properties", "manifest.json", "manifest.json.sha256", "unplaced.parquet"} <= {f.name for f in files}
    rng = np.random.default_rng(500)
    for number in range(500):
        file = files[number % len(files)]
        good = file.read_bytes()
        content = bytearray(good)
        place, bit = int(rng.integers(len(content))), int(rng.integers(8))
        content[place] ^= 1 << bit
        file.write_bytes(content)
        try:
            # A manifest may be damaged so that it cannot even be opened; that is said too.
            problems = verify(open_catalog(catalog.path))
        except CatalogError as error:
            problems = [str(error)]
        file.write_bytes(good)
        assert any(names(problem, file.relative_to(catalog.path)) for problem in problems), (file, place, bit, problems)
    assert verify(catalog) == []


def names(problem: str, file: Path) -> bool:
    """Whether a problem is told of this file; a digest and what it is the digest of are one."""
    return file.as_posix().removesuffix(".sha256") in problem


@pytest.mark.parametrize("name", ["hats.properties", "partition_info.csv", "dataset/_metadata", "service.xml"])
def test_a_lost_or_longer_file(live_mirror: Catalog, name: str) -> None:
    file = live_mirror.path / name
    content = file.read_bytes()
    file.write_bytes(content + b"\n")
    assert any(name in problem and "bytes" in problem for problem in validate(live_mirror))
    file.unlink()
    assert any(problem == f"{name} cannot be read: No such file or directory" for problem in validate(live_mirror))


def test_a_lost_partition_and_a_stray_file(live_mirror: Catalog) -> None:
    part = live_mirror.partitions[2].path
    name = part.relative_to(live_mirror.path).as_posix()
    part.rename(part.with_name("Npix=9999.parquet"))
    problems = validate(live_mirror)
    assert f"{name} cannot be read: No such file or directory" in problems
    assert f"{name.rpartition('/')[0]}/Npix=9999.parquet is not in the manifest" in problems


def test_a_lost_digest(live_mirror: Catalog) -> None:
    (live_mirror.path / layout.MANIFEST_DIGEST).unlink()
    assert validate(live_mirror) == ["manifest.json.sha256 cannot be read: No such file or directory"]


def drop_a_row(manifest: dict[str, Any]) -> None:
    manifest["rows"] -= 1


def miscount(manifest: dict[str, Any]) -> None:
    manifest["partitions"][0]["rows"] += 1
    manifest["rows"] += 1


def misplace(manifest: dict[str, Any]) -> None:
    manifest["partitions"][0]["npix"] += 1


def forget_a_partition(manifest: dict[str, Any]) -> None:
    gone = manifest["partitions"].pop(0)
    manifest["rows"] -= gone["rows"]


def rename_a_column(manifest: dict[str, Any]) -> None:
    manifest["columns"][3]["unit"] = "rad"


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (drop_a_row, "the manifest says 499 rows, and its files hold 500"),
        (miscount, "rows, and .* in the manifest"),
        (misplace, "is not the path of cell"),
        (forget_a_partition, "partition_info.csv does not list the cells"),
        (forget_a_partition, "hats.properties has hats_nrows="),
        (forget_a_partition, "dataset/_metadata says"),
        (rename_a_column, "the columns in dataset/_common_metadata are not those of the manifest"),
    ],
)
def test_a_manifest_that_does_not_agree(
    live_mirror: Catalog, edit: Callable[[dict[str, Any]], None], told: str
) -> None:
    problems = validate(seal(live_mirror, edit))
    assert any(re.search(told, problem) for problem in problems), problems


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("hats_col_ra=ra", "hats_col_ra=ra_obs"),
        ("obs_collection=spectra", "obs_collection=other"),
        ("dataproduct_type=object", "dataproduct_type=map"),
        ("hats_order=", "hats_order=1"),
        ("hats_nrows=", "no entry"),
    ],
)
def test_properties_that_do_not_agree(live_mirror: Catalog, old: str, new: str) -> None:
    file = live_mirror.path / layout.PROPERTIES
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    assert any("hats.properties" in problem for problem in validate(seal(live_mirror)))


def test_overlapping_cells(live_mirror: Catalog) -> None:
    deep = next(part for part in live_mirror.partitions if part.norder > 0)
    parent = layout.partition_path(deep.norder - 1, deep.npix // 4)

    def overlap(manifest: dict[str, Any]) -> None:
        [item] = [i for i in manifest["partitions"] if (i["norder"], i["npix"]) == (deep.norder, deep.npix)]
        manifest["partitions"].append({**item, "path": parent, "norder": deep.norder - 1, "npix": deep.npix // 4})

    (live_mirror.path / parent).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(deep.path, live_mirror.path / parent)
    assert any("overlaps cell" in problem for problem in validate(seal(live_mirror, overlap)))


def test_a_partition_with_other_columns(live_mirror: Catalog) -> None:
    rewrite(live_mirror.partitions[0], lambda table: table.drop_columns(["flag"]))
    problems = validate(seal(live_mirror))
    assert any("does not have the columns" in problem for problem in problems), problems


def test_a_partition_that_is_no_parquet(live_mirror: Catalog) -> None:
    live_mirror.partitions[0].path.write_bytes(b"<html>not found</html>")
    problems = verify(seal(live_mirror))
    assert any("cannot be read" in problem for problem in problems), problems


def test_rows_out_of_order(live_mirror: Catalog) -> None:
    rewrite(live_mirror.partitions[0], lambda table: table.take(list(reversed(range(len(table))))))
    problems = verify(seal(live_mirror))
    assert any("rows are out of order" in problem for problem in problems), problems


def test_a_row_in_another_s_cell(live_mirror: Catalog) -> None:
    one, other = live_mirror.partitions[:2]
    foreign = pq.read_table(other.path, partitioning=None).slice(0, 1)
    rewrite(one, lambda table: pa.concat_tables([table.slice(0, len(table) - 1), foreign]))
    problems = verify(seal(live_mirror))
    assert any("1 rows lie outside the cell of their file" in problem for problem in problems), problems
    assert any("1 identities are there more than once" in problem for problem in problems), problems


def test_a_spatial_index_that_is_wrong(live_mirror: Catalog) -> None:
    part = live_mirror.partitions[0]
    low, _ = part.healpix_29
    rewrite(part, lambda table: with_values(table, HEALPIX_COLUMN, [low + n for n in range(len(table))]))
    problems = verify(seal(live_mirror))
    assert any(f"{part.rows} rows have a _healpix_29 that is not" in problem for problem in problems), problems


def test_a_row_further_off_than_the_manifest_says(live_mirror: Catalog) -> None:
    def understate(manifest: dict[str, Any]) -> None:
        manifest["max_offset_arcsec"] = 2.9

    problems = verify(seal(live_mirror, understate))
    assert any("further off their target" in problem for problem in problems), problems


def test_a_placed_row_among_the_unplaced(live_mirror: Catalog) -> None:
    assert live_mirror.unplaced is not None
    nowhere = [None] * live_mirror.unplaced.rows
    rewrite(live_mirror.unplaced, lambda table: with_values(table, "ssa_location", nowhere))
    rewrite(live_mirror.unplaced, lambda table: with_values(table, "ra", [1.0] * len(table)))
    problems = verify(seal(live_mirror))
    assert any("have coordinates" in problem for problem in problems), problems


def test_an_identity_that_is_there_twice_is_named(live_mirror: Catalog) -> None:
    names = {}

    def double(table: pa.Table) -> pa.Table:
        names["twice"] = table["specid"][0].as_py()
        return with_values(table, "specid", [names["twice"]] * 2 + table["specid"].to_pylist()[2:])

    rewrite(live_mirror.partitions[0], double)
    problems = verify(seal(live_mirror))
    assert any(f"1 identities are there more than once: specid '{names['twice']}'" == p for p in problems), problems
