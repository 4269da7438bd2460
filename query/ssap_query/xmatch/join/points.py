"""The points of a table: its rows' positions, or its distinct positions where many rows share one.

A mirror's millions of spectra lie at some hundred thousand positions: matching those, and giving each row the match of
its position, is the same answer for a fraction of the work. Where rows at one position differ in date or error, their
shared positions serve to find the candidates. Whether to do so is a guess from the first rows; the answer does not
depend on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
from ssap_mirror.core.quantities.positions.motions import motion_conversion, velocity_conversion
from ssap_mirror.core.quantities.positions.named import unit_of
from ssap_mirror.core.units import conversion
from ssap_mirror.errors import ParameterError

from ssap_query.ssap.predicate import quoted
from ssap_query.xmatch.inputs.epochs import julian_year
from ssap_query.xmatch.inputs.tables import FILE, NUMBER, ROW, Table
from ssap_query.xmatch.join import sql
from ssap_query.xmatch.session import converted, one_line

if TYPE_CHECKING:
    from ssap_query.xmatch.session import MatchSession

__all__ = ["Points", "make_points", "rank_of"]

_BEST_BY = "best_by"

_SAMPLE_ROWS = 8_192
_DISTINCT_SHARE = 0.6


@dataclass(frozen=True)
class Points:
    """One side of a match as points: the view ``<side>_points``, and ``<side>_unique`` where rows share points.

    Columns of ``<side>_points``, each with the prefix ``l_`` or ``r_``: ``id`` (BIGINT), ``n`` (rows at that point),
    ``ra`` [deg, 0 to 360] and ``dec`` [deg], and the other keys that the match needs.
    """

    side: str
    """``left`` or ``right``."""
    keys: Mapping[str, str]
    """Columns of ``<side>_keys`` after ``id`` (``ra``, ``dec``, what the match needs) and their SQL expressions."""
    reduced: bool
    """Whether points are distinct positions; else each point is a row and its id the row's number."""
    cells: str
    """View of what is put into cells: ``<side>_points``, or ``<side>_places``, their distinct positions."""
    count: int
    """Number of rows of that view."""
    rows: int
    """Number of rows of the table."""


def make_points(
    session: MatchSession,
    table: Table,
    roles: tuple[str, ...],
    *,
    first_rows: bool,
    as_rows: bool,
    moves: bool,
    rank: str | None = None,
) -> Points:
    """Make the views ``<side>_keys`` of every row, and ``<side>_points`` of all valid positions.

    Parameters
    ----------
    session : MatchSession
        Where the view ``<side>_rows`` is.
    table : Table
        The table, and what is known of its positions.
    roles : tuple of str
        Keys that the match needs beside them: ``epoch``, ``sigma``, motions.
    first_rows : bool
        Whether the id of a shared point must be the number of its first row.
    as_rows : bool
        Whether each point must be a row, whatever rows share a position.
    moves : bool
        Whether this side is moved to the dates of the other.
    rank : str, optional
        SQL expression of the rows' rank, the lowest the best; a key of its own.

    Raises
    ------
    ParameterError
        If a unit or a date cannot be understood.
    """
    side, prefix = table.side, f"{table.side[0]}_"
    expressions = {role: _key(session, table, role) for role in ("ra", "dec", *roles)}
    if rank is not None:
        roles, expressions["rank"] = (*roles, "rank"), rank
    keys = ", ".join(f"{text} AS {role}" for role, text in expressions.items())
    session.run(sql.KEYS.substitute(side=side, number=NUMBER, keys=keys))
    shared = not moves and _rows_share_points(session, side, keys)
    reduced = shared and not roles and not as_rows
    if reduced:
        chosen = {"first": ", min(id) AS id", "number": "id"} if first_rows else {"first": "", "number": "rowid AS id"}
        session.run(*(text.substitute(side=side, **chosen) for text in sql.UNIQUE))
    columns = "".join(f", {_clean(role)} AS {prefix}{role}" for role in roles)
    source, n = (f"{side}_unique", "n") if reduced else (f"{side}_keys", "1::BIGINT")
    session.run(sql.POINTS.substitute(p=prefix, n=n, columns=columns, side=side, source=source))
    if reduced:
        (rows, count) = session.row(sql.COUNT_UNIQUE.substitute(side=side))
        return Points(side, expressions, reduced, f"{side}_points", count, rows)
    (rows,) = session.row(sql.COUNT_KEYS.substitute(side=side))
    if not shared:
        return Points(side, expressions, reduced, f"{side}_points", rows, rows)
    session.run(sql.PLACES.substitute(side=side, p=prefix))
    (count,) = session.row(sql.COUNT_PLACES.substitute(side=side))
    return Points(side, expressions, reduced, f"{side}_places", count, rows)


def _rows_share_points(session: MatchSession, side: str, keys: str) -> bool:
    # Asked for by their numbers, the first rows cost no look at any other file.
    for condition in (f"{FILE} = 0 AND {ROW} < {_SAMPLE_ROWS}", "true"):
        head = sql.HEAD.substitute(side=side, keys=keys, condition=condition, rows=_SAMPLE_ROWS)
        count, distinct = session.row(head)
        if count:
            return bool(distinct <= _DISTINCT_SHARE * count)
    return False


def _key(session: MatchSession, table: Table, role: str) -> str:
    if role in table.axes:
        return table.axes[role]
    given = getattr(table.positions, "sigma_arcsec" if role == "sigma" else role)
    if given is None:
        return "NULL::DOUBLE"
    if not isinstance(given, str):
        return f"{float(given)!r}::DOUBLE"
    if role == "epoch":
        return julian_year(session, table, given)
    unit = unit_of(table.schema, given, table.positions)
    try:
        if role in ("pmra", "pmdec"):
            factor = motion_conversion(unit)
        elif role == "radial_velocity":
            factor = velocity_conversion(unit)
        else:
            wanted = "mas" if role == "parallax" else "arcsec"
            factor = conversion(unit or wanted, wanted)
    except ValueError as error:
        parameter = f"{table.side}_positions.{role}"
        raise ParameterError(parameter, given, f"is a column whose unit is of another kind: {error}") from error
    return converted(f"{quoted(given)}::DOUBLE", factor)


def rank_of(session: MatchSession, side: str, best_by: str | None) -> str | None:
    """Turn what makes a row the best into an SQL expression whose lowest value is the best.

    Parameters
    ----------
    session : MatchSession
        Where the view ``<side>_rows`` is.
    side : str
        ``left`` or ``right``.
    best_by : str, optional
        Expression on its columns, perhaps with ``ASC`` or ``DESC`` behind it.

    Raises
    ------
    ParameterError
        If it is no number of each row.
    """
    if best_by is None:
        return None
    expression, _, direction = best_by.strip().rpartition(" ")
    if direction.upper() not in ("ASC", "DESC") or not expression:
        expression, direction = best_by, "DESC"
    number = f"({expression})::DOUBLE"
    try:
        # With a column beside it, an aggregate of all rows is refused too.
        session.connection.view(f"{side}_rows").project(f"{ROW}, {number}").limit(0).fetchall()
    except (duckdb.ProgrammingError, duckdb.NotSupportedError) as error:
        reason = f"is no number of each row of the {side} table: {one_line(error)}"
        raise ParameterError(_BEST_BY, best_by, reason) from error
    return number if direction.upper() == "ASC" else f"-{number}"


def _clean(role: str) -> str:
    """Key as the match uses it: what is missing, not a number or impossible has no effect."""
    if role == "epoch":
        return "epoch"
    if role == "rank":  # NULL and NaN are worse than anything
        return "coalesce(nullif(rank, 'nan'), 'infinity')"
    if role in ("pmra", "pmdec"):
        return f"CASE WHEN isfinite(pmra) AND isfinite(pmdec) THEN {role} ELSE 0 END"
    if role == "radial_velocity":
        return "CASE WHEN isfinite(radial_velocity) THEN radial_velocity ELSE 0 END"
    return f"CASE WHEN isfinite({role}) AND {role} > 0 THEN {role} ELSE 0 END"
