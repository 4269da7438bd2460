"""Proper motions: which side moves, over how long a time, and how far its points can get."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ssap_mirror.errors import ParameterError

from ssap_query.xmatch.inputs.positions import MOTION_FIELDS, Positions, find_column, has_motions, with_motions

if TYPE_CHECKING:
    from ssap_query.xmatch.inputs.tables import Table
    from ssap_query.xmatch.join.points import Points
    from ssap_query.xmatch.session import Session

__all__ = ["MOVER_ROLES", "STILL_ROLES", "Reach", "choose_mover", "reach_of", "reaches", "set_span"]

#: Keys that the moving side and the other one need.
MOVER_ROLES = ("epoch", *MOTION_FIELDS)
STILL_ROLES = ("epoch",)

_EPOCH = "epoch"
# Stars are taken in classes of reach, each up to this many times as far as the class before
_CLASS_FACTOR = 8

_SPAN = """
SELECT greatest(abs(l_max - r_min), abs(r_max - l_min)) FROM
    (SELECT min(epoch + 0) AS l_min, max(epoch + 0) AS l_max FROM left_keys WHERE isfinite(epoch)),
    (SELECT min(epoch + 0) AS r_min, max(epoch + 0) AS r_max FROM right_keys WHERE isfinite(epoch))
"""
_CLASS = f"ceil(log2(greatest(1, reach / getvariable('radius_deg'))) / log2({_CLASS_FACTOR}))"


@dataclass(frozen=True)
class Reach:
    """Points of the moving side that get about equally far."""

    low_deg: float
    """Least angle that one of them moves over the span of the match [deg]."""
    high_deg: float
    """Largest such angle [deg]."""
    count: int
    """Number of points."""


def choose_mover(
    tables: tuple[Table, Table], positions: tuple[Positions, Positions]
) -> tuple[str | None, tuple[Positions, Positions]]:
    """Find out which side moves, and fill in the motions and epochs that this needs.

    Named motions decide; if both sides have them, the right one moves. Else an epoch that is given asks for motions,
    and they are looked for: in the right table, then in the left one.

    Returns
    -------
    mover : {"left", "right"} or None
        None if neither motions nor epochs are given.
    positions : tuple of Positions
        Those of left and right.

    Raises
    ------
    ParameterError
        If an epoch is missing, or is given and neither table has motions.
    """
    named = [has_motions(p) for p in positions]
    if not any(named) and all(p.epoch is None for p in positions):
        return None, positions
    # The right side first: if both have motions it is the one that moves.
    found = ((i, with_motions(positions[i], tables[i].schema, tables[i].side)) for i in (1, 0))
    moved = ((i, positions[i]) for i in (1, 0) if named[i]) if any(named) else ((i, p) for i, p in found if p)
    index, mover = next(iter(moved), (None, None))
    if index is None or mover is None:
        given = next(p.epoch for p in positions if p.epoch is not None)
        raise ParameterError(_EPOCH, given, "is given, but neither table has proper motions by UCD or usual name")
    filled = list(positions)
    filled[index] = mover
    filled = [_with_epoch(p, t) for p, t in zip(filled, tables, strict=True)]
    return tables[index].side, (filled[0], filled[1])


def set_span(session: Session) -> None:
    """Set the variable ``span_years``: the longest time between the dates of two rows [yr]."""
    (span,) = session.row(_SPAN)
    session.set(span_years=span or 0.0)


def reaches(session: Session, mover: Points, radius_deg: float) -> list[Reach]:
    """Classes of the moving side by how far its points get, so that few fast stars do not widen the search for all.

    Parameters
    ----------
    session : Session
        Where ``<side>_points`` and the variable ``span_years`` are.
    mover : Points
        The moving side.
    radius_deg : float
        Radius of the match [deg].
    """
    session.set(radius_deg=radius_deg)
    moving = session.connection.view(f"{mover.side}_points").project(f"{reach_of(mover.side)} AS reach")
    classes = moving.aggregate(f"{_CLASS} AS class, min(reach), max(reach), count(*)", _CLASS)
    return [Reach(low, high, count) for _, low, high, count in sorted(classes.fetchall())]


def reach_of(side: str) -> str:
    """Give the SQL expression for how far a point of ``<side>_points`` moves [deg]."""
    columns = (f"{side[0]}_{role}" for role in MOTION_FIELDS)
    return f"reach({', '.join(columns)})"


def _with_epoch(positions: Positions, table: Table) -> Positions:
    if positions.epoch is not None:
        return positions
    column = table.roles.get("epoch") or find_column(table.schema, "epoch")
    if column is None:
        parameter = f"{table.side}_positions.epoch"
        reason = "has no column of dates by UCD (time.epoch) or usual name: the match with motions needs its epoch"
        raise ParameterError(parameter, table.schema.names, reason)
    return replace(positions, epoch=column)
