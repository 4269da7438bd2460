"""Cells of positions against hats and healpy; cones never miss a position."""

from __future__ import annotations

import healpy
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ssap_mirror.core import healpix
from ssap_mirror.errors import ParameterError

from tests.support.sky import around, random_sky

EDGES = [(0.0, 90.0), (123.0, -90.0), (0.0, 0.0), (359.9999999999, 20.0), (1e-12, 20.0), (45.0, 41.8103148957786)]


def test_cells_are_those_of_healpy() -> None:
    ra, dec = random_sky(20_000)
    edge_ra, edge_dec = np.array(EDGES).T
    ra, dec = np.concatenate([ra, edge_ra]), np.concatenate([dec, edge_dec])
    expected = healpy.ang2pix(2**29, ra, dec, nest=True, lonlat=True)
    np.testing.assert_array_equal(healpix.healpix_29(ra, dec), expected)


def test_right_ascension_is_taken_modulo_360() -> None:
    expected = healpix.healpix_29([350.0, 0.0, 10.0, 0.0], [5.0, 5.0, 5.0, 5.0])
    np.testing.assert_array_equal(healpix.healpix_29([-10.0, 360.0, 370.0, -1e-20], [5.0, 5.0, 5.0, 5.0]), expected)


def test_no_positions_have_no_cells() -> None:
    assert healpix.healpix_29([], []).shape == (0,)


@pytest.mark.parametrize(
    ("ra", "dec", "name"), [(np.nan, 0, "ra"), (np.inf, 0, "ra"), (0, 90.0001, "dec"), (0, np.nan, "dec")]
)
def test_what_is_no_position_is_refused(ra: float, dec: float, name: str) -> None:
    with pytest.raises(ParameterError) as caught:
        healpix.healpix_29([1.0, ra], [1.0, dec])
    assert caught.value.name == name
    with pytest.raises(ParameterError):
        healpix.cone_ranges(ra, dec, 1)


@pytest.mark.parametrize("radius", [-1e-9, np.nan])
def test_what_is_no_radius_is_refused(radius: float) -> None:
    with pytest.raises(ParameterError, match="radius_deg"):
        healpix.cone_ranges(0, 0, radius)


@pytest.mark.parametrize("order", [0, 2, 11, 29])
def test_a_cell_holds_its_range(order: int) -> None:
    npix = np.arange(min(healpix.cells_in_order(order), 50))
    for pixel in npix.tolist():
        low, high = healpix.cell_range(order, pixel)
        assert healpix.cell_of(low, order) == healpix.cell_of(high, order) == pixel
        assert healpix.cell_of(high + 1, order) == pixel + 1


RADII = [0.0, 1e-9, 1e-5, 1 / 3600, 0.1, 1.0, 17.0, 60.0, 89.0, 90.0, 91.0, 135.0, 179.0, 179.99999, 180.0]


@pytest.mark.parametrize("radius", RADII)
@pytest.mark.parametrize(("ra", "dec"), [*EDGES, (292.06, 43.93), (200.0, -66.0)])
def test_a_cone_misses_no_position(ra: float, dec: float, radius: float) -> None:
    rng = np.random.default_rng(1)
    # Half of the positions lie on the rim, where a cover that is too tight would lose them.
    separation = np.concatenate([np.full(500, radius), radius * np.sqrt(rng.random(500)), [0.0]])
    found = around(ra, dec, separation, rng.uniform(0, 2 * np.pi, len(separation)))
    ranges = np.array(healpix.cone_ranges(ra, dec, radius))
    cells = healpix.healpix_29(*found)
    inside = ((cells[:, None] >= ranges[:, 0]) & (cells[:, None] <= ranges[:, 1])).any(axis=1)
    assert inside.all()
    assert (ranges[:, 0] <= ranges[:, 1]).all()
    assert (ranges[1:, 0] > ranges[:-1, 1] + 1).all(), "sorted and separate"


@given(
    st.floats(0, 360),
    st.floats(-90, 90),
    st.floats(0, 180),
    st.floats(0, 1),
    st.floats(0, 2 * np.pi),
)
@example(0.0, 90.0, 1e-7, 1.0, 0.0)
def test_any_cone_holds_any_position_within_it(ra: float, dec: float, radius: float, part: float, angle: float) -> None:
    cell = healpix.healpix_29(*around(ra, dec, np.array([radius * part]), np.array([angle])))[0]
    assert any(low <= cell <= high for low, high in healpix.cone_ranges(ra, dec, radius))


@pytest.mark.parametrize("order", [None, 6, 10])
def test_a_cone_is_not_much_larger_than_healpy_makes_it(order: int | None) -> None:
    for ra, dec in EDGES:
        ranges = healpix.cone_ranges(ra, dec, 0.5, order)
        cells = sum(high - low + 1 for low, high in ranges)
        at = 10 if order is None else order
        expected = healpy.query_disc(
            2**at, healpy.ang2vec(ra, dec, lonlat=True), np.radians(0.5), inclusive=True, nest=True
        )
        area = len(expected) << 2 * (29 - at)
        assert area <= cells * 1.01 if order is None else cells <= area * 1.3
        assert len(ranges) <= 40
