"""Functions that ADQL has and DuckDB has not: macros, and for polygons, cells and words, Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, LiteralString

import numpy as np
import pyarrow as pa

from ssap_query.adql.sky.polygons import SphericalPolygon, directions
from ssap_query.sql.macros import SKY_MACROS
from ssap_query.ssap.postgres.fulltext import read_query

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

__all__ = ["install"]

_TOLERANCE: LiteralString = "1e-10"

#: In the order in which they have to be made. Each is NULL where an argument is, as in SQL.
_MACROS: tuple[LiteralString, ...] = (
    # A NaN is NULL to a query, in lists as anywhere.
    "MACRO adql_coordinate(shape, i) AS nullif(list_extract(shape, i)::DOUBLE, 'nan')",
    "MACRO adql_point(lon, lat) AS CASE WHEN lon IS NOT NULL AND lat IS NOT NULL"
    " THEN [lon::DOUBLE, lat::DOUBLE]::DOUBLE[2] END",
    "MACRO adql_circle(lon, lat, radius) AS CASE WHEN lon IS NOT NULL AND lat IS NOT NULL AND radius IS NOT NULL"
    " THEN [lon::DOUBLE, lat::DOUBLE, radius::DOUBLE]::DOUBLE[3] END",
    "MACRO adql_polygon(numbers) AS CASE WHEN len(list_filter(numbers, lambda number: number IS NULL)) = 0"
    " THEN numbers::DOUBLE[] END",
    # The only words for a region that a table here has (`ssap_query.adql.tables.obscore`).
    "MACRO adql_region(words) AS CASE WHEN words LIKE 'POLYGON ICRS %'"
    " THEN list_transform(string_split(words[14:], ' '), lambda word: word::DOUBLE) END",
    # An edge belongs to its circle, to rounding: as for POS in dialect ivoa.
    # A place that is not known is neither inside nor outside, whatever its latitude: that is but a cheap first look.
    "MACRO adql_in_circle(lon, lat, centre_lon, centre_lat, radius) AS"
    " (lat BETWEEN centre_lat - radius - " + _TOLERANCE + " AND centre_lat + radius + " + _TOLERANCE +
    " OR lon IS NULL OR centre_lon IS NULL)"
    " AND radius >= 0 AND separation(lon, lat, centre_lon, centre_lat) <= radius + " + _TOLERANCE,
    "MACRO adql_circle_area(radius) AS 41252.96124941927 * pow(sin(radians(radius) / 2), 2)",
    # What is no number is NULL: to DuckDB a NaN is above all others.
    "MACRO adql_finite(x) AS CASE WHEN isfinite(x::DOUBLE) THEN x END",
    # Position -> the one cell that holds it. Zones of latitude, each cut into as many cells as it is long; see
    # `ssap_query.adql.sky.distance_joins`.
    "MACRO adql_zone(lat, height) AS floor((lat + 90) / height)::BIGINT",
    "MACRO adql_zone_cells(zone, height) AS greatest(1, floor(360 * cos(radians(least(90, greatest("
    "abs(zone * height - 90), abs((zone + 1) * height - 90))))) / height))::BIGINT",
    "MACRO adql_cell_in(zone, lon, height) AS (zone << 32) + least(adql_zone_cells(zone, height) - 1,"
    " floor((lon - 360 * floor(lon / 360)) / 360 * adql_zone_cells(zone, height))::BIGINT)",
    "MACRO adql_cell(lon, lat, height) AS CASE WHEN lat BETWEEN -90 AND 90 AND isfinite(lon::DOUBLE)"
    " THEN adql_cell_in(adql_zone(lat, height), lon, height) END",
    # Half the width of a circle in longitude [deg]; all of it where it holds a pole.
    "MACRO adql_half_width(lat, radius) AS CASE WHEN abs(lat) + radius >= 89.999 THEN 180"
    " ELSE degrees(asin(least(1, sin(radians(radius)) / cos(radians(lat))))) + 1e-9 END",
    "MACRO adql_zone_span(zone, low, high, height) AS CASE"
    " WHEN floor(high / 360 * adql_zone_cells(zone, height)) - floor(low / 360 * adql_zone_cells(zone, height)) + 1"
    " >= adql_zone_cells(zone, height) THEN list_transform(range(adql_zone_cells(zone, height)),"
    " lambda c: (zone << 32) + c)"
    " ELSE list_transform(range(floor(low / 360 * adql_zone_cells(zone, height))::BIGINT,"
    " floor(high / 360 * adql_zone_cells(zone, height))::BIGINT + 1),"
    " lambda c: (zone << 32) + (c % adql_zone_cells(zone, height) + adql_zone_cells(zone, height))"
    " % adql_zone_cells(zone, height)) END",
    # Position -> every cell that a circle about it touches, each once.
    "MACRO adql_cells(lon, lat, radius, height) AS CASE"
    " WHEN lat BETWEEN -90 AND 90 AND abs(lon) < 1e6 AND radius >= 0 THEN"
    " flatten(list_transform(range(adql_zone(greatest(-90, lat - radius), height),"
    " adql_zone(least(90, lat + radius), height) + 1),"
    " lambda zone: adql_zone_span(zone, lon - adql_half_width(lat, radius), lon + adql_half_width(lat, radius),"
    " height))) ELSE [] END",
)  # fmt: skip


def install(connection: duckdb.DuckDBPyConnection) -> None:
    """Make all functions that a translated query may call.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Of the database that gets them.
    """
    from duckdb.func import PythonUDFType

    for macro in SKY_MACROS:
        connection.execute(macro.create)
    for text in _MACROS:
        connection.execute(f"CREATE OR REPLACE {text}")
    for name, function, arguments, result in _FUNCTIONS:
        connection.create_function(name, function, list(arguments), result, type=PythonUDFType.ARROW)


@lru_cache(maxsize=256)
def _polygon(numbers: bytes) -> SphericalPolygon | None:
    """Polygon of its numbers; None if they are none."""
    try:
        return SphericalPolygon(np.frombuffer(numbers, np.float64))
    except ValueError:
        return None


def _numbers(column: Any) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.asarray(column, np.float64)
    return found


def _polygons(column: Any) -> list[bytes]:
    """Numbers of the polygon of each row."""
    chunk = column.combine_chunks() if hasattr(column, "combine_chunks") else column
    offsets, values = np.asarray(chunk.offsets), np.asarray(chunk.values, np.float64)
    return [values[low:high].tobytes() for low, high in pairwise(offsets.tolist())]


def _each(column: Any) -> Iterator[tuple[SphericalPolygon | None, NDArray[np.int64]]]:
    """Each polygon and the rows that have it: mostly it is the same in all of them."""
    rows: dict[bytes, list[int]] = {}
    for row, numbers in enumerate(_polygons(column)):
        rows.setdefault(numbers, []).append(row)
    for numbers, found in rows.items():
        yield _polygon(numbers), np.array(found)


def _with_points(
    test: Callable[[SphericalPolygon, NDArray[np.float64], NDArray[np.float64]], NDArray[Any]],
) -> Callable[..., pa.Array]:
    """Make a function of a polygon and a circle of each row: longitude, latitude, radius [deg], vertices."""

    def function(lon: Any, lat: Any, radius: Any, vertices: Any) -> pa.Array:
        points, radii = directions(_numbers(lon), _numbers(lat)), np.radians(_numbers(radius))
        found, known = np.zeros(len(points), bool), np.zeros(len(points), bool)
        for polygon, rows in _each(vertices):
            if polygon is not None:
                found[rows], known[rows] = test(polygon, points[rows], radii[rows]), True
        return pa.array(found, mask=~known)

    return function


def _in_polygon(lon: Any, lat: Any, vertices: Any) -> pa.Array:
    inside = _with_points(lambda polygon, points, _: polygon.contains(points))
    return inside(lon, lat, np.zeros(len(lon)), vertices)


_circle_in_polygon = _with_points(
    lambda polygon, points, radii: polygon.contains(points) & (polygon.edge_distance(points) >= radii)
)
_circle_meets_polygon = _with_points(
    lambda polygon, points, radii: polygon.contains(points) | (polygon.edge_distance(points) <= radii)
)
# What lies in a circle is away from what lies opposite to it.
_polygon_in_circle_of = _with_points(
    lambda polygon, points, radii: ~polygon.contains(-points) & (polygon.edge_distance(-points) >= np.pi - radii)
)


def _polygon_in_circle(vertices: Any, lon: Any, lat: Any, radius: Any) -> pa.Array:
    return _polygon_in_circle_of(lon, lat, radius, vertices)


def _of_two(test: Callable[[SphericalPolygon, SphericalPolygon], bool]) -> Callable[[Any, Any], pa.Array]:
    def function(one: Any, other: Any) -> pa.Array:
        pairs = [(_polygon(a), _polygon(b)) for a, b in zip(_polygons(one), _polygons(other), strict=True)]
        return pa.array([None if a is None or b is None else test(a, b) for a, b in pairs], pa.bool_())

    return function


def _polygon_area(vertices: Any) -> pa.Array:
    found = [_polygon(numbers) for numbers in _polygons(vertices)]
    return pa.array([None if polygon is None else polygon.area_deg2 for polygon in found], pa.float64())


def _polygon_centroid(vertices: Any) -> pa.Array:
    found = [_polygon(numbers) for numbers in _polygons(vertices)]
    points = [None if polygon is None else list(polygon.centroid_deg) for polygon in found]
    return pa.array(points, pa.list_(pa.float64(), 2))


def _healpix(order: Any, lon: Any, lat: Any) -> pa.Array:
    import hpgeom

    orders, ra, dec = (_numbers(column) for column in (order, lon, lat))
    good = (orders >= 0) & (orders <= 29) & np.isfinite(ra) & (np.abs(dec) <= 90)
    cells = np.zeros(len(ra), np.int64)
    sides = 2 ** orders[good].astype(np.int64)
    cells[good] = hpgeom.angle_to_pixel(sides, ra[good] % 360.0, dec[good], nest=True, lonlat=True, degrees=True)
    return pa.array(cells, mask=~good)


def _healpix_centre(order: Any, cell: Any) -> pa.Array:
    import hpgeom

    orders, cells = _numbers(order).astype(np.int64), np.asarray(cell, np.int64)
    good = (orders >= 0) & (orders <= 29) & (cells >= 0)
    good[good] &= cells[good] < 12 * 4 ** orders[good]
    found: list[list[float] | None] = [None] * len(cells)
    lon, lat = hpgeom.pixel_to_angle(2 ** orders[good], cells[good], nest=True, lonlat=True, degrees=True)
    for row, point in zip(np.flatnonzero(good), zip(lon.tolist(), lat.tolist(), strict=True), strict=True):
        found[row] = list(point)
    return pa.array(found, pa.list_(pa.float64(), 2))


def _has_word(text: Any, words: Any) -> pa.Array:
    pairs = zip(text.to_pylist(), words.to_pylist(), strict=True)
    return pa.array([read_query(wanted).matches(given) for given, wanted in pairs], pa.bool_())


_POLYGON = "DOUBLE[]"
_FUNCTIONS: tuple[tuple[str, Callable[..., Any], tuple[str, ...], str], ...] = (
    ("adql_in_polygon", _in_polygon, ("DOUBLE", "DOUBLE", _POLYGON), "BOOLEAN"),
    ("adql_circle_in_polygon", _circle_in_polygon, ("DOUBLE", "DOUBLE", "DOUBLE", _POLYGON), "BOOLEAN"),
    ("adql_circle_meets_polygon", _circle_meets_polygon, ("DOUBLE", "DOUBLE", "DOUBLE", _POLYGON), "BOOLEAN"),
    ("adql_polygon_in_circle", _polygon_in_circle, (_POLYGON, "DOUBLE", "DOUBLE", "DOUBLE"), "BOOLEAN"),
    ("adql_polygon_in_polygon", _of_two(lambda a, b: b.covers(a)), (_POLYGON, _POLYGON), "BOOLEAN"),
    ("adql_polygons_meet", _of_two(lambda a, b: a.meets(b)), (_POLYGON, _POLYGON), "BOOLEAN"),
    ("adql_polygon_area", _polygon_area, (_POLYGON,), "DOUBLE"),
    ("adql_polygon_centroid", _polygon_centroid, (_POLYGON,), "DOUBLE[2]"),
    ("adql_healpix", _healpix, ("INTEGER", "DOUBLE", "DOUBLE"), "BIGINT"),
    ("adql_healpix_centre", _healpix_centre, ("INTEGER", "BIGINT"), "DOUBLE[2]"),
    ("adql_has_word", _has_word, ("VARCHAR", "VARCHAR"), "BOOLEAN"),
)
