"""A mirror as a file of DuckDB, read by a plain DuckDB that knows nothing of the mirror."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
import ssap_query as ssap
from ssap_mirror.errors import CatalogError, MirrorError


def test_a_plain_duckdb_reads_it(awkward, tmp_path: Path) -> None:
    mirror = awkward.open("tiny")
    mirror.to_duckdb(tmp_path / "x.duckdb")
    assert [path.name for path in tmp_path.iterdir()] == ["x.duckdb"]
    moved = tmp_path / "elsewhere.duckdb"
    shutil.move(tmp_path / "x.duckdb", moved)
    statements = [
        "SELECT count(*), count(ssa_snr), max(ssa_snr), count(rv_b0) FROM spectra",
        "SELECT count(*), count(ssa_snr), count(rv_b0) FROM spectra_raw",
        "SELECT healpix(4) AS cell, count(*) FROM spectra WHERE in_cone(ra, dec, 45, 0, 30) GROUP BY 1 ORDER BY 1",
        "SELECT mobsid, mjd_iso(ssa_dateObs), ssa_location, fiber_problems(fibermask) FROM spectra ORDER BY mobsid",
    ]
    with duckdb.connect(str(moved), read_only=True) as plain:
        for statement in statements:
            wanted = [tuple(row.values()) for row in mirror.sql(statement).to_arrow().to_pylist()]
            got = [
                tuple(list(v) if isinstance(v, tuple) else v for v in row) for row in plain.sql(statement).fetchall()
            ]
            assert repr(got) == repr(wanted)
        comments = dict(
            plain.sql(
                "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'spectra' AND comment IS NOT NULL"
            ).fetchall()
        )
        ((about,),) = plain.sql("SELECT comment FROM duckdb_views() WHERE view_name = 'spectra'").fetchall()
    assert {name for name, text in comments.items() if text} == {
        c.name for c in mirror.schema if c.description or c.ucd
    }
    assert comments["ssa_dateObs"].startswith("Midpoint of exposure (MJD) [d]")
    assert "SYNTHETIC" in about
    assert mirror.catalog.path.name in about


def test_what_fails_leaves_nothing(awkward, tmp_path: Path) -> None:
    with pytest.raises(MirrorError, match="cannot be written"):
        awkward.open("tiny").to_duckdb(tmp_path / "nowhere" / "x.duckdb")
    copy = tmp_path / "home" / "tiny"
    shutil.copytree(awkward.home / "tiny", copy)
    mirror = ssap.open("tiny", tmp_path / "home")
    next(copy.rglob("Npix=*.parquet")).write_bytes(b"PAR1")
    with pytest.raises(CatalogError):
        mirror.to_duckdb(tmp_path / "x.duckdb")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
