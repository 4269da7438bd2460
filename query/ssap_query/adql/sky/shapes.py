"""Shapes of ADQL on the sky (ADQL 2.1 §4.2), and what is asked of them, as SQL.

A point is a list of longitude and latitude, a circle one of centre and radius, a polygon one of its vertices, all in
degrees and ICRS; a BOX is the polygon of its corners. So they come out as the arrays of DALI 1.1 §3.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

from sqlglot import exp
from ssap_mirror.core.schema import Column

from ssap_query.adql.errors import AdqlError
from ssap_query.adql.scopes import Value
from ssap_query.adql.tables.table import REGION_TEXT

__all__ = [
    "CIRCLE",
    "COORDINATE",
    "IN_CIRCLE",
    "IN_POLYGON",
    "POINT",
    "POLYGON",
    "SEPARATION",
    "Circle",
    "Point",
    "Polygon",
    "Shape",
    "area",
    "call",
    "centroid",
    "contains",
    "distance",
    "intersects",
    "number_of",
    "number_sql",
    "numbers_of",
    "read_region",
    "read_shape",
    "shape_of",
    "without_frame",
]

#: Macros and functions of `ssap_query.adql.macros` that other modules look for in a statement.
SEPARATION, IN_CIRCLE, IN_POLYGON, COORDINATE = "separation", "adql_in_circle", "adql_in_polygon", "adql_coordinate"

#: What is known of a point, a circle and a polygon.
POINT = Column("point", "double", "2", unit="deg", ucd="pos.eq", xtype="point")
CIRCLE = Column("circle", "double", "3", unit="deg", ucd="pos.outline;obs.field", xtype="circle")
POLYGON = Column("polygon", "double", "*", unit="deg", ucd="pos.outline;obs.field", xtype="polygon")

_FRAMES = ("", "ICRS", "UNKNOWNFRAME")
_MIN_VERTICES = 3


@dataclass(frozen=True)
class Point:
    """A position."""

    lon: exp.Expr
    """Longitude [deg]."""
    lat: exp.Expr
    """Latitude [deg]."""

    def value(self) -> Value:
        """Give the point as a value."""
        return Value(call("adql_point", self.lon, self.lat), POINT)


@dataclass(frozen=True)
class Circle:
    """A circle, its edge included."""

    lon: exp.Expr
    """Longitude of the centre [deg]."""
    lat: exp.Expr
    """Latitude of the centre [deg]."""
    radius: exp.Expr
    """Radius [deg]."""

    def value(self) -> Value:
        """Give the circle as a value."""
        return Value(call("adql_circle", self.lon, self.lat, self.radius), CIRCLE)


@dataclass(frozen=True)
class Polygon:
    """A polygon with great circles for its edges, smaller than a hemisphere."""

    vertices: exp.Expr
    """List of longitude and latitude of each vertex in turn [deg]."""

    def value(self) -> Value:
        """Give the polygon as a value."""
        return Value(self.vertices, POLYGON)


Shape: TypeAlias = Point | Circle | Polygon


def call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """Call of a function; each argument may stand in several places."""
    return exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])


def numbers_of(*expressions: exp.Expr) -> tuple[float, ...] | None:
    """Values of expressions that are numbers; None if one of them is not."""
    found = tuple(number_of(expression) for expression in expressions)
    return None if None in found else tuple(value for value in found if value is not None)


def number_sql(value: float) -> exp.Expr:
    """Write a number as a double, which a decimal fraction alone is not in DuckDB."""
    digits = repr(abs(value))
    literal = exp.Literal.number(digits if "e" in digits else f"{digits}e0")
    return exp.Neg(this=literal) if value < 0 else literal


def number_of(expression: exp.Expr) -> float | None:
    """Value of an expression that is a number (``1/3600.`` is one); None for any other."""
    value = _constant(expression)
    return None if value is None else float(value)


def _constant(node: exp.Expr) -> int | float | None:
    if isinstance(node, exp.Literal) and not node.is_string:
        return float(node.this) if set(node.this) & set(".eE") else int(node.this)
    if isinstance(node, exp.Paren):
        return _constant(node.this)
    if isinstance(node, exp.Neg):
        value = _constant(node.this)
        return None if value is None else -value
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div):
        left, right = _constant(node.left), _constant(node.right)
        return None if left is None or right is None else _arithmetic(node, left, right)
    return None


def _arithmetic(node: exp.Expr, left: float, right: float) -> int | float | None:
    if isinstance(node, exp.Add):
        return left + right
    if isinstance(node, exp.Sub):
        return left - right
    if isinstance(node, exp.Mul):
        return left * right
    if right == 0:
        return None
    both_whole = isinstance(left, int) and isinstance(right, int)
    return math.trunc(left / right) if both_whole else left / right


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
        return _point(arguments[0].sql, arguments[1].sql)
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


def contains(inner: Shape, outer: Shape) -> exp.Expr:
    """Condition that a shape lies within another one, edges included."""
    if isinstance(inner, Point):
        if isinstance(outer, Circle):
            return call(IN_CIRCLE, inner.lon, inner.lat, outer.lon, outer.lat, outer.radius)
        if isinstance(outer, Polygon):
            return call(IN_POLYGON, inner.lon, inner.lat, outer.vertices)
        return exp.EQ(this=distance(inner, outer).sql, expression=number_sql(0.0))
    if isinstance(outer, Point):
        message = "asks whether a point contains a circle or a polygon"
        raise AdqlError(message)
    if isinstance(inner, Circle):
        if isinstance(outer, Circle):
            room = exp.paren(exp.Sub(this=exp.paren(outer.radius.copy()), expression=exp.paren(inner.radius.copy())))
            return call(IN_CIRCLE, inner.lon, inner.lat, outer.lon, outer.lat, room)
        return call("adql_circle_in_polygon", inner.lon, inner.lat, inner.radius, outer.vertices)
    if isinstance(outer, Circle):
        return call("adql_polygon_in_circle", inner.vertices, outer.lon, outer.lat, outer.radius)
    return call("adql_polygon_in_polygon", inner.vertices, outer.vertices)


def intersects(one: Shape, other: Shape) -> exp.Expr:
    """Condition that two shapes have a point in common."""
    if isinstance(one, Point):
        return contains(one, other)
    if isinstance(other, Point):
        return contains(other, one)
    if isinstance(one, Circle) and isinstance(other, Circle):
        reach = exp.paren(exp.Add(this=exp.paren(one.radius.copy()), expression=exp.paren(other.radius.copy())))
        return call(IN_CIRCLE, one.lon, one.lat, other.lon, other.lat, reach)
    if isinstance(one, Polygon) and isinstance(other, Polygon):
        return call("adql_polygons_meet", one.vertices, other.vertices)
    if isinstance(one, Circle) and isinstance(other, Polygon):
        return call("adql_circle_meets_polygon", one.lon, one.lat, one.radius, other.vertices)
    return intersects(other, one)


def distance(one: Point, other: Point) -> Value:
    """Separation of two points [deg]."""
    known = Column("distance", "double", unit="deg", ucd="pos.angDistance")
    return Value(call(SEPARATION, one.lon, one.lat, other.lon, other.lat), known)


def area(shape: Shape) -> Value:
    """Area of a shape [deg2]."""
    known = Column("area", "double", unit="deg**2", ucd="pos.outline;phys.angArea")
    if isinstance(shape, Point):
        return Value(number_sql(0.0), known)
    if isinstance(shape, Circle):
        return Value(call("adql_circle_area", shape.radius), known)
    return Value(call("adql_polygon_area", shape.vertices), known)


def centroid(shape: Shape) -> Value:
    """Centre of a shape."""
    if isinstance(shape, Polygon):
        return Value(call("adql_polygon_centroid", shape.vertices), POINT)
    return Point(shape.lon, shape.lat).value()


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
        numbers = [Value(number_sql(float(word))) for word in rest]
    except ValueError:
        numbers = []
    if name not in ("POINT", "CIRCLE", "BOX", "POLYGON") or not numbers:
        message = f"has a REGION of {text!r}; position, circle, box and polygon in ICRS can be read"
        raise AdqlError(message)
    return shape_of(name, numbers)


def _count(name: str, arguments: list[Value], count: int, words: str) -> None:
    if len(arguments) != count:
        message = f"has a {name} that is not made of {words}"
        raise AdqlError(message)


def _point(lon: exp.Expr, lat: exp.Expr) -> Point:
    latitude = number_of(lat)
    if latitude is not None and not -90 <= latitude <= 90:
        message = f"has a latitude of {latitude:g} deg, which is not between -90 and 90"
        raise AdqlError(message)
    return Point(lon, lat)


def _is_point(value: Value) -> bool:
    return value.column is not None and (value.column.xtype == "point" or value.column.arraysize == "2")


def _centre(arguments: list[Value]) -> tuple[Point, list[Value]]:
    if arguments and _is_point(arguments[0]):
        found = read_shape(arguments[0])
        assert isinstance(found, Point)
        return found, arguments[1:]
    if len(arguments) < 2:
        message = "has a shape without a centre"
        raise AdqlError(message)
    return _point(arguments[0].sql, arguments[1].sql), arguments[2:]


def _polygon(arguments: list[Value]) -> Polygon:
    if all(_is_point(argument) for argument in arguments):
        points = [read_shape(argument) for argument in arguments]
    elif len(arguments) % 2 == 0:
        pairs = zip(arguments[::2], arguments[1::2], strict=True)
        points = [_point(lon.sql, lat.sql) for lon, lat in pairs]
    else:
        points = []
    if len(points) < _MIN_VERTICES:
        message = "has a POLYGON that is not made of three or more points, or longitudes and latitudes in turn"
        raise AdqlError(message)
    numbers = [part.copy() for point in points if isinstance(point, Point) for part in (point.lon, point.lat)]
    return Polygon(call("adql_polygon", exp.Array(expressions=numbers)))
