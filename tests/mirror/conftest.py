"""Small tables in the shape of a spectra service, made from a seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from ssap_mirror import build_mirror
from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import Column, Schema


@pytest.fixture(scope="session")
def spectra_schema() -> Schema:
    """A few columns with every kind of type and role that a build treats in its own way."""
    return Schema(
        (
            Column("specid", "char", "*", ucd="meta.id;meta.main", description="Identifies a spectrum"),
            Column("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main"),
            Column("dec", "double", unit="deg", ucd="pos.eq.dec;meta.main"),
            Column(
                "ssa_location", "double", "2", "deg", "pos.eq", "ssa:Char.SpatialAxis.Coverage.Location.Value", "point"
            ),
            Column("ssa_dateObs", "double", unit="d", utype="ssa:Char.TimeAxis.Coverage.Location.Value", xtype="mjd"),
            Column("ssa_timeExt", "float", unit="s", utype="ssa:Char.TimeAxis.Coverage.Bounds.Extent"),
            Column("ssa_specstart", "double", unit="m", utype="ssa:Char.SpectralAxis.Coverage.Bounds.Start"),
            Column("ssa_specend", "double", unit="m", utype="ssa:Char.SpectralAxis.Coverage.Bounds.Stop"),
            Column("ssa_score", "float", utype="ssa:Query.Score"),
            Column("mags", "float", "3", "mag", "phot.mag"),
            Column("region", "double", "*", xtype="polygon", ucd="pos.outline;obs.field"),
            Column("flag", "short", null="-1", description="a < b & 'c' \u2013 \u03b1"),
            Column("obsid", "long"),
            Column("good", "boolean"),
            Column("survey", "char", "*"),
            Column("empty", "float"),
        )
    )


RowMaker = Callable[..., pa.RecordBatch]


@pytest.fixture(scope="session")
def spectra_rows(spectra_schema: Schema) -> RowMaker:
    """``spectra_rows(n, seed)``: several rows a target, NULL and NaN in every column that may have them."""

    def make(n: int, seed: int = 1, first: int = 0) -> pa.RecordBatch:
        rng = np.random.default_rng(seed)
        target = rng.integers(0, max(n // 4, 1), n)
        ra = rng.uniform(0, 360, n)[target]
        dec = np.degrees(np.arcsin(rng.uniform(-1, 1, n)))[target]
        offset = np.where(target % 5 == 0, 3 / 3600, 0.0)

        def holes(values: object, share: float = 0.05) -> pa.Array:
            return pa.array(values, mask=rng.random(n) < share)

        mags = rng.normal(15, 1, 3 * n).astype(np.float32)
        mags[rng.random(3 * n) < 0.05] = np.nan
        snr = rng.normal(20, 5, n).astype(np.float32)
        snr[rng.random(n) < 0.05] = np.nan
        ends = np.cumsum(rng.integers(0, 4, n))
        columns = {
            "specid": pa.array([f"spec-{number:08}" for number in range(first, first + n)]),
            "ra": pa.array(ra),
            "dec": pa.array(dec),
            "ssa_location": pa.FixedSizeListArray.from_arrays(
                pa.array(np.column_stack([ra, np.clip(dec + offset, -90, 90)]).ravel()),
                2,
                mask=pa.array(rng.random(n) < 0.02),
            ),
            "ssa_dateObs": holes(rng.uniform(58000, 58300, n)),
            "ssa_timeExt": holes(rng.choice([600, 900, 1200], n).astype(np.float32)),
            "ssa_specstart": pa.array(np.full(n, 4.95e-7)),
            "ssa_specend": holes(rng.uniform(5.3e-7, 6.8e-7, n)),
            "ssa_score": pa.array(snr),
            "mags": pa.FixedSizeListArray.from_arrays(pa.array(mags), 3, mask=pa.array(rng.random(n) < 0.05)),
            "region": pa.ListArray.from_arrays(
                pa.array(np.concatenate([[0], ends]).astype(np.int32)), pa.array(rng.uniform(0, 9, ends[-1]))
            ),
            "flag": holes(rng.integers(-3, 3, n).astype(np.int16)),
            "obsid": pa.array(rng.integers(2**60, 2**61, n)),
            "good": holes(rng.random(n) < 0.5),
            "survey": pa.array(["LAMOST"] * n),
            "empty": pa.nulls(n, pa.float32()),
        }
        return pa.RecordBatch.from_arrays(list(columns.values()), schema=spectra_schema.arrow_schema())

    return make


@pytest.fixture
def live_mirror(tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker) -> Catalog:
    """A mirror of 500 rows in several partitions, some rows without a position, made live."""
    batch = spectra_rows(500)
    ra = batch.column("ra").to_pylist()
    ra[7] = ra[77] = None
    batch = batch.set_column(1, batch.schema.field(1), pa.array(ra))
    return build_mirror(
        [batch],
        spectra_schema,
        tmp_path / "spectra",
        title="Test spectra",
        synthetic=True,
        service_xml=b"<VOTABLE/>",
        tile_rows=20,
    )
