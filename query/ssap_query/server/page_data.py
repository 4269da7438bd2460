"""What the page is told: the mirror and its parameters, and rows to show and to draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ssap_mirror.core.schema import Column

from ssap_query.engine.engine import Engine
from ssap_query.mirror.answer import plan_request, read_request
from ssap_query.ssap import REGISTRY

__all__ = ["about", "rows"]

_NOT_ON_THE_PAGE = frozenset({"REQUEST", "RESPONSEFORMAT", "COMPRESS", "RUNID", "MAXREC", "VERB"})
_METADATA = "REQUEST=queryData&FORMAT=METADATA"


def about(engine: Engine, name: str, siblings: Sequence[str], dialect: str, page_rows: int) -> dict[str, Any]:
    """Tell what the page is about and which parameters there are."""
    catalog = engine.catalog
    metadata = plan_request(engine, read_request(catalog.schema, _METADATA, dialect)).result()
    described = {item.name.upper(): item for item in metadata.inputs}
    parameters = [
        {
            "name": parameter.name,
            "description": parameter.description,
            "unit": parameter.unit,
            "grammar": parameter.grammar,
            "example": next(iter(parameter.examples), ""),
            "minimum": described[parameter.name].minimum,
            "maximum": described[parameter.name].maximum,
            "options": list(described[parameter.name].options),
        }
        for parameter in REGISTRY
        if parameter.name in described and parameter.name not in _NOT_ON_THE_PAGE
    ]
    return {
        "name": name,
        "title": catalog.title,
        "synthetic": catalog.synthetic,
        "rows": catalog.rows,
        "created": catalog.manifest["created"],
        "mirrors": list(siblings),
        "roles": catalog.schema.roles,
        "page_rows": page_rows,
        "parameters": parameters,
    }


def rows(engine: Engine, raw: bytes, dialect: str, page_rows: int) -> dict[str, Any]:
    """Answer the page with at most so many rows, whatever MAXREC it was sent."""
    schema = engine.catalog.schema
    parsed = read_request(schema, raw, dialect, ignore_unanswerable=True)
    asked = parsed.query.maxrec
    query = replace(parsed.query, maxrec=page_rows if asked is None else min(asked, page_rows))
    drawn: dict[str, str] = {}
    if query.selects_rows:
        drawn = {role: schema.roles[role] for role in ("location", "snr", "t_mid") if role in schema.roles}
    names = dict.fromkeys([*parsed.columns.names, *drawn.values()])
    result = plan_request(engine, replace(parsed, query=query, columns=schema.select(names))).result()
    table = result.to_arrow().slice(0, page_rows)
    columns = {name: [_plain(cell) for cell in table[name].to_pylist()] for name in result.schema.names}
    wanted = {column.name for column in parsed.columns} if drawn else set(columns)
    shown = [column for column in result.schema if column.name in wanted]
    drawable = {role: [v for v in columns.get(name, ()) if _is_number(v)] for role, name in drawn.items()}
    return {
        "status": result.status if len(table) == len(result) else "OVERFLOW",
        "notes": list(result.notes),
        "columns": [_described(column) for column in shown],
        "rows": list(zip(*(columns[column.name] for column in shown), strict=True)),
        "points": drawable.get("location", []),
        "snr": drawable.get("snr", []),
        "time": drawable.get("t_mid", []),
    }


def _described(column: Column) -> dict[str, str | None]:
    return {"name": column.name, "unit": column.unit, "description": column.description}


def _plain(value: Any) -> Any:
    """Make a value that JSON can hold; NaN and infinities become text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _is_number(value: Any) -> bool:
    """Whether a value can be drawn: a number, or a pair of them."""
    if isinstance(value, list):
        return all(_is_number(item) for item in value)
    return isinstance(value, int | float)
