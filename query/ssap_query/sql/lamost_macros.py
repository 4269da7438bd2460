"""SQL macros that say what LAMOST's codes mean: fibre problems, flags of radial velocities, magnitudes by band.

The meanings are those of the service's information page (http://dc.g-vo.org/lamost6/q/svc_mrs/info).
"""

from __future__ import annotations

from typing import LiteralString

from ssap_query.sql.macros import Macro

__all__ = ["DECODING_MACROS", "FIBER_PROBLEMS", "RV_FLAGS"]

#: Meaning of the bits of ``fibermask``, counted from 0 (the page's note "fib"; LAMOST itself counts from 1).
FIBER_PROBLEMS: tuple[LiteralString, ...] = (
    "Fiber not allotted",
    "Bad trace from the TRACECENTER routine",
    "Low counts in flat field",
    "Bad arc solution",
    "<10% pixels are bad on the CCD",
    "<10% pixels are saturated",
    "Whopping fiber",
    "Near a whopping fiber",
    "Sky fiber shows extreme residuals",
)

#: Meaning of the values of ``rv_b_flag``, ``rv_r_flag`` and ``rv_br_flag``.
RV_FLAGS: tuple[LiteralString, ...] = (
    "no anomalies",
    "too many bad pixels",
    "radial velocity in excess of 450 km/s",
    "low similarity with best-matched template",
)

#: In the order in which they have to be made. LAMOST writes missing values as -9999 and 99: they become NULL.
DECODING_MACROS = (
    Macro(
        "fiber_problems",
        "fiber_problems(fibermask)",
        "CREATE OR REPLACE MACRO fiber_problems(fibermask) AS CASE WHEN fibermask >= 0 THEN list_transform("
        "list_filter(range(31), lambda b: (fibermask >> b::INTEGER) & 1 = 1), lambda b: coalesce(['"
        + "', '".join(FIBER_PROBLEMS)
        + "'][b + 1], 'bit ' || b || ' (no meaning given)')) END",
        "List of the problems that the bits of fibermask stand for; empty for none.",
    ),
    Macro(
        "rv_flag_words",
        "rv_flag_words(rv_flag)",
        "CREATE OR REPLACE MACRO rv_flag_words(rv_flag) AS CASE WHEN rv_flag >= 0 THEN coalesce(['"
        + "', '".join(RV_FLAGS)
        + "'][rv_flag + 1], 'flag ' || rv_flag || ' (no meaning given)') END",
        "What a value of rv_b_flag, rv_r_flag or rv_br_flag means.",
    ),
    Macro(
        "magnitude_bands",
        "magnitude_bands(magtype)",
        "CREATE OR REPLACE MACRO magnitude_bands(magtype) AS regexp_extract_all("
        "regexp_replace(lower(magtype), 'gaia|sdss|2mass|panstarrs|ps1|apass|ucac4|mag', '', 'g'), 'kp|bp|rp|[a-z]')",
        "Names of the bands of mag_arr, in order and in lower case, as magtype has them (gaia_g_bp_rp: g, bp, rp).",
    ),
    Macro(
        "magnitude",
        "magnitude(mag_arr, magtype, band)",
        "CREATE OR REPLACE MACRO magnitude(mag_arr, magtype, band) AS CASE"
        " WHEN mag_arr[list_position(magnitude_bands(magtype), lower(band))] > -100"
        " AND mag_arr[list_position(magnitude_bands(magtype), lower(band))] < 99"
        " THEN mag_arr[list_position(magnitude_bands(magtype), lower(band))] END",
        "Magnitude in a band (any case) out of mag_arr, by the band names in magtype; NULL where there is none.",
    ),
)
