"""From two sides of points to the pairs that match."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ssap_query.xmatch.join import sql
from ssap_query.xmatch.join.grid import make_candidates
from ssap_query.xmatch.join.motion import Reach, reach_of, reaches, set_span

if TYPE_CHECKING:
    from ssap_query.xmatch.join.points import Points
    from ssap_query.xmatch.session import Session

__all__ = ["Join", "count_rows", "make_pairs"]

_MERGED = """
SELECT subject_id, any_value(n) AS n, min(nearest) AS nearest FROM found GROUP BY subject_id
"""
_PAIRS = """
CREATE TABLE pairs AS SELECT subject_id, n, nearest.object_id AS object_id,
    separation_arcsec(nearest.haversine) AS separation_arcsec, nearest.angle AS position_angle_deg
FROM query_table(?) ORDER BY subject_id
"""


@dataclass(frozen=True)
class Join:
    """What is matched with what, and how."""

    left: Points
    """The left side."""
    right: Points
    """The right side."""
    radius_arcsec: float
    """Largest separation [arcsec], inclusive."""
    subject: str | None
    """Side whose points get one partner each; None: all pairs."""
    mover: str | None = None
    """Side that is moved to the date of the other."""
    n_sigma: float | None = None
    """Largest separation in combined errors, within the radius."""


def make_pairs(session: Session, join: Join) -> None:
    """Make the table ``pairs``: ``subject_id, n, object_id, separation_arcsec, position_angle_deg``.

    ``n`` is the number of rows of the result that the pair stands for. For all pairs the subject is the left side.
    """
    session.run("CREATE TABLE found(subject_id BIGINT, n BIGINT, nearest STRUCT(haversine DOUBLE, object_id BIGINT, "
                "angle DOUBLE))")  # fmt: skip
    subject = join.subject or "left"
    other = "right" if subject == "left" else "left"
    query = sql.ALL_PAIRS if join.subject is None else sql.BEST_PAIRS.substitute(s=subject[0], o=other[0])
    passes = _passes(session, join)
    for part in passes:
        _make_survivors(session, join, part)
        session.run("INSERT INTO found " + query)
    if join.subject is not None and len(passes) > 1:
        session.run("CREATE VIEW merged AS " + _MERGED)
    session.connection.execute(_PAIRS, ["merged" if join.subject is not None and len(passes) > 1 else "found"])
    session.run("DROP VIEW IF EXISTS merged")
    _drop_tables(session, "found")


def count_rows(session: Session, join: Join) -> int:
    """Count rows that are in a pair: every pair of rows, or with a subject its rows that have a partner.

    The pairs themselves are not kept, so it is less work than to make them.
    """
    passes = _passes(session, join)
    total = 0
    session.run("CREATE TABLE met(id BIGINT, n BIGINT)")
    for part in passes:
        _make_survivors(session, join, part)
        if join.subject is None:
            total += int(session.row(sql.COUNT_ALL)[0])
        else:
            session.run(sql.MET.substitute(s=join.subject[0]))
    if join.subject is not None:
        total = int(session.row(sql.COUNT_MET_AGAIN if len(passes) > 1 else sql.COUNT_MET)[0])
    _drop_tables(session, "met")
    return total


def _drop_tables(session: Session, *names: str) -> None:
    session.run(*(f"DROP TABLE IF EXISTS {name}" for name in (*names, "caps", "spread", "fields", "in_fields")))


def _passes(session: Session, join: Join) -> list[Reach | None]:
    if join.mover is None:
        return [None]
    set_span(session)
    mover = join.left if join.mover == "left" else join.right
    return list(reaches(session, mover, join.radius_arcsec / 3600))


def _make_survivors(session: Session, join: Join, part: Reach | None) -> None:
    radius_deg = join.radius_arcsec / 3600
    sides = {"left": join.left, "right": join.right}
    if part is None or join.mover is None:
        make_candidates(session, join.left, join.right, radius_deg)
        session.run(sql.PLACED)
    else:
        mover, other = join.mover, "left" if join.mover == "right" else "right"
        points = session.connection.view(f"{mover}_points")
        session.set(reach_low=part.low_deg, reach_high=part.high_deg)
        of_class = points.filter(f"{reach_of(mover)} BETWEEN getvariable('reach_low') AND getvariable('reach_high')")
        of_class.create_view(f"{mover}_moving", replace=True)
        sides[mover] = replace(sides[mover], cells=f"{mover}_moving", count=part.count)
        make_candidates(session, sides["left"], sides["right"], (radius_deg + part.high_deg) * (1 + 1e-9))
        session.run(sql.MOVED.substitute(m=mover[0], o=other[0]))
    session.set(haversine_max=math.sin(math.radians(radius_deg) / 2) ** 2)
    condition = sql.WITHIN_RADIUS
    if join.n_sigma is not None:
        session.set(n_sigma=join.n_sigma)
        condition = sql.WITHIN_SIGMA
    session.run(sql.SURVIVORS.substitute(condition=condition))
