"""Random positions, and the same match by brute force with astropy."""

import astropy.units as u
import numpy as np
import pyarrow as pa
import pytest
from astropy.coordinates import SkyCoord, search_around_sky


class Sky:
    """Makes positions on the sky and matches them the slow way."""

    @staticmethod
    def scatter(rng, n, dec_min=-90.0, dec_max=90.0, ra_min=0.0, ra_max=360.0):
        """`n` positions spread evenly over a part of the sky [deg]."""
        low, high = np.sin(np.radians([dec_min, dec_max]))
        return rng.uniform(ra_min, ra_max, n) % 360, np.degrees(np.arcsin(rng.uniform(low, high, n)))

    @staticmethod
    def around(rng, ra, dec, radius_deg):
        """For each position another one at up to `radius_deg` from it, in a random direction [deg]."""
        moved = SkyCoord(ra, dec, unit="deg").directional_offset_by(
            rng.uniform(0, 360, len(ra)) * u.deg, radius_deg * np.sqrt(rng.random(len(ra))) * u.deg
        )
        return moved.ra.deg, moved.dec.deg

    @staticmethod
    def table(ra, dec, name="id", **columns):
        """Arrow table with a running number."""
        return pa.table({name: np.arange(len(ra)), "ra": ra, "dec": dec, **columns})

    @staticmethod
    def pairs(left, right, radius_arcsec):
        """All pairs within the radius by astropy: left index, right index, separation [arcsec]."""
        if not len(left) or not len(right):
            return np.array([], int), np.array([], int), np.array([], float)
        a = SkyCoord(left["ra"].to_numpy(), left["dec"].to_numpy(), unit="deg")
        b = SkyCoord(right["ra"].to_numpy(), right["dec"].to_numpy(), unit="deg")
        i, j, separation, _ = search_around_sky(a, b, radius_arcsec * u.arcsec)
        return i, j, separation.arcsec

    @classmethod
    def best(cls, left, right, radius_arcsec):
        """Left index -> right index of the nearest; of equally near ones (to 1e-9 arcsec) the first."""
        i, j, separation = cls.pairs(left, right, radius_arcsec)
        order = np.lexsort((j, np.round(separation, 9), i))
        found = {}
        for k in order.tolist():
            found.setdefault(int(i[k]), int(j[k]))
        return found


@pytest.fixture
def sky():
    return Sky


@pytest.fixture
def rng(request):
    """Random numbers that depend on the name of the test alone."""
    return np.random.default_rng(list(request.node.name.encode()))
