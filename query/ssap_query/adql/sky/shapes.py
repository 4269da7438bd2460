"""Shapes of ADQL on the sky (ADQL 2.1 §4.2), and what is asked of them, as SQL.

A point is a list of longitude and latitude, a circle one of centre and radius, a polygon one of its vertices, all in
degrees and ICRS; a BOX is the polygon of its corners. So they come out as the arrays of DALI 1.1 §3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from sqlglot import exp
from ssap_mirror.core.schema import Column

from ssap_query.adql.errors import AdqlError
from ssap_query.adql.scopes import Value
from ssap_query.adql.sky.numbers import number_sql

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
]

#: Macros and functions of `ssap_query.adql.macros` that other modules look for in a statement.
SEPARATION, IN_CIRCLE, IN_POLYGON, COORDINATE = "separation", "adql_in_circle", "adql_in_polygon", "adql_coordinate"

#: What is known of a point, a circle and a polygon.
POINT = Column("point", "double", "2", unit="deg", ucd="pos.eq", xtype="point")
CIRCLE = Column("circle", "double", "3", unit="deg", ucd="pos.outline;obs.field", xtype="circle")
POLYGON = Column("polygon", "double", "*", unit="deg", ucd="pos.outline;obs.field", xtype="polygon")


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
