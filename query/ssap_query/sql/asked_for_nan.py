"""Columns of which a statement asks whether they are NaN: it has to see their values as they were sent.

In ``spectra`` NaN is NULL, so ``isnan`` would be true of no row at all, and nobody would be told. A statement that
calls it knows of NaN and says what it wants of them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ssap_query.sql.syntax import all_nodes, statements

if TYPE_CHECKING:
    import duckdb

__all__ = ["columns_asked_for_nan"]

_ASKS = "isnan"


def columns_asked_for_nan(
    connection: duckdb.DuckDBPyConnection, text: str, view: str, columns: Collection[str]
) -> tuple[str, ...]:
    """Find the columns of a view that a statement calls ``isnan`` on.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        What parses it.
    text : str
        One statement.
    view : str
        The view whose columns are meant, under whatever alias the statement reads it.
    columns : collection of str
        Its columns that hold NaN.

    Returns
    -------
    tuple of str
        In the order of `columns`.
    """
    if not columns or _ASKS not in text.lower():
        return ()
    nodes = list(all_nodes(statements(connection, text)))
    aliases = {
        str(node.get("alias") or view).lower()
        for node in nodes
        if node.get("type") == "BASE_TABLE" and str(node.get("table_name")).lower() == view
    }
    asked: set[str] = set()
    for node in nodes:
        if node.get("class") != "FUNCTION" or str(node.get("function_name")).lower() != _ASKS:
            continue
        for part in all_nodes(node):
            *table, name = [str(word).lower() for word in part.get("column_names", ())] or [""]
            if aliases and (not table or table[-1] in aliases):
                asked.add(name)
    return tuple(column for column in columns if column.lower() in asked)
