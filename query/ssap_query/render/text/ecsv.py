"""ECSV 1.0 (Astropy APE 6) with commas: a header in YAML, then CSV, streamed.

A missing value is an empty cell, NaN is ``NaN``: the two are kept apart, but missing text and the empty string are one,
as in all ECSV. Arrays are JSON in their cells, those of booleans of a free length with 1 and 0. Complex numbers, which
ECSV does not know, are pairs of their parts, times ISO 8601 text, bytes hexadecimal digits; a structure gives a column
for each of its fields. Its readers strip blanks from both ends of text, and astropy's makes every line end a line feed.

This is our own writer because astropy's makes Python objects of all cells: 300,000 rows of 98 columns take it 6 GB.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from ssap_query.render.columns.cells import TextStyle
from ssap_query.render.columns.lists import is_array
from ssap_query.render.columns.plain import PlainColumn, plain_columns
from ssap_query.render.renderable import Renderable
from ssap_query.render.text.delimited import lines, name_line, quoting

__all__ = ["column_entry", "ecsv_chunks", "table_meta"]

_DELIMITER = ","
_NAMES = {"bool": "bool", "halffloat": "float32", "float": "float32", "double": "float64", "binary": "string"}
_VERSION = "%ECSV 1.0"
_SCHEMA = "schema: astropy-2.0"


def ecsv_chunks(result: Renderable) -> Iterator[bytes]:
    """Yield a result as ECSV, UTF-8."""
    columns = plain_columns(result)
    header = [_VERSION, "---", f"delimiter: '{_DELIMITER}'", "datatype:"]
    header += [f"- {_yaml(column_entry(column))}" for column in columns]
    header += [f"meta: {_yaml(table_meta(result))}", _SCHEMA]
    yield "".join(f"# {line}\n" for line in header).encode()
    yield name_line([column.column.name for column in columns], _DELIMITER)
    yield from lines(result, columns, [_style(column.kind) for column in columns], _DELIMITER)


def column_entry(column: PlainColumn) -> dict[str, Any]:
    """Describe a column as astropy does, in ECSV and elsewhere (its ``table_meta_yaml``)."""
    kind, described = column.kind, column.column
    known: dict[str, Any] = {
        "name": described.name,
        "unit": described.unit,
        "datatype": "string" if is_array(kind) else _datatype(kind),
        "subtype": f"{_element_type(kind)}[{_size(kind) or 'null'}]" if is_array(kind) else None,
        "description": described.description,
        "meta": {key: value for key in ("ucd", "utype", "xtype") if (value := getattr(described, key))},
    }
    return {key: value for key, value in known.items() if value}


def table_meta(result: Renderable) -> dict[str, str]:
    """Say what there is to say of the table as a whole."""
    return {"QUERY_STATUS": result.status, **result.infos}


def _yaml(value: Mapping[str, Any]) -> str:
    """YAML in one line: JSON in UTF-8 is YAML (YAML 1.2 §1.3), and has no line ends of its own."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f").replace("\x85", "\\u0085")


def _datatype(kind: pa.DataType) -> str:
    return str(kind) if pa.types.is_integer(kind) else _NAMES.get(str(kind), "string")


def _element_type(kind: pa.DataType) -> str:
    """Type of the elements of arrays; in those of a free length astropy reads NULL as False if they are booleans."""
    if pa.types.is_boolean(kind.value_type) and not _size(kind):
        return "int8"
    return _datatype(kind.value_type)


def _size(kind: pa.DataType) -> int | None:
    return kind.list_size if pa.types.is_fixed_size_list(kind) else None


def _style(kind: pa.DataType) -> TextStyle:
    """Spell the values of a column: in arrays as JSON has them."""
    quoted = quoting(_DELIMITER)
    null, true_false = "", ("True", "False")
    if is_array(kind):
        size = _size(kind)
        null = f'"[{",".join(["null"] * size)}]"' if size else ""
        true_false = ("true", "false") if size else ("1", "0")
    return TextStyle(null, ("NaN", "Infinity", "-Infinity"), true_false, quoted, ("[", ",", "]"), "null", quoted)
