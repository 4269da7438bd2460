"""``ivoa.obscore``: what SSAP finds by a role, ObsCore has under its name and in its unit."""

from __future__ import annotations

import numpy as np
import pytest
import ssap_query as ssap
from ssap_query.adql.tables.mirrors import mirror_tables


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


def test_regions(corpus_mirror: ssap.Mirror) -> None:
    column = corpus_mirror.schema.roles["region"]
    circle = "CIRCLE(56.1, 21.6, 2)"
    words = f"SELECT COUNT(*) FROM ivoa.obscore WHERE 1 = INTERSECTS(s_region, {circle})"
    plain = f"SELECT COUNT(*) FROM spectra WHERE 1 = INTERSECTS({column}, {circle})"
    found = [corpus_mirror.adql(text).to_arrow()[0].to_pylist()[0] for text in (words, plain)]
    assert found[0] == found[1] > 0
