"""Separations against rotated vectors, and the same formula in numpy and in SQL."""

from __future__ import annotations

import duckdb
import numpy as np
from ssap_mirror.core.sphere import haversine, haversine_sql, separation_arcsec

from tests.support.sky import around, random_sky


def test_separations_are_exact() -> None:
    ra, dec = random_sky(1000)
    separation = np.geomspace(1e-9, 179.9, 1000)
    there = [around(a, d, np.array([s]), np.array([1.0])) for a, d, s in zip(ra, dec, separation, strict=True)]
    moved = np.array(there)[:, :, 0]
    found = separation_arcsec(ra, dec, moved[:, 0], moved[:, 1])
    np.testing.assert_allclose(found, separation * 3600, rtol=1e-6, atol=1e-8)
    assert np.isnan(separation_arcsec([1.0], [np.nan], [1.0], [1.0])).all()


def test_sql_is_the_same_formula() -> None:
    (ra1, dec1), (ra2, dec2) = random_sky(500, seed=1), random_sky(500, seed=2)
    ra2[:250], dec2[:250] = ra1[:250] + 1e-6, np.clip(dec1[:250] - 1e-6, -90, 90)
    positions = {"ra1": ra1, "dec1": dec1, "ra2": ra2, "dec2": dec2}
    connection = duckdb.connect()
    connection.register("positions", positions)
    text = haversine_sql("ra1", "dec1", "ra2", "dec2")
    found = connection.execute(f"SELECT {text} AS haversine FROM positions").fetchnumpy()["haversine"]
    expected = haversine(ra1, dec1, ra2, dec2)
    # An angle of up to 2 pi rad is good to 1e-15 rad; the haversine to that times the sine of half the separation.
    np.testing.assert_array_less(np.abs(found - expected), 4e-15 * np.sqrt(expected) + 1e-30)
    assert haversine(10.0, 20.0, 190.0, -20.0) == 1.0
