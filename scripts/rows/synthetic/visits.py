"""One visit of one plate: a few exposures and their co-add, in both arms of each fibre's spectrograph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scripts.rows.synthetic.plates import OBJECT_TYPES, Targets

#: The accref column is a link in the service's answers; this one leads nowhere (RFC 2606 keeps ``.invalid`` free).
PRODUCT_URL = "http://synthetic.invalid/getproduct/"
PUBLISHER_DID = "ivo://synthetic.invalid/~?"
ARMS = ("B", "R")
#: Vacuum wavelengths of the arms, metres, and the resolution there (R = 7500).
ARM_START, ARM_END, ARM_RESOLUTION = (4.95e-7, 6.30e-7), (5.35e-7, 6.80e-7), (6.87e-11, 8.73e-11)
#: Diameter of a fibre: 3.3 arcsec.
APERTURE_DEG = 0.00091667
_LIGHT_KM_S = 299_792.458
#: Nights of the survey's sixth release, MJD.
_FIRST_NIGHT, _NIGHTS = 58_028, 242
_EXPOSURES, _EXPOSURE_SHARES = (2, 3, 4, 5, 7), (0.25, 0.30, 0.25, 0.15, 0.05)
_READOUT_S = 75.0
#: China Standard Time, in which LAMOST counts its minutes (lmjm), is 8 h ahead of UTC.
_LOCAL_DAYS = 8.0 / 24.0

Columns = dict[str, Any]


@dataclass(frozen=True)
class Visit:
    """When and how a plate was observed."""

    number: int
    """Running number, from 0."""
    visits: int
    """How many visits the survey has, for spreading them over its nights."""
    plate: int
    """Which plate."""
    first_obsid: int
    """The first target's; the others count up."""
    one_date: bool = False
    """Whether all rows share one identical date."""


@dataclass(frozen=True)
class Layout:
    """Which target, exposure and arm each row belongs to; rows are ordered by all three."""

    exposures: int
    """Single exposures; the co-add is counted as one more."""
    target: NDArray[np.intp]
    """Shape (rows,)."""
    exposure: NDArray[np.intp]
    """Shape (rows,); equal to `exposures` for the co-add."""
    arm: NDArray[np.intp]
    """Shape (rows,); 0 is B, 1 is R."""

    def __len__(self) -> int:
        return len(self.target)

    @property
    def coadd(self) -> NDArray[np.bool_]:
        """Shape (rows,)."""
        return np.equal(self.exposure, self.exposures)


def visit_columns(rng: np.random.Generator, visit: Visit, targets: Targets) -> tuple[Layout, Columns]:
    """Make the rows of a visit, all columns that are not constant.

    Parameters
    ----------
    rng
        Random numbers of this visit alone.
    visit, targets
        What is observed, and when.

    Returns
    -------
    Layout
        What each row is.
    dict
        Column name -> NumPy array or Arrow array of that many rows. Masked arrays are NULL where masked.
    """
    exposures = 3 if visit.one_date else int(rng.choice(_EXPOSURES, p=_EXPOSURE_SHARES))
    grid = np.indices((len(targets), exposures + 1, len(ARMS))).reshape(3, -1)
    layout = Layout(exposures, *grid)
    columns = _identity(visit, layout, targets)
    columns |= _times(rng, visit, layout)
    columns |= _positions(rng, layout, targets)
    columns |= _spectra(rng, layout, targets)
    columns |= _velocities(rng, layout, targets)
    columns |= _files(rng, visit, layout, columns)
    return layout, columns


def nulls(values: NDArray[Any], where: NDArray[np.bool_]) -> np.ma.MaskedArray[Any, Any]:
    """Values that are NULL where told."""
    return np.ma.MaskedArray(values, where)


def texts(values: NDArray[np.object_], index: NDArray[np.intp]) -> pa.Array:
    """Take texts by index; None is NULL."""
    # From a list: pyarrow would import pandas to look at an array of objects.
    return pa.array(values.tolist(), pa.string()).take(pa.array(index))


def joined(*parts: Any) -> pa.Array:
    """Concatenate texts and numbers, row by row."""
    return pc.binary_join_element_wise(*(_as_text(part) for part in parts), "")


def _as_text(part: Any) -> Any:
    return part if isinstance(part, (str, pa.Array)) else pa.array(part).cast(pa.string())


def _identity(visit: Visit, layout: Layout, targets: Targets) -> Columns:
    fibre = np.arange(len(targets))
    return {
        "obsid": visit.first_obsid + layout.target,
        "designation": texts(targets.designation, layout.target),
        "ssa_targname": texts(targets.name, layout.target),
        "spid": (fibre % 16 + 1)[layout.target],
        "fiberid": (fibre // 16 % 250 + 1)[layout.target],
        "planid": pa.array([f"SYN{visit.plate:05d}K{visit.number % 100:02d}"] * len(layout)),
        "coadd": layout.coadd.astype(np.int64),
    }


def _times(rng: np.random.Generator, visit: Visit, layout: Layout) -> Columns:
    night = _FIRST_NIGHT + visit.number * _NIGHTS // visit.visits
    exposure_s = float(rng.choice((600, 900, 1200)))
    first = night + rng.uniform(0.50, 0.80)
    starts = first + np.arange(layout.exposures) * (exposure_s + _READOUT_S) / 86_400
    mids = np.round(starts + exposure_s / 172_800, 8)
    dates = np.append(mids, np.round(mids.mean(), 8))[layout.exposure]
    minutes = np.append(np.floor((starts + _LOCAL_DAYS) * 1440).astype(np.int64), 0)[layout.exposure]
    arm = texts(np.array(ARMS, dtype=object), layout.arm)
    obsid = visit.first_obsid + layout.target
    undated = rng.random(len(layout)) < 0.004
    if visit.one_date:
        dates, undated = np.full(len(layout), mids[0]), np.zeros(len(layout), bool)
    return {
        # LAMOST: obsid + local minute + arm; a co-add has no minute.
        "mobsid": pc.if_else(pa.array(layout.coadd), joined(obsid, arm), joined(obsid, minutes, arm)),
        "ssa_dateObs": nulls(dates, undated),
        "ssa_timeExt": np.where(layout.coadd, exposure_s * layout.exposures, exposure_s),
    }


def _positions(rng: np.random.Generator, layout: Layout, targets: Targets) -> Columns:
    draw = rng.random(len(targets))[layout.target]
    no_fibre, no_target = draw < 0.006, draw < 0.0015
    take = layout.target
    ra_obs, dec_obs = targets.ra_obs[take], targets.dec_obs[take]
    return {
        "ra": nulls(targets.ra[take], no_target),
        "dec": nulls(targets.dec[take], no_target),
        "ra_obs": nulls(ra_obs, no_target),
        "dec_obs": nulls(dec_obs, no_target),
        "ssa_location": nulls(np.stack((ra_obs, dec_obs), axis=1), np.stack((no_fibre, no_fibre), axis=1)),
        "offset_v": targets.offset[take],
    }


def _spectra(rng: np.random.Generator, layout: Layout, targets: Targets) -> Columns:
    rows = len(layout)
    typical = 28.0 * 10 ** (-0.2 * (targets.brightness - 13.0))
    snr = typical[layout.target] * rng.lognormal(0.0, 0.35, rows) * np.where(layout.arm, 1.6, 1.0)
    snr *= np.where(layout.coadd, np.sqrt(layout.exposures), 1.0)
    snr += rng.normal(0.0, 0.6, rows)
    draw = rng.random(rows)
    snr = np.where(draw > 0.995, np.nan, np.where(draw > 0.9945, np.inf, np.round(snr, 2)))
    # Six significant digits, as a service prints them.
    start, end = (
        np.round(np.array(edge)[layout.arm] + rng.uniform(-1e-10, 1e-10, rows), 12) for edge in (ARM_START, ARM_END)
    )
    bits = 1 << rng.integers(0, 9, (2, rows))
    object_type = np.array(OBJECT_TYPES, dtype=object)[targets.object_type]
    return {
        "ssa_snr": nulls(snr, draw < 0.01),
        "ssa_specstart": start,
        "ssa_specend": end,
        "ssa_specmid": (np.float32(start) + np.float32(end)) / np.float32(2),
        "ssa_specext": np.float32(end) - np.float32(start),
        "ssa_specres": np.array(ARM_RESOLUTION)[layout.arm],
        "ssa_length": rng.integers(2400, 2800, rows),
        "objtype": texts(object_type, layout.target),
        "ssa_targclass": texts(np.where(object_type == "gal", "galaxy", "star").astype(object), layout.target),
        "mag_arr": targets.mags[layout.target],
        "fibermask": np.where(rng.random(rows) < 0.05, bits[0] | bits[1], 0),
        "bad_b": (rng.random(rows) < 0.02).astype(np.int64),
        "bad_r": (rng.random(rows) < 0.02).astype(np.int64),
    }


def _velocities(rng: np.random.Generator, layout: Layout, targets: Targets) -> Columns:
    """Radial velocities: as in LAMOST's catalogue, both arms' rows of an exposure carry those of both arms."""
    shape = (len(targets), layout.exposures + 1)
    at = (layout.target, layout.exposure)
    columns: Columns = {}
    # Zero-point corrections of the catalogue's second set, km/s.
    for name, shift in (("b", 0.35), ("r", 1.24), ("br", 0.40), ("lasp", 0.30)):
        error = np.round(np.abs(rng.normal(0.0, 0.6, shape)) + 0.02, 2)
        true = targets.velocity[:, None] + np.where(rng.random(shape) < 0.005, 600.0, 0.0)
        value = np.round(true + rng.normal(0.0, 1.0, shape) * error, 2)
        absent = rng.random(shape) < 0.12
        if name == "lasp":
            absent[:, :-1] = True
        columns |= {
            f"rv_{name}0": nulls(value[at], absent[at]),
            f"rv_{name}0_err": nulls(error[at], absent[at]),
            f"rv_{name}1": nulls(np.round(value + shift, 2)[at], absent[at]),
            f"rv_{name}1_err": nulls(np.round(error * 1.1, 2)[at], absent[at]),
        }
        if name != "lasp":
            flag = np.where(np.abs(value) > 450.0, 2, rng.choice((0, 1, 3), shape, p=(0.93, 0.04, 0.03)))
            columns[f"rv_{name}_flag"] = nulls(flag[at], absent[at])
    z = columns["rv_br0"] / _LIGHT_KM_S
    distant = rng.uniform(0.02, 0.32, len(targets))[layout.target]
    galaxy = (targets.object_type == OBJECT_TYPES.index("gal"))[layout.target]
    columns["ssa_redshift"] = nulls(np.round(np.where(galaxy, distant, z.data), 9), z.mask & ~galaxy)
    return columns


def _files(rng: np.random.Generator, visit: Visit, layout: Layout, columns: Columns) -> Columns:
    mobsid, plan = columns["mobsid"], columns["planid"]
    arm = texts(np.array(ARMS, dtype=object), layout.arm)
    night = _FIRST_NIGHT + visit.number * _NIGHTS // visit.visits
    key = joined(f"lamost6/mrs/{night}/", plan, "/", mobsid, ".fits")
    catalogue = joined("SYN ", (layout.target * 37 + visit.plate * 1009) % 100_000)
    made = rng.integers(1, 29, len(layout)), rng.integers(0, 24, len(layout))
    day, hour = (pc.utf8_lpad(pa.array(x).cast(pa.string()), 2, "0") for x in made)
    return {
        "accref": joined(PRODUCT_URL, key),
        "preview": joined(PRODUCT_URL, key, "?preview=True"),
        "ssa_pubDID": joined(PUBLISHER_DID, key),
        "ssa_creatorDID": joined("ivo://synthetic.invalid/lamost6/mrs?", mobsid),
        "ssa_dstitle": joined("Synthetic LAMOST MRS ", arm, " ", columns["designation"]),
        "ssa_cdate": joined("2018-08-", day, "T", hour, ":00:00"),
        "accsize": rng.integers(38_000, 46_000, len(layout)),
        "target_comment": pc.if_else(pa.array(rng.random(len(layout)) < 0.4), None, catalogue),
    }
