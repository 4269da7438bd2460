"""The spectra that a request selects, as a table for a cross-match."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssap_mirror.errors import ParameterError

from ssap_query.engine.compile import FILE_INDEX, FILE_ROW
from ssap_query.engine.cones.select_rows import RowGroups
from ssap_query.engine.engine import Engine
from ssap_query.engine.scan import Scan
from ssap_query.mirror.answer import ParsedRequest
from ssap_query.mirror.result import ResultSet
from ssap_query.xmatch import Positions, Side

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["selected_table"]

# Where a spectrum is (its target), and when (the middle of the exposure).
_ROLES = ("ra", "dec", "t_mid")
_REQUEST = "request"


def selected_table(engine: Engine, parsed: ParsedRequest) -> tuple[Side | pa.Table, Positions | None]:
    """Make a table of the spectra that a request selects: the columns it shows, and those that a match needs.

    Parameters
    ----------
    engine : Engine
        The open snapshot.
    parsed : ParsedRequest
        What `ssap_query.mirror.answer.read_request` made of the request with the columns of that snapshot.

    Returns
    -------
    table : Side or pyarrow.Table
        A query that the match runs within its own, where the rows can be read so; else the rows themselves.
    positions : Positions or None
        Its columns of positions, where they have to be told.

    Raises
    ------
    ParameterError
        If the request asks for the description of the service or for names of targets.
    CatalogError
        If the snapshot cannot be read.
    """
    schema, query = engine.catalog.schema, parsed.query
    if not query.selects_rows:
        asked = "FORMAT=METADATA" if query.metadata_only else f"REQUEST={query.operation}"
        raise ParameterError(_REQUEST, asked, "selects no spectra that could be matched")
    needed = [schema.roles[role] for role in _ROLES if role in schema.roles]
    columns = schema.select([*parsed.columns.names, *(name for name in needed if name not in parsed.columns)])
    way = engine.plan(query, columns)
    # A column of the mirror may have the name that DuckDB gives the number of a row.
    numbered = not {FILE_INDEX, FILE_ROW} & {name.lower() for name in schema.names}
    if numbered and isinstance(way, Scan | RowGroups) and way.query.limit is None:
        read = [name for name in columns.names if name not in way.query.computed]
        statement = way.query.statement([*read, FILE_INDEX, FILE_ROW])
        engine.catalog.checksums.check_parts(way.query.parts(read))
        return Side(statement.sql, statement.values, columns), None
    rows, _ = way.rows()
    return ResultSet(columns, rows).to_arrow(), Positions(ra=schema.roles["ra"], dec=schema.roles["dec"])
