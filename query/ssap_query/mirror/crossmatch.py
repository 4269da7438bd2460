"""The mirror's side of a cross-match: all its rows, or those that a request selects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ssap_query.engine.compile import FILE_INDEX, FILE_ROW
from ssap_query.engine.cones.select_rows import RowGroups
from ssap_query.engine.engine import Engine
from ssap_query.engine.scan import Scan
from ssap_query.mirror.answer import ParsedRequest, provenance
from ssap_query.mirror.result import ResultSet
from ssap_query.xmatch import Limits, Match, Positions, Side, crossmatch

if TYPE_CHECKING:
    from ssap_query.xmatch.join.rule import Find, JoinKind

__all__ = ["match_mirror"]

# Where a spectrum is (its target), and when (the middle of the exposure).
_ROLES = ("ra", "dec", "t_mid")


def match_mirror(
    engine: Engine,
    parsed: ParsedRequest,
    other: Any,
    radius_arcsec: float,
    find: Find,
    *,
    other_positions: Positions | None = None,
    other_columns: Sequence[str] | None = None,
    other_where: str | None = None,
    sigma: float | None = None,
    motions: bool = True,
    join: JoinKind = "inner",
    n_neighbors: int = 1,
    min_radius_arcsec: float = 0.0,
    best_by: str | None = None,
    row_numbers: bool = False,
    suffixes: tuple[str, str] = ("", "_2"),
    limits: Limits | None = None,
) -> Match:
    """Match the rows that a request selects with another table; parameters as for `crossmatch`.

    Raises
    ------
    ParameterError
        If an argument is not what it must be.
    SourceError
        If the other table cannot be read.
    CatalogError
        If the snapshot cannot be read.
    """
    schema = engine.catalog.schema
    needed = [schema.roles[role] for role in _ROLES if role in schema.roles]
    columns = schema.select([*parsed.columns.names, *(name for name in needed if name not in parsed.columns)])
    way = engine.plan(parsed.query, columns)
    left: Any
    positions = None
    # A column of the mirror may have the name that DuckDB gives the number of a row.
    numbered = not {FILE_INDEX, FILE_ROW} & {name.lower() for name in schema.names}
    if numbered and isinstance(way, Scan | RowGroups) and way.query.limit is None:
        read = [name for name in columns.names if name not in way.query.computed]
        statement = way.query.statement([*read, FILE_INDEX, FILE_ROW])
        engine.catalog.checksums.check(way.query.cover.paths)
        left = Side(statement.sql, statement.values, columns)
    else:
        rows, _ = way.rows()
        left = ResultSet(columns, rows).to_arrow()
        positions = Positions(ra=schema.roles["ra"], dec=schema.roles["dec"])
    match = crossmatch(
        left,
        other,
        radius_arcsec,
        find,
        left_positions=positions,
        right_positions=other_positions,
        left_columns=parsed.columns.names,
        right_columns=other_columns,
        right_where=other_where,
        sigma=sigma,
        motions=motions,
        join=join,
        n_neighbors=n_neighbors,
        min_radius_arcsec=min_radius_arcsec,
        best_by=best_by,
        row_numbers=row_numbers,
        suffixes=suffixes,
        limits=limits,
    )
    return match.of(provenance(engine.catalog), parsed.query.notes)
