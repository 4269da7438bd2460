"""``ivoa.obscore``: what SSAP finds by a role, ObsCore has under its name and in its unit."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import ssap_query as ssap
from ssap_mirror import build_mirror
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import CatalogError
from ssap_query.adql.tables.mirrors import mirror_tables
from ssap_query.engine.index.sky_cover import reach
from ssap_query.ssap.values.cones import TARGET, Cone, Region


@pytest.mark.extra("pandas")
def test_values(corpus_mirror: ssap.Mirror) -> None:
    roles = corpus_mirror.schema.roles
    found = corpus_mirror.adql("SELECT * FROM ivoa.obscore ORDER BY obs_id").to_pandas()
    rows = corpus_mirror.adql(f"SELECT * FROM spectra ORDER BY {roles['identity']}").to_pandas()
    assert len(found) == corpus_mirror.catalog.rows
    for column, role, factor in (
        ("s_ra", "ra", 1), ("s_dec", "dec", 1), ("em_min", "em_min", 1), ("em_max", "em_max", 1),
        ("s_resolution", "s_resolution", 3600), ("s_fov", "aperture", 1), ("t_exptime", "t_exptime", 1),
    ):  # fmt: skip
        np.testing.assert_allclose(found[column].astype(float), rows[roles[role]].astype(float) * factor, rtol=1e-7)
    for column, role in (("obs_id", "identity"), ("target_name", "target_name"), ("access_url", "access_url")):
        assert found[column].fillna("").tolist() == rows[roles[role]].fillna("").tolist()
    half = rows[roles["t_exptime"]].astype(float).fillna(0) / 86400 / 2
    np.testing.assert_allclose(found["t_min"].astype(float), rows[roles["t_mid"]].astype(float) - half)
    assert found["obs_publisher_did"].notna().all()
    assert set(found["dataproduct_type"]) == {"spectrum"}


def test_columns_are_those_of_the_standard(corpus_mirror: ssap.Mirror) -> None:
    table = mirror_tables({"corpus": corpus_mirror.catalog}).find("ivoa.ObsCore")
    assert len(table.columns) == 30
    assert all(column.utype.startswith("obscore:") and column.ucd for column in table.columns)
    assert {c.name: c.unit for c in table.columns if c.unit} == {
        "access_estsize": "kbyte", "s_ra": "deg", "s_dec": "deg", "s_fov": "deg", "s_resolution": "arcsec",
        "t_min": "d", "t_max": "d", "t_exptime": "s", "t_resolution": "s", "em_min": "m", "em_max": "m",
    }  # fmt: skip


@pytest.mark.parametrize("condition", ["1 = CONTAINS(POINT(s_ra, s_dec), CIRCLE(56.1, 21.6, 2))"])
def test_places(corpus_mirror: ssap.Mirror, condition: str) -> None:
    here = corpus_mirror.adql(f"SELECT COUNT(*) FROM ivoa.obscore WHERE {condition}").to_arrow()[0].to_pylist()
    there = corpus_mirror.adql(f"SELECT COUNT(*) FROM spectra WHERE {condition.replace('s_ra, s_dec', 'ra, dec')}")
    assert here == there.to_arrow()[0].to_pylist()
    assert here[0] > 0


def test_a_place_is_read_from_the_files_about_it_alone(corpus_home: Path, tmp_path: Path) -> None:
    """Files far from it may be damaged."""
    shutil.copytree(corpus_home / "corpus", tmp_path / "corpus")
    catalog = ssap.open("corpus", tmp_path).catalog
    text = "SELECT COUNT(*) AS n FROM ivoa.obscore WHERE DISTANCE(s_ra, s_dec, 56.1, 21.6) < 2"
    wanted = ssap.open("corpus", corpus_home).adql(text).to_arrow()
    region = Region((Cone(56.1, 21.6, 2.0),), TARGET)
    for path in set(map(str, catalog.files)) - set(reach(catalog, region).paths):
        Path(path).write_bytes(bytes(Path(path).stat().st_size))
    damaged = ssap.open("corpus", tmp_path)
    assert damaged.adql(text).to_arrow() == wanted
    with pytest.raises(CatalogError):
        damaged.adql("SELECT COUNT(*) AS n FROM ivoa.obscore")


def test_a_mirror_with_one_position_only(tmp_path: Path) -> None:
    schema = Schema(
        (
            Column("n", "long"),
            Column("location", "double", "2", unit="deg", utype="ssa:Char.SpatialAxis.Coverage.Location.Value"),
        )
    )
    table = pa.table({"n": range(360), "location": [[float(i), 10.0] for i in range(360)]}, schema.arrow_schema())
    build_mirror(table.to_batches(), schema, tmp_path / "one", name="one", title="made up", tile_rows=20)
    mirror = ssap.open("one", tmp_path)
    text = "SELECT obs_id FROM ivoa.obscore WHERE 1 = CONTAINS(POINT(s_ra, s_dec), CIRCLE({}, 10, 3.1))"
    for centre in (0, 90, 359):
        assert len(mirror.adql(text.format(centre))) == 7


def test_regions(corpus_mirror: ssap.Mirror) -> None:
    column = corpus_mirror.schema.roles["region"]
    circle = "CIRCLE(56.1, 21.6, 2)"
    words = f"SELECT COUNT(*) FROM ivoa.obscore WHERE 1 = INTERSECTS(s_region, {circle})"
    plain = f"SELECT COUNT(*) FROM spectra WHERE 1 = INTERSECTS({column}, {circle})"
    found = [corpus_mirror.adql(text).to_arrow()[0].to_pylist()[0] for text in (words, plain)]
    assert found[0] == found[1] > 0
