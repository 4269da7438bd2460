"""Tables that a statement reads beside the mirror: those that it is given, and files that it names.

DuckDB reads plain Parquet and CSV by itself, and tables of pandas and polars where they lie. All else is read as
`ssap_mirror.tables.open_table` reads it for a sync and for a match: FITS, VOTable, ECSV, IPAC, text with comments or a
line of units, Parquet with masks; with units and UCDs, and NULL where a value is masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssap_mirror.errors import MirrorError
from ssap_mirror.tables import Table, open_table
from ssap_mirror.tables.files import beginning, expand, format_of
from ssap_mirror.tables.text.dialect import recognize

from ssap_query.sql.syntax import Node, all_nodes, statements

if TYPE_CHECKING:
    import duckdb
    from ssap_mirror.core.schema import Schema

__all__ = ["ForeignTable", "quoted_names", "register_tables"]

_TABLES = "tables"
_SCANNED = ("pandas.", "polars.", "duckdb.", "_duckdb.")
_CSV_ENDINGS = (".csv", ".tsv")
_PACKED = (".gz", ".zst")
_QUOTED = re.compile(r"""'((?:[^']|'')*)'|"((?:[^"]|"")*)\"""")


@dataclass(frozen=True)
class ForeignTable:
    """A table that is not the mirror's."""

    columns: Schema
    """What is known of its columns."""
    notes: tuple[str, ...] = ()
    """What a person should know about it, one sentence each."""


def register_tables(
    connection: duckdb.DuckDBPyConnection, text: str, given: Mapping[str, Any], own: Iterable[str]
) -> dict[str, ForeignTable]:
    """Let a statement read tables beside the mirror's.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        What will run it.
    text : str
        One statement.
    given : mapping of str to table
        Tables by the names that it calls them: paths, or whatever else `ssap_mirror.tables.open_table` takes.
    own : iterable of str
        Names of the mirror's views.

    Returns
    -------
    dict of str to ForeignTable
        What is known of them, by their names in lower case.

    Raises
    ------
    ParameterError, SourceError, FormatError
        If one cannot be read.
    """
    nodes = list(all_nodes(statements(connection, text)))
    found: dict[str, ForeignTable] = {}
    for name, table in given.items():
        if f"{type(table).__module__}.".startswith(_SCANNED):
            connection.register(name, table)
        else:
            found[name.lower()] = _register(connection, name, open_table(table, parameter=_TABLES), nodes)
    taken = {name.lower() for name in (*own, *given)}
    for name in _files_named(nodes, taken):
        table = open_table(name)
        if table.plain_parquet:
            found[name.lower()] = ForeignTable(table.columns, table.notes)
        else:
            found[name.lower()] = _register(connection, name, table, nodes)
    return found


def quoted_names(text: str) -> list[str]:
    """Give all that stands between quotes in a statement: the files that it reads are among them.

    Examples
    --------
    >>> quoted_names("PIVOT 'stars.csv' ON band USING max(mag) -- of 'my' stars")
    ['stars.csv', 'my']
    """
    found = (single.replace("''", "'") or double.replace('""', '"') for single, double in _QUOTED.findall(text))
    return list(dict.fromkeys(found))


def _files_named(nodes: Iterable[Node], taken: set[str]) -> Iterator[str]:
    """Files that a statement reads and that DuckDB cannot read, or not all that is in them."""
    names = [
        str(node["table_name"])
        for node in nodes
        if node.get("type") == "BASE_TABLE" and not (node.get("schema_name") or node.get("catalog_name"))
    ]
    for name in dict.fromkeys(names):
        if name.lower() in taken:
            continue
        try:
            paths, part = expand(name)
            read_by_duckdb = part is None and all(_is_for_duckdb(path) for path in paths)
        except (MirrorError, OSError):  # no file, or one that only DuckDB knows (JSON): it says what it finds
            continue
        if not read_by_duckdb:
            yield name


def _is_for_duckdb(path: Path) -> bool:
    """Whether DuckDB reads all of a file: text with nothing but names and cells."""
    if path.is_dir() or format_of(path) != "csv":
        return False
    endings = [ending.lower() for ending in path.suffixes if ending.lower() not in _PACKED]
    if not endings or endings[-1] not in _CSV_ENDINGS:
        return False
    return recognize(beginning(path)).is_plain


def _register(connection: duckdb.DuckDBPyConnection, name: str, table: Table, nodes: Sequence[Node]) -> ForeignTable:
    """Give a table its name in the statement; of one that is not in memory the columns that the statement may read."""
    import pyarrow as pa

    rows = table.in_memory
    if rows is None:
        wanted = _columns_read(nodes, table)
        types = pa.schema([table.types.field(column).remove_metadata() for column in wanted])
        batches = (pa.RecordBatch.from_arrays(batch.columns, schema=types) for batch in table.batches(wanted))
        rows = pa.Table.from_batches(batches, types)
    connection.register(name, rows)
    return ForeignTable(table.columns, table.notes)


def _columns_read(nodes: Sequence[Node], table: Table) -> Sequence[str]:
    """Columns of a table that a statement can read: all of them where its text leaves any doubt."""
    every: tuple[str, ...] = tuple(table.types.names)
    words: set[str] = set()
    tables: set[str] = set()
    alone: set[str] = set()
    for node in nodes:
        kind = str(node.get("type", ""))
        renames = bool(node.get("column_name_alias"))
        if node.get("class") == "STAR" or renames or kind == "PIVOT" or node.get("ref_type") == "NATURAL":
            return every
        names = [str(word).lower() for word in node.get("column_names", ())]
        words.update(names, (str(name).lower() for name in node.get("using_columns", ())))
        alone.update(names if len(names) == 1 else ())
        tables.update(str(node.get(key, "")).lower() for key in ("alias", "table_name"))
    if not nodes or alone & tables:  # a table's name as a column is its whole row
        return every
    chosen = [name for name in every if name.lower() in words]
    return chosen or every[:1]
