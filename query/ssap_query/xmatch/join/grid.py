"""Cells of the join: which side is put into them, and how large they are. Affects the cost alone, never the answer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ssap_query.xmatch.join import sql

if TYPE_CHECKING:
    from ssap_query.xmatch.join.points import Points
    from ssap_query.xmatch.session import MatchSession

__all__ = ["make_candidates"]

# A cell as high as this many radii takes a cap with few neighbours (1.07 cells); twice is the least that is sensible.
_CELL_RADII = (2.0, 60.0)
_MIN_CELL_DEG = 0.1 / 3600
_MAX_CELL_DEG = 30.0
# A large side is first cut down to the fields of half a degree that the other is in: if they are few (a fifth of the
# sky is 33,000 at the equator), and no cap is as wide as a field
_FEW_FIELDS = 40_000
_MAX_HALF_WIDTH_DEG = 0.24
_FIELDS_PER_DEG = 2


def make_candidates(session: MatchSession, left: Points, right: Points, radius_deg: float) -> None:
    """Make the view ``candidates``: all pairs within a radius, and some that are not.

    Parameters
    ----------
    session : MatchSession
        Where the views of the points are.
    left, right : Points
        The sides; the one of fewer points or places is put into cells, the other streamed.
    radius_deg : float
        Radius that no pair of the answer exceeds [deg], at the positions that the points have.
    """
    small, large = (left, right) if left.count <= right.count else (right, left)
    connection = session.connection
    for points, name in ((small, "small_side"), (large, "large_side")):
        is_table = points.cells.endswith("_places")
        source = connection.table(points.cells) if is_table else connection.view(points.cells)
        source.create_view(name, replace=True)
    session.set(radius_deg=min(radius_deg, 180.0))
    session.run(sql.CAPS.substitute(s=small.side[0]))
    company, half_width, max_half_width, dec_min, dec_max = session.row(sql.CROWDING.substitute(s=small.side[0]))
    cell = _cell_deg(radius_deg, company * large.count / max(1, small.count))
    tapered = half_width / cell > 2 * (radius_deg / cell + 0.5)
    session.set(
        zones_per_deg=1 / cell,
        dec_min=dec_min - radius_deg * 1.000001 - 1e-9,
        dec_max=dec_max + radius_deg * 1.000001 + 1e-9,
    )
    if large.count >= session.tuning.many_points and max_half_width < _MAX_HALF_WIDTH_DEG:
        _keep_only_fields(session, small, large)
    session.run(
        sql.BINS["tapered" if tapered else "even"],
        sql.SPREAD.substitute(s=small.side[0]),
        sql.NEAR.substitute(p=large.side[0]),
    )
    found = "near"
    for points in (left, right):
        if points.cells.endswith("_places"):
            session.run(sql.POINTS_OF_PLACES.substitute(side=points.side, p=points.side[0], near=found))
            found = f"near_{points.side}"
    connection.view(found).create_view("candidates", replace=True)


def _keep_only_fields(session: MatchSession, small: Points, large: Points) -> None:
    """Take from the larger side what is in fields of the smaller one, if that is little of the sky."""
    session.run(sql.FIELDS.substitute(s=small.side[0]))
    (fields,) = session.row("SELECT count(*) FROM fields")
    if fields < _FEW_FIELDS:
        # Written and read again: a join on the few rows that are left, close together, is faster than on a thin stream.
        session.run(sql.IN_FIELDS.substitute(p=large.side[0]))
        session.connection.table("in_fields").create_view("large_side", replace=True)


def _cell_deg(radius_deg: float, company: float) -> float:
    """Height of a cell such that a point has about one candidate in the cells around it."""
    density = max(company, 1.0) * _FIELDS_PER_DEG**2
    low, high = (factor * radius_deg for factor in _CELL_RADII)
    cell = min(max(1 / math.sqrt(density) - 2 * radius_deg, low), high)
    return min(max(cell, _MIN_CELL_DEG), _MAX_CELL_DEG)
