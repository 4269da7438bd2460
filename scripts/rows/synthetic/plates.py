"""Plates and the targets on them: the part of a synthetic survey that stays the same from visit to visit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ssap_mirror.core.sphere import haversine

Doubles = NDArray[np.float64]

#: Radius of LAMOST's field of view, degrees.
FIELD_RADIUS = 2.5
#: Targets brighter than this (mag) get a fibre that is moved off the star, so that it does not saturate.
OFFSET_BRIGHTER_THAN = 10.5
OFFSET_ARCSEC = 3.0
OBJECT_TYPES = ("star", "k2star", "fs", "rvcandi", "gal")
_OBJECT_SHARES = (0.80, 0.08, 0.06, 0.04, 0.02)
#: The survey's declinations, degrees.
_DEC_RANGE = (-10.0, 60.0)
#: At most this part of a plate's fibres goes to the stars a caller gave.
_GIVEN_SHARE = 0.6
#: Where rows are awkward (degrees): both sides of RA 0, the poles, the equator, a crowded and a southern field.
_HARD_CENTRES = (
    *((0.0, 20.0), (359.5, 41.0), (120.0, 89.2), (56.75, 24.1), (180.0, -9.5), (0.2, 0.1)),
    (45.0, -89.3),
)
#: Plate -> exact positions of its first targets, degrees.
_HARD_POSITIONS = {
    0: ((0.0, 20.0), (359.9999999, 20.0), (1e-7, 20.0), (360.0, 20.5)),
    2: ((0.0, 90.0), (200.0, 89.99)),
    5: ((0.0, 0.0), (359.999999999, -1e-9)),
    6: ((0.0, -90.0), (10.0, -89.995)),
}


@dataclass(frozen=True)
class Stars:
    """Real positions to put some of the targets at."""

    ra: Doubles
    """Shape (k,), ICRS degrees."""
    dec: Doubles
    """Shape (k,), ICRS degrees."""
    names: NDArray[np.object_]
    """Shape (k,), str; None where the star has none."""
    mags: Doubles
    """Shape (k,), magnitude; NaN where unknown."""


@dataclass(frozen=True)
class Targets:
    """What the fibres of one plate point at; arrays of shape (targets,)."""

    ra: Doubles
    """ICRS degrees, input catalogue."""
    dec: Doubles
    """ICRS degrees, input catalogue."""
    ra_obs: Doubles
    """ICRS degrees, the fibre."""
    dec_obs: Doubles
    """ICRS degrees, the fibre."""
    offset: Doubles
    """Arcsec between fibre and target on purpose."""
    mags: Doubles
    """Shape (targets, 7), magnitudes; 99 is LAMOST's code for a missing one."""
    brightness: Doubles
    """Magnitude that sets the signal to noise."""
    velocity: Doubles
    """Radial velocity, km/s."""
    object_type: NDArray[np.intp]
    """Index into `OBJECT_TYPES`."""
    designation: NDArray[np.object_]
    """``J121933.15+015426.7``."""
    name: NDArray[np.object_]
    """Name of the target."""

    def __len__(self) -> int:
        return len(self.ra)


def plate_targets(seed: int, plate: int, fibres: int, *, hard: bool, stars: Stars | None) -> Targets:
    """Make the targets of a plate; the same arguments always give the same targets.

    Parameters
    ----------
    seed, plate
        What the random numbers depend on.
    fibres
        How many targets.
    hard
        Whether the first plates lie at awkward places.
    stars
        Stars to take up to 60 % of the targets from, where they lie in the field.

    Returns
    -------
    Targets
        Positions in ICRS degrees, not rounded where they come from `stars`.
    """
    rng = np.random.default_rng([seed, 1, plate])
    ra0, dec0 = _centre(rng, plate, hard=hard, stars=stars)
    ra, dec = (np.round(x, 7) for x in _around(rng, ra0, dec0, fibres))
    ra %= 360.0
    brightness = rng.uniform(9.0, 17.5, fibres)
    given = np.full(fibres, None, dtype=object)
    if stars is not None:
        chosen = _stars_in_field(rng, stars, ra0, dec0, int(fibres * _GIVEN_SHARE))
        at = slice(0, len(chosen))
        ra[at], dec[at], given[at] = stars.ra[chosen], stars.dec[chosen], stars.names[chosen]
        brightness[at] = np.where(np.isnan(stars.mags[chosen]), brightness[at], stars.mags[chosen])
    if hard:
        for i, (x, y) in enumerate(_HARD_POSITIONS.get(plate, ())[:fibres]):
            ra[i], dec[i] = x, y
    designation = np.array([designate(x, y) for x, y in zip(ra.tolist(), dec.tolist(), strict=True)], dtype=object)
    offset = np.where(brightness < OFFSET_BRIGHTER_THAN, OFFSET_ARCSEC, 0.0)
    # In hard rows every other fibre without an offset lies bit for bit on its target.
    exact = (np.arange(fibres) % 2 == 0) & hard
    ra_obs, dec_obs = _fibre(ra, dec, offset, exact)
    mags = np.round(brightness[:, None] + rng.normal(0, 0.4, (fibres, 7)), 2)
    mags[:, 3:] = 99.0
    return Targets(
        ra=ra,
        dec=dec,
        ra_obs=ra_obs,
        dec_obs=dec_obs,
        offset=offset,
        mags=mags,
        brightness=brightness,
        velocity=rng.normal(-15.0, 45.0, fibres),
        object_type=rng.choice(len(OBJECT_TYPES), fibres, p=_OBJECT_SHARES),
        designation=designation,
        name=np.where(given == None, "LAMOST " + designation, given),  # noqa: E711 - element by element
    )


def designate(ra: float, dec: float) -> str:
    """IAU style designation of a position in degrees, truncated as LAMOST does it.

    >>> designate(184.888138, 1.90744), designate(0.0, -9.5)
    ('J121933.15+015426.7', 'J000000.00-093000.0')
    """
    # A hundred-millionth of the last digit keeps binary fractions from being truncated one too low.
    hundredths = int((ra % 360.0) / 15.0 * 360_000 + 1e-4)
    tenths = int(abs(dec) * 36_000 + 1e-4)
    hours, minutes, seconds = hundredths // 360_000 % 24, hundredths // 6_000 % 60, hundredths % 6_000
    degrees, arcmin, arcsec = tenths // 36_000, tenths // 600 % 60, tenths % 600
    return (
        f"J{hours:02d}{minutes:02d}{seconds // 100:02d}.{seconds % 100:02d}"
        f"{'-' if dec < 0 else '+'}{degrees:02d}{arcmin:02d}{arcsec // 10:02d}.{arcsec % 10}"
    )


def _centre(rng: np.random.Generator, plate: int, *, hard: bool, stars: Stars | None) -> tuple[float, float]:
    low, high = np.sin(np.radians(_DEC_RANGE))
    ra, dec = rng.uniform(0.0, 360.0), float(np.degrees(np.arcsin(rng.uniform(low, high))))
    if hard and plate < len(_HARD_CENTRES):
        return _HARD_CENTRES[plate]
    if stars is not None:
        observable = np.flatnonzero((stars.dec > _DEC_RANGE[0]) & (stars.dec < _DEC_RANGE[1]))
        if len(observable):
            i = rng.choice(observable)
            return float(stars.ra[i]), float(stars.dec[i])
    return ra, dec


def _around(rng: np.random.Generator, ra0: float, dec0: float, count: int) -> tuple[Doubles, Doubles]:
    """Positions evenly spread over the field, degrees."""
    rho = np.radians(FIELD_RADIUS * np.sqrt(rng.random(count)))
    theta = rng.uniform(0.0, 2 * np.pi, count)
    a0, d0 = np.radians((ra0, dec0))
    sin_dec = np.sin(d0) * np.cos(rho) + np.cos(d0) * np.sin(rho) * np.cos(theta)
    dec = np.arcsin(np.clip(sin_dec, -1.0, 1.0))
    ra = a0 + np.arctan2(np.sin(theta) * np.sin(rho) * np.cos(d0), np.cos(rho) - np.sin(d0) * sin_dec)
    return np.degrees(ra) % 360.0, np.degrees(dec)


def _stars_in_field(rng: np.random.Generator, stars: Stars, ra0: float, dec0: float, at_most: int) -> NDArray[np.intp]:
    inside = np.flatnonzero(haversine(stars.ra, stars.dec, ra0, dec0) <= np.sin(np.radians(FIELD_RADIUS) / 2) ** 2)
    return inside if len(inside) <= at_most else np.sort(rng.choice(inside, at_most, replace=False))


def _fibre(ra: Doubles, dec: Doubles, offset: Doubles, exact: NDArray[np.bool_]) -> tuple[Doubles, Doubles]:
    """Point the fibres: LAMOST writes five decimals, and moves them east of bright stars (at a pole, away from it)."""
    moved = offset > 0
    polar = np.abs(dec) > 89.5
    east = np.where(moved & ~polar, offset / 3600.0 / np.cos(np.radians(np.where(polar, 0.0, dec))), 0.0)
    south = np.where(moved & polar, np.sign(dec) * offset / 3600.0, 0.0)
    keep = exact & ~moved
    ra_obs = np.where(keep, ra, np.round(ra + east, 5)) % 360.0
    dec_obs = np.where(keep, dec, np.round(dec - south, 5))
    return ra_obs, dec_obs
