"""Cones: the exact SQL test against the angle between vectors, at every scale and place; frames against astropy."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from ssap_mirror.errors import ParameterError
from ssap_query.ssap import FIBRE, Cone, Region, cones_cover, parameter
from ssap_query.ssap.params.position import DEFAULT_SIZE_DEG, region
from ssap_query.ssap.values.cones import separation_deg
from ssap_query.ssap.values.frames import FRAMES, to_icrs

RA = st.one_of(st.sampled_from([0.0, 1e-7, 20.0, 90.0, 180.0, 270.0, 359.5, 359.9999999]), st.floats(0, 360))
DEC = st.one_of(st.sampled_from([-90.0, -89.99, -20.0, 0.0, 20.0, 21.0, 89.99, 90.0]), st.floats(-90, 90))
TOLERANCES = st.sampled_from([1e-10, math.degrees(1e-9)])
RADIUS = st.one_of(
    st.sampled_from([0.0, 1e-12, 1e-9, 1e-5, 0.5, 1.0, 2.5, 89.999, 90.0, 90.001, 120.0, 179.9999, 180.0]),
    st.floats(0, 180),
    st.floats(-9, 0).map(lambda e: 10**e),
)


@settings(max_examples=150)
@given(given_cones=st.lists(st.tuples(RA, DEC, RADIUS), min_size=1, max_size=3), tolerance=TOLERANCES)
@example(given_cones=[(0.0, 20.0, 0.0)], tolerance=1e-10)  # a cone of no size, on a row
@example(given_cones=[(360.0, 20.0, 0.0)], tolerance=1e-10)  # the same from the other side
@example(given_cones=[(123.4, 90.0, 0.02)], tolerance=1e-10)  # the pole
@example(given_cones=[(0.0, 20.0, 1.0)], tolerance=1e-10)  # a row exactly on the edge
@example(given_cones=[(180.0, -20.0, 180.0)], tolerance=1e-10)  # everything with a location
@example(given_cones=[(180.0, -20.0, 179.999)], tolerance=1e-10)  # all but the antipode
@example(given_cones=[(0.0, 20.0, 180.0), (1.0, 1.0, 0.0)], tolerance=math.degrees(1e-9))
def test_sql_agrees_with_oracle(given_cones: list[tuple[float, float, float]], tolerance: float, tables) -> None:
    table = tables["single"]
    made = [Cone(ra, dec, radius, tolerance) for ra, dec, radius in given_cones]
    for cone in made:
        for row in table.rows:  # nothing can be said within rounding of the edge
            location = row["location"]
            if location is not None and not math.isnan(location[0]):
                assume(
                    abs(separation_deg(*location, cone.ra_deg, cone.dec_deg) - cone.reach_deg) > 2e-12
                    or cone.reach_deg >= 180
                )
    found = table.select(Region(tuple(made), FIBRE).within())
    assert found == [n for n, row in enumerate(table.rows) if cones_cover(made, row)]


def test_a_cone_of_180_degrees_has_every_location(tables) -> None:
    table = tables["single"]
    everywhere = [
        n for n, row in enumerate(table.rows) if row["location"] is not None and not math.isnan(row["location"][0])
    ]
    for cone in (Cone(0.0, 0.0, 180.0), Cone(33.0, 90.0, 180.0)):
        assert table.select(Region((cone,), FIBRE).within()) == everywhere
    assert 0 < len(everywhere) < len(table.rows)


def test_a_cone_of_0_degrees_has_the_very_position(tables) -> None:
    table = tables["single"]
    for ra in (0.0, 360.0, 720.0):
        for dialect, text in (("ivoa", f"{ra % 360},20"), ("dachs", f"{ra},20")):
            made = region(parameter("POS").parse(text, dialect), 0.0, dialect)
            assert made is not None
            found = table.select(made.within())
            assert {tuple(table.rows[n]["location"]) for n in found} == {(0.0, 20.0)}


def test_separation_is_sharp_at_every_angle() -> None:
    for angle in (0.0, 1e-12, 1e-7, 1.0, 89.9, 90.0, 179.0, 179.9999999, 180.0):
        assert separation_deg(10.0, -90.0, 55.0, -90.0 + angle) == pytest.approx(angle, rel=1e-9, abs=1e-13)


@settings(max_examples=50)
@given(st.sampled_from(FRAMES), st.floats(-180, 360), st.floats(-90, 90))
def test_frames_agree_with_astropy(frame: str, longitude: float, latitude: float) -> None:
    from astropy.coordinates import SkyCoord

    expected = SkyCoord(longitude, latitude, unit="deg", frame=frame.lower()).icrs
    ra, dec = to_icrs(frame, longitude, latitude)
    assert 0 <= ra < 360
    assert separation_deg(ra, dec, expected.ra.deg, expected.dec.deg) * 3.6e9 < 1  # microarcsec


def test_size_is_a_diameter_or_in_dachs_a_radius() -> None:
    for dialect, radius in (("ivoa", 0.1), ("dachs", 0.2)):
        size = parameter("SIZE").parse("0.2", dialect)
        made = region(parameter("POS").parse("10,20", dialect), size, dialect)
        assert made is not None
        assert [(c.ra_deg, c.dec_deg, c.radius_deg) for c in made.cones] == [(10.0, 20.0, radius)]


def test_pos_without_size() -> None:
    made = region(parameter("POS").parse("10,20", "ivoa"), None, "ivoa")
    assert made is not None
    assert made.cones[0].radius_deg == DEFAULT_SIZE_DEG / 2
    assert region(parameter("POS").parse("10,20", "dachs"), None, "dachs") is None
    assert region(None, 1.0, "ivoa") is None
    assert region(None, 1.0, "dachs") is None


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("POS", "10", "odd number"),
        ("POS", "10,20,30", "odd number"),
        ("POS", "10,91", "latitude"),
        ("POS", "10,-90.1", "latitude"),
        ("POS", "361,0", "longitude"),
        ("POS", "nan,0", "RA,Dec in decimal degrees"),
        ("POS", "10,inf", "latitude"),
        ("POS", "0/1,20", "range"),
        ("POS", "12:30:00,20", "RA,Dec in decimal degrees"),
        ("POS", "12 30 00,+20 0 0", "RA,Dec in decimal degrees"),
        ("POS", "10,20;FK4", "frame"),
        ("POS", "10,20;ICRS;ICRS", "more than one qualifier"),
        ("POS", "10,,20", "empty item"),
        ("POS", "", "empty item"),
        ("POS", "NGC 1234", "RA,Dec in decimal degrees"),
        ("SIZE", "-1", "diameter"),
        ("SIZE", "360.1", "diameter"),
        ("SIZE", "nan", "not a number"),
        ("SIZE", "1,2", "not a number"),
        ("SIZE", "1/2", "not a number"),
        ("SIZE", "inf", "diameter"),
    ],
)
def test_bad_positions_are_told(name: str, text: str, reason: str) -> None:
    with pytest.raises(ParameterError, match=reason) as caught:
        parameter(name).parse(text, "ivoa")
    assert caught.value.name == name


@pytest.mark.parametrize(
    ("pos", "size", "error"),
    [
        ("0,20;FK5", "1", "frame"),
        ("0,20;GALACTIC", None, None),  # nobody looks at the frame where there is no SIZE
        ("0,20,30", "1", "odd"),
        ("0,20,30", None, None),
        ("0/1,20", "1", "range"),
        (",", "1", "empty"),
        ("inf,20", "1", "not finite"),
        ("inf,20", "nan", None),
        ("0,20", "-1", "radius"),
        ("0,20", "91", "radius"),
        ("0,20", "-1e-9", None),  # within the tolerance
        ("0,110", "1", None),  # folds over the pole
    ],
)
def test_the_reference_server_looks_at_centres_only_with_a_size(pos: str, size: str | None, error: str | None) -> None:
    centres = parameter("POS").parse(pos, "dachs")
    radius = None if size is None else parameter("SIZE").parse(size, "dachs")
    if error is None:
        assert region(centres, radius, "dachs") is None or radius is not None
        return
    with pytest.raises(ParameterError, match=error):
        region(centres, radius, "dachs")


def test_declinations_beyond_the_poles_fold_over() -> None:
    made = region(parameter("POS").parse("10,100,0,-110,5,270,0%2C450", "dachs"), 1.0, "dachs")
    assert made is not None
    centres = [(c.ra_deg, c.dec_deg) for c in made.cones]
    assert centres == [(190.0, 80.0), (180.0, -70.0), (5.0, -90.0), (0.0, 90.0)]
