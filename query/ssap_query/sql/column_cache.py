"""Columns of the whole table in memory, for statistics that are asked again and again.

A column that a statement reads from end to end, or that was asked for before, is decoded once and kept in the cache of
the snapshot; statements then read it in place of the files, at half the cost or less. Which columns a statement can
possibly read is seen in its syntax tree; where that leaves any doubt, the files are read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import HEALPIX_COLUMN

from ssap_query.engine.index.row_groups import RowGroupReader
from ssap_query.engine.snapshot_cache import Key, SnapshotCache
from ssap_query.sql.syntax import all_nodes, statements
from ssap_query.ssap.predicate import quoted

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["VIEW", "Reading", "WholeColumns", "columns_read"]

#: Name of the view that people's statements read.
VIEW = "spectra"
# Kinds of what is kept in the cache: the columns, a mark for each that was asked for, and how large each would be.
_COLUMN, _ASKED, _SIZE = "whole column", "column asked for", "size of column"

# Text is kept as dictionaries; with more bytes a row than this it hardly repeats, and would fill the memory.
_MAX_TEXT_BYTES_PER_ROW = 2

# What may stand in a statement whose columns are all named in it: no stars, no table functions, no natural joins.
_EXPRESSIONS = frozenset(
    {"FUNCTION", "COLUMN_REF", "CONSTANT", "COMPARISON", "CONJUNCTION", "CASE", "CAST", "OPERATOR", "BETWEEN"}
) | {"WINDOW", "SUBQUERY", "PARAMETER", "COLLATE"}  # fmt: skip
_TABLES = frozenset({"BASE_TABLE", "SUBQUERY", "JOIN", "EMPTY"})
_JOINS = frozenset({"REGULAR", "CROSS"})
_PART_OF_SELECT = re.compile(r"SELECT_NODE|SET_OPERATION_NODE|\w+_MODIFIER|ORDER_\w+|ASCENDING|DESCENDING")
# Macros that read a column which their call does not name.
_HIDDEN = {"healpix": HEALPIX_COLUMN}


@dataclass(frozen=True)
class Reading:
    """What a statement reads."""

    columns: tuple[str, ...]
    """At least all columns that it reads."""
    whole: bool
    """Whether it needs every row of them: nothing in it selects rows."""


class WholeColumns:
    """Columns of all rows: those of whole-table statements, and those that are asked for more than once.

    Parameters
    ----------
    catalog : Catalog
        The snapshot.
    row_groups : RowGroupReader
        What knows the footers of its files.
    cache : SnapshotCache
        What keeps the columns.
    """

    def __init__(self, catalog: Catalog, row_groups: RowGroupReader, cache: SnapshotCache) -> None:
        self._catalog = catalog
        self._row_groups = row_groups
        self._cache = cache

    @property
    def enabled(self) -> bool:
        """Whether anything is kept at all."""
        return self._cache.max_bytes > 0

    def table(self, connection: duckdb.DuckDBPyConnection, reading: Reading) -> pa.Table | None:
        """Columns of all rows, in the order of the files.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            What reads them; it has the view ``spectra``.
        reading : Reading
            At least one column.

        Returns
        -------
        pyarrow.Table or None
            None where a part of the files is enough and a column is asked for the first time, or if they are too
            large to keep.
        """
        import pyarrow as pa

        names = reading.columns
        if not names or not (self._asked_before(names) or reading.whole) or self._bytes(names) > self._cache.max_bytes:
            return None
        keys: dict[Key, str] = {(_COLUMN, name): name for name in names}

        def load(missing: Sequence[Key]) -> dict[Key, pa.ChunkedArray]:
            return dict(zip(missing, self._load(connection, [keys[key] for key in missing]), strict=True))

        found = self._cache.get_all(keys, load, lambda column: column.nbytes)
        return pa.table({name: found[key] for key, name in keys.items()})

    def _asked_before(self, names: Sequence[str]) -> bool:
        """Whether all columns were asked for before; now they are."""
        new: list[Key] = []

        def mark(missing: Sequence[Key]) -> dict[Key, bool]:
            new.extend(missing)
            return dict.fromkeys(missing, True)

        self._cache.get_all([(_ASKED, name) for name in names], mark, lambda _: 0)
        return not new

    def _bytes(self, names: Sequence[str]) -> int:
        """Size of columns in memory [byte]; more than allowed for text that hardly repeats."""

        def load(missing: Sequence[Key]) -> dict[Key, int]:
            return {key: self._bytes_of(str(key[1])) for key in missing}

        return sum(self._cache.get_all([(_SIZE, name) for name in names], load, lambda _: 0).values())

    def _bytes_of(self, name: str) -> int:
        rows = self._catalog.rows
        if name == HEALPIX_COLUMN:
            return 8 * rows
        column = self._catalog.schema[name]
        if not (column.is_text or column.shape):
            return int(column.arrow_type().bit_width) * rows // 8
        # The footer of one file, for reading those of all takes longer than many a statement.
        part = max(self._catalog.parts, key=lambda part: part.rows)
        size = self._row_groups.column_bytes(str(part.path), name) * rows // max(part.rows, 1)
        if not column.is_text:
            return size
        return 4 * rows if size <= _MAX_TEXT_BYTES_PER_ROW * rows else self._cache.max_bytes + 1

    def _is_text(self, name: str) -> bool:
        return name in self._catalog.schema and self._catalog.schema[name].is_text

    def _load(self, connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> list[pa.ChunkedArray]:
        found = connection.view(VIEW).project(", ".join(quoted(name) for name in names)).to_arrow_table()
        return [found[name].dictionary_encode() if self._is_text(name) else found[name] for name in names]


def columns_read(connection: duckdb.DuckDBPyConnection, text: str, catalog: Catalog) -> Reading | None:
    """Find the columns of ``spectra`` that a statement can read.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        What parses it.
    text : str
        One statement.
    catalog : Catalog
        The snapshot.

    Returns
    -------
    Reading or None
        None where its text does not tell, or it does not read the view.
    """
    trees = statements(connection, text)
    known = {name.lower(): name for name in (*catalog.schema.names, HEALPIX_COLUMN)}
    tables: set[str] = set()
    words: set[str] = set()
    alone: set[str] = set()
    reads, whole = False, True
    for node in all_nodes(trees):
        kind = str(node.get("type", ""))
        whole = whole and not node.get("where_clause") and not kind.startswith("LIMIT")
        if "class" in node:
            if node["class"] not in _EXPRESSIONS:
                return None
            names = [str(part).lower() for part in node.get("column_names", ())]
            words.update(names, [_HIDDEN.get(str(node.get("function_name", "")).lower(), "")])
            alone.update(names if len(names) == 1 else ())
        elif kind in _TABLES:
            if kind == "JOIN" and node["ref_type"] not in _JOINS:
                return None
            words.update(str(name).lower() for name in node.get("using_columns", ()))
            tables.update(str(node.get(key, "")).lower() for key in ("alias", "table_name"))
            if kind == "BASE_TABLE" and str(node["table_name"]).lower() == VIEW:
                if node["schema_name"] or node["catalog_name"] or node["column_name_alias"]:
                    return None
                reads = True
        elif kind and not _PART_OF_SELECT.fullmatch(kind):
            return None
    if not reads or alone & tables:  # a table's name as a column is its whole row
        return None
    return Reading(tuple(known[word] for word in sorted(words) if word in known), whole)
