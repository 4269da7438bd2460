"""Polygons on the sphere: edges are great circles, the inside is the part within a hemisphere.

A polygon is an array of longitudes and latitudes of its vertices in turn [deg]. Directions are unit vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["SphericalPolygon", "directions"]

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

# As near to an edge as this is on it [rad]: 0.4 microarcsec, as for the edge of a circle.
_ON_EDGE_RAD = 1.75e-12
_LEAST_COSINE = 1e-9


def directions(lon_deg: ArrayLike, lat_deg: ArrayLike) -> Floats:
    """Give unit vectors of positions.

    Parameters
    ----------
    lon_deg, lat_deg : array_like of float, shape (N,)
        Positions [deg].

    Returns
    -------
    numpy.ndarray of float64, shape (N, 3)
    """
    lon, lat = np.radians(np.asarray(lon_deg, np.float64)), np.radians(np.asarray(lat_deg, np.float64))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def _angle(one: Floats, other: Floats) -> Floats:
    """Angles between vectors [rad], as sharp near 180 degrees as near 0."""
    found: Floats = np.arctan2(np.linalg.norm(np.cross(one, other), axis=-1), (one * other).sum(axis=-1))
    return found


@dataclass(frozen=True)
class SphericalPolygon:
    """A polygon whose vertices lie within a hemisphere.

    Raises
    ------
    ValueError
        If it has fewer than three vertices, one that is not finite, or they do not lie within a hemisphere.
    """

    lonlat_deg: Floats
    """Longitude and latitude of each vertex in turn [deg]; shape (2 N,)."""

    def __post_init__(self) -> None:
        if len(self.lonlat_deg) < 6 or len(self.lonlat_deg) % 2 or not np.isfinite(self.lonlat_deg).all():
            message = "a polygon has three vertices or more, each of a longitude and a latitude"
            raise ValueError(message)
        if not (self.vertices @ self.middle > _LEAST_COSINE).all():
            message = "a polygon has to be smaller than a hemisphere"
            raise ValueError(message)

    @cached_property
    def vertices(self) -> Floats:
        """Unit vectors of the vertices; shape (N, 3)."""
        return directions(self.lonlat_deg[::2], self.lonlat_deg[1::2])

    @cached_property
    def middle(self) -> Floats:
        """Unit vector about the middle of the vertices; shape (3,)."""
        total = self.vertices.sum(axis=0)
        length = np.linalg.norm(total)
        return np.zeros(3) if length == 0 else total / length

    @property
    def _edges(self) -> tuple[Floats, Floats]:
        """Beginnings and ends of the edges."""
        return self.vertices, np.roll(self.vertices, -1, axis=0)

    @cached_property
    def bounding_radius_deg(self) -> float:
        """Radius of a circle about `middle` that holds the polygon [deg]."""
        return float(np.degrees(_angle(self.vertices, self.middle).max()))

    def contains(self, points: Floats) -> Bools:
        """Whether points lie inside or on an edge.

        Parameters
        ----------
        points : numpy.ndarray of float64, shape (M, 3)
            Unit vectors.
        """
        # On the plane that touches the sphere in the middle, great circles are straight lines (gnomonic projection).
        east = (
            np.cross([0.0, 0.0, 1.0], self.middle) if abs(self.middle[2]) < 0.9 else np.cross([1.0, 0, 0], self.middle)
        )
        east /= np.linalg.norm(east)
        axes = np.stack([east, np.cross(self.middle, east)], axis=-1)
        depth = points @ self.middle
        near = depth > _LEAST_COSINE
        with np.errstate(divide="ignore", invalid="ignore"):
            x, y = (points @ axes / np.where(near, depth, np.nan)[:, None]).T
            corners = self.vertices @ axes / (self.vertices @ self.middle)[:, None]
            inside = np.zeros(len(points), bool)
            for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
                inside ^= ((y1 > y) != (y2 > y)) & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
        return (inside & near) | (self.edge_distance(points) <= _ON_EDGE_RAD)

    def edge_distance(self, points: Floats) -> Floats:
        """Angle from points to the nearest edge [rad].

        Parameters
        ----------
        points : numpy.ndarray of float64, shape (M, 3)
            Unit vectors.
        """
        nearest = np.full(len(points), np.pi)
        for begin, end in zip(*self._edges, strict=True):
            nearest = np.minimum(nearest, _angle(points, begin))
            normal = np.cross(begin, end)
            length = np.linalg.norm(normal)
            if length == 0:
                continue
            normal /= length
            beside = (points @ np.cross(normal, begin) > 0) & (points @ np.cross(end, normal) > 0)
            height = points @ normal
            across = np.abs(np.arctan2(height, np.linalg.norm(points - height[:, None] * normal, axis=-1)))
            nearest = np.where(beside, np.minimum(nearest, across), nearest)
        return nearest

    def crosses(self, other: SphericalPolygon) -> bool:
        """Whether an edge of it crosses one of another polygon."""
        for begin, end in zip(*self._edges, strict=True):
            normal = np.cross(begin, end)
            begins, ends = other._edges
            normals = np.cross(begins, ends)
            one, two = np.sign(begins @ normal), np.sign(ends @ normal)
            three, four = np.sign(normals @ begin), np.sign(normals @ end)
            if ((one * two < 0) & (three * four < 0) & (one * three < 0)).any():
                return True
        return False

    def meets(self, other: SphericalPolygon) -> bool:
        """Whether it has a point in common with another polygon."""
        touches = self.contains(other.vertices).any() or other.contains(self.vertices).any()
        return bool(touches) or self.crosses(other)

    def covers(self, other: SphericalPolygon) -> bool:
        """Whether another polygon lies within it."""
        return bool(self.contains(other.vertices).all()) and not self.crosses(other)

    @property
    def area_deg2(self) -> float:
        """Solid angle [deg2] (Van Oosterom & Strackee 1983, for the triangles about the first vertex)."""
        first, second, third = self.vertices[0], self.vertices[1:-1], self.vertices[2:]
        volume = np.cross(second, third) @ first
        below = 1 + second @ first + (second * third).sum(axis=-1) + third @ first
        return float(abs((2 * np.arctan2(volume, below)).sum()) * np.degrees(1) ** 2)

    @property
    def centroid_deg(self) -> tuple[float, float]:
        """Longitude and latitude of the centre of mass [deg]."""
        begins, ends = self._edges
        normals = np.cross(begins, ends)
        lengths = np.linalg.norm(normals, axis=-1, keepdims=True)
        # Stokes: the first moment of the inside is half the sum of the edges' normals times their lengths.
        moment = (np.divide(normals, lengths, where=lengths > 0, out=np.zeros_like(normals)).T @ _angle(begins, ends)).T
        if np.linalg.norm(moment) == 0:
            moment = self.middle
        if moment @ self.middle < 0:
            moment = -moment
        x, y, z = moment
        return float(np.degrees(np.arctan2(y, x)) % 360), float(np.degrees(np.arctan2(z, np.hypot(x, y))))
