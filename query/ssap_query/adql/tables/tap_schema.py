"""TAP_SCHEMA: the tables that describe all tables, themselves among them (TAP 1.1 §4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
from ssap_mirror.core.schema import Column

from ssap_query.adql.tables.table import AdqlTable, adql_name

__all__ = ["DESCRIPTION", "FOREIGN_KEYS", "TAP_SCHEMA", "ForeignKey", "tap_schema"]

#: Name of the schema.
TAP_SCHEMA = "tap_schema"
#: What it holds.
DESCRIPTION = "Tables that describe the tables of this service."
_PRINCIPAL_LEVEL = 10


@dataclass(frozen=True)
class ForeignKey:
    """A column whose values are those of another table."""

    table: str
    """Table of the column."""
    column: str
    """The column."""
    target: str
    """The other table."""
    target_column: str
    """Its column."""


#: Foreign keys among the tables of TAP_SCHEMA.
FOREIGN_KEYS = (
    ForeignKey("tap_schema.tables", "schema_name", "tap_schema.schemas", "schema_name"),
    ForeignKey("tap_schema.columns", "table_name", "tap_schema.tables", "table_name"),
    ForeignKey("tap_schema.keys", "from_table", "tap_schema.tables", "table_name"),
    ForeignKey("tap_schema.keys", "target_table", "tap_schema.tables", "table_name"),
    ForeignKey("tap_schema.key_columns", "key_id", "tap_schema.keys", "key_id"),
)


def _text(name: str, description: str) -> Column:
    return Column(name, "char", "*", description=description, verbosity=1)


def _number(name: str, description: str) -> Column:
    return Column(name, "int", description=description, verbosity=1)


# Table -> what it is, and its columns.
_TABLES: Mapping[str, tuple[str, tuple[Column, ...]]] = {
    "schemas": (
        "Schemas of this service.",
        (
            _text("schema_name", "Name of the schema."),
            _text("utype", "Data-model path of the schema."),
            _text("description", "What the schema holds."),
            _number("schema_index", "Place of the schema in a list."),
        ),
    ),
    "tables": (
        "Tables of this service.",
        (
            _text("schema_name", "Schema that has the table."),
            _text("table_name", "Name of the table, as in a query."),
            _text("table_type", "table or view."),
            _text("utype", "Data-model path of the table."),
            _text("description", "What the table holds."),
            _number("table_index", "Place of the table in a list."),
        ),
    ),
    "columns": (
        "Columns of the tables of this service.",
        (
            _text("table_name", "Table that has the column."),
            _text("column_name", "Name of the column, as in a query."),
            _text("utype", "Data-model path of the column."),
            _text("ucd", "What the column is about, in UCD1+ words."),
            _text("unit", "Unit of the values."),
            _text("description", "What the column holds."),
            _text("datatype", "VOTable datatype of the values."),
            _text("arraysize", "VOTable arraysize of the values."),
            _text("xtype", "DALI xtype of the values."),
            _number("size", "Length of the values; arraysize says more."),
            _number("principal", "1 for a column that is of use to most."),
            _number("indexed", "1 for a column by which rows are found fast."),
            _number("std", "1 for a column that a standard defines."),
            _number("column_index", "Place of the column in a list."),
        ),
    ),
    "keys": (
        "Foreign keys between the tables of this service.",
        (
            _text("key_id", "Name of the key."),
            _text("from_table", "Table that has the key."),
            _text("target_table", "Table that the key is about."),
            _text("description", "What the key is."),
            _text("utype", "Data-model path of the key."),
        ),
    ),
    "key_columns": (
        "Columns of the foreign keys.",
        (
            _text("key_id", "Name of the key."),
            _text("from_column", "Column of the table that has the key."),
            _text("target_column", "Column of the table that the key is about."),
        ),
    ),
}


def tap_schema(tables: Sequence[AdqlTable], schemas: Mapping[str, str]) -> list[AdqlTable]:
    """Make the tables of TAP_SCHEMA.

    Parameters
    ----------
    tables : sequence of AdqlTable
        All other tables.
    schemas : mapping of str to str
        Schema -> what it holds; this one among them.
    """
    own = [AdqlTable(f"{TAP_SCHEMA}.{name}", columns, 0, words) for name, (words, columns) in _TABLES.items()]
    # What the columns of these tables are, they say themselves: letters in them beyond ASCII change that.
    rows = _rows([*tables, *own], schemas)
    own = [replace(table, columns=_fitting(table.columns, rows[table.name])) for table in own]
    rows = _rows([*tables, *own], schemas)
    return [replace(table, rows=len(rows[table.name]), data=_filled(table.columns, rows[table.name])) for table in own]


def _rows(every: Sequence[AdqlTable], schemas: Mapping[str, str]) -> dict[str, list[dict[str, object]]]:
    """Table of TAP_SCHEMA -> its rows."""
    rows: dict[str, list[dict[str, object]]] = {
        "schemas": [
            {"schema_name": name, "description": words, "schema_index": i}
            for i, (name, words) in enumerate(schemas.items(), 1)
        ],
        "tables": [_table(table, i) for i, table in enumerate(every, 1)],
        "columns": [_column(table, column, i) for table in every for i, column in enumerate(table.columns, 1)],
        "keys": [
            {"key_id": f"key_{i}", "from_table": key.table, "target_table": key.target}
            for i, key in enumerate(FOREIGN_KEYS, 1)
        ],
        "key_columns": [
            {"key_id": f"key_{i}", "from_column": key.column, "target_column": key.target_column}
            for i, key in enumerate(FOREIGN_KEYS, 1)
        ],
    }
    return {f"{TAP_SCHEMA}.{name}": found for name, found in rows.items()}


def _fitting(columns: Iterable[Column], rows: Sequence[Mapping[str, object]]) -> tuple[Column, ...]:
    """Columns as their text needs them: ``char`` is ASCII (VOTable 1.4 §2.1)."""
    texts = {column.name: "".join(str(row.get(column.name)) for row in rows) for column in columns}
    return tuple(
        column if texts[column.name].isascii() else replace(column, datatype="unicodeChar") for column in columns
    )


def _table(table: AdqlTable, place: int) -> dict[str, object]:
    return {
        "schema_name": table.schema,
        "table_name": table.name,
        "table_type": "view" if table.is_view else "table",
        "utype": table.utype,
        "description": table.description,
        "table_index": place,
    }


def _column(table: AdqlTable, column: Column, place: int) -> dict[str, object]:
    fixed = column.arraysize if column.arraysize is not None and column.arraysize.isdecimal() else None
    return {
        "table_name": table.name,
        "column_name": adql_name(column.name),
        "utype": column.utype,
        "ucd": column.ucd,
        "unit": column.unit,
        "description": column.description,
        "datatype": column.datatype,
        "arraysize": column.arraysize,
        "xtype": column.xtype,
        "size": None if fixed is None else int(fixed),
        "principal": int(column.verbosity <= _PRINCIPAL_LEVEL),
        "indexed": int(column.name in table.indexed),
        "std": int(table.schema in (TAP_SCHEMA, "ivoa")),
        "column_index": place,
    }


def _filled(columns: Iterable[Column], rows: Sequence[Mapping[str, object]]) -> pa.Table:
    return pa.table(
        {column.name: pa.array([row.get(column.name) for row in rows], column.arrow_type()) for column in columns}
    )
