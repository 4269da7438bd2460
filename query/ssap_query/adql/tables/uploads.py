"""Tables that come with a query: ``TAP_UPLOAD.name``."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pyarrow as pa
from ssap_mirror import tables as table_files
from ssap_mirror.core.schema import Column
from ssap_mirror.errors import ParameterError

from ssap_query.adql.tables.table import UPLOADS, AdqlTable

__all__ = ["upload"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PARAMETER = "UPLOAD"


def upload(name: str, source: Any) -> AdqlTable:
    """Make a table of what comes with a query.

    Parameters
    ----------
    name : str
        What the query calls it, behind ``TAP_UPLOAD.``.
    source : path or table
        What `ssap_mirror.tables.open_table` takes.

    Raises
    ------
    ParameterError
        If the name is none, or it is no table.
    SourceError, FormatError
        If a file cannot be read.
    """
    if not _NAME.fullmatch(name):
        raise ParameterError(_PARAMETER, name, "is no name of a table: letters, digits and _ alone")
    opened = table_files.open_table(source, parameter=_PARAMETER)
    columns = tuple(opened.columns)
    names = [column.name.lower() for column in columns]
    for column in columns:
        if names.count(column.name.lower()) > 1:
            raise ParameterError(_PARAMETER, name, f"has two columns {column.name!r}, which ADQL cannot tell apart")
    rows = pa.Table.from_batches(list(opened.read([column.name for column in columns])), _plain(opened.types))
    return AdqlTable(
        name=f"{UPLOADS}.{name.lower()}",
        columns=tuple(_known(column, field) for column, field in zip(columns, rows.schema, strict=True)),
        rows=rows.num_rows,
        data=rows,
    )


def _plain(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field.remove_metadata() for field in schema])


def _known(column: Column, field: pa.Field) -> Column:
    """Column as its source describes it, of the type that its rows have."""
    if column.arrow_type().equals(field.type):
        return column
    plain = Column.from_arrow(field)
    return replace(column, datatype=plain.datatype, arraysize=plain.arraysize)
