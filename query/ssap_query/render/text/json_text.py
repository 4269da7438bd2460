"""JSON (RFC 8259): status, facts and columns, then the rows as arrays.

::

    {"status": "OK", "infos": {...}, "notes": [...], "inputs": [...], "columns": [{"name": ..., "unit": ...}, ...],
     "data": [[...], ...]}

NULL is ``null``. JSON has no numbers for them, so NaN is the string ``"NaN"``, infinities are ``"Infinity"`` and
``"-Infinity"``. 64-bit integers are written in full, which JavaScript rounds above 2**53. Structures are objects, dates
ISO 8601 text, bytes hexadecimal digits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ssap_query.render.columns.cells import TextStyle, join_rows, json_strings, texts
from ssap_query.render.columns.plain import plain_columns
from ssap_query.render.renderable import Input, Renderable, pieces

__all__ = ["json_chunks"]

_STYLE = TextStyle(
    null="null",
    specials=('"NaN"', '"Infinity"', '"-Infinity"'),
    true_false=("true", "false"),
    strings=json_strings,
    array=("[", ",", "]"),
    missing_element="null",
)


def json_chunks(result: Renderable) -> Iterator[bytes]:
    """Yield a result as one JSON document, UTF-8."""
    head = {
        "status": result.status,
        "infos": dict(result.infos),
        "notes": list(result.notes),
        "inputs": [_input(item) for item in result.inputs],
        "columns": result.schema.to_json(),
    }
    yield json.dumps(head, ensure_ascii=False)[:-1].encode() + b', "data": ['
    columns = plain_columns(result, flatten=False)
    styles = [replace(_STYLE, strings=lambda texts: texts) if column.is_json else _STYLE for column in columns]
    between = b"\n"
    for batch in pieces(result):
        cells = [texts(column.values(batch), style) for column, style in zip(columns, styles, strict=True)]
        rows = join_rows(cells, ",\n[", ",", "]")
        # The first row has no row before it.
        yield between + (rows[2:] if between else rows)
        between = b""
    yield b"\n]}\n"


def _input(item: Input) -> dict[str, Any]:
    known = {
        "name": item.name,
        "description": item.description,
        "datatype": item.datatype,
        "unit": item.unit,
        "ucd": item.ucd,
        "utype": item.utype,
        "minimum": item.minimum,
        "maximum": item.maximum,
        "options": list(item.options) or None,
    }
    return {key: value for key, value in known.items() if value is not None}
