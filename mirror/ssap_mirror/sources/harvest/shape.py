"""The shape of a table: what its columns are called and mean. Rows of two shapes are not rows of one table."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from ssap_mirror.core.schema import UNLISTED, Column, Schema

__all__ = ["changed_columns", "meanings", "named_as", "shape_digest"]

_MEANING = ("unit", "ucd", "utype", "xtype")


def meanings(schema: Schema) -> list[tuple[str, ...]]:
    """Tell of each column of a service all that makes its values mean what they mean."""
    return [_meaning(column) for column in schema if column.verbosity < UNLISTED]


def shape_digest(*schemas: Schema) -> str:
    """Digest of what answers have to be like to be rows of one table, and in one order."""
    plain = [[(*_meaning(column), column.verbosity) for column in schema] for schema in schemas]
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()


def named_as(wanted: Schema, answer: Schema) -> Schema:
    """Columns of an answer by the names that the mirror has for them.

    One that differs from another in case alone has a name of the mirror's own, but is not seen to need it in an answer
    without that other.

    Parameters
    ----------
    wanted : Schema
        Columns of the mirror.
    answer : Schema
        Columns as they came.
    """
    names = {column.source_name or column.name: column.name for column in wanted}
    return Schema(tuple(replace(c, name=names.get(c.source_name or c.name, c.name)) for c in answer))


def changed_columns(before: Schema, now: Schema) -> str | None:
    """Say how the columns of a table are not what they were; None if they are.

    Parameters
    ----------
    before : Schema
        As they were described at first.
    now : Schema
        As an answer describes them.
    """
    told = []
    if lacking := [name for name in before.names if name not in now]:
        told.append(f"{', '.join(lacking)} gone")
    if strange := [name for name in now.names if name not in before]:
        told.append(f"{', '.join(strange)} new")
    told += [
        f"{column.name} has another {', '.join(differs)}"
        for column in before
        if column.name in now and (differs := _differs(column, now[column.name]))
    ]
    return "; ".join(told) or None


def _meaning(column: Column) -> tuple[str, ...]:
    # The length of a text may be that of the longest one in an answer, and its datatype go by the characters in it.
    datatype = "char" if column.is_text else column.datatype
    size = "" if column.is_text and not column.shape else column.arraysize or ""
    return (column.name, datatype, size, *(getattr(column, name) or "" for name in _MEANING))


def _differs(column: Column, now: Column) -> list[str]:
    names = ("name", "datatype", "size", *_MEANING)
    return [name for name, one, other in zip(names, _meaning(column), _meaning(now), strict=True) if one != other]
