"""The syntax tree of a person's statement, as DuckDB reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import duckdb

__all__ = ["Node", "all_nodes", "statements"]

#: A part of the tree.
Node: TypeAlias = Mapping[str, Any]


def statements(connection: duckdb.DuckDBPyConnection, text: str) -> Sequence[Node]:
    """Read the statements of a text; none where DuckDB has no tree of them (PIVOT, EXPLAIN, mistakes)."""
    ((found,),) = connection.execute("SELECT json_serialize_sql(?)", [text]).fetchall()
    document = json.loads(found)
    return [] if document["error"] else document["statements"]


def all_nodes(tree: Any) -> Iterator[Node]:
    """Go through all parts of a tree."""
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from all_nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from all_nodes(value)
