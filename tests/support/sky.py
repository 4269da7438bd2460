"""Positions to test with."""

from __future__ import annotations

import healpy
import numpy as np


def random_sky(n: int, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Positions spread evenly over the sphere [deg]."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))


def around(ra: float, dec: float, separation_deg: np.ndarray, angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions at these separations and position angles [rad], by rotating vectors."""
    centre = healpy.ang2vec(ra, dec, lonlat=True)
    east = np.array([-np.sin(np.radians(ra)), np.cos(np.radians(ra)), 0.0])
    north = np.cross(centre, east)
    rho = np.radians(separation_deg)[:, None]
    away = np.cos(angle)[:, None] * north + np.sin(angle)[:, None] * east
    return healpy.vec2ang(np.cos(rho) * centre + np.sin(rho) * away, lonlat=True)
