"""Proper motions: which side moves, over how long a time, and how far its points can get."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ssap_mirror.core.quantities.positions import find_motions
from ssap_mirror.core.quantities.positions.named import find_column
from ssap_mirror.core.quantities.positions.said import MOTION_ROLES
from ssap_mirror.errors import ParameterError

from ssap_query.xmatch.inputs.epochs import julian_year

if TYPE_CHECKING:
    from ssap_query.xmatch.inputs.tables import Table
    from ssap_query.xmatch.join.points import Points
    from ssap_query.xmatch.session import MatchSession

__all__ = ["MOVER_ROLES", "STILL_ROLES", "Mover", "Reach", "choose_mover", "reach_of", "reaches", "set_span"]

#: Keys that the moving side and the other one need.
MOVER_ROLES = ("epoch", *MOTION_ROLES)
STILL_ROLES = ("epoch",)

_EPOCH, _MOTIONS = "epoch", "motions"
# Stars are taken in classes of reach, each up to this many times as far as the class before
_CLASS_FACTOR = 8

_SPAN = """
SELECT greatest(abs(l_max - r_min), abs(r_max - l_min)) FROM
    (SELECT min(epoch + 0) AS l_min, max(epoch + 0) AS l_max FROM left_keys WHERE isfinite(epoch)),
    (SELECT min(epoch + 0) AS r_min, max(epoch + 0) AS r_max FROM right_keys WHERE isfinite(epoch))
"""
_CLASS = f"ceil(log2(greatest(1, reach / getvariable('radius_deg'))) / log2({_CLASS_FACTOR}))"


@dataclass(frozen=True)
class Mover:
    """Which side of a match moves."""

    side: str | None
    """``left`` or ``right``; None if nothing moves."""
    tables: tuple[Table, Table]
    """Left and right, with the motions and dates that are used."""
    notes: tuple[str, ...] = ()
    """Which motions were found and are applied, or why they are not."""


@dataclass(frozen=True)
class Reach:
    """Points of the moving side that get about equally far."""

    low_deg: float
    """Least angle that one of them moves over the span of the match [deg]."""
    high_deg: float
    """Largest such angle [deg]."""
    count: int
    """Number of points."""


def choose_mover(session: MatchSession, tables: tuple[Table, Table], *, motions: bool) -> Mover:
    """Find out which side moves, and fill in the motions and epochs that this needs.

    Named motions decide; if both sides have them, the right one moves. Without any they are looked for, in the right
    table, then in the left one. If neither motions nor dates are said, those found are used where the dates of both
    sides are known.

    Parameters
    ----------
    session : MatchSession
        Where the views of the tables are.
    tables : tuple of Table
        Left and right.
    motions : bool
        Whether anything may move.

    Raises
    ------
    ParameterError
        If motions are named and an epoch is missing, or an epoch is given and neither table has motions.
    """
    said = [table.positions for table in tables]
    is_asked = any(p.moves or p.epoch is not None for p in said)
    if not motions:
        return Mover(None, tables)
    named = [index for index in (1, 0) if said[index].moves]
    notes: list[str] = []
    for index in named or (1, 0):
        table = tables[index]
        found = find_motions(table.schema, said[index], f"{table.side}_positions")
        if found is None:
            continue
        mover = replace(table, positions=found)
        if not table.place.can_move:
            reason = f"its positions are transformed from {table.place.frame}, and motions are not"
            if named:
                raise ParameterError(_MOTIONS, found.pmra, f"cannot be applied: {reason}")
        else:
            both = (mover, tables[1]) if index == 0 else (tables[0], mover)
            dated, reason = _dated(session, both, index, is_asked=is_asked)
            if dated is not None:
                return Mover(table.side, dated, () if named else (_applied(dated, index),))
        notes.append(
            f"proper motions of the {table.side} table ({found.pmra}, {found.pmdec}) are not applied: {reason}"
        )
    given = next((p.epoch for p in said if p.epoch is not None), None)
    if given is not None and not notes:
        raise ParameterError(_EPOCH, given, "is given, but neither table has proper motions by UCD or usual name")
    return Mover(None, tables, tuple(notes))


def _dated(
    session: MatchSession, tables: tuple[Table, Table], mover: int, *, is_asked: bool
) -> tuple[tuple[Table, Table] | None, str]:
    """Tables with the dates of both sides; or None, and why there are none that nobody has to say."""
    found = []
    for index, table in enumerate(tables):
        # The date of positions that move is not that of some observation.
        epoch = _epoch_of(table, "ref_epoch" if index == mover and not is_asked else "epoch")
        if epoch is None:
            reason = "has no column of dates by UCD (time.epoch) or usual name: the match with motions needs its epoch"
            if is_asked:
                parameter = f"{table.side}_positions.epoch"
                raise ParameterError(parameter, table.schema.names, reason)
            return (
                None,
                f"the date of the {table.side} table's positions is not known; say it (--epoch, Positions.epoch)",
            )
        found.append(replace(table, positions=replace(table.positions, epoch=epoch)))
        if isinstance(epoch, str) and not is_asked:
            try:
                julian_year(session, table, epoch)
            except ParameterError as error:
                return None, f"the dates of the {table.side} table cannot be read ({error})"
    return (found[0], found[1]), ""


def _epoch_of(table: Table, role: str) -> float | str | None:
    if table.positions.epoch is not None:
        return table.positions.epoch
    if table.epoch is not None:
        return table.epoch
    column = find_column(table.schema, role)
    return column if column is not None else table.place.epoch


def _applied(tables: tuple[Table, Table], mover: int) -> str:
    moved, other = tables[mover], tables[1 - mover]
    columns = ", ".join(column for role in MOTION_ROLES if (column := getattr(moved.positions, role)) is not None)
    return (
        f"proper motions of the {moved.side} table ({columns}) are applied, "
        f"from {moved.positions.epoch} to {other.positions.epoch} of the {other.side} table"
    )


def set_span(session: MatchSession) -> None:
    """Set the variable ``span_years``: the longest time between the dates of two rows [yr]."""
    (span,) = session.row(_SPAN)
    session.set(span_years=span or 0.0)


def reaches(session: MatchSession, mover: Points, radius_deg: float) -> list[Reach]:
    """Classes of the moving side by how far its points get, so that few fast stars do not widen the search for all.

    Parameters
    ----------
    session : MatchSession
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
    columns = (f"{side[0]}_{role}" for role in MOTION_ROLES)
    return f"reach({', '.join(columns)})"
