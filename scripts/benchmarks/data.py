"""Synthetic tables for the benchmark: spectra that repeat their positions, and stars, some of them at the spectra.

Seeded: the same sizes are the same rows. Made once and kept; a folder that is there is complete (it is renamed last).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import astropy.io.fits as fits
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hpgeom import angle_to_pixel
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

#: Change it with what `spectra` or `stars` make, or kept tables are taken for new ones.
VERSION = 3
#: LAMOST DR6 MRS: 5.85 million rows at 120,000 places.
ROWS_PER_PLACE = 5.85e6 / 120_000
#: Part of the places that have a star, and how far it is from them (1 sigma along each axis).
WITH_STAR, STAR_OFFSET_ARCSEC = 0.84, 0.1
_PLACES_PER_FIELD, _FIELD_SIGMA_DEG = 1_500, 1.2
_SPECTRA_FILE_ROWS, _SPECTRA_ROW_GROUP = 55_000, 16_384
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
    def spectra(self) -> Path:
        """Folder of Parquet files of spectra, sorted by place on the sky, as a mirror is."""
        return self.cache / f"v{VERSION}-spectra-{self.rows}"

    @property
    def catalogue(self) -> Path:
        """Folder of Parquet files of stars, sorted by place on the sky; it depends on the places of the spectra."""
        return self.cache / f"v{VERSION}-stars-{self.stars}-for-{self.rows}"

    @property
    def lsdb(self) -> tuple[Path, Path]:
        """Both as HATS collections with margins, for LSDB."""
        return self.spectra.with_name(f"{self.spectra.name}-hats"), self.catalogue.with_name(
            f"{self.catalogue.name}-hats"
        )

    @property
    def fits(self) -> tuple[Path, Path]:
        """Positions and identifiers as FITS, for STILTS."""
        return self.spectra.with_name(f"{self.spectra.name}.fits"), self.catalogue.with_name(
            f"{self.catalogue.name}.fits"
        )


def make(tables: Tables) -> None:
    """Make the Parquet files, unless they are there."""
    tables.cache.mkdir(parents=True, exist_ok=True)
    ra, dec = places(tables.rows)
    if not tables.spectra.is_dir():
        _write(spectra(tables.rows, ra, dec), tables.spectra, _SPECTRA_FILE_ROWS, _SPECTRA_ROW_GROUP)
    if not tables.catalogue.is_dir():
        _write(stars(tables.stars, ra, dec), tables.catalogue, _STARS_FILE_ROWS, _STARS_ROW_GROUP)


def make_fits(tables: Tables) -> None:
    """Make the FITS files, unless they are there."""
    sides = zip((tables.spectra, tables.catalogue), tables.fits, ("mobsid", "source_id"), strict=True)
    for source, target, identifier in sides:
        if target.is_file():
            continue
        table = pq.read_table(source, columns=[identifier, "ra", "dec"])
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


def make_lsdb(tables: Tables) -> None:
    """Make the HATS collections with LSDB itself, unless they are there."""
    import lsdb

    for source, target in zip((tables.spectra, tables.catalogue), tables.lsdb, strict=True):
        if target.is_dir():
            continue
        part = target.with_name(f"{target.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        frame = pq.read_table(source).to_pandas()
        catalogue = lsdb.from_dataframe(frame, ra_column="ra", dec_column="dec", margin_threshold=5.0)
        catalogue.write_catalog(part, catalog_name=source.name, progress_bar=False)
        part.rename(target)


def places(rows: int) -> tuple[Doubles, Doubles]:
    """Distinct positions of the targets in round fields [deg], as a fibre spectrograph has them."""
    rng = np.random.default_rng([VERSION, 1])
    count = max(1, round(rows / ROWS_PER_PLACE))
    fields = max(8, count // _PLACES_PER_FIELD)
    low, high = np.sin(np.radians((-10.0, 60.0)))
    ra0, dec0 = rng.uniform(0, 360, fields), np.degrees(np.arcsin(rng.uniform(low, high, fields)))
    field = rng.integers(0, fields, count)
    dec = np.clip(dec0[field] + rng.normal(0, _FIELD_SIGMA_DEG, count), -90, 90)
    ra = ra0[field] + rng.normal(0, _FIELD_SIGMA_DEG, count) / np.cos(np.radians(dec))
    return ra % 360, dec


def spectra(rows: int, ra: Doubles, dec: Doubles) -> pa.Table:
    """Rows of a spectra service at those places, each place some fifty times."""
    rng = np.random.default_rng([VERSION, 2])
    place = rng.integers(0, len(ra), rows)
    number = np.arange(rows)
    mjd = rng.uniform(58_000, 58_600, rows)
    names = np.char.add((600_000_000 + number).astype("U10"), np.where(number % 2, "R", "B"))
    return pa.table(
        {
            "mobsid": names,
            "obsid": 600_000_000 + number // 9,
            "ra": ra[place],
            "dec": dec[place],
            "ssa_dateobs": mjd,
            "ssa_timeext": rng.choice([600.0, 1200.0], rows).astype("f4"),
            "snr": rng.gamma(2, 20, rows).astype("f4"),
            "rv_b0": rng.normal(-15, 45, rows).astype("f4"),
            "objtype": pa.array(rng.choice(["star", "k2star", "gal"], rows)).dictionary_encode().cast(pa.string()),
            "ssa_specstart": np.where(number % 2, 6.3e-7, 4.95e-7),
            "ssa_specend": np.where(number % 2, 6.8e-7, 5.35e-7),
        }
    )


def stars(count: int, ra: Doubles, dec: Doubles) -> pa.Table:
    """Stars all over the sky, the first of them beside the places of the spectra."""
    rng = np.random.default_rng([VERSION, 3])
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


def _write(table: pa.Table, folder: Path, file_rows: int, row_group: int) -> None:
    cell = angle_to_pixel(2**_ORDER, table["ra"].to_numpy(), table["dec"].to_numpy(), nest=True)
    table = table.take(np.lexsort((table["dec"].to_numpy(), table["ra"].to_numpy(), cell)))
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    for number, start in enumerate(range(0, len(table), file_rows)):
        path = part / f"part-{number:04d}.parquet"
        pq.write_table(table.slice(start, file_rows), path, compression="zstd", row_group_size=row_group)
    part.rename(folder)
