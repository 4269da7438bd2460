"""A smaller companion: rows in the shape of a low-resolution survey's SSA table, one for each target."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.pipeline.known_services import lamost6_mrs

from scripts.rows.synthetic.arrow import as_column
from scripts.rows.synthetic.constants import CONSTANTS
from scripts.rows.synthetic.plates import plate_targets
from scripts.rows.synthetic.visits import Columns, joined, nulls, texts

_MRS = lamost6_mrs()
_FIBRES, _FIRST_NIGHT, _FIRST_OBSID = 250, 56_000, 101_001
_CLASSES, _CLASS_SHARES = ("STAR", "GALAXY", "QSO", "Unknown"), (0.90, 0.06, 0.01, 0.03)
_SUBCLASSES = ("A7V", "F5", "F9", "G2", "G8", "K3", "K7", "M2")


def _number(name: str, unit: str | None, ucd: str, description: str) -> Column:
    return Column(name, "float", unit=unit, ucd=ucd, verbosity=15, description=description, title=name)


_OWN = (
    Column("lrs_class", "char", "*", ucd="meta.code.class", verbosity=15, description="Class", title="Class"),
    Column("subclass", "char", "*", ucd="src.spType", verbosity=15, description="Subclass", title="Subclass"),
    _number("z_err", None, "stat.error;src.redshift", "Error in ssa_redshift."),
    *(_number(f"snr{band}", None, "stat.snr", f"Signal to noise in {band}.") for band in "ugriz"),
    _number("teff", "K", "phys.temperature.effective", "Effective temperature."),
    _number("logg", "log(cm/s**2)", "phys.gravity", "Surface gravity."),
    _number("feh", None, "phys.abund.Z", "Metallicity [Fe/H]."),
)
_SHARED = (
    *("accref", "owner", "embargo", "mime", "accsize", "ssa_location", "ssa_region"),
    *("ssa_dateObs", "ssa_timeExt", "ssa_snr", "ssa_specstart", "ssa_specend", "ssa_targname"),
    *("ssa_length", "ssa_dstitle", "ssa_creatorDID", "ssa_cdate", "ssa_pdate", "ssa_bandpass", "ssa_targclass"),
    *("ssa_redshift", "ssa_aperture", "ssa_collection", "ssa_fluxcalib", "ssa_speccalib", "ssa_specres"),
    *("obsid", "designation", "planid", "spid", "fiberid", "ra", "dec", "ra_obs", "dec_obs", "objtype"),
)
#: The columns that are kept, in the order of the rows made here.
LRS_SCHEMA = Schema((*(_MRS[name] for name in _SHARED), *_OWN))
_ARROW_SCHEMA = LRS_SCHEMA.arrow_schema()


def lrs_batches(n: int, seed: int) -> Iterator[pa.RecordBatch]:
    """Make rows of a low-resolution survey.

    Parameters
    ----------
    n
        How many rows; `obsid` is their identity.
    seed
        The same seed gives the same rows.

    Yields
    ------
    pyarrow.RecordBatch
        Columns of `LRS_SCHEMA`, except ``ssa_region``, which is NULL.
    """
    for first in range(0, n, _FIBRES):
        yield _batch(seed, first // _FIBRES, first, min(_FIBRES, n - first))


def _batch(seed: int, plate: int, first: int, count: int) -> pa.RecordBatch:
    rng = np.random.default_rng([seed, 9, plate])
    targets = plate_targets(seed + 1, plate, count, hard=False, stars=None)
    index = np.arange(count)
    obsid = _FIRST_OBSID + first + index
    kind = rng.choice(len(_CLASSES), count, p=_CLASS_SHARES)
    star = kind == 0
    redshift = np.where(star, targets.velocity / 299_792.458, rng.uniform(0.01, 0.6, count))
    snr = np.round(20.0 * 10 ** (-0.2 * (targets.brightness - 14.0)) * rng.lognormal(0, 0.3, count), 2)
    no_place = rng.random(count) < 0.004
    key = joined(f"lamost6/lrs/{_FIRST_NIGHT + plate}/", obsid, ".fits")
    columns: Columns = {
        **CONSTANTS,
        "accref": key,
        "mime": "application/fits",
        "accsize": rng.integers(90_000, 110_000, count),
        "ssa_location": nulls(np.stack((targets.ra_obs, targets.dec_obs), 1), np.stack((no_place, no_place), 1)),
        "ssa_region": None,
        "ssa_dateObs": nulls(_FIRST_NIGHT + plate + rng.uniform(0.5, 0.8, count).round(6), rng.random(count) < 0.004),
        "ssa_timeExt": np.full(count, 4500.0),
        "ssa_snr": nulls(snr, rng.random(count) < 0.01),
        "ssa_specstart": np.full(count, 3.7e-7),
        "ssa_specend": np.full(count, 9.0e-7),
        "ssa_targname": texts(targets.name, index),
        "ssa_length": rng.integers(3900, 3922, count),
        "ssa_dstitle": joined("Synthetic LAMOST LRS ", texts(targets.designation, index)),
        "ssa_creatorDID": joined("ivo://synthetic.invalid/lamost6/lrs?", obsid),
        "ssa_cdate": "2018-10-01T00:00:00",
        "ssa_targclass": texts(np.array(_CLASSES, object), kind),
        "ssa_redshift": nulls(redshift, rng.random(count) < 0.02),
        "ssa_collection": "LAMOST6 LRS (synthetic)",
        "ssa_specres": np.full(count, 3.6e-10),
        "obsid": obsid,
        "designation": texts(targets.designation, index),
        "planid": f"SYN{plate:05d}L01",
        "spid": index % 16 + 1,
        "fiberid": index // 16 + 1,
        **{name: getattr(targets, name) for name in ("ra", "dec", "ra_obs", "dec_obs")},
        "objtype": "Star",
        "lrs_class": texts(np.array(_CLASSES, object), kind),
        "subclass": texts(np.array([*_SUBCLASSES, None], object), np.where(star, rng.integers(0, 8, count), 8)),
        "z_err": np.abs(rng.normal(0, 1e-5, count)),
        **{f"snr{band}": np.round(snr * scale, 2) for band, scale in zip("ugriz", (0.3, 0.8, 1, 1, 0.7), strict=True)},
        "teff": nulls(rng.normal(5600, 600, count).round(2), ~star),
        "logg": nulls(rng.normal(4.2, 0.4, count).round(3), ~star),
        "feh": nulls(rng.normal(-0.2, 0.3, count).round(3), ~star),
    }
    arrays = [as_column(columns[column.name], column, count) for column in LRS_SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=_ARROW_SCHEMA)
