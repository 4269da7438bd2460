"""SQL macros for those who write their own statements (`Mirror.sql`): angles on the sky and HEALPix cells.

All angles are degrees unless the name says otherwise; positions are ICRS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString

from ssap_mirror.core.sphere import haversine_sql

__all__ = ["SKY_MACROS", "Macro"]


@dataclass(frozen=True)
class Macro:
    """A function of SQL, made of other functions of SQL."""

    name: str
    """What it is called by."""
    signature: str
    """Name and arguments, as one writes it."""
    create: LiteralString
    """Statement that makes it."""
    description: str
    """One sentence: what it gives, in which unit."""


#: In the order in which they have to be made.
SKY_MACROS = (
    Macro(
        "separation",
        "separation(ra1, dec1, ra2, dec2)",
        # Not least(1, ...), which passes over NULL: what has no position is at no distance.
        "CREATE OR REPLACE MACRO separation(ra1, dec1, ra2, dec2) AS degrees(2 * asin(CASE WHEN "
        + haversine_sql("ra1", "dec1", "ra2", "dec2")
        + " <= 1 THEN sqrt("
        + haversine_sql("ra1", "dec1", "ra2", "dec2")
        + ") WHEN "
        + haversine_sql("ra1", "dec1", "ra2", "dec2")
        + " < 2 THEN 1 END))",
        "Great-circle separation of two positions [deg] (haversine formula).",
    ),
    Macro(
        "separation_arcsec",
        "separation_arcsec(ra1, dec1, ra2, dec2)",
        "CREATE OR REPLACE MACRO separation_arcsec(ra1, dec1, ra2, dec2) AS 3600 * separation(ra1, dec1, ra2, dec2)",
        "Great-circle separation of two positions [arcsec].",
    ),
    Macro(
        "in_cone",
        "in_cone(ra, dec, centre_ra, centre_dec, radius)",
        "CREATE OR REPLACE MACRO in_cone(ra, dec, centre_ra, centre_dec, radius) AS"
        " coalesce(dec BETWEEN centre_dec - radius AND centre_dec + radius"
        " AND separation(ra, dec, centre_ra, centre_dec) <= radius, false)",
        "Whether a position lies within a radius [deg] of a centre, edge included; false where it is NULL or NaN.",
    ),
    Macro(
        "healpix_cell",
        "healpix_cell(healpix_29, cell_order)",
        "CREATE OR REPLACE MACRO healpix_cell(healpix_29, cell_order) AS healpix_29 >> (2 * (29 - cell_order))",
        "NESTED HEALPix cell of an order (0 to 29) that holds a cell of order 29.",
    ),
    Macro(
        "healpix",
        "healpix(cell_order)",
        "CREATE OR REPLACE MACRO healpix(cell_order) AS _healpix_29 >> (2 * (29 - cell_order))",
        "NESTED HEALPix cell of an order (0 to 29) of the row's target position; NULL where it has none.",
    ),
    Macro(
        "mjd_iso",
        "mjd_iso(mjd)",
        # By whole microseconds, since a double of days has no exact thousandths of a second.
        "CREATE OR REPLACE MACRO mjd_iso(mjd) AS strftime(make_timestamp(((mjd - 40587) * 86400000000)::BIGINT),"
        " '%Y-%m-%dT%H:%M:%S.%g')",
        "Date and time in ISO 8601 of a Modified Julian Date, in its own time scale, to the millisecond.",
    ),
    Macro(
        "iso_mjd",
        "iso_mjd(iso)",
        "CREATE OR REPLACE MACRO iso_mjd(iso) AS epoch_us(iso::TIMESTAMP) / 86400000000.0 + 40587",
        "Modified Julian Date of a date, or date and time, in ISO 8601.",
    ),
    Macro(
        "night",
        "night(mjd, longitude)",
        "CREATE OR REPLACE MACRO night(mjd, longitude) AS (DATE '1858-11-17' +"
        " floor(mjd + longitude / 360 - 0.5)::INTEGER)",
        "Date on which the night of a Modified Julian Date (UTC) begins, from local noon to noon at a longitude"
        " [deg, east].",
    ),
)
