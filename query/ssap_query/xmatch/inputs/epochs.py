"""Dates of positions as Julian years.

Julian year = 2000 + (JD - 2451545.0) / 365.25 (IAU 1976 resolution 1). The time scale (UTC or TDB) is left as it is:
70 s matter 0.02 mas for the fastest star.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssap_mirror.core.quantities.positions.epochs import Dates, told_dates
from ssap_mirror.core.quantities.positions.named import unit_of
from ssap_mirror.core.times import J2000_MJD, JULIAN_YEAR_DAYS, MJD_ZERO_JD, SECONDS_PER_DAY, UNIX_EPOCH_MJD
from ssap_mirror.errors import ParameterError

from ssap_query.ssap.predicate import quoted

if TYPE_CHECKING:
    from ssap_query.xmatch.inputs.tables import Table
    from ssap_query.xmatch.session import MatchSession

__all__ = ["julian_year"]

_J2000_JD = J2000_MJD + MJD_ZERO_JD
# Which numbers can be dates in which scale [years, days, days]. What is in none of them is no date.
_WINDOWS = {"year": (1000.0, 3000.0), "mjd": (3_000.1, 200_000.0), "jd": (2_300_000.0, 2_600_000.0)}
_ORIGINS = {"mjd": MJD_ZERO_JD, "jd": 0.0}


def julian_year(session: MatchSession, table: Table, column: str) -> str:
    """Give the SQL expression for the dates in a column as Julian years; NULL where there is none.

    Parameters
    ----------
    session : MatchSession
        Where the view ``<side>_rows`` is.
    table : Table
        The table; units and TIMESYS of the column tell what its numbers are, else their values do.
    column : str
        The column.

    Raises
    ------
    ParameterError
        If no value is a date, or they could be dates of more than one kind.
    """
    parameter = f"{table.side}_positions.epoch"
    field = table.schema.field(column)
    try:
        dates = told_dates(field, unit_of(table.schema, column, table.positions))
    except ValueError as error:
        raise ParameterError(parameter, column, f"holds no dates: {error}") from error
    name = quoted(column)
    if dates.kind in ("timestamps", "text"):
        days = f"(epoch(try_cast({name} AS TIMESTAMP)) / {SECONDS_PER_DAY} + {UNIX_EPOCH_MJD - J2000_MJD})"
        expression = _year_of(days)
        _refuse_none(session, table, column, expression, "holds no dates (ISO 8601)")
        return expression
    number = f"{name}::DOUBLE"
    if dates.kind == "years":
        return _within(session, table, column, number, number, _WINDOWS["year"], "holds no Julian years (1000 to 3000)")
    if dates.origin_jd is not None:
        days = number if dates.days == 1 else f"({number} * {dates.days!r})"
        date = f"{days} + {dates.origin_jd - _J2000_JD!r}"
        low, high = (edge - _J2000_JD for edge in _WINDOWS["jd"])
        reason = f"holds no dates of our time, counted from JD {dates.origin_jd:g}"
        return _within(session, table, column, f"({date})", _year_of(f"({date})"), (low, high), reason)
    scale = _scale(session, table, column, dates)
    value = number if scale == "year" else _year_of(f"({number} + {_ORIGINS[scale] - _J2000_JD!r})")
    low, high = _WINDOWS[scale]
    return f"CASE WHEN {number} BETWEEN {low} AND {high} THEN {value} END"


def _year_of(days: str) -> str:
    """Julian year of days since J2000.0."""
    return f"(2000 + {days} / {JULIAN_YEAR_DAYS})"


def _scale(session: MatchSession, table: Table, column: str, dates: Dates) -> str:
    """Find out by the values whether they are years, MJD or JD."""
    parameter, name = f"{table.side}_positions.epoch", quoted(column)
    counts = ", ".join(f"count_if({name} BETWEEN {low} AND {high})" for low, high in _WINDOWS.values())
    view = session.connection.view(f"{table.side}_rows")
    *found, finite = view.aggregate(f"{counts}, count_if(isfinite({name}::DOUBLE))").fetchall()[0]
    scales = [scale for scale, rows in zip(_WINDOWS, found, strict=True) if rows]
    if scales == ["year"] and dates.kind == "days":
        reason = "is in days, but holds neither MJD nor JD: nothing tells since when (TIMESYS, a unit as 'JD-2457000')"
        raise ParameterError(parameter, column, reason)
    if scales == ["year"] and not dates.may_be_years:
        reason = "holds numbers that are years, or days since some day: say its unit, 'yr' or one such as 'JD-2457000'"
        raise ParameterError(parameter, column, reason)
    if len(scales) > 1:
        raise ParameterError(parameter, column, f"holds dates of more than one kind: {scales}")
    if not scales and finite:
        raise ParameterError(parameter, column, "holds no Julian years (1000 to 3000), MJD or JD")
    return scales[0] if scales else "year"


def _within(
    session: MatchSession, table: Table, column: str, number: str, value: str, window: tuple[float, float], reason: str
) -> str:
    expression = f"CASE WHEN {number} BETWEEN {window[0]!r} AND {window[1]!r} THEN {value} END"
    _refuse_none(session, table, column, expression, reason)
    return expression


def _refuse_none(session: MatchSession, table: Table, column: str, expression: str, reason: str) -> None:
    view = session.connection.view(f"{table.side}_rows")
    given, dated = view.aggregate(f"count({quoted(column)}), count({expression})").fetchall()[0]
    if given and not dated:
        parameter = f"{table.side}_positions.epoch"
        raise ParameterError(parameter, column, reason)
