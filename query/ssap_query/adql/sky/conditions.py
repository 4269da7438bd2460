"""Conditions about places on the sky, found again in a translated query."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sqlglot import exp

from ssap_query.adql.sky.numbers import number_of, number_sql, numbers_of
from ssap_query.adql.sky.polygons import SphericalPolygon
from ssap_query.adql.sky.shapes import IN_CIRCLE, IN_POLYGON, SEPARATION

__all__ = ["Near", "aliases", "conjuncts", "near"]


@dataclass(frozen=True)
class Near:
    """Two positions that a condition wants within a radius."""

    lon1: exp.Expr
    """Longitude of the one [deg]."""
    lat1: exp.Expr
    """Latitude of the one [deg]."""
    lon2: exp.Expr
    """Longitude of the other [deg]."""
    lat2: exp.Expr
    """Latitude of the other [deg]."""
    radius: exp.Expr
    """Radius that is not exceeded [deg]."""

    @property
    def radius_deg(self) -> float | None:
        """The radius, if it is a number."""
        return number_of(self.radius)

    @property
    def swapped(self) -> Near:
        """The same with the other first."""
        return Near(self.lon2, self.lat2, self.lon1, self.lat1, self.radius)


def conjuncts(condition: exp.Expr, kind: type[exp.Connector] = exp.And) -> Iterator[exp.Expr]:
    """Conditions that all have to hold; with ``Or`` for `kind`, those of which one has to."""
    inner = condition.unnest() if isinstance(condition, exp.Paren) else condition
    if isinstance(inner, kind):
        yield from conjuncts(inner.left, kind)
        yield from conjuncts(inner.right, kind)
    else:
        yield inner


def near(condition: exp.Expr) -> Near | None:
    """Read what a condition says of a distance; None if it does not bound one."""
    if isinstance(condition, exp.Anonymous):
        if condition.this == IN_CIRCLE:
            *positions, radius = condition.expressions
            return _bounded(positions, radius)
        if condition.this == IN_POLYGON:
            return _about(*condition.expressions)
    if isinstance(condition, exp.LT | exp.LTE):
        return _compared(condition.left, condition.right)
    if isinstance(condition, exp.GT | exp.GTE):
        return _compared(condition.right, condition.left)
    return None


def aliases(*expressions: exp.Expr) -> set[str] | None:
    """Name the sources that expressions take columns of; None if they have a query in them."""
    found: set[str] = set()
    for expression in expressions:
        if expression.find(exp.Query) is not None:
            return None
        found |= {column.table for column in expression.find_all(exp.Column)}
    return found


def _compared(distance: exp.Expr, bound: exp.Expr) -> Near | None:
    inner = distance.unnest()
    if isinstance(inner, exp.Anonymous) and inner.this == SEPARATION:
        return _bounded(inner.expressions, bound)
    return None


def _bounded(positions: list[exp.Expr], bound: exp.Expr) -> Near | None:
    radius = number_of(bound)
    if radius is not None and not 0 <= radius <= 180:
        return None
    lon1, lat1, lon2, lat2 = positions
    return Near(lon1, lat1, lon2, lat2, bound)


def _about(lon: exp.Expr, lat: exp.Expr, vertices: exp.Expr) -> Near | None:
    """Circle about a polygon that is made of numbers."""
    lists = list(vertices.find_all(exp.Array))
    numbers = numbers_of(*lists[0].expressions) if len(lists) == 1 else None
    if numbers is None:
        return None
    try:
        polygon = SphericalPolygon(np.array(numbers))
    except ValueError:
        return None
    x, y, z = (float(part) for part in polygon.middle)
    centre = (np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arctan2(z, np.hypot(x, y))))
    middle = [exp.Literal.number(repr(float(angle))) for angle in centre]
    return Near(lon, lat, middle[0], middle[1], number_sql(min(180.0, polygon.bounding_radius_deg + 1e-6)))
