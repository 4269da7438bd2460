"""Dates of positions as Julian years.

Julian year = 2000 + (MJD - 51544.5) / 365.25 (IAU 1976 resolution 1; J2000.0 is JD 2451545.0). The time scale (UTC or
TDB) is left as it is: 70 s matter 0.02 mas for the fastest star.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ssap_mirror.core.times import J2000_MJD, JULIAN_YEAR_DAYS, SECONDS_PER_DAY, UNIX_EPOCH_MJD
from ssap_mirror.errors import ParameterError

from ssap_query.xmatch.session import quoted

if TYPE_CHECKING:
    import pyarrow as pa

    from ssap_query.xmatch.session import Session

__all__ = ["Scale", "as_julian_year", "epoch_scale"]

Scale = Literal["year", "mjd", "jd", "timestamp"]

# Which numbers can be dates in which scale [years, days, days]. What is in none of them is no date.
_WINDOWS: dict[Scale, tuple[float, float]] = {
    "year": (1000.0, 3000.0),
    "mjd": (3_000.1, 200_000.0),
    "jd": (2_300_000.0, 2_600_000.0),
}
_JULIAN_YEAR: dict[Scale, str] = {
    "year": "{}",
    "mjd": f"(2000 + ({{}} - {J2000_MJD}) / {JULIAN_YEAR_DAYS})",
    "jd": f"(2000 + ({{}} - 2451545.0) / {JULIAN_YEAR_DAYS})",
    "timestamp": f"(2000 + (epoch({{}}) / {SECONDS_PER_DAY} + {UNIX_EPOCH_MJD} - {J2000_MJD}) / {JULIAN_YEAR_DAYS})",
}


def epoch_scale(session: Session, side: str, column: str, kind: pa.DataType) -> Scale:
    """Find out in which scale a column's dates are, from its type and its values.

    Parameters
    ----------
    session : Session
        Where the view ``<side>_rows`` is.
    side : str
        ``left`` or ``right``.
    column : str
        The column.
    kind : pyarrow.DataType
        Its type.

    Raises
    ------
    ParameterError
        If the numbers are no dates, or of more than one scale.
    """
    import pyarrow as pa

    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return "timestamp"
    name = quoted(column)
    counts = ", ".join(f"count_if({name} BETWEEN {low} AND {high})" for low, high in _WINDOWS.values())
    found = session.connection.view(f"{side}_rows").aggregate(f"{counts}, count({name})").fetchall()[0]
    scales = [scale for scale, rows in zip(_WINDOWS, found, strict=False) if rows]
    parameter = f"{side}_positions.epoch"
    if len(scales) > 1:
        raise ParameterError(parameter, column, f"holds dates of more than one kind: {scales}")
    if not scales and found[-1]:
        raise ParameterError(parameter, column, "holds no Julian years (1000 to 3000), MJD or JD")
    return scales[0] if scales else "year"


def as_julian_year(column: str, scale: Scale) -> str:
    """Give the SQL expression for the date as a Julian year; NULL where it is none.

    Parameters
    ----------
    column : str
        The column.
    scale : {"year", "mjd", "jd", "timestamp"}
        As `epoch_scale` has found it.
    """
    if scale == "timestamp":
        return _JULIAN_YEAR[scale].format(f"try_cast({quoted(column)} AS TIMESTAMP)")
    low, high = _WINDOWS[scale]
    number = f"{quoted(column)}::DOUBLE"
    return f"CASE WHEN {number} BETWEEN {low} AND {high} THEN {_JULIAN_YEAR[scale].format(number)} END"
