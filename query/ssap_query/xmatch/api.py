"""`crossmatch`: the rows of two tables that are at the same place on the sky."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Literal, get_args

from ssap_mirror.errors import ParameterError

from ssap_query.xmatch.inputs.positions import Positions, find_positions
from ssap_query.xmatch.inputs.tables import Table, TableLike, open_table
from ssap_query.xmatch.join import sql
from ssap_query.xmatch.join.motion import MOVER_ROLES, STILL_ROLES, choose_mover
from ssap_query.xmatch.join.pairs import Join
from ssap_query.xmatch.join.points import make_points
from ssap_query.xmatch.output.columns import choose_columns
from ssap_query.xmatch.output.match import Match
from ssap_query.xmatch.session import Limits, Session, translate_errors

__all__ = ["Find", "crossmatch"]

Find = Literal["best", "all", "best-other", "anti"]

_RADIUS, _FIND, _SIGMA = "radius_arcsec", "find", "sigma"
_MAX_RADIUS_ARCSEC = 3600.0
# Side whose rows get one partner each
_SUBJECT: dict[str, str | None] = {"best": "left", "all": None, "best-other": "right", "anti": "left"}


def crossmatch(
    left: TableLike,
    right: TableLike,
    radius_arcsec: float = 1.0,
    find: Find = "best",
    *,
    left_positions: Positions | None = None,
    right_positions: Positions | None = None,
    left_columns: Sequence[str] | None = None,
    right_columns: Sequence[str] | None = None,
    left_where: str | None = None,
    right_where: str | None = None,
    sigma: float | None = None,
    suffixes: tuple[str, str] = ("", "_2"),
    limits: Limits | None = None,
) -> Match:
    """Match two tables by position.

    Parameters
    ----------
    left, right : path, list of paths, Side, or table
        A path is a file (Parquet, CSV, ECSV, FITS, VOTable, Arrow), a pattern of Parquet files, a HATS folder, or the
        folder of a mirror or a snapshot. A table is an Arrow, pandas, polars or astropy one.
    radius_arcsec : float
        Largest separation, inclusive [arcsec]; above 0, at most 3600.
    find : {"best", "all", "best-other", "anti"}
        ``best``: for each row of the left table, the nearest of the right one. ``all``: every pair. ``best-other``:
        for each row of the right table, the nearest of the left one. ``anti``: rows of the left table that have no
        counterpart, those without a position among them. Of equally near rows the first of its table is taken.
    left_positions, right_positions : Positions, optional
        Columns of positions, motions, dates and errors; what is not said is found by UCD or usual name. With an
        `epoch` or motions given, the side that has proper motions is moved to the date of each row of the other; if
        both have them, the right one.
    left_columns, right_columns : sequence of str, optional
        Columns of the result; all without it. ``[]`` is none.
    left_where, right_where : str, optional
        Use only the rows that fulfil a condition in DuckDB's SQL (``phot_g_mean_mag < 15``). The text is run as it is.
    sigma : float, optional
        Accept a pair only within this many combined errors: separation <= sigma * sqrt(left error^2 + right error^2),
        and within the radius. `Positions.sigma_arcsec` says where the errors are.
    suffixes : tuple of str
        Put behind the names of columns that both tables have.
    limits : Limits, optional
        Memory, threads and folder for what does not fit.

    Returns
    -------
    Match
        The tables are open and the arguments checked; pairs are looked for when they are asked for.

    Raises
    ------
    ParameterError
        If an argument is not what it must be.
    SourceError, FormatError, CatalogError
        If a file cannot be read.

    Notes
    -----
    Separations are those of the haversine formula. The method is that of zones (Gray, Nieto-Santisteban & Szalay 2007)
    on distinct positions. Motion is rigorous (ESA 1997, vol. 1, sec. 1.5.5).

    Examples
    --------
    >>> import pyarrow as pa
    >>> spectra = pa.table({"obsid": [1, 2], "ra": [10.0, 20.0], "dec": [0.0, 5.0]})
    >>> stars = pa.table({"star": ["a", "b"], "ra": [359.9, 10.0001], "dec": [0.0, 0.0]})
    >>> crossmatch(spectra, stars, radius_arcsec=1.0, right_columns=["star"]).to_arrow().to_pylist()
    ... # doctest: +ELLIPSIS
    [{'obsid': 1, 'ra': 10.0, 'dec': 0.0, 'star': 'b', 'separation_arcsec': 0.3..., 'position_angle_deg': 90.0...}]
    """
    _check(radius_arcsec, find, sigma)
    session = Session(limits or Limits())
    given = (left_positions, right_positions)
    chosen = (left_columns, right_columns)
    with translate_errors():
        session.run(*sql.MACROS, sql.BINS["even"])
        tables = (open_table(session, left, "left", left_where), open_table(session, right, "right", right_where))
        found = [find_positions(p, t.schema, t.roles, t.side) for p, t in zip(given, tables, strict=True)]
        columns = choose_columns(tables, chosen, suffixes, matched=find != "anti")
        join = _join(session, tables, (found[0], found[1]), float(radius_arcsec), find, sigma)
        if join.mover is not None:
            session.run(*sql.MOTION_MACROS)
        notes = [*(note for table in tables for note in table.notes), *_coarse(tables, found)]
    return Match(session, join, columns, find, tuple(notes))


def _coarse(tables: tuple[Table, Table], positions: Sequence[Positions]) -> list[str]:
    """Tell of positions that are only kept to single precision, whose last digit is 0.11 arcsec at RA 360."""
    return [
        f"positions of the {table.side} table are in single precision: up to 0.06 arcsec off"
        for table, position in zip(tables, positions, strict=True)
        if str(table.schema.field(position.ra).type) in ("float", "halffloat")
    ]


def _join(
    session: Session,
    tables: tuple[Table, Table],
    positions: tuple[Positions, Positions],
    radius_arcsec: float,
    find: str,
    sigma: float | None,
) -> Join:
    mover, positions = choose_mover(tables, positions)
    errors: tuple[str, ...] = ()
    if sigma is not None:
        errors = ("sigma",)
        if all(p.sigma_arcsec is None for p in positions):
            raise ParameterError(_SIGMA, sigma, "needs the errors of at least one table (Positions.sigma_arcsec)")
    subject = _SUBJECT[find]
    points = [
        make_points(
            session,
            table,
            position,
            roles=(() if mover is None else MOVER_ROLES if table.side == mover else STILL_ROLES) + errors,
            # The partner is chosen by row, so a point must say which row it stands for.
            first_rows=subject is not None and table.side != subject,
            moves=table.side == mover,
        )
        for table, position in zip(tables, positions, strict=True)
    ]
    return Join(points[0], points[1], radius_arcsec, subject, mover, sigma)


def _check(radius_arcsec: float, find: str, sigma: float | None) -> None:
    if isinstance(radius_arcsec, bool) or not isinstance(radius_arcsec, Real):
        raise ParameterError(_RADIUS, radius_arcsec, "is not a number")
    if not 0 < radius_arcsec <= _MAX_RADIUS_ARCSEC or math.isnan(radius_arcsec):
        raise ParameterError(_RADIUS, radius_arcsec, "is not above 0 and at most 3600")
    if find not in get_args(Find):
        raise ParameterError(_FIND, find, f"is none of {', '.join(get_args(Find))}")
    if sigma is not None and not 0 < sigma < math.inf:
        raise ParameterError(_SIGMA, sigma, "is not a number above 0")
