"""Made-up rows in the shape of LAMOST DR6 Medium Resolution Spectra; nothing in them was ever observed.

Run as ``.venv/bin/python scripts/rows/synthetic_rows.py 1000000 rows.parquet``. The same arguments give the same rows.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike
from ssap_mirror.core.schema import Column
from ssap_mirror.pipeline.known_services import lamost6_mrs

from scripts.rows.synthetic.arrow import as_column
from scripts.rows.synthetic.constants import CONSTANTS
from scripts.rows.synthetic.odd import harden
from scripts.rows.synthetic.plates import Stars, plate_targets
from scripts.rows.synthetic.visits import Visit, visit_columns

_SCHEMA = lamost6_mrs()
_ARROW_SCHEMA = _SCHEMA.arrow_schema()
_FIRST_OBSID = 601_000_001
_ROWS_PER_OBSID = 9
# LAMOST has 4,000 fibres; small surveys get fewer, so that they still have dozens of visits.
_FIBRES, _SMALL_SURVEY_VISITS = 4000, 48
# Two arms of three exposures and their co-add.
_ONE_DATE_ROWS_PER_OBSID = 8
_REGION_CORNERS = 6


def batches(
    n: int, seed: int, *, hard: bool = False, stars: Stars | None = None, one_date_rows: int = 0
) -> Iterator[pa.RecordBatch]:
    """Make rows, one visit of one plate at a time (at most about 60,000 rows).

    Parameters
    ----------
    n
        How many rows.
    seed
        The same seed gives the same rows.
    hard
        Whether to vary what is constant in the published service, with odd names and awkward positions.
    stars
        Real stars to put some of the targets at.
    one_date_rows
        The first so many rows are of one plate and share one identical ``ssa_dateObs``.

    Yields
    ------
    pyarrow.RecordBatch
        The 98 columns of LAMOST6 MRS in the service's order and types. Positions are ICRS degrees, dates MJD (UTC),
        wavelengths metres. NULL and NaN are different things.

    Raises
    ------
    ValueError
        If there would be fewer than no rows, or more of one date than in all.
    """
    if n < 0 or not 0 <= one_date_rows <= n:
        message = f"cannot make {n} rows, {one_date_rows} of them of one date"
        raise ValueError(message)
    fibres = min(_FIBRES, max(4, n // (_ROWS_PER_OBSID * _SMALL_SURVEY_VISITS)))
    visits = max(1, round(n / (_ROWS_PER_OBSID * fibres)))
    # Each plate is observed several times; hard rows rather have more places.
    plates = max(8, round(visits / 1.6)) if hard else max(1, visits // 4)
    obsid, left = _FIRST_OBSID, n
    if one_date_rows:
        targets = -(-one_date_rows // _ONE_DATE_ROWS_PER_OBSID)
        visit = Visit(0, visits, plates, obsid, one_date=True)
        yield _batch(seed, visit, targets, hard=hard, stars=stars).slice(0, one_date_rows)
        obsid, left = obsid + targets, left - one_date_rows
    for number in count():
        if left <= 0:
            return
        visit = Visit(number, max(visits, number + 1), number % plates, obsid)
        batch = _batch(seed, visit, fibres, hard=hard, stars=stars).slice(0, left)
        yield batch
        obsid, left = obsid + fibres, left - len(batch)


def rows(
    n: int,
    seed: int,
    hard: bool = False,  # noqa: FBT001 - a word of the call's contract
    *,
    ra: ArrayLike | None = None,
    dec: ArrayLike | None = None,
    names: ArrayLike | None = None,
    mags: ArrayLike | None = None,
    one_date_rows: int = 0,
) -> pa.Table:
    """Make rows in memory.

    Parameters
    ----------
    n, seed, hard, one_date_rows
        As for `batches`.
    ra, dec
        Shape (k,), ICRS degrees: stars to put some of the targets at.
    names
        Shape (k,), their names; without it they are named by position.
    mags
        Shape (k,), their magnitudes, which set signal to noise and fibre offset.

    Returns
    -------
    pyarrow.Table
        `n` rows x 98 columns.

    Raises
    ------
    ValueError
        If `n` makes no sense or the stars' arrays differ in length.
    """
    stars = None if ra is None or dec is None else make_stars(ra, dec, names, mags)
    return pa.Table.from_batches(
        batches(n, seed, hard=hard, stars=stars, one_date_rows=one_date_rows), schema=_ARROW_SCHEMA
    )


def make_stars(ra: ArrayLike, dec: ArrayLike, names: ArrayLike | None = None, mags: ArrayLike | None = None) -> Stars:
    """Check and complete the stars of a caller; see `rows`."""
    ra, dec = np.asarray(ra, np.float64), np.asarray(dec, np.float64)
    full_names = np.full(ra.shape, None, object) if names is None else np.asarray(names, object)
    full_mags = np.full(ra.shape, np.nan) if mags is None else np.asarray(mags, np.float64)
    if ra.ndim != 1 or not ra.shape == dec.shape == full_names.shape == full_mags.shape:
        message = f"the stars' arrays differ: {ra.shape}, {dec.shape}, {full_names.shape}, {full_mags.shape}"
        raise ValueError(message)
    return Stars(ra, dec, full_names, full_mags)


def _batch(seed: int, visit: Visit, fibres: int, *, hard: bool, stars: Stars | None) -> pa.RecordBatch:
    targets = plate_targets(seed, visit.plate, fibres, hard=hard, stars=stars)
    key = [seed, 2 + visit.one_date, visit.number]
    layout, columns = visit_columns(np.random.default_rng(key), visit, targets)
    columns = {**CONSTANTS, **columns}
    if hard:
        columns |= harden(np.random.default_rng([*key, 1]), layout, columns, visit.first_obsid)
        if visit.one_date:
            columns["ssa_dateObs"] = np.full(len(layout), columns["ssa_dateObs"].max())
    location = columns["ssa_location"]
    columns["location_ra"], columns["location_dec"] = location[:, 0], location[:, 1]
    arrays = [
        _region(location, column)
        if column.name == "ssa_region"
        else as_column(columns[column.name], column, len(layout))
        for column in _SCHEMA
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=_ARROW_SCHEMA)


def _region(location: Any, column: Column) -> pa.Array:
    """Hexagons around the fibres, degrees; NULL where there is no position, and at the poles."""
    ra, dec = np.ma.getdata(location).T
    absent = np.ma.getmaskarray(location)[:, 0] | (np.abs(dec) > 89.9)
    angle = np.arange(_REGION_CORNERS) * (2 * np.pi / _REGION_CORNERS)
    radius = CONSTANTS["ssa_aperture"] / 2
    east = np.cos(angle) / np.cos(np.radians(np.where(absent, 0.0, dec)))[:, None]
    corners = np.stack(((ra[:, None] + radius * east) % 360.0, dec[:, None] + radius * np.sin(angle)[None, :]), axis=2)
    sizes = np.where(absent, 0, 2 * _REGION_CORNERS)
    offsets = np.concatenate(([0], np.cumsum(sizes))).astype(np.int32)
    return pa.ListArray.from_arrays(
        pa.array(offsets), pa.array(corners[~absent].ravel()), type=column.arrow_type(), mask=pa.array(absent)
    )


def main() -> None:
    """Write a Parquet file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n", type=int, help="rows")
    parser.add_argument("path", type=Path, help="Parquet file to write")
    parser.add_argument("--seed", type=int, default=20180601)
    parser.add_argument("--hard", action="store_true", help="vary what is constant, odd names, awkward positions")
    parser.add_argument("--one-date-rows", type=int, default=0, metavar="M", help="the first M rows share one date")
    options = parser.parse_args()
    made = batches(options.n, options.seed, hard=options.hard, one_date_rows=options.one_date_rows)
    with pq.ParquetWriter(options.path, _ARROW_SCHEMA, compression="zstd") as writer:
        for batch in made:
            writer.write_batch(batch)
    print(f"{options.path}: {options.n:,} synthetic rows")


if __name__ == "__main__":
    main()
