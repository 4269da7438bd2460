"""Cones, boxes and polygons in ADQL against the angle between vectors, on rows at every awkward place."""

from __future__ import annotations

import numpy as np
import pytest
import ssap_query as ssap
from ssap_query.adql.language.translate import translate
from ssap_query.adql.tables.mirrors import mirror_tables

from tests.query.conftest import Awkward

CENTRES = [(56.1, 21.6), (0.0, 89.99), (359.9999, 0.0), (45.0, 41.81)]
RADII = [1e-5, 0.5, 60.0, 180.0]
NAN = float("nan")


def unit(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    a, d = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=-1)


def angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(axis=-1)))


def positions(awkward: Awkward, kind: str) -> np.ndarray:
    if kind == "target":
        pairs = [(r["ra"], r["dec"]) for r in awkward.rows]
    else:
        pairs = [r["location"] or (None, None) for r in awkward.rows]
    return np.array([(NAN, NAN) if None in pair else pair for pair in pairs], float)


def ids(found: ssap.ResultSet) -> list[str]:
    return sorted(found.to_arrow().column(0).to_pylist())


@pytest.mark.parametrize(("kind", "point"), [("target", "POINT('ICRS', ra, dec)"), ("fibre", "ssa_location")])
@pytest.mark.parametrize("centre", CENTRES, ids=str)
def test_cones(awkward: Awkward, mirror: ssap.Mirror, kind: str, point: str, centre: tuple[float, float]) -> None:
    places = positions(awkward, kind)
    separation = angle(unit(*places.T), unit(np.array(centre[0]), np.array(centre[1])))
    for radius in RADII:
        if np.nanmin(np.abs(separation - radius)) < 1e-9:
            continue  # on the edge to rounding
        expected = sorted(np.array(awkward.ids)[separation <= radius])
        cone = f"CIRCLE('', {centre[0]}, {centre[1]}, {radius!r})"
        for condition in (
            f"1 = CONTAINS({point}, {cone})",
            f"INTERSECTS({cone}, {point}) = 1",
            f"DISTANCE({point}, POINT({centre[0]}, {centre[1]})) <= {radius!r}",
            f"(mobsid = 'none' OR 1 = CONTAINS({point}, {cone}))",
        ):
            assert ids(mirror.adql(f"SELECT mobsid FROM spectra WHERE {condition}")) == expected, condition
        outside = sorted(np.array(awkward.ids)[separation > radius])
        assert ids(mirror.adql(f"SELECT mobsid FROM spectra WHERE 0 = CONTAINS({point}, {cone})")) == outside


def test_a_cone_reads_what_pos_reads(mirror: ssap.Mirror) -> None:
    """The files and cells about it alone, in a join and beside other conditions too."""
    tables = mirror_tables({"m": mirror.catalog})

    def regions(text: str) -> list[bool]:
        return [part.region is not None for part in translate(text, tables).parts]

    cone = "1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(56.1, 21.6, 0.5))"
    assert regions(f"SELECT * FROM spectra AS s WHERE {cone} AND ssa_snr > 5") == [True]
    assert regions(f"SELECT * FROM spectra AS s WHERE ({cone} OR DISTANCE(s.ra, s.dec, 1, 2) < 3)") == [True]
    assert regions(f"SELECT * FROM spectra AS s WHERE ({cone} OR ssa_snr > 5)") == [False]
    assert regions(f"SELECT * FROM spectra AS s WHERE NOT {cone}") == [False]
    assert regions(f"SELECT * FROM spectra AS s JOIN spectra AS t USING (mobsid) WHERE {cone}") == [True, False]
    assert (
        regions(f"SELECT * FROM spectra AS s LEFT JOIN spectra AS t ON s.mobsid = t.mobsid AND {cone}") == [False] * 2
    )
    assert regions(f"SELECT * FROM spectra AS t LEFT JOIN spectra AS s ON s.mobsid = t.mobsid AND {cone}") == [
        False,
        True,
    ]
    assert regions("SELECT * FROM spectra WHERE 1 = CONTAINS(ssa_location, BOX(56, 21, 1, 1))") == [True]
    assert regions("SELECT * FROM spectra WHERE 1 = CONTAINS(POINT(dec, ra), CIRCLE(56.1, 21.6, 0.5))") == [False]
    assert regions("SELECT * FROM spectra WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(ra, 21.6, 0.5))") == [False]


def inside(point: np.ndarray, corners: np.ndarray) -> bool:
    """Whether a point lies in a convex polygon: on the same side of all its great circles."""
    sides = [np.dot(np.cross(a, b), point) for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)]
    return all(side >= 0 for side in sides) or all(side <= 0 for side in sides)


@pytest.mark.parametrize(
    "polygon",
    [
        [(50, 15), (60, 15), (60, 25), (50, 25)],
        [(350, -5), (10, -5), (5, 8)],
        [(0, 80), (120, 80), (240, 80)],
        [(10, -80), (100, -85), (190, -80), (280, -85)],
        [(44.9, 41), (45.1, 41), (45.0, 42)],
    ],
    ids=str,
)
def test_polygons(awkward: Awkward, mirror: ssap.Mirror, polygon: list[tuple[float, float]]) -> None:
    places, corners = positions(awkward, "target"), unit(*np.array(polygon, float).T)
    middle = corners.sum(axis=0)
    vectors = unit(*places.T)
    expected = sorted(
        name
        for name, vector in zip(awkward.ids, vectors, strict=True)
        if np.isfinite(vector).all() and vector @ middle > 0 and inside(vector, corners)
    )
    flat = ", ".join(f"{x}, {y}" for x, y in polygon)
    points = ", ".join(f"POINT({x}, {y})" for x, y in polygon)
    for shape in (f"POLYGON('ICRS', {flat})", f"POLYGON({points})", f"REGION('POLYGON ICRS {flat.replace(',', '')}')"):
        found = ids(mirror.adql(f"SELECT mobsid FROM spectra WHERE 1 = CONTAINS(POINT(ra, dec), {shape})"))
        assert found == expected
    assert expected


def test_a_box_is_the_polygon_of_its_corners(mirror: ssap.Mirror) -> None:
    box = "SELECT mobsid FROM spectra WHERE 1 = CONTAINS(POINT(ra, dec), BOX('ICRS', 55, 20, 10, 8))"
    same = "SELECT mobsid FROM spectra WHERE 1 = CONTAINS(POINT(ra, dec), POLYGON(50, 16, 60, 16, 60, 24, 50, 24))"
    assert ids(mirror.adql(box)) == ids(mirror.adql(same)) != []


def test_shapes_come_out_as_dali_has_them(mirror: ssap.Mirror) -> None:
    found = mirror.adql(
        "SELECT TOP 1 POINT(ra, dec) AS p, CIRCLE(1, 2, 3) AS c, POLYGON(1, 2, 3, 4, 5, 0) AS s,"
        " CENTROID(CIRCLE(1, 2, 3)) AS m,"
        " AREA(CIRCLE(0, 90, 90)) AS a, DISTANCE(0, 0, 0, 1) AS d, COORD2(POINT(7, 8)) AS y, BOX(10, 20, 2, 4) AS b,"
        " AREA(POLYGON(0, 0, 90, 0, 0, 90)) AS t, COORDSYS(POINT(1, 2)) AS f, ssa_location FROM spectra"
    )
    row = found.to_arrow().to_pylist()[0]
    assert (row["c"], row["s"], row["m"]) == ([1, 2, 3], [1, 2, 3, 4, 5, 0], [1, 2])
    assert row["b"] == [11, 22, 9, 22, 9, 18, 11, 18]
    assert (row["d"], row["y"], row["f"]) == (1, 8, "ICRS")
    assert row["a"] == pytest.approx(360**2 / (2 * np.pi))
    assert row["t"] == pytest.approx(360**2 / (8 * np.pi))
    kinds = {column.name: (column.xtype, column.unit) for column in found.schema}
    assert kinds["p"] == ("point", "deg")
    assert kinds["c"] == ("circle", "deg")
    assert kinds["s"] == kinds["b"] == ("polygon", "deg")
    assert (kinds["d"], kinds["a"]) == ((None, "deg"), (None, "deg**2"))
    assert found.schema["ssa_location"] == mirror.schema["ssa_location"]


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        ("CONTAINS(CIRCLE(10, 0, 1), CIRCLE(10, 0, 2))", 1),
        ("CONTAINS(CIRCLE(10, 0, 1.5), CIRCLE(11, 0, 2))", 0),
        ("INTERSECTS(CIRCLE(10, 0, 1), CIRCLE(12.5, 0, 2))", 1),
        ("INTERSECTS(CIRCLE(10, 0, 1), CIRCLE(13.5, 0, 2))", 0),
        ("CONTAINS(CIRCLE(10, 10, 1), BOX(10, 10, 4, 4))", 1),
        ("CONTAINS(CIRCLE(10, 10, 3), BOX(10, 10, 4, 4))", 0),
        ("INTERSECTS(CIRCLE(13, 10, 2), BOX(10, 10, 4, 4))", 1),
        ("INTERSECTS(BOX(10, 10, 4, 4), CIRCLE(15, 10, 2))", 0),
        ("CONTAINS(BOX(10, 10, 2, 2), CIRCLE(10, 10, 2))", 1),
        ("CONTAINS(BOX(10, 10, 4, 4), CIRCLE(10, 10, 2))", 0),
        ("CONTAINS(BOX(10, 10, 2, 2), BOX(10, 10, 4, 4))", 1),
        ("CONTAINS(BOX(10, 10, 4, 4), BOX(10, 10, 2, 2))", 0),
        ("INTERSECTS(BOX(10, 10, 4, 1), BOX(10, 10, 1, 4))", 1),
        ("INTERSECTS(BOX(10, 10, 4, 1), BOX(10, 15, 1, 4))", 0),
        ("CONTAINS(POINT(10, 90), CIRCLE(200, 89, 1))", 1),
    ],
)
def test_shapes_in_shapes(mirror: ssap.Mirror, condition: str, truth: int) -> None:
    assert mirror.adql(f"SELECT TOP 1 {condition} AS x FROM spectra").to_arrow()["x"].to_pylist() == [truth]


def test_cells(awkward: Awkward, mirror: ssap.Mirror) -> None:
    import hpgeom

    found = mirror.adql("SELECT mobsid, ivo_healpix_index(8, ra, dec) AS cell FROM spectra").to_arrow().to_pydict()
    cells = dict(zip(found["mobsid"], found["cell"], strict=True))
    for name, row in zip(awkward.ids, awkward.rows, strict=True):
        if row["ra"] is None or row["dec"] is None:
            assert cells[name] is None
        else:
            assert cells[name] == hpgeom.angle_to_pixel(2**8, row["ra"], row["dec"], nest=True, lonlat=True)
