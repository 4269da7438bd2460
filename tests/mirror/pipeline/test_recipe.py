"""`build_mirror` makes rows a mirror, and leaves no snapshot behind that is not what it should be."""

from __future__ import annotations

from pathlib import Path

import pytest
from ssap_mirror import build_mirror
from ssap_mirror.build.snapshot import BuildInfo
from ssap_mirror.check.snapshot import verify
from ssap_mirror.core import layout
from ssap_mirror.core.catalog import open_catalog
from ssap_mirror.core.schema import Schema
from ssap_mirror.core.storage import lock_mirror
from ssap_mirror.errors import CatalogError
from ssap_mirror.pipeline.recipe import build_checked

from tests.mirror.conftest import RowMaker


def snapshots(mirror: Path) -> list[str]:
    folder = layout.snapshots_dir(mirror)
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_rows_become_a_live_mirror(tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker) -> None:
    source = {"kind": "file", "url": "rows.py", "seed": 1}
    built = build_mirror(
        [spectra_rows(300)], spectra_schema, tmp_path / "spectra", title="Spectra", synthetic=True, source=source
    )
    catalog = open_catalog("spectra", tmp_path)
    assert catalog.path == built.path
    assert (catalog.rows, catalog.name, catalog.title, catalog.synthetic) == (300, "spectra", "Spectra", True)
    assert catalog.manifest["source"] == source
    assert verify(catalog) == []


def test_a_name_is_given_or_the_folders(tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker) -> None:
    catalog = build_mirror([spectra_rows(20)], spectra_schema, str(tmp_path / "part"), "spectra")
    assert (catalog.path.parents[1].name, catalog.name, catalog.title) == ("part", "spectra", "spectra")
    assert build_mirror([spectra_rows(20)], spectra_schema, tmp_path / "other").name == "other"


def test_a_second_build_shares_what_is_equal_and_keeps_the_first(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    batch = spectra_rows(300)
    first = build_mirror([batch], spectra_schema, tmp_path, tile_rows=40)
    second = build_mirror([batch], spectra_schema, tmp_path, tile_rows=40)
    assert open_catalog(tmp_path).path == second.path != first.path
    assert [path.stat().st_ino for path in first.files] == [path.stat().st_ino for path in second.files]


def test_other_rows_than_expected_are_thrown_away(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    live = build_mirror([spectra_rows(50)], spectra_schema, tmp_path)
    with lock_mirror(tmp_path), pytest.raises(CatalogError, match="built of 60 rows, and the source has 61"):
        build_checked([spectra_rows(60)], spectra_schema, tmp_path, BuildInfo("m", "M"), expected_rows=61)
    assert snapshots(tmp_path) == [live.path.name]
    assert open_catalog(tmp_path).path == live.path


def test_duplicates_count_as_read_where_only_equal_rows_are_left_out(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    batch = spectra_rows(50)
    twice = [batch, batch.slice(0, 10)]
    catalog = build_checked(twice, spectra_schema, tmp_path, BuildInfo("m", "M"), expected_rows=60)
    assert catalog.rows == 50
    with pytest.raises(CatalogError, match="built of 50 rows, and the source has 60"):
        build_checked(twice, spectra_schema, tmp_path, BuildInfo("m", "M"), expected_rows=60, on_conflict="last")


def test_two_rows_of_one_identity_are_refused_and_nothing_is_live(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    batch = spectra_rows(10)
    other = spectra_rows(10, seed=2)
    with pytest.raises(CatalogError, match="two different rows for specid"):
        build_mirror([batch, other], spectra_schema, tmp_path / "m")
    assert not layout.current_file(tmp_path / "m").exists()
    assert snapshots(tmp_path / "m") == []
