"""The real LAMOST MRS rows of ``scripts/data`` in the columns of the LAMOST6 MRS service.

A column is filled where its meaning is the same as in the source, and NULL elsewhere. Missing-value codes (-9999, 99,
``-``) stay as published: how the SSAP table maps them is not known.
"""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from ssap_mirror.core.schema import Schema
from ssap_mirror.core.times import MJD_EPOCH

DATA = Path(__file__).resolve().parents[1] / "data"
CATALOGUE = DATA / "mrs_catalogue_rows_real.csv"
FITS_HEADERS = DATA / "mrs_rows_from_laspec_fits.csv"

_SAME_TEXT = ("mobsid", "designation", "objtype", "magtype", "planid", "fibertype")
_SAME_NUMBER = (
    *("obsid", "ra", "dec", "ra_obs", "dec_obs", "spid", "fiberid", "coadd", "bad_b", "bad_r", "accsize"),
    *(f"rv_{arm}{kind}{end}" for arm in ("b", "r", "br", "lasp") for kind in "01" for end in ("", "_err")),
    *("rv_b_flag", "rv_r_flag", "rv_br_flag"),
)
_RENAMED = {
    "ssa_snr": ("snr",),
    "ssa_timeExt": ("exptime",),
    "ssa_length": ("npix",),
    "fibermask": ("fibermask", "fibermas"),
    "offset_v": ("offsets_v", "offset_v"),
}
# LAMOST headers give DATE-BEG and DATE-END in local time, UTC+8 (their DATE-OBS is the same instant in UTC).
_LOCAL = timedelta(hours=8)


def read(schema: Schema) -> pa.Table:
    """Read all real rows.

    Parameters
    ----------
    schema : Schema
        Columns of LAMOST6 MRS.

    Returns
    -------
    pyarrow.Table
        124 rows x 98 columns; positions ICRS in degrees, times MJD UTC, wavelengths in metres.
    """
    rows = [_row(found) for path in (CATALOGUE, FITS_HEADERS) for found in _records(path)]
    unknown = {name for row in rows for name in row} - set(schema.names)
    if unknown:
        message = f"columns that the service does not have: {sorted(unknown)}"
        raise KeyError(message)
    return pa.table(
        [pa.array([row.get(column.name) for row in rows], column.arrow_type()) for column in schema],
        schema=schema.arrow_schema(),
    )


def _records(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _row(found: dict[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {name: found.get(name) or None for name in _SAME_TEXT}
    for name in _SAME_NUMBER:
        row[name] = _number(found, name)
    for name, candidates in _RENAMED.items():
        row[name] = next((v for v in (_number(found, c) for c in candidates) if v is not None), None)
    row["target_comment"] = found.get("tcomment") or None
    row["mag_arr"] = _magnitudes(found)
    row["ssa_location"] = [row["ra_obs"], row["dec_obs"]]
    row["location_ra"], row["location_dec"] = row["ra_obs"], row["dec_obs"]
    row["ssa_targetpos"] = [row["ra"], row["dec"]]
    row["ssa_cdate"] = found.get("date_created") or None
    row["ssa_collection"] = found.get("data_v") or _release(found["src"])
    row |= _spectral(found)
    # The header of a co-add repeats the dates of one of its exposures, and the catalogue has the start alone.
    if row["coadd"] == 0 and found.get("date_beg"):
        row["ssa_dateObs"] = _midpoint_mjd(found["date_beg"], found["date_end"])
    return row


def _number(found: dict[str, str], name: str) -> float | int | None:
    text = found.get(name)
    if not text:
        return None
    value = float(text)
    return int(value) if value.is_integer() and "." not in text else value


def _magnitudes(found: dict[str, str]) -> list[float] | None:
    values = [found[f"mag{i}"] for i in range(1, 8)]
    return [float(value) for value in values] if all(values) else None


def _release(src: str) -> str:
    """``cone_mrs_dr8.xml (DR8 v1.0)`` -> ``LAMOST DR8 v1.0``."""
    return "LAMOST " + src.partition("(")[2].rstrip(")")


def _spectral(found: dict[str, str]) -> dict[str, float]:
    if not found.get("lam_start"):
        return {}
    start, end = float(found["lam_start"]) * 1e-10, float(found["lam_end"]) * 1e-10
    return {
        "ssa_specstart": start,
        "ssa_specend": end,
        "ssa_specmid": float(np.mean((start, end))),
        "ssa_specext": end - start,
    }


def _midpoint_mjd(begin: str, end: str) -> float:
    first, last = (datetime.fromisoformat(text) - _LOCAL for text in (begin, end))
    return (first + (last - first) / 2 - MJD_EPOCH) / timedelta(days=1)
