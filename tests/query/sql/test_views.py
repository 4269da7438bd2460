"""The views of a mirror: NaN is NULL in ``spectra`` and itself in ``spectra_raw``, and only columns with NaN pay."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pytest
import ssap_query as ssap
from ssap_mirror import build_mirror
from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import Column, Schema
from ssap_query.mirror.mirror import Mirror

NAN = float("nan")
SCHEMA = Schema(
    (
        Column("id", "long", ucd="meta.id;meta.main"),
        Column("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main"),
        Column("dec", "double", unit="deg", ucd="pos.eq.dec;meta.main"),
        Column("snr", "float"),
        Column("mags", "float", "2", unit="mag"),
    )
)
ROWS = {
    "id": [1, 2, 3, 4],
    "ra": [10.0, 20.0, 30.0, 40.0],
    "dec": [0.0, 5.0, -5.0, 10.0],
    "snr": [12.0, NAN, None, 60.0],
    "mags": [[1.0, NAN], None, [2.0, 3.0], [4.0, 5.0]],
}


@pytest.fixture(scope="module", params=["new", "old"])
def mirror(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Mirror:
    """A mirror whose manifest names the columns with NaN, and one from before manifests did."""
    home = tmp_path_factory.mktemp("home")
    table = pa.table(ROWS, schema=SCHEMA.arrow_schema())
    catalog = build_mirror(table.to_batches(), SCHEMA, home / "m", name="m", title="made up")
    if request.param == "old":
        path = catalog.path / "manifest.json"
        manifest = json.loads(path.read_text())
        del manifest["nan_columns"]
        path.write_text(json.dumps(manifest))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        (catalog.path / "manifest.json.sha256").write_text(f"{digest}  manifest.json\n")
    return ssap.open("m", home)


def value(mirror: Mirror, text: str) -> object:
    return mirror.sql(text).to_arrow().column(0).to_pylist()[0]


@pytest.mark.parametrize("cached", [False, True])
def test_nan_is_null(mirror: Mirror, cached: bool) -> None:  # noqa: FBT001
    if cached:  # a column that is read from end to end is kept
        mirror.sql("SELECT snr, id FROM spectra")
    assert value(mirror, "SELECT list(id ORDER BY id) FROM spectra WHERE snr > 50") == [4]
    assert value(mirror, "SELECT max(snr) FROM spectra") == 60.0
    assert value(mirror, "SELECT avg(snr) FROM spectra") == 36.0
    assert value(mirror, "SELECT count(snr) FROM spectra") == 2
    assert value(mirror, "SELECT list(id ORDER BY id) FROM spectra WHERE snr IS NULL") == [2, 3]
    assert value(mirror, "SELECT arg_max(id, snr) FROM spectra") == 4


def test_the_raw_view_has_values_as_sent(mirror: Mirror) -> None:
    assert value(mirror, "SELECT list(id ORDER BY id) FROM spectra_raw WHERE snr > 50") == [2, 4]
    assert value(mirror, "SELECT list(id) FROM spectra_raw WHERE isnan(snr)") == [2]
    assert value(mirror, "SELECT list(id) FROM spectra_raw WHERE snr IS NULL") == [3]
    text = "SELECT count(*) FROM spectra_raw r JOIN spectra s USING (id) WHERE isnan(r.snr) AND s.snr IS NULL"
    assert value(mirror, text) == 1


def test_arrays_are_as_sent(mirror: Mirror) -> None:
    assert value(mirror, "SELECT isnan(mags[2]) FROM spectra WHERE id = 1") is True


def test_a_relation_is_the_view(mirror: Mirror) -> None:
    assert mirror.relation().filter("snr IS NULL").count("*").fetchall() == [(2,)]


def test_only_columns_with_nan_are_not_pruned(mirror: Mirror) -> None:
    known = "nan_columns" in mirror.catalog.manifest
    assert mirror.catalog.nan_columns == (("snr",) if known else ("ra", "dec", "snr"))
    plan = str(mirror.sql("EXPLAIN SELECT id FROM spectra WHERE ra > 25").to_arrow().to_pylist())
    assert ("CASE" in plan) is not known


def test_constants_of_older_manifests_hold_no_nan() -> None:
    columns = [Column("a", "double"), Column("b", "float"), Column("c", "long"), Column("d", "double", "2")]
    manifest = {"columns": Schema(tuple(columns)).to_json(), "constants": {"b": None}}
    assert Catalog(Path("x"), manifest).nan_columns == ("a",)


def test_a_query_that_asks_for_nan_sees_it(mirror: Mirror) -> None:
    found = mirror.sql("SELECT id FROM spectra WHERE snr > 50 AND isnan(snr)")
    assert found.to_arrow()["id"].to_pylist() == [2]
    assert found.notes == ("isnan asks about 'snr': its values are as sent here, with NaN above all numbers",)
    assert value(mirror, "SELECT list(s.id) FROM spectra AS s WHERE ISNAN(s.SNR)") == [2]
    assert value(mirror, "SELECT max(snr) FILTER (NOT isnan(snr)) FROM spectra") == 60.0


def test_only_the_query_and_the_column_that_are_asked_about_have_nan(mirror: Mirror) -> None:
    mirror.sql("SELECT id FROM spectra WHERE isnan(snr)")
    assert value(mirror, "SELECT max(snr) FROM spectra") == 60.0
    assert value(mirror, "SELECT list(id ORDER BY id) FROM spectra WHERE isnan(ra) OR snr > 50") == [4]
    assert mirror.sql("SELECT max(snr) FROM spectra WHERE isnan(mags[2])").notes == ()
    # NaN of another table is no question about the view.
    text = "SELECT count(*) FROM spectra_raw r JOIN spectra s USING (id) WHERE isnan(r.snr) AND s.snr IS NOT NULL"
    assert value(mirror, text) == 0
