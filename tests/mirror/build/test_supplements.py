"""Margin and index: no pair is missing, what is unchanged is linked, and hats and LSDB take the mirror's folder."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ssap_mirror import build_mirror
from ssap_mirror.build.supplements.border import Tiling, gaps, margin_order
from ssap_mirror.check.snapshot import verify
from ssap_mirror.core import layout
from ssap_mirror.core.catalog import Catalog, Partition
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.core.snapshots import prune, rollback
from ssap_mirror.core.sphere import separation_arcsec
from ssap_mirror.errors import ParameterError

from tests.support.serving import serving_files

RowMaker = Callable[..., pa.RecordBatch]
_SCHEMA = Schema(
    (
        Column("id", "long", ucd="meta.id;meta.main"),
        Column("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main"),
        Column("dec", "double", unit="deg", ucd="pos.eq.dec;meta.main"),
    ),
    {"identity": "id"},
)


def points(seed: int, n: int = 4000) -> pa.RecordBatch:
    """Rows all over the sky, a third of them crowded at a corner of base cells and half of those at a pole."""
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    crowd = n // 3
    ra[:crowd] = 45 + rng.normal(0, 1.5, crowd)
    dec[:crowd] = rng.normal(0, 1.5, crowd)
    dec[: crowd // 2] = 90 - np.abs(rng.normal(0, 1.0, crowd // 2))
    ra[: crowd // 2] = rng.uniform(0, 360, crowd // 2)
    return pa.RecordBatch.from_arrays(
        [pa.array(np.arange(n)), pa.array(ra), pa.array(dec)], schema=_SCHEMA.arrow_schema()
    )


def margin_ids(catalog: Catalog) -> dict[tuple[int, int], set[int]]:
    """Identities in the margin of each partition."""
    folder = layout.supplements_dir(catalog.path) / "margin"
    found = {}
    for part in catalog.partitions:
        path = folder / layout.partition_path(part.norder, part.npix)
        if path.exists():
            found[part.norder, part.npix] = set(pq.read_table(path, partitioning=None)["id"].to_pylist())
    return found


@pytest.mark.parametrize("margin_arcsec", [10.0, 600.0, 7200.0, 36_000.0])
def test_no_pair_within_the_margin_is_missing(tmp_path: Path, margin_arcsec: float) -> None:
    catalog = build_mirror([points(5)], _SCHEMA, tmp_path / "m", tile_rows=150, margin_arcsec=margin_arcsec)
    assert len(catalog.partitions) > 12
    held = margin_ids(catalog)
    tables = [pq.read_table(part.path, partitioning=None) for part in catalog.partitions]
    pairs = 0
    for part, table in zip(catalog.partitions, tables, strict=True):
        own = table["ra"].to_numpy(), table["dec"].to_numpy()
        for other in tables:
            if other is table:
                continue
            apart = separation_arcsec(
                own[0][:, None], own[1][:, None], other["ra"].to_numpy()[None], other["dec"].to_numpy()[None]
            )
            needed = set(other["id"].to_numpy()[(apart <= margin_arcsec).any(axis=0)].tolist())
            assert needed <= held.get((part.norder, part.npix), set())
            pairs += len(needed)
    assert pairs or margin_arcsec < 600
    if margin_arcsec == 600:
        assert sum(map(len, held.values())) < 4 * pairs + 400, "not many more than needed"


@pytest.mark.parametrize("margin_arcsec", [10.0, 3000.0, 36_000.0])
def test_whoever_gives_rows_is_among_those_who_were_asked(margin_arcsec: float) -> None:
    # Base cell 0 whole, 4 in quarters, one of them in sixteenths, 8 whole: they meet across orders.
    cells = [(0, 0), (1, 17), (1, 18), (1, 19), *((3, 256 + n) for n in range(16)), (0, 8)]
    parts = sorted((Partition(*cell, 1, "") for cell in cells), key=lambda part: part.healpix_29)
    tiling = Tiling([(part.norder, part.npix) for part in parts], margin_order(margin_arcsec))
    given = 0
    for source, part in enumerate(parts):
        low, high = part.healpix_29
        step = 4 ** (29 - part.norder - 6)
        edge = np.concatenate([np.arange(low, high, step), np.arange(high, low, -step)])
        for target, rows in tiling.border_rows(source, np.sort(edge)).items():
            assert source in tiling.near(target)
            given += len(rows)
    assert given


def test_partitions_and_gaps_make_the_whole_sky() -> None:
    whole = [(0, n) for n in range(12)]
    assert gaps([]) == whole
    assert gaps([Partition(*cell, 1, "") for cell in whole]) == []
    cells = [(1, 5), (3, 100), (29, 7 << 58)]
    parts = sorted((Partition(*cell, 1, "") for cell in cells), key=lambda part: part.healpix_29)
    filled = [Partition(*cell, 0, "") for cell in gaps(parts)]
    ranges = sorted(part.healpix_29 for part in (*parts, *filled))
    assert ranges[0][0] == 0
    assert ranges[-1][1] == (12 << 58) - 1
    assert all(one[1] + 1 == other[0] for one, other in pairwise(ranges))


@pytest.mark.parametrize("width", [-1.0, 36_001.0, float("nan"), float("inf")])
def test_a_width_that_is_none_is_refused_before_anything_is_built(tmp_path: Path, width: float) -> None:
    with pytest.raises(ParameterError, match="margin"):
        build_mirror([points(5)], _SCHEMA, tmp_path / "m", margin_arcsec=width)
    assert not (tmp_path / "m" / "snapshots").exists()


def test_only_what_changed_is_written_anew(tmp_path: Path) -> None:
    batch = points(6)
    mirror = tmp_path / "m"
    old = build_mirror([batch], _SCHEMA, mirror, tile_rows=150, margin_arcsec=600.0)
    far = batch.column("dec").to_numpy() < -60
    dec = np.where(far, batch.column("dec").to_numpy() + 1e-4, batch.column("dec").to_numpy())
    new = build_mirror([batch.set_column(2, batch.schema.field(2), pa.array(dec))], _SCHEMA, mirror, tile_rows=150)
    alone = build_mirror(
        [batch.set_column(2, batch.schema.field(2), pa.array(dec))],
        _SCHEMA,
        tmp_path / "alone",
        tile_rows=150,
        margin_arcsec=600.0,
    )
    assert margin_ids(new) == margin_ids(alone), "the width is remembered, and linked files are those that are made"
    folders = [layout.supplements_dir(catalog.path) for catalog in (old, new)]
    files = {path.relative_to(folders[1]) for path in (folders[1] / "margin").rglob("Npix=*.parquet")}
    linked = {path for path in files if (folders[1] / path).stat().st_nlink > 1}
    assert linked
    assert files - linked
    assert all((folders[0] / path).samefile(folders[1] / path) for path in linked)


def test_damage_is_not_inherited(tmp_path: Path) -> None:
    batch = points(6)
    old = build_mirror([batch], _SCHEMA, tmp_path / "m", tile_rows=150, margin_arcsec=600.0)
    expected = margin_ids(old)
    victim = next(path for path in layout.supplements_dir(old.path).rglob("Npix=*.parquet"))
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    assert any("SHA-256" in problem and victim.name in problem for problem in verify(old))
    new = build_mirror([batch], _SCHEMA, tmp_path / "m", tile_rows=150)
    assert margin_ids(new) == expected
    assert verify(new) == []


def test_the_collection_follows_what_is_live(tmp_path: Path) -> None:
    mirror = tmp_path / "m"
    snapshots = [build_mirror([points(seed, 500)], _SCHEMA, mirror, tile_rows=150).path.name for seed in (1, 2, 3)]

    def named() -> str:
        return (mirror / layout.COLLECTION).read_text()

    assert f"hats_primary_table_url=snapshots/{snapshots[2]}\n" in named()
    assert f"default_margin=supplements/{snapshots[2]}/margin\n" in named()
    rollback(mirror)
    assert f"hats_primary_table_url=snapshots/{snapshots[1]}\n" in named()
    prune(mirror, 0)
    assert [path.name for path in (mirror / "supplements").iterdir()] == [snapshots[1]]


def test_a_mirror_without_positions_has_no_margin(tmp_path: Path) -> None:
    batch = points(1, 20)
    nothing = pa.nulls(20, pa.float64())
    batch = batch.set_column(1, batch.schema.field(1), nothing).set_column(2, batch.schema.field(2), nothing)
    catalog = build_mirror([batch], _SCHEMA, tmp_path / "m")
    assert not catalog.partitions
    assert "margin" not in (tmp_path / "m" / layout.COLLECTION).read_text()


def test_every_file_is_listed_with_its_checksum(tmp_path: Path) -> None:
    catalog = build_mirror([points(2)], _SCHEMA, tmp_path / "m", tile_rows=300)
    folder = layout.supplements_dir(catalog.path)
    listed: list[dict[str, Any]] = json.loads((folder / layout.SUPPLEMENTS).read_text())["files"]
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {item["path"] for item in listed} == found - {layout.SUPPLEMENTS}


@pytest.mark.extra("lsdb")
@pytest.mark.filterwarnings("ignore")  # what LSDB and Dask warn of among themselves
def test_hats_and_lsdb_take_the_folder_of_a_mirror(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    import lsdb
    from hats.io.validation import is_valid_catalog

    catalog = build_mirror([points(7)], _SCHEMA, tmp_path / "m", tile_rows=150, margin_arcsec=600.0)
    with caplog.at_level(logging.WARNING):
        assert is_valid_catalog(tmp_path / "m", strict=True)
    told = [record.message for record in caplog.records if "found collection" not in record.message]
    assert told == []
    opened = lsdb.open_catalog(tmp_path / "m")
    assert opened.margin.hc_structure.catalog_info.margin_threshold == 600
    found = opened.id_search(values={"id": [1234]})
    assert found.npartitions == 1
    assert found.compute()["id"].tolist() == [1234]
    assert len(opened) == catalog.rows


@pytest.mark.extra("lsdb")
@pytest.mark.filterwarnings("ignore")  # what LSDB and Dask warn of among themselves
def test_lsdb_takes_it_over_http(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    import lsdb

    catalog = build_mirror([points(7)], _SCHEMA, tmp_path / "m", tile_rows=150, margin_arcsec=600.0)
    with (
        serving_files(tmp_path) as url,
        caplog.at_level(logging.WARNING),
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("always")
        opened = lsdb.open_catalog(f"{url}/m")
        assert opened.margin.hc_structure.catalog_info.margin_threshold == 600
        assert len(opened.compute()) == catalog.rows
        found = opened.id_search(values={"id": [1234]})
        assert found.npartitions == 1
        assert found.compute()["id"].tolist() == [1234]
    assert [record.message for record in caplog.records] == []
    assert [str(one.message) for one in warned if issubclass(one.category, UserWarning)] == []
