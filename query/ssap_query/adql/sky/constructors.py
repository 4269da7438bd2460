"""Shapes of what a query says: constructors, columns, and words (STC-S)."""

from __future__ import annotations

import math

from sqlglot import exp

from ssap_query.adql.errors import AdqlError
from ssap_query.adql.scopes import Value
from ssap_query.adql.sky.numbers import number_of, number_sql
from ssap_query.adql.sky.shapes import COORDINATE, Circle, Point, Polygon, Shape, call
from ssap_query.adql.tables.table import REGION_TEXT

__all__ = ["point", "read_point", "read_region", "read_shape", "shape_of", "without_frame"]

_FRAMES = ("", "ICRS", "UNKNOWNFRAME")
_MIN_VERTICES = 3


def shape_of(name: str, arguments: list[Value]) -> Shape:
    """Shape that a constructor makes.

    Parameters
    ----------
    name : {"POINT", "CIRCLE", "BOX", "POLYGON"}
        The constructor.
    arguments : list of Value
        Its arguments, without the frame of ADQL 2.0.

    Raises
    ------
    AdqlError
        If they are not what it takes.
    """
    if name == "POINT":
        _count(name, arguments, 2, "a longitude and a latitude")
        return point(arguments[0].sql, arguments[1].sql)
    if name == "POLYGON":
        return _polygon(arguments)
    centre, rest = _centre(arguments)
    if name == "CIRCLE":
        _count(name, rest, 1, "a centre (a point, or a longitude and a latitude) and a radius")
        radius = number_of(rest[0].sql)
        if radius is not None and not 0 <= radius <= 180:
            message = f"has a circle of radius {radius:g} deg, which is not between 0 and 180"
            raise AdqlError(message)
        return Circle(centre.lon, centre.lat, rest[0].sql)
    _count(name, rest, 2, "a centre (a point, or a longitude and a latitude), a width and a height")
    width, height = (exp.Div(this=exp.paren(side.sql.copy()), expression=number_sql(2.0)) for side in rest)
    west, east = (exp.paren(part(this=exp.paren(centre.lon.copy()), expression=width)) for part in (exp.Sub, exp.Add))
    south, north = (
        exp.paren(part(this=exp.paren(centre.lat.copy()), expression=height)) for part in (exp.Sub, exp.Add)
    )
    corners = ((east, north), (west, north), (west, south), (east, south))
    return _polygon([Value(axis) for corner in corners for axis in corner])


def read_shape(value: Value) -> Shape:
    """Shape that a value is: a column of points, circles or polygons, or what a function gives.

    Raises
    ------
    AdqlError
        If it is none.
    """
    node, column = value.sql, value.column
    if isinstance(node, exp.Anonymous):
        name, arguments = node.this, node.expressions
        if name == "adql_point":
            return Point(*arguments)
        if name == "adql_circle":
            return Circle(*arguments)
    kind = None if column is None else column.xtype
    if column is not None and kind is None and column.datatype in ("double", "float"):
        kind = {"2": "point", "3": "circle"}.get(column.arraysize or "")
    if kind == "point":
        one, two = (call(COORDINATE, node, exp.Literal.number(i)) for i in (1, 2))
        return Point(one, two)
    if kind == "circle":
        one, two, three = (call(COORDINATE, node, exp.Literal.number(i)) for i in (1, 2, 3))
        return Circle(one, two, three)
    if kind == "polygon":
        return Polygon(node)
    if kind == REGION_TEXT:
        return Polygon(call("adql_region", node))
    message = f"has {node.sql()[:60]!r} where a point, a circle or a polygon has to be"
    raise AdqlError(message)


def read_point(value: Value) -> Point:
    """Read the point that a value is.

    Raises
    ------
    AdqlError
        If it is none.
    """
    found = read_shape(value)
    if not isinstance(found, Point):
        message = f"has {value.sql.sql()[:60]!r} where a point has to be"
        raise AdqlError(message)
    return found


def point(lon: exp.Expr, lat: exp.Expr) -> Point:
    """Make a point of its coordinates.

    Raises
    ------
    AdqlError
        If its latitude is a number beyond a pole.
    """
    latitude = number_of(lat)
    if latitude is not None and not -90 <= latitude <= 90:
        message = f"has a latitude of {latitude:g} deg, which is not between -90 and 90"
        raise AdqlError(message)
    return Point(lon, lat)


def without_frame(arguments: list[Value]) -> list[Value]:
    """Drop the frame that ADQL 2.0 has for a first argument.

    Raises
    ------
    AdqlError
        If it is another one than ICRS: nothing is transformed here.
    """
    first = arguments[0] if arguments else None
    frame = None if first is None or not isinstance(first.sql, exp.Placeholder) else first.sql.meta["text"]
    if frame is None:
        return arguments
    if frame.split(" ")[0].upper() not in _FRAMES:
        message = f"has the frame {frame!r}; positions are ICRS here, and are not transformed"
        raise AdqlError(message)
    return arguments[1:]


def read_region(text: str) -> Shape:
    """Shape that STC-S describes: ``CIRCLE ICRS 10 20 0.5`` (ADQL 2.0 §2.4.14).

    Raises
    ------
    AdqlError
        If it is no position, circle, box or polygon in ICRS.
    """
    words = text.split()
    name = {"POSITION": "POINT"}.get(words[0].upper(), words[0].upper()) if words else ""
    rest = words[1:]
    while rest and rest[0].upper() in (*_FRAMES, "GEOCENTER", "BARYCENTER", "TOPOCENTER", "SPHERICAL2"):
        rest = rest[1:]
    try:
        given = [float(word) for word in rest]
    except ValueError:
        given = []
    numbers = [Value(number_sql(number)) for number in given if math.isfinite(number)]
    if name not in ("POINT", "CIRCLE", "BOX", "POLYGON") or not numbers:
        message = f"has a REGION of {text!r}; position, circle, box and polygon in ICRS can be read"
        raise AdqlError(message)
    return shape_of(name, numbers)


def _count(name: str, arguments: list[Value], count: int, words: str) -> None:
    if len(arguments) != count:
        message = f"has a {name} that is not made of {words}"
        raise AdqlError(message)


def _is_point(value: Value) -> bool:
    return value.column is not None and (value.column.xtype == "point" or value.column.arraysize == "2")


def _centre(arguments: list[Value]) -> tuple[Point, list[Value]]:
    if arguments and _is_point(arguments[0]):
        return read_point(arguments[0]), arguments[1:]
    if len(arguments) < 2:
        message = "has a shape without a centre"
        raise AdqlError(message)
    return point(arguments[0].sql, arguments[1].sql), arguments[2:]


def _polygon(arguments: list[Value]) -> Polygon:
    if all(_is_point(argument) for argument in arguments):
        points = [read_point(argument) for argument in arguments]
    elif len(arguments) % 2 == 0:
        pairs = zip(arguments[::2], arguments[1::2], strict=True)
        points = [point(lon.sql, lat.sql) for lon, lat in pairs]
    else:
        points = []
    if len(points) < _MIN_VERTICES:
        message = "has a POLYGON that is not made of three or more points, or longitudes and latitudes in turn"
        raise AdqlError(message)
    numbers = [part.copy() for corner in points for part in (corner.lon, corner.lat)]
    return Polygon(call("adql_polygon", exp.Array(expressions=numbers)))
