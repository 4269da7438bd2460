"""`crossmatch`: the rows of two tables that are at the same place on the sky."""

from __future__ import annotations

from collections.abc import Sequence

from ssap_mirror.core.quantities.positions import Positions
from ssap_mirror.errors import ParameterError

from ssap_query.xmatch.inputs.tables import Side, TableLike, open_table
from ssap_query.xmatch.join import sql
from ssap_query.xmatch.join.motion import MOVER_ROLES, STILL_ROLES, Mover, choose_mover
from ssap_query.xmatch.join.pairs import Join
from ssap_query.xmatch.join.points import make_points, rank_of
from ssap_query.xmatch.join.rule import Find, JoinKind, Rule
from ssap_query.xmatch.output.columns import choose_columns
from ssap_query.xmatch.output.match import Match
from ssap_query.xmatch.session import Limits, MatchSession, translate_errors

__all__ = ["crossmatch"]

_SIGMA = "sigma"


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
    motions: bool = True,
    join: JoinKind = "inner",
    n_neighbors: int = 1,
    min_radius_arcsec: float = 0.0,
    self_pairs: bool = True,
    best_by: str | None = None,
    row_numbers: bool = False,
    suffixes: tuple[str, str] = ("", "_2"),
    limits: Limits | None = None,
) -> Match:
    """Match two tables by position.

    Parameters
    ----------
    left, right : path, list of paths, Side, or table
        What `ssap_mirror.tables.open_table` takes: a file (Parquet, CSV, ECSV, FITS, VOTable, IPAC, Arrow), a pattern
        of files, a HATS folder, or the folder of a mirror or a snapshot; an Arrow, pandas, polars, astropy or
        numpy table, or a mapping of columns.
    radius_arcsec : float
        Largest separation, inclusive [arcsec]; above 0, at most 3600.
    find : {"best", "all", "best-per-target", "symmetric", "unmatched"}
        ``best``: for each row of the left table, the nearest of the right one. ``all``: every pair.
        ``best-per-target``: for each row of the right table, the nearest of the left one. ``symmetric``: pairs of
        which no two share a row, the nearest pair first. ``unmatched``: rows of the left table without a partner,
        those without a position among them. Of equally near rows the first of its table is taken.
    left_positions, right_positions : Positions, optional
        Columns of positions, motions, dates and errors; what is not said is found by UCD or usual name. The side that
        has proper motions is moved to the date of each row of the other, if the dates of both are known; if both have
        motions, the right one. Notes tell what was applied.
    left_columns, right_columns : sequence of str, optional
        Columns of the result; all without it. ``[]`` is none.
    left_where, right_where : str, optional
        Use only the rows that fulfil a condition in DuckDB's SQL (``phot_g_mean_mag < 15``). The text is run as it is.
    sigma : float, optional
        Accept a pair only within this many combined errors: separation <= sigma * sqrt(left error^2 + right error^2),
        and within the radius. `Positions.sigma_arcsec` says where the errors are.
    motions : bool
        Whether rows are moved by their proper motions at all.
    join : {"inner", "left", "right", "outer"}
        Rows without a partner to keep beside the pairs, with NULL in the columns of the other table: none, those of
        the left table, of the right one, or of both. Those of the side whose order the result has are in their places,
        the others at the end.
    n_neighbors : int
        With ``best`` and ``best-per-target``: at most so many partners of each row, the nearest ones.
    min_radius_arcsec : float
        Least separation, inclusive [arcsec].
    self_pairs : bool
        False: no row is paired with the row of the same number, for a table that is matched with itself.
    best_by : str, optional
        With ``best`` and ``best-per-target``: what makes a partner the best instead of being near, an expression in
        DuckDB's SQL on the columns of the table that partners come from. Its largest value is the best (``"ssa_snr"``),
        or its least with ``ASC`` behind it (``"phot_g_mean_mag ASC"``); then the nearest. Rows without a value come
        last.
    row_numbers : bool
        Add the numbers of the rows in their tables, from 0 (``left_row``, ``right_row``; over all files of a table in
        their order). A query has no such numbers (`Side`).
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
    rule = Rule(radius_arcsec, find, join, min_radius_arcsec, n_neighbors, best_by, sigma, self_pairs)
    session = MatchSession(limits or Limits())
    chosen = (left_columns, right_columns)
    with translate_errors():
        session.run(*sql.MACROS, sql.BINS["even"])
        tables = (
            open_table(session, left, "left", left_positions, left_where),
            open_table(session, right, "right", right_positions, right_where),
        )
        numbered = [t.side for t, source in zip(tables, (left, right), strict=True) if not isinstance(source, Side)]
        columns = choose_columns(
            tables, chosen, suffixes, matched=rule.find != "unmatched", numbered=numbered if row_numbers else ()
        )
        mover = choose_mover(session, tables, motions=motions)
        pairing = _join(session, mover, rule)
        if pairing.mover is not None:
            session.run(*sql.MOTION_MACROS)
        notes = [*(note for table in tables for note in table.notes), *mover.notes]
    return Match(session, pairing, columns, notes)


def _join(session: MatchSession, mover: Mover, rule: Rule) -> Join:
    errors: tuple[str, ...] = ()
    if rule.n_sigma is not None:
        errors = ("sigma",)
        if all(table.positions.sigma_arcsec is None for table in mover.tables):
            raise ParameterError(
                _SIGMA, rule.n_sigma, "needs the errors of at least one table (Positions.sigma_arcsec)"
            )
    points = [
        make_points(
            session,
            table,
            roles=(() if mover.side is None else MOVER_ROLES if table.side == mover.side else STILL_ROLES) + errors,
            # The partner is chosen by row, so a point must say which row it stands for.
            first_rows=rule.subject is not None and table.side != rule.subject,
            as_rows=rule.needs_rows(table.side),
            moves=table.side == mover.side,
            rank=None if table.side == (rule.subject or "left") else rank_of(session, table.side, rule.best_by),
        )
        for table in mover.tables
    ]
    return Join(points[0], points[1], rule, mover.side)
