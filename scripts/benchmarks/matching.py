"""Section ``match``: for every spectrum the nearest star within a radius.

Each function imports what it needs before its clock starts.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

from scripts.benchmarks.measure import Clock
from scripts.benchmarks.registry import Options, peer

LEFT_COLUMNS = ["mobsid", "ra", "dec", "ssa_snr", "ssa_dateObs"]
RIGHT_COLUMNS = ["source_id", "ra", "dec", "phot_g_mean_mag", "parallax"]


@peer("match", "floor", agrees=False, scaled=True)
def read_only(options: Options) -> tuple[int, Clock, int]:
    """Read the four columns of positions with DuckDB: no match can take less."""
    import duckdb

    with Clock() as clock:
        connection = duckdb.connect()
        query = "SELECT count(ra + dec) FROM read_parquet(?) WHERE ra + dec > -1000"
        for side in ("spectra_files", "stars_files"):
            connection.execute(query, [options[side]]).fetchall()
    return 0, clock, 1


@peer("match", "ours", scaled=True)
def ours(options: Options) -> tuple[int, Clock, int]:
    """Count with `ssap_query.crossmatch`."""
    import duckdb  # noqa: F401  (as for the other peers, importing is not timed)
    import pyarrow.parquet  # noqa: F401
    from ssap_query.xmatch import crossmatch

    with Clock() as clock:
        match = crossmatch(options["mirror"], options["stars"], options["radius_arcsec"])
        count = match.count()
    return count, clock, 1  # its database, like that of the floor, is closed after the clock


@peer("match", "ours written", scaled=True)
def ours_written(options: Options) -> tuple[int, Clock, int]:
    """Write ten columns of both sides to Parquet."""
    import duckdb  # noqa: F401
    import pyarrow.parquet as pq
    from ssap_query.xmatch import crossmatch

    with Clock() as clock:
        match = crossmatch(
            options["mirror"],
            options["stars"],
            options["radius_arcsec"],
            left_columns=LEFT_COLUMNS,
            right_columns=RIGHT_COLUMNS,
        )
        path = Path(options["scratch"]) / "ours.parquet"
        match.write(path)
    return pq.read_metadata(path).num_rows, clock, 1


@peer("match", "ours with motions", agrees=False)
def ours_with_motions(options: Options) -> tuple[int, Clock, int]:
    """Count with each star at the date of each spectrum: another question, so its count stands alone."""
    import duckdb  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    from ssap_query.xmatch import Positions, crossmatch

    with Clock() as clock:
        match = crossmatch(
            options["mirror"],
            options["stars"],
            options["radius_arcsec"],
            left_positions=Positions(epoch="ssa_dateObs"),
            right_positions=Positions(epoch=2016.0),
        )
        count = match.count()
    return count, clock, 1


@peer("match", "plain DuckDB")
def plain_duckdb(options: Options) -> tuple[int, Clock, int]:
    """Join in SQL as one writes it by hand: cells of 10 arcsec, the spectra in one each, the stars in nine."""
    import duckdb

    with Clock() as clock:
        connection = duckdb.connect(config={"temp_directory": options["scratch"]})
        (count,) = connection.execute(
            """
            WITH spectra AS (
                SELECT row_number() OVER () AS id, ra, dec, floor(dec * 360) AS zone,
                    floor(ra * 360 * cos(radians(floor(dec * 360) / 360))) AS bin FROM read_parquet($spectra)
            ), stars AS (
                SELECT ra, dec, floor(dec * 360) + z.d AS zone,
                    floor(ra * 360 * cos(radians((floor(dec * 360) + z.d) / 360))) + b.d AS bin
                FROM read_parquet($stars), (VALUES (-1), (0), (1)) z(d), (VALUES (-1), (0), (1)) b(d)
            )
            SELECT count(DISTINCT id) FROM stars JOIN spectra USING (zone, bin)
            WHERE degrees(2 * asin(sqrt(least(1, sin(radians(stars.dec - spectra.dec) / 2) ** 2
                + cos(radians(stars.dec)) * cos(radians(spectra.dec)) * sin(radians(stars.ra - spectra.ra) / 2) ** 2
            )))) * 3600 <= $radius
            """,
            {
                "spectra": options["spectra_files"],
                "stars": options["stars_files"],
                "radius": options["radius_arcsec"],
            },
        ).fetchall()[0]
    return count, clock, 1


@peer("match", "polars", needs="polars")
def with_polars(options: Options) -> tuple[int, Clock, int]:
    """Join in the same way with polars."""
    import polars as pl

    def haversine(name: str, other: str) -> pl.Expr:
        return ((pl.col(name).radians() - pl.col(other).radians()) / 2).sin() ** 2

    def binned(zone: pl.Expr) -> pl.Expr:
        return (pl.col("ra") * 360 * (zone / 360).radians().cos()).floor()

    with Clock() as clock:
        zone = (pl.col("dec") * 360).floor()
        spectra = (
            pl.scan_parquet(options["spectra_files"])
            .select("ra", "dec")
            .with_row_index("id")
            .with_columns(zone=zone.cast(pl.Int32))
            .with_columns(bin=binned(pl.col("zone")).cast(pl.Int32))
        )
        shifts = pl.LazyFrame({"dz": [-1, 0, 1]}, schema={"dz": pl.Int32})
        stars = (
            pl.scan_parquet(options["stars_files"])
            .select("ra", "dec")
            .join(shifts, how="cross")
            .with_columns(zone=zone.cast(pl.Int32) + pl.col("dz"))
            .join(shifts.rename({"dz": "db"}), how="cross")
            .with_columns(bin=binned(pl.col("zone")).cast(pl.Int32) + pl.col("db"))
        )
        near = haversine("dec", "dec_right") + (
            pl.col("dec").radians().cos() * pl.col("dec_right").radians().cos() * haversine("ra", "ra_right")
        )
        found = (
            stars.join(spectra, on=["zone", "bin"])
            .filter(2 * near.sqrt().arcsin().degrees() * 3600 <= options["radius_arcsec"])
            .select(pl.col("id").n_unique())
            .collect(engine="streaming")
        )
    return int(found.item()), clock, 1


@peer("match", "cKDTree", needs="scipy")
def with_tree(options: Options) -> tuple[int, Clock, int]:
    """Search a tree of the stars' unit vectors (scipy) on all cores."""
    import numpy as np
    import pyarrow.parquet as pq
    from scipy.spatial import cKDTree

    def vectors(files: list[str]) -> Any:
        table = pq.read_table(files, columns=["ra", "dec"], partitioning=None)
        ra, dec = (np.radians(table[name].to_numpy()) for name in ("ra", "dec"))
        ra, dec = ra[np.isfinite(ra)], dec[np.isfinite(ra)]
        return np.column_stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])

    with Clock() as clock:
        tree = cKDTree(vectors(options["stars_files"]), balanced_tree=False, compact_nodes=False)
        chord = 2 * np.sin(np.radians(options["radius_arcsec"] / 3600) / 2)
        distance, _ = tree.query(vectors(options["spectra_files"]), distance_upper_bound=chord, workers=-1)
        count = int(np.isfinite(distance).sum())
    return count, clock, 1


@peer("match", "astropy")
def with_astropy(options: Options) -> tuple[int, Clock, int]:
    """Match with `match_to_catalog_sky`."""
    import astropy.units as u
    import pyarrow.parquet as pq
    from astropy.coordinates import SkyCoord

    def coordinates(files: list[str]) -> SkyCoord:
        table = pq.read_table(files, columns=["ra", "dec"], partitioning=None)
        placed = table.drop_null()
        return SkyCoord(placed["ra"].to_numpy(), placed["dec"].to_numpy(), unit="deg")

    with Clock() as clock:
        spectra, stars = coordinates(options["spectra_files"]), coordinates(options["stars_files"])
        _, separation, _ = spectra.match_to_catalog_sky(stars)
        count = int((separation <= options["radius_arcsec"] * u.arcsec).sum())
    return count, clock, 1


@peer("match", "LSDB", needs="lsdb")
def with_lsdb(options: Options) -> tuple[int, Clock, int]:
    """Match with `crossmatch` on HATS catalogues with margins, one Dask worker for each core."""
    import importlib
    import os

    import lsdb
    from dask.distributed import Client

    left, right = options["lsdb"]
    workers = Client(n_workers=os.cpu_count(), threads_per_worker=1, dashboard_address=None)
    with workers:
        workers.run(importlib.import_module, "lsdb")
        with Clock() as clock:
            spectra = lsdb.open_catalog(left, columns=["ra", "dec"])
            stars = lsdb.open_catalog(right, columns=["ra", "dec"])
            matched = spectra.crossmatch(stars, radius_arcsec=options["radius_arcsec"], suffixes=("_1", "_2"))
            count = len(matched.compute())
    return count, clock, 1


@peer("match", "STILTS", needs="stilts")
def with_stilts(options: Options) -> tuple[int, Clock, int]:
    """Match with `tmatch2`, which starts a Java machine; its FITS files hold positions and identifiers alone."""
    spectra, stars = options["fits"]
    command = ["stilts", "tmatch2", "matcher=sky", f"params={options['radius_arcsec']}", "values1=ra dec",
               "values2=ra dec", "join=1and2", "find=best1", "omode=count", "progress=none",
               f"in1={spectra}", "ifmt1=fits", f"in2={stars}", "ifmt2=fits"]  # fmt: skip
    with Clock() as clock:
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"rows:\s*(\d+)", answer)
    if found is None:
        message = f"STILTS does not say how many rows it found: {answer!r}"
        raise SystemExit(message)
    return int(found[1]), clock, 1
