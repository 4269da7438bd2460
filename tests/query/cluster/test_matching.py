"""Spectra matched by LSDB: pair for pair what `crossmatch` finds, and refused where pairs would be missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import ssap_query as ssap
from ssap_mirror import build_mirror
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import ParameterError, SourceError

# What LSDB and Dask warn of among themselves.
pytestmark = pytest.mark.filterwarnings("ignore")

_STARS = Schema(
    (
        Column("star", "long", ucd="meta.id;meta.main"),
        Column("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main"),
        Column("dec", "double", unit="deg", ucd="pos.eq.dec;meta.main"),
        Column("mag", "float", unit="mag", ucd="phot.mag"),
    ),
    {"identity": "star"},
)


@pytest.fixture(scope="module")
def stars(awkward: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mirror of stars within some arcseconds of the spectra's targets, across the edges of partitions among them."""
    rng = np.random.default_rng(3)
    rows = awkward.open("one").search(columns=["ra", "dec"]).to_arrow()
    at = np.stack([rows["ra"].to_numpy(), rows["dec"].to_numpy()], axis=1)
    at = np.unique(at[np.isfinite(at).all(axis=1)], axis=0)
    off = rng.normal(0, 2 / 3600, (2, len(at)))
    dec = np.clip(at[:, 1] + off[0], -90, 90)
    ra = (at[:, 0] + off[1] / np.maximum(np.cos(np.radians(dec)), 1e-9)) % 360
    columns = [np.arange(len(at)), ra, dec, rng.random(len(at)).astype(np.float32)]
    batch = pa.RecordBatch.from_arrays([pa.array(column) for column in columns], schema=_STARS.arrow_schema())
    folder = tmp_path_factory.mktemp("stars") / "stars"
    build_mirror([batch], _STARS, folder, tile_rows=150, margin_arcsec=10.0)
    return folder


def _pairs(table: pa.Table) -> dict[tuple[str, int], float]:
    keys = zip(table["mobsid"].to_pylist(), table["star"].to_pylist(), strict=True)
    return dict(zip(keys, table["separation_arcsec"].to_pylist(), strict=True))


def _placed(pairs: dict[tuple[str, int], float], mirror: ssap.Mirror) -> dict[tuple[str, int], float]:
    """Leave out the pairs of spectra that are in no partition, which LSDB does not see; a note says so."""
    left_out = _unplaced(mirror)
    return {pair: separation for pair, separation in pairs.items() if pair[0] not in left_out}


def _unplaced(mirror: ssap.Mirror) -> set[str]:
    unplaced = mirror.catalog.unplaced
    assert unplaced is not None
    return set(pq.read_table(unplaced.path, columns=["mobsid"])["mobsid"].to_pylist())


@pytest.mark.parametrize("radius", [1.0, 9.5])
def test_pairs_are_those_of_the_crossmatch(radius: float, client: Any, folder: Path, stars: Path) -> None:
    mirror = ssap.open(folder)
    match = mirror.cluster(client).crossmatch(stars, radius, columns=["mobsid"], snr=(5, None))
    found = match.compute()
    local = mirror.crossmatch(stars, radius, columns=["mobsid"], snr=(5, None), motions=False).to_arrow()
    pairs, expected = _pairs(found.to_arrow()), _placed(_pairs(local), mirror)
    assert pairs.keys() == expected.keys()
    assert len(pairs) > 50
    assert all(abs(pairs[key] - expected[key]) < 1e-6 for key in pairs)
    assert [(c.name, c.unit, c.ucd) for c in found.schema] == [
        ("mobsid", None, found.schema["mobsid"].ucd),
        ("star", None, "meta.id;meta.main"),
        ("ra", "deg", "pos.eq.ra;meta.main"),
        ("dec", "deg", "pos.eq.dec;meta.main"),
        ("mag", "mag", "phot.mag"),
        ("s_location", "deg", "pos.eq"),
        ("separation_arcsec", "arcsec", "pos.angDistance"),
    ]
    assert found.status == "OK"
    assert any("are in no partition" in note and "not matched" in note for note in found.notes)
    assert len(match.catalog.compute(progress_bar=False)) == len(found)


def test_neighbours_and_spectra_without_any(client: Any, folder: Path, stars: Path) -> None:
    mirror = ssap.open(folder)
    request = {"pos": (56.1, 21.6), "size": 10}
    cluster = mirror.cluster(client)
    found = cluster.crossmatch(stars, 9.0, n_neighbors=3, columns=["mobsid", "ra"], **request).compute().to_arrow()
    local = mirror.crossmatch(stars, 9.0, n_neighbors=3, columns=["mobsid", "ra"], motions=False, **request).to_arrow()
    assert _pairs(found).keys() == _placed(_pairs(local), mirror).keys()
    assert found.column_names == ["mobsid", "ra", "star", "ra_2", "dec", "mag", "s_location", "separation_arcsec"]
    left = cluster.crossmatch(stars, 0.5, join="left", columns=["mobsid"], other_columns=["star"], **request)
    alone = left.compute().to_arrow()
    asked = mirror.search(columns=["mobsid"], **request).to_arrow()["mobsid"].to_pylist()
    left_out = _unplaced(mirror)
    assert sorted(alone["mobsid"].to_pylist()) == sorted(mobsid for mobsid in asked if mobsid not in left_out)
    assert 0 < alone["star"].null_count < len(alone)


def test_a_match_that_would_lose_pairs_is_refused(client: Any, folder: Path, stars: Path) -> None:
    import lsdb

    cluster = ssap.open(folder).cluster(client)
    with pytest.raises(ParameterError, match="more than the margin"):
        cluster.crossmatch(stars, 10.5)
    bare = lsdb.open_catalog(next((stars / "snapshots").iterdir()), columns="all")
    with pytest.raises(ParameterError, match="no margin"):
        cluster.crossmatch(bare, 1.0)
    with pytest.raises(ParameterError, match="limits the spectra"):
        cluster.crossmatch(stars, 1.0, maxrec=5)
    with pytest.raises(ParameterError, match="outer"):
        cluster.crossmatch(stars, 1.0, join="outer")
    with pytest.raises(ParameterError, match="nothing"):
        cluster.crossmatch(stars, 1.0, other_columns=["nothing"])
    with pytest.raises(SourceError, match="HATS"):
        cluster.crossmatch(stars / "nowhere", 1.0)
