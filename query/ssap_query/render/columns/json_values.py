"""Values that are nested, or bytes, as JSON (RFC 8259): what the formats write that cannot hold them as they are."""

from __future__ import annotations

import json
import math
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from ssap_query.arrow.literals import strings

__all__ = ["hex_texts", "json_texts"]


def json_texts(array: pa.Array) -> pa.Array:
    """JSON text of each value.

    Parameters
    ----------
    array : pyarrow.Array of a nested type, shape (n,)
        Structures, maps, unions, lists of such or of lists.

    Returns
    -------
    pyarrow.StringArray, shape (n,)
        Structures and maps are objects. What JSON has no numbers for is a string: NaN, infinities, decimals with more
        digits than a double holds.
    """
    kind = array.type
    found = (None if value is None else _json(value, kind) for value in array.to_pylist())
    return strings(None if value is None else json.dumps(value, ensure_ascii=False) for value in found)


def hex_texts(array: pa.Array) -> pa.Array:
    """Bytes as hexadecimal digits, two for each."""
    return strings(None if value is None else value.hex() for value in array.to_pylist())


def _json(value: Any, kind: pa.DataType) -> Any:
    """Value in terms of JSON."""
    if value is None:
        return None
    if isinstance(kind, pa.BaseExtensionType):
        return _json(value, kind.storage_type)
    if pa.types.is_struct(kind):
        return {field.name: _json(value[field.name], field.type) for field in kind}
    if pa.types.is_map(kind):
        return {str(_json(key, kind.key_type)): _json(item, kind.item_type) for key, item in value}
    if isinstance(value, list):
        return [_json(item, kind.value_type) for item in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else "NaN" if math.isnan(value) else f"{'-' * (value < 0)}Infinity"
    if isinstance(value, Decimal):
        number = int(value) if value == value.to_integral_value() else float(value)
        return number if Decimal(str(number)) == value else str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value if isinstance(value, (bool, int, str)) else str(value)
