"""From two sides of points to the pairs that match."""

from __future__ import annotations

from dataclasses import dataclass, replace
from string import Template
from typing import TYPE_CHECKING

from ssap_mirror.core.sphere import haversine_of

from ssap_query.xmatch.inputs.row_numbers import number_of_id, set_offsets
from ssap_query.xmatch.join import sql
from ssap_query.xmatch.join.grid import make_candidates
from ssap_query.xmatch.join.motion import Reach, reach_of, reaches, set_span
from ssap_query.xmatch.join.one_to_one import keep_one_to_one
from ssap_query.xmatch.join.rule import Rule

if TYPE_CHECKING:
    from ssap_query.xmatch.join.points import Points
    from ssap_query.xmatch.session import MatchSession

__all__ = ["Join", "count_pairs", "count_rows", "is_counted_alone", "make_pairs"]

_MERGED = Template("""
SELECT subject_id, n, unnest(nearest) AS nearest
FROM (SELECT subject_id, any_value(n) AS n, min(nearest, $most) AS nearest FROM found GROUP BY subject_id)
""")
# Where objects are points the second number is of no use; it is asked for only where they are rows.
_COUNTS = """
SELECT coalesce(sum(n), 0)::BIGINT,
    (SELECT coalesce(sum(n), 0)::BIGINT FROM (SELECT DISTINCT subject_id, n FROM pairs)),
    count(DISTINCT object_id)
FROM pairs
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
    rule: Rule
    """Which pairs and rows are in the result."""
    mover: str | None = None
    """Side that is moved to the date of the other."""

    @property
    def subject(self) -> Points:
        """Side whose order the result has, and whose points get partners."""
        return self.right if self.rule.subject == "right" else self.left

    @property
    def object(self) -> Points:
        """Side that partners come from."""
        return self.left if self.rule.subject == "right" else self.right


def make_pairs(session: MatchSession, join: Join) -> None:
    """Make the table ``pairs``: ``subject_id, n, object_id, separation_arcsec, position_angle_deg``.

    ``n`` is the number of rows of the result that the pair stands for. Where pairs are chosen the subject is the left
    side.
    """
    rank = "" if join.rule.best_by is None else f"'rank': {join.object.side[0]}_rank, "
    kind = f"STRUCT({'rank DOUBLE, ' if rank else ''}haversine DOUBLE, object_id BIGINT, angle DOUBLE)"
    session.run(f"CREATE TABLE found(subject_id BIGINT, n BIGINT, nearest {kind})")
    passes = _passes(session, join)
    for part in passes:
        _make_survivors(session, join, part)
        session.run("INSERT INTO found " + _query(join, rank))
    if join.rule.is_one_to_one:
        keep_one_to_one(session)
    merged = join.rule.subject is not None and len(passes) > 1
    if merged:
        session.run("CREATE VIEW merged AS " + _MERGED.substitute(most=join.rule.n_neighbors))
    session.connection.execute(_PAIRS, ["merged" if merged else "found"])
    session.run("DROP VIEW IF EXISTS merged")
    _drop_tables(session, "found")


def _query(join: Join, rank: str) -> str:
    """Pairs of one pass."""
    if join.rule.subject is None:
        return sql.ALL_PAIRS
    sides = {"s": join.subject.side[0], "o": join.object.side[0], "rank": rank}
    if join.rule.n_neighbors == 1:
        return sql.BEST_PAIRS.substitute(sides)
    return sql.FEW_PAIRS.substitute(sides, most=join.rule.n_neighbors)


def count_pairs(session: MatchSession, join: Join) -> int:
    """Count the rows of the result, of the table ``pairs``."""
    rows, subjects, objects = session.row(_COUNTS)
    if join.rule.find == "unmatched":
        return join.subject.rows - int(subjects)
    kept = [points.rows - int(matched) for points, matched in ((join.subject, subjects), (join.object, objects))
            if join.rule.keeps(points.side)]  # fmt: skip
    return int(rows) + sum(kept)


def is_counted_alone(rule: Rule) -> bool:
    """Whether `count_rows` knows the number of rows without making the pairs."""
    return rule.join == "inner" and rule.n_neighbors == 1 and not rule.is_one_to_one


def count_rows(session: MatchSession, join: Join) -> int:
    """Count rows that are in a pair: every pair of rows, or with a subject its rows that have a partner.

    The pairs themselves are not kept, so it is less work than to make them.
    """
    passes = _passes(session, join)
    total = 0
    session.run("CREATE TABLE met(id BIGINT, n BIGINT)")
    for part in passes:
        _make_survivors(session, join, part)
        if join.rule.subject is None:
            total += int(session.row(sql.COUNT_ALL)[0])
        else:
            session.run(sql.MET.substitute(s=join.rule.subject[0]))
    if join.rule.subject is not None:
        total = int(session.row(sql.COUNT_MET_AGAIN if len(passes) > 1 else sql.COUNT_MET)[0])
    _drop_tables(session, "met")
    return total


def _drop_tables(session: MatchSession, *names: str) -> None:
    session.run(*(f"DROP TABLE IF EXISTS {name}" for name in (*names, "caps", "spread", "fields", "in_fields")))


def _passes(session: MatchSession, join: Join) -> list[Reach | None]:
    if join.mover is None:
        return [None]
    set_span(session)
    mover = join.left if join.mover == "left" else join.right
    return list(reaches(session, mover, join.rule.radius_arcsec / 3600))


def _make_survivors(session: MatchSession, join: Join, part: Reach | None) -> None:
    rule = join.rule
    radius_deg = rule.radius_arcsec / 3600
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
    session.set(haversine_max=haversine_of(radius_deg))
    conditions = [sql.WITHIN_RADIUS]
    if rule.n_sigma is not None:
        session.set(n_sigma=rule.n_sigma)
        conditions = [sql.WITHIN_SIGMA]
    if rule.min_radius_arcsec > 0:
        session.set(haversine_min=haversine_of(rule.min_radius_arcsec / 3600))
        conditions.append(sql.NOT_NEARER)
    if not rule.self_pairs:
        # The files of both sides may be cut at different rows.
        for side in sides:
            set_offsets(session, side)
        conditions.append(f"{number_of_id('left', 'l_id')} <> {number_of_id('right', 'r_id')}")
    session.run(sql.SURVIVORS.substitute(condition=" AND ".join(conditions)))
