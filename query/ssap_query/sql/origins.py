"""Which columns of a result are plain columns of a table, whose units and UCDs then hold for the result too.

This is seen in the statement's syntax tree. What an expression means cannot be known, and where the tree leaves any
doubt about a column, nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ssap_mirror.core.schema import Column, Schema

from ssap_query.sql.syntax import Node, statements

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["described"]


@dataclass
class _Columns:
    """Columns of a table or a subquery, by name in lower case."""

    known: dict[str, Column | None] = field(default_factory=dict)
    """Name -> the column that it is; None for what is worked out."""
    is_open: bool = False
    """Whether there may be others."""

    def add(self, name: str, column: Column | None) -> None:
        """Add a column; a name that is there twice means neither."""
        self.known[name.lower()] = None if name.lower() in self.known else column


def described(
    connection: duckdb.DuckDBPyConnection, text: str, known: Mapping[str, Schema], result: pa.Schema
) -> Schema:
    """Describe the columns of a result.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        What parses the statement.
    text : str
        One statement.
    known : mapping of str to Schema
        Columns of the tables that it reads, by their names in lower case.
    result : pyarrow.Schema
        Names and types of the result.

    Returns
    -------
    Schema
        One column for each of the result: with unit, UCD, utype and description where it is a plain column.
    """
    trees = statements(connection, text)
    tables = {name: _Columns({c.name.lower(): c for c in schema}) for name, schema in known.items()}
    columns = _of_query(trees[0]["node"], tables) if len(trees) == 1 else _Columns()
    return Schema(tuple(_described(item, columns.known.get(item.name.lower())) for item in result))


def _described(item: pa.Field, origin: Column | None) -> Column:
    if origin is None or not origin.arrow_type().equals(item.type):
        return Column.from_arrow(item.remove_metadata())
    return replace(origin, name=item.name)


def _of_query(node: Node, tables: Mapping[str, _Columns]) -> _Columns:
    """Columns that a query gives."""
    entries = (node.get("cte_map") or {}).get("map") or ()
    for entry in entries:
        query = entry["value"].get("query_node") or entry["value"].get("query", {}).get("node")
        plain = query and not entry["value"].get("aliases")
        tables = {**tables, str(entry["key"]).lower(): _of_query(query, tables) if plain else _Columns(is_open=True)}
    if node.get("type") == "SELECT_NODE":
        return _of_select(node, tables)
    if node.get("type") == "SET_OPERATION_NODE":
        return _of_union([_of_query(child, tables) for child in node.get("children", ())])
    return _Columns(is_open=True)


def _of_union(parts: Sequence[_Columns]) -> _Columns:
    """Columns that are the same in all parts, at the same place."""
    same = parts and not any(part.is_open for part in parts) and len({tuple(part.known) for part in parts}) == 1
    if not same:
        return _Columns(is_open=True)
    first = parts[0].known
    return _Columns({n: c if all(part.known[n] == c for part in parts) else None for n, c in first.items()})


def _of_select(node: Node, tables: Mapping[str, _Columns]) -> _Columns:
    sources: dict[str, _Columns] = {}
    shared: set[str] = set()
    _add_sources(node.get("from_table") or {}, tables, sources, shared)
    found = _Columns()
    for item in node.get("select_list", ()):
        if item["class"] == "STAR":
            _add_star(found, item, sources, shared)
        elif item["class"] == "COLUMN_REF":
            names = [str(name) for name in item["column_names"]]
            found.add(item.get("alias") or names[-1], _referenced(names, sources))
        elif item.get("alias"):
            found.add(item["alias"], None)
        else:
            found.is_open = True  # DuckDB names it
    return found


def _referenced(names: Sequence[str], sources: Mapping[str, _Columns]) -> Column | None:
    """Column that a name means: of one table alone, or DuckDB would have refused it."""
    *table, name = (name.lower() for name in names)
    if len(table) > 1:
        return None
    chosen = [sources[table[0]]] if table and table[0] in sources else [] if table else list(sources.values())
    found = [source.known[name] for source in chosen if name in source.known]
    return found[0] if found and all(column == found[0] for column in found) else None


def _add_star(found: _Columns, item: Node, sources: Mapping[str, _Columns], shared: set[str]) -> None:
    relation = str(item.get("relation_name") or "").lower()
    chosen = [sources[relation]] if relation in sources else list(sources.values())
    if item.get("columns") or item.get("expr") or (relation and relation not in sources):
        found.is_open = True
        return
    left_out = {str(name).lower() for name in item.get("exclude_list", ())}
    renamed = {str(entry["key"]["column"]).lower(): str(entry["value"]) for entry in item.get("rename_list", ())}
    worked_out = {str(entry["key"]).lower() for entry in item.get("replace_list", ())}
    doubtful = len(chosen) > 1 and any(source.is_open for source in chosen)
    joined: set[str] = set()
    for source in chosen:
        found.is_open = found.is_open or source.is_open
        for name, column in source.known.items():
            if name in left_out or name in joined:
                continue
            joined |= {name} & shared
            found.add(renamed.get(name, name), None if doubtful or name in worked_out else column)


def _add_sources(node: Node, tables: Mapping[str, _Columns], sources: dict[str, _Columns], shared: set[str]) -> None:
    """Add the tables of a FROM by the names they have in the statement, and the columns that are joined into one."""
    kind = node.get("type")
    if kind == "JOIN":
        shared.update(str(name).lower() for name in node.get("using_columns", ()))
        for side in ("left", "right"):
            _add_sources(node[side], tables, sources, shared)
        return
    if kind in (None, "EMPTY"):
        return
    name = str(node.get("table_name") or "").lower()
    columns = _Columns(is_open=True)
    if not node.get("column_name_alias"):
        if kind == "SUBQUERY":
            columns = _of_query(node["subquery"]["node"], tables)
        elif kind == "BASE_TABLE" and not (node.get("schema_name") or node.get("catalog_name")):
            columns = tables.get(name, columns)
    sources[str(node.get("alias") or name or f"#{len(sources)}").lower()] = columns
