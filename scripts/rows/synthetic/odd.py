"""What makes rows hard on purpose: constants that vary, values at the edges, names that break naive code."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scripts.rows.synthetic.visits import Columns, Layout, joined, nulls, texts

#: Every so many targets, one has an odd name instead of its own.
ODD_NAME_EVERY = 17
ODD_NAMES = (
    *("", " ", "*", "?", "star*", "what?", "[bracket]", "a]b", "back\\slash", "O'Neill's star", 'say "hi"'),
    *("50% off", "under_score", "a/b", "a,b", "a;b", "NGC 1234", "ngc 1234", "NGC1234", "M 31", "M31*"),
    *("HD 1; DROP TABLE x", "α Ori", "Äquator 7", "äquator 7", "STRASSE", "straße", "⭐ star", "İstanbul"),
    *("  padded  ", "tab\there", "two\nlines", "carriage\rreturn", "&amp; <b>", "any", "ANY", "NULL", "null"),
    *("0", "12.5", "1/2", "%2C", "%41", "a+b", "a.b", "a.*b", "^start", "end$", "(paren)", "{2}", "a|b"),
    *("Running stars", "ran star", "The Star", "\\*", "[!a]", "a-c", "b-c", "\\N", "\\.", "]]>", "e\u0301", "é"),
    *("x" * 300, None),
)

# Column -> (value, share of the rows); the other rows keep what they have. None is NULL.
_VARIED: dict[str, tuple[tuple[Any, float], ...]] = {
    "ssa_bandpass": (("B", 0.01), ("R", 0.01), ("optical", 0.004), (None, 0.006), ("5e-7", 0.002), ("", 0.002)),
    "ssa_targclass": (("Star", 0.06), ("QSO, cand", 0.03), (None, 0.02), ("QSO", 0.005), ("", 0.002), ("any", 0.002)),
    "ssa_fluxcalib": (("RELATIVE", 0.03), ("Normalized", 0.01), ("CALIBRATED", 0.01), (None, 0.01)),
    "ssa_speccalib": (("Calibrated", 0.02), ("uncalibrated", 0.01), (None, 0.01), ("", 0.003)),
    "ssa_collection": (
        *(("lamost6 mrs (synthetic)", 0.01), ("LAMOST6/MRS,test", 0.01), (None, 0.005), ("any", 0.002)),
        *(("Größe", 0.002), ("", 0.002)),
    ),
    "mime": (
        *(("application/fits", 0.05), ("image/fits", 0.01), ("text/csv", 0.01), ("image/jpeg", 0.005)),
        *(("Application/FITS", 0.005), ("text/plain", 0.003), (None, 0.002)),
    ),
    "ssa_aperture": ((None, 0.01), (0.0005, 0.01), (np.nan, 0.003), (0.0, 0.002), (np.inf, 0.001)),
    "ssa_spaceRes": ((0.000916667, 0.2), (0.0004, 0.05), (np.nan, 0.003), (0.0, 0.002)),
    "ssa_pdate": (
        *(("2018-09-30T00:00:00", 0.25), ("2019-03-31T12:30:00", 0.25), ("2019-03-31T12:30:00.500000", 0.01)),
        *((None, 0.01), ("2019-03-31T23:59:59.999999", 0.003), ("0001-01-01T00:00:00", 0.001)),
    ),
    "ssa_cversion": (("2", 0.1), ("2.1", 0.05)),
    "ssa_creator": (("Luo, A.-L.; 赵永恒", 0.1), (None, 0.02)),
    "ssa_publisher": (("Another publisher", 0.02),),
    "ssa_instrument": (("LAMOST LRS", 0.02), (None, 0.01)),
    "ssa_datasource": (("survey", 0.1), ("pointed", 0.02)),
    "ssa_creationtype": (("spectralExtraction", 0.02),),
    "ssa_reference": ((None, 0.02),),
    "ssa_dstype": (("timeseries", 0.01),),
    "ssa_fluxStatError": ((0.05, 0.01), (np.nan, 0.01)),
    "ssa_fluxSysError": ((0.02, 0.01),),
    "ssa_binSize": ((1.2e-11, 0.02),),
    "ssa_spectStatError": ((1e-12, 0.01), (np.nan, 0.01)),
    "ssa_spectSysError": ((2e-12, 0.01),),
    "ssa_spaceError": ((1e-5, 0.01),),
    "ssa_spaceCalib": (("CALIBRATED", 0.02),),
    "objtype": ((None, 0.003),),
    "magtype": ((None, 0.01), ("KP", 0.01)),
    "fibertype": (("F-std", 0.02), ("Sky", 0.01)),
    "owner": (("public", 0.01),),
    "accsize": ((None, 0.01),),
    "ssa_length": ((None, 0.01),),
    "ssa_timeExt": ((None, 0.005), (np.nan, 0.005), (0.0, 0.002)),
    "ssa_creatorDID": ((None, 0.02),),
    "ssa_cdate": ((None, 0.01),),
    "target_comment": (('Größe: 5″ "quoted" & <tag>\n→ two lines', 0.01), ("", 0.01)),
    "offset_v": ((None, 0.005),),
    "bad_b": ((None, 0.005),),
    "bad_r": ((None, 0.005),),
    "fibermask": ((None, 0.005),),
    # Exactly representable values, and pairs on either side of a float32 rounding.
    "ssa_snr": ((50.0, 0.002), (10.0, 0.002), (0.0, 0.001), (-0.5, 0.001), (0.1, 0.002), (-np.inf, 0.0005)),
    "ssa_redshift": ((0.0, 0.004), (0.1, 0.002), (np.nan, 0.003), (0.5, 0.001)),
    "ssa_specstart": ((4.95e-7, 0.01), (6.3e-7, 0.01), (None, 0.004), (np.nan, 0.001)),
    "ssa_specend": ((5.35e-7, 0.01), (6.8e-7, 0.01), (None, 0.004), (np.nan, 0.001)),
    # Never 0: one such row makes the reference server fail every SPECRP request (division by zero).
    "ssa_specres": ((None, 0.02), (np.nan, 0.004), (1e-9, 0.002)),
    "rv_b0": ((np.nan, 0.005),),
    "rv_r0_err": ((np.nan, 0.005),),
}


def harden(rng: np.random.Generator, layout: Layout, columns: Columns, first_obsid: int) -> Columns:
    """Vary the rows of a visit.

    Parameters
    ----------
    rng
        Random numbers of this visit's oddities alone.
    layout, columns
        The visit; `columns` is not changed.
    first_obsid
        Of the visit, which says where the odd names go.

    Returns
    -------
    dict
        The columns that differ.
    """
    changed = {name: _vary(rng, layout, columns[name], choices) for name, choices in _VARIED.items()}
    changed["ssa_targname"] = _odd_names(layout, columns["ssa_targname"], first_obsid)
    changed |= _odd_files(layout, columns)
    changed |= _odd_dates(rng, columns)
    changed |= _odd_positions(rng, layout, columns)
    changed["mag_arr"] = _odd_magnitudes(rng, columns["mag_arr"])
    start, end = (_float32(changed[name]) for name in ("ssa_specstart", "ssa_specend"))
    # As the service derives them: in single precision, NULL where an end is.
    changed["ssa_specmid"] = (start + end) / np.float32(2)
    changed["ssa_specext"] = end - start
    return changed


def _vary(rng: np.random.Generator, layout: Layout, column: Any, choices: tuple[tuple[Any, float], ...]) -> Any:
    """Replace some rows' values; one draw a row decides which choice it gets, if any."""
    values = [value for value, _ in choices]
    edges = np.cumsum([share for _, share in choices])
    choice = np.searchsorted(edges, rng.random(len(layout)), side="right")
    if isinstance(column, (str, pa.Array)) or any(isinstance(value, str) for value in values):
        kept = column if isinstance(column, pa.Array) else pa.array([column] * len(layout), pa.string())
        replaced = texts(np.array([*values, None], dtype=object), choice)
        return pc.if_else(pa.array(choice < len(values)), replaced, kept)
    return _vary_numbers(_numbers(column, len(layout)), choice, values)


def _numbers(column: Any, rows: int) -> Any:
    """Copy a column of numbers, or spread one value over all rows."""
    if column is None:
        return np.ma.MaskedArray(np.zeros(rows), np.ones(rows, bool))
    return np.ma.MaskedArray(np.broadcast_to(np.ma.getdata(column), rows).copy(), np.ma.getmaskarray(column).copy())


def _vary_numbers(column: Any, choice: Any, values: list[Any]) -> Any:
    for i, value in enumerate(values):
        column[choice == i] = np.ma.masked if value is None else value
    return column


def _float32(column: Any) -> Any:
    return np.ma.MaskedArray(np.float32(column.data), column.mask)


def _odd_names(layout: Layout, names: pa.Array, first_obsid: int) -> pa.Array:
    turn, rest = np.divmod(first_obsid + layout.target, ODD_NAME_EVERY)
    odd = texts(np.array(ODD_NAMES, dtype=object), turn % len(ODD_NAMES))
    return pc.if_else(pa.array(rest == 0), odd, names)


def _odd_files(layout: Layout, columns: Columns) -> Columns:
    """Give the first row of every fiftieth target a product key that must be escaped in a URL."""
    chosen = pa.array((layout.target % 50 == 0) & (layout.exposure == 0) & (layout.arm == 0))
    suffix = " space&ü"
    link, preview, did = columns["accref"], columns["preview"], columns["ssa_pubDID"]
    odd_link = joined(link, quote(suffix))
    return {
        "accref": pc.if_else(chosen, odd_link, link),
        "preview": pc.if_else(chosen, joined(odd_link, "?preview=True"), preview),
        "ssa_pubDID": pc.if_else(chosen, joined(did, quote(suffix)), did),
    }


def _odd_dates(rng: np.random.Generator, columns: Columns) -> Columns:
    dates = columns["ssa_dateObs"].copy()
    midnight = rng.random(len(dates)) < 0.003
    dates[midnight] = np.floor(dates[midnight])
    return {"ssa_dateObs": dates}


def _odd_positions(rng: np.random.Generator, layout: Layout, columns: Columns) -> Columns:
    """Fibres half a degree off their target, fibres of unknown targets, and targets' own positions in some rows."""
    draw = rng.random(int(layout.target[-1]) + 1)[layout.target]
    far, lost = draw < 0.002, (draw > 0.002) & (draw < 0.004)
    location = columns["ssa_location"].copy()
    location.data[far, 1] = np.clip(location.data[far, 1] - 0.5, -90.0, 90.0)
    ra, dec = columns["ra"].copy(), columns["dec"].copy()
    ra[lost], dec[lost] = np.ma.masked, np.ma.masked
    unknown = (rng.random(len(layout)) < 0.3) | np.ma.getmaskarray(ra)
    return {
        "ssa_location": location,
        "ra": ra,
        "dec": dec,
        "ssa_targetpos": nulls(np.stack((ra.data, dec.data), axis=1), np.stack((unknown, unknown), axis=1)),
    }


def _odd_magnitudes(rng: np.random.Generator, mags: Any) -> Any:
    """Make some arrays NULL, and elements of others NULL or NaN."""
    out = np.ma.MaskedArray(mags.copy(), np.zeros(mags.shape, bool))
    draw = rng.random(len(mags))
    out[draw < 0.1, 5:] = np.nan
    out[(draw > 0.1) & (draw < 0.2), 6:] = np.ma.masked
    out[draw > 0.98] = np.ma.masked
    return out
