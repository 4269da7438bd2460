"""Synthetic tables for the benchmark: a mirror in the shape of LAMOST6 MRS, and stars, some of them at its targets.

Seeded: the same sizes are the same rows. Made once and kept; what is there is complete (it is renamed last).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import astropy.io.fits as fits
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hpgeom import angle_to_pixel
from numpy.typing import NDArray
from ssap_mirror import build_mirror
from ssap_mirror.core.catalog import open_catalog
from ssap_mirror.pipeline.known_services import lamost6_mrs

from scripts.rows import synthetic_rows

Doubles = NDArray[np.float64]

#: Change it with what `make` makes, or kept tables are taken for new ones.
VERSION = 6
SEED = 20181130
#: Part of the targets that have a star, and how far it is from them (1 sigma along each axis).
WITH_STAR, STAR_OFFSET_ARCSEC = 0.84, 0.1
_STARS_FILE_ROWS, _STARS_ROW_GROUP = 1_000_000, 122_880
_ORDER = 12


@dataclass(frozen=True)
class Tables:
    """One size of the benchmark."""

    rows: int
    """Number of spectra."""
    stars: int
    """Number of stars."""
    cache: Path
    """Folder that keeps what was made."""

    @property
    def mirror(self) -> Path:
        """Mirror with the spectra, 98 columns."""
        return self.cache / f"v{VERSION}-mirror-{self.rows}"

    @property
    def spectra(self) -> list[str]:
        """Parquet files of the mirror."""
        return [str(path) for path in open_catalog(self.mirror).files]

    @property
    def catalogue(self) -> Path:
        """Folder of Parquet files of stars, sorted by place on the sky; it depends on the places of the spectra."""
        return self.cache / f"v{VERSION}-stars-{self.stars}-for-{self.rows}"

    @property
    def one_file(self) -> Path:
        """The rows of the mirror as one Parquet file, in the same order."""
        return self.mirror.with_name(f"{self.mirror.name}.parquet")

    @property
    def stars_files(self) -> list[str]:
        """Parquet files of the stars."""
        return [str(path) for path in sorted(self.catalogue.glob("*.parquet"))]

    @property
    def lsdb(self) -> tuple[Path, Path]:
        """Both as HATS: the mirror is one, the stars are made one with a margin."""
        return open_catalog(self.mirror).path, self.catalogue.with_name(f"{self.catalogue.name}-hats")

    @property
    def fits(self) -> tuple[Path, Path]:
        """Positions and identifiers as FITS, for STILTS."""
        return self.mirror.with_name(f"{self.mirror.name}.fits"), self.catalogue.with_name(
            f"{self.catalogue.name}.fits"
        )


def make(tables: Tables) -> None:
    """Make the mirror and the stars, unless they are there."""
    tables.cache.mkdir(parents=True, exist_ok=True)
    if not tables.mirror.is_dir():
        part = _fresh(tables.mirror)
        build_mirror(
            synthetic_rows.batches(tables.rows, SEED),
            lamost6_mrs(),
            part,
            "benchmark",
            title="SYNTHETIC rows for the benchmark",
            synthetic=True,
            source={"kind": "file", "url": "scripts/benchmarks/data.py", "seed": SEED},
        )
        part.rename(tables.mirror)
    if not tables.catalogue.is_dir():
        _write(stars(tables.stars, *places(tables)), tables.catalogue)


def places(tables: Tables) -> tuple[Doubles, Doubles]:
    """Distinct positions of the targets [deg]."""
    found = duckdb.execute(
        "SELECT DISTINCT ra, dec FROM read_parquet(?) WHERE isfinite(ra) ORDER BY ra, dec", [tables.spectra]
    ).fetchnumpy()
    return np.asarray(found["ra"]), np.asarray(found["dec"])


def make_fits(tables: Tables) -> None:
    """Make the FITS files, unless they are there."""
    sides = zip((tables.spectra, tables.stars_files), tables.fits, ("mobsid", "source_id"), strict=True)
    for source, target, identifier in sides:
        if target.is_file():
            continue
        table = pq.read_table(source, columns=[identifier, "ra", "dec"], partitioning=None)
        names = np.asarray(table[identifier])
        plain = names.astype("S") if names.dtype == object else names
        form = f"{plain.dtype.itemsize}A" if plain.dtype.kind == "S" else "K"
        columns = [
            fits.Column(identifier, form, array=plain),
            fits.Column("ra", "D", unit="deg", array=np.asarray(table["ra"])),
            fits.Column("dec", "D", unit="deg", array=np.asarray(table["dec"])),
        ]
        part = target.with_suffix(".part")
        fits.BinTableHDU.from_columns(columns).writeto(part, overwrite=True)
        part.rename(target)


def make_one_file(tables: Tables) -> None:
    """Make the single Parquet file, unless it is there."""
    if not tables.one_file.is_file():
        part = tables.one_file.with_suffix(".part")
        with pq.ParquetWriter(part, pq.read_schema(tables.spectra[0]), compression="zstd") as writer:
            for path in tables.spectra:
                writer.write_table(pq.read_table(path, partitioning=None))
        part.rename(tables.one_file)


def make_lsdb(tables: Tables) -> None:
    """Make the HATS collection of the stars with LSDB itself, unless it is there."""
    import lsdb

    target = tables.lsdb[1]
    if target.is_dir():
        return
    part = _fresh(target)
    frame = pq.read_table(tables.stars_files).to_pandas()
    catalogue = lsdb.from_dataframe(frame, ra_column="ra", dec_column="dec", margin_threshold=5.0)
    catalogue.write_catalog(part, catalog_name="stars", progress_bar=False, overwrite=True)
    part.rename(target)


def stars(count: int, ra: Doubles, dec: Doubles) -> pa.Table:
    """Stars all over the sky, the first of them beside the places of the spectra."""
    rng = np.random.default_rng([SEED, 3])
    star_ra, star_dec = rng.uniform(0, 360, count), np.degrees(np.arcsin(rng.uniform(-1, 1, count)))
    chosen = np.flatnonzero(rng.random(len(ra)) < WITH_STAR)[:count]
    offset = rng.normal(0, STAR_OFFSET_ARCSEC / 3600, (2, len(chosen)))
    star_dec[: len(chosen)] = np.clip(dec[chosen] + offset[1], -90, 90)
    star_ra[: len(chosen)] = (ra[chosen] + offset[0] / np.cos(np.radians(dec[chosen]))) % 360
    return pa.table(
        {
            "source_id": rng.permutation(count) + 10**15,
            "ra": star_ra,
            "dec": star_dec,
            "parallax": rng.gamma(1, 1, count),
            "pmra": rng.normal(0, 8, count),
            "pmdec": rng.normal(0, 8, count),
            "radial_velocity": np.where(rng.random(count) < 0.2, rng.normal(0, 40, count), np.nan).astype("f4"),
            "phot_g_mean_mag": rng.normal(16, 2, count).astype("f4"),
            "bp_rp": rng.normal(1, 0.4, count).astype("f4"),
        }
    )


def _write(table: pa.Table, folder: Path) -> None:
    """Write Parquet files sorted by place on the sky."""
    cell = angle_to_pixel(2**_ORDER, table["ra"].to_numpy(), table["dec"].to_numpy(), nest=True)
    table = table.take(np.lexsort((table["dec"].to_numpy(), table["ra"].to_numpy(), cell)))
    part = _fresh(folder)
    for number, start in enumerate(range(0, len(table), _STARS_FILE_ROWS)):
        path = part / f"part-{number:04d}.parquet"
        pq.write_table(table.slice(start, _STARS_FILE_ROWS), path, compression="zstd", row_group_size=_STARS_ROW_GROUP)
    part.rename(folder)


def _fresh(folder: Path) -> Path:
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    return part
