"""Circles on the sky, regions made of them, and the exact test of a position: as SQL, and in plain Python."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import LiteralString

from ssap_mirror.core.sphere import haversine_of, haversine_sql

from ssap_query.ssap.columns import Row
from ssap_query.ssap.predicate import Predicate, any_of

__all__ = [
    "FIBRE",
    "TARGET",
    "TOLERANCE_DEG",
    "Cone",
    "Region",
    "SkyPosition",
    "cones_cover",
    "separation_deg",
    "within_sql",
]

#: Edges are inclusive: to rounding (0.4 microarcsec) in ``ivoa``, to pgsphere's EPSILON of 1e-9 rad in ``dachs`` [deg].
TOLERANCE_DEG = {"ivoa": 1e-10, "dachs": math.degrees(1e-9)}


@dataclass(frozen=True)
class Cone:
    """A circle on the sky, its edge included."""

    ra_deg: float
    """Right ascension of the centre, ICRS [deg], 0 to 360."""
    dec_deg: float
    """Declination of the centre, ICRS [deg]."""
    radius_deg: float
    """Radius [deg], 0 to 180 (the reference server lets it be below 0 within the tolerance)."""
    tolerance_deg: float = TOLERANCE_DEG["ivoa"]
    """By how much a position may lie outside and still count as on the edge [deg]."""

    @property
    def reach_deg(self) -> float:
        """Radius and tolerance [deg]: what a coarse step has to cover."""
        return max(0.0, min(180.0, self.radius_deg + self.tolerance_deg))

    @property
    def test(self) -> tuple[float, float, float, float]:
        """Numbers of the exact test: right ascension and declination [deg] to measure from, sign, limit.

        A position is inside if ``sign * haversine(separation) <= limit``. A cone beyond 90 deg is tested from its
        antipode, so that the test is as sharp near 180 deg as near 0.
        """
        if self.reach_deg <= 90:
            return self.ra_deg, self.dec_deg, 1.0, haversine_of(self.reach_deg)
        return (self.ra_deg + 180) % 360, -self.dec_deg, -1.0, -haversine_of(180 - self.reach_deg)


def within_sql(
    ra: LiteralString,
    dec: LiteralString,
    centre_ra: LiteralString,
    centre_dec: LiteralString,
    sign: LiteralString,
    limit: LiteralString,
) -> LiteralString:
    """Make SQL of the exact test, from SQL of its parts (columns, or ``?``): true for a position inside a cone.

    Parameters
    ----------
    ra, dec : str
        Position of the row [deg].
    centre_ra, centre_dec, sign, limit : str
        The numbers of `Cone.test`, in that order.

    Returns
    -------
    str
        ``centre_dec`` occurs twice: bind it twice where it is a ``?`` (order: sign, centre_dec, centre_dec, centre_ra,
        limit).
    """
    return sign + " * (" + haversine_sql(ra, dec, centre_ra, centre_dec) + ") <= " + limit


@dataclass(frozen=True)
class SkyPosition:
    """One of the two positions that a row has."""

    roles: tuple[str, ...]
    """Roles of its columns: one of pairs, or right ascension and declination [deg]."""
    ra: LiteralString
    """SQL of its right ascension [deg], roles in braces."""
    dec: LiteralString
    """SQL of its declination [deg], roles in braces."""
    indexed: bool
    """Whether ``_healpix_29`` is the cell of this very position."""


#: Where the light was taken: what POS is about.
FIBRE = SkyPosition(("location",), "{location}[1]", "{location}[2]", indexed=False)
#: Where the target is: what a cone search and a cross-match are about.
TARGET = SkyPosition(("ra", "dec"), "{ra}", "{dec}", indexed=True)


@dataclass(frozen=True)
class Region:
    """A part of the sky: the rows of which a position lies in any of some cones."""

    cones: tuple[Cone, ...]
    """At least one."""
    position: SkyPosition
    """Which position of a row has to lie there."""
    numbers: tuple[int, ...] = field(default=(), compare=False)
    """Of each position that was asked for, the number of its cone, from 0: those that are equal have one."""

    def within(self) -> Predicate:
        """Exact condition that a row lies in the region: one test per cone, so meant for few."""
        test = within_sql(self.position.ra, self.position.dec, "?::DOUBLE", "?::DOUBLE", "?::DOUBLE", "?::DOUBLE")
        parts = []
        for cone in self.cones:
            ra, dec, sign, limit = cone.test
            parts.append(Predicate(test, (sign, dec, dec, ra, limit)))
        return any_of(parts)


def cones_cover(cones: Iterable[Cone], row: Row) -> bool:
    """Whether a row's location lies in one of the cones: plain Python, by the angle between vectors."""
    location = row["location"]
    if location is None or any(x is None or not math.isfinite(x) for x in location):
        return False
    return any(separation_deg(location[0], location[1], cone.ra_deg, cone.dec_deg) <= cone.reach_deg for cone in cones)


def separation_deg(ra1: float, dec1: float, ra2: float, dec2: float) -> float:
    """Angle between two directions [deg], by the arctangent form that is stable everywhere (Vincenty 1975)."""
    lat1, lat2, delta = math.radians(dec1), math.radians(dec2), math.radians(ra1 - ra2)
    cross = math.hypot(
        math.cos(lat2) * math.sin(delta),
        math.cos(lat1) * math.sin(lat2) - math.sin(lat1) * math.cos(lat2) * math.cos(delta),
    )
    dot = math.sin(lat1) * math.sin(lat2) + math.cos(lat1) * math.cos(lat2) * math.cos(delta)
    return math.degrees(math.atan2(cross, dot))
