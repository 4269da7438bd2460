"""Make the two small mirrors that ship in ``parquet/``: a synthetic sample and the real rows.

Run as ``.venv/bin/python scripts/make/shipped_mirrors.py``. The rows are the same on every run (seeded); a snapshot is
named by the time it was made.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import ssap_mirror
from ssap_mirror import Schema
from ssap_mirror.core.sphere import separation_arcsec
from ssap_mirror.pipeline.known_services import lamost6_mrs

from scripts.rows import real_rows, synthetic_rows

ROOT = Path(__file__).resolve().parents[2]
SAMPLE, REAL = "lamost6-mrs-sample", "lamost-mrs-real"
SAMPLE_ROWS, SEED = 20_000, 20181130
# Real stars among the made-up targets, so that a cross-match with Hipparcos-2 and Gaia finds partners.
STARS = ROOT / "query" / "ssap_query" / "data" / "gaia_bright_sample.parquet"
# The Kepler field, which the examples of the documentation ask for, gets every second plate or so.
KEPLER_FIELD = (292.06, 43.93)
KEPLER_SHARE = 0.4


def sample_rows() -> pa.Table:
    """Synthetic rows, some of them at the places of real stars."""
    stars = pq.read_table(STARS)
    separation = separation_arcsec(stars["ra"].to_numpy(), stars["dec"].to_numpy(), *KEPLER_FIELD)
    kepler, others = np.flatnonzero(separation < 3600), np.flatnonzero(separation >= 3600 * 4)
    few = np.random.default_rng(SEED).choice(others, int(len(kepler) / KEPLER_SHARE) - len(kepler), replace=False)
    stars = stars.take(np.concatenate((kepler, np.sort(few))))
    return synthetic_rows.rows(
        SAMPLE_ROWS,
        SEED,
        hard=False,
        ra=stars["ra"].to_numpy(),
        dec=stars["dec"].to_numpy(),
        mags=stars["phot_g_mean_mag"].to_numpy(),
    )


def make(name: str, rows: pa.Table, schema: Schema, *, title: str, synthetic: bool, source: dict[str, object]) -> None:
    """Make one mirror from scratch."""
    folder = ROOT / "parquet" / name
    shutil.rmtree(folder, ignore_errors=True)
    catalog = ssap_mirror.build_mirror(
        rows.to_batches(), schema, folder, name, title=title, synthetic=synthetic, source={"kind": "file", **source}
    )
    size = sum(path.stat().st_size for path in catalog.path.rglob("*") if path.is_file())
    print(f"{name}: {catalog.rows:,} rows, {size / 1e6:.1f} MB")


def main() -> None:
    """Make both."""
    schema = lamost6_mrs()
    make(
        SAMPLE,
        sample_rows(),
        schema,
        title="SYNTHETIC rows shaped like LAMOST DR6 Medium Resolution Spectra",
        synthetic=True,
        source={"url": "scripts/make/shipped_mirrors.py", "seed": SEED},
    )
    make(
        REAL,
        real_rows.read(schema),
        schema,
        title="124 real LAMOST MRS rows (DR7, DR8 v1.0, DR10 v2.0), in the columns of LAMOST6 MRS",
        synthetic=False,
        source={
            "url": "scripts/data",
            "licence": "astropy/astroquery test data (BSD-3-Clause), pylamost notebook, PyPI laspec (MIT); LAMOST",
        },
    )


if __name__ == "__main__":
    main()
