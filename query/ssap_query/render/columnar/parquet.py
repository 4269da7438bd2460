"""Parquet with VOParquet metadata (IVOA Note 2025-01-16 §2): units, UCDs and descriptions go with the columns.

astropy has a way of its own to keep these, and wants to know how long text is before it makes an array of it: both are
written too, so that its ``Table.read`` has units with either of its formats, ``parquet`` and ``parquet.votable``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from ssap_mirror.tables.parquet.voparquet import CONTENT_KEY, VERSION_KEY

from ssap_query.render.columnar.outbox import Outbox
from ssap_query.render.columns.fields import fitting
from ssap_query.render.columns.plain import plain, plain_columns, plain_type
from ssap_query.render.renderable import Renderable, gathered
from ssap_query.render.text.ecsv import column_entry, table_meta
from ssap_query.render.votable.header import frame

__all__ = ["parquet_chunks"]

_ROW_GROUP = 1 << 15
_SAMPLE_ROWS = 8192
# So many times each text of the first rows occurs, at least, for a dictionary to be worth its time.
_REPEATS = 4
# Where all readers of Arrow look for the Arrow types of the columns.
_ARROW_KEY = "ARROW:schema"
_ASTROPY_KEY = "table_meta_yaml"
_LENGTH_KEY = "table::len::{name}"


def parquet_chunks(result: Renderable) -> Iterator[bytes]:
    """Yield a result as Parquet, a row group at a time; every Arrow type that Parquet has stays what it is."""
    schema = _described(result)
    texts = {i: _Text() for i, field in enumerate(schema) if _is_text(field.type)}
    file = Outbox()
    writer: pq.ParquetWriter | None = None
    for rows in _groups(result, schema):
        for i, text in texts.items():
            text.add(rows.column(i))
        writer = writer or _open(file, schema, rows.slice(0, _SAMPLE_ROWS))
        writer.write_table(rows, _ROW_GROUP)
        yield file.take()
    writer = writer or _open(file, schema, schema.empty_table())
    _end(writer, schema, _metadata(result, texts))
    yield file.take()


@dataclass
class _Text:
    """What has to be known of a column of text."""

    longest: int = 1
    """Characters of the longest text."""
    is_ascii: bool = True
    """Whether all of it is ASCII."""

    def add(self, texts: pa.ChunkedArray) -> None:
        longest = pc.max(pc.utf8_length(texts)).as_py() or 0
        # astropy spells NULL out.
        self.longest = max(self.longest, longest, len("None") if texts.null_count else 0)
        self.is_ascii = self.is_ascii and pc.all(pc.string_is_ascii(texts), min_count=0).as_py()


def _groups(result: Renderable, schema: pa.Schema) -> Iterator[pa.Table]:
    """Rows in tables that are worth a row group, but for the last one."""
    storable = (_storable(batch, schema) for batch in result.batches())
    for together in gathered(storable, _ROW_GROUP):
        yield pa.Table.from_batches(together, schema)


def _open(file: Outbox, schema: pa.Schema, first: pa.Table) -> pq.ParquetWriter:
    """Begin a file. Most columns of a result are measurements, which a dictionary makes larger and slower to write."""
    options: dict[str, Any] = {"compression": "zstd", "use_dictionary": _repetitive(first) or False}
    return pq.ParquetWriter(file, schema, store_schema=False, **options)


def _end(writer: pq.ParquetWriter, schema: pa.Schema, metadata: dict[str, str]) -> None:
    """Close a file. The Arrow schema, which `pyarrow` would keep from the beginning, waits for its last words."""
    told = base64.b64encode(schema.with_metadata(metadata).serialize()).decode()
    writer.add_key_value_metadata({**metadata, _ARROW_KEY: told})
    writer.close()


def _repetitive(rows: pa.Table) -> list[str]:
    """Columns of text with a few values, each many times."""
    most = rows.num_rows // _REPEATS
    texts = [name for name, kind in zip(rows.schema.names, rows.schema.types, strict=True) if _is_text(kind)]
    return [name for name in texts if pc.count_distinct(rows[name], mode="all").as_py() <= most]


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _described(result: Renderable) -> pa.Schema:
    """Columns as they come, with what is known of them."""
    columns = zip(result.schema, result.arrow_schema, strict=True)
    return pa.schema([pa.field(c.name, _stored(field.type), metadata=c.metadata()) for c, field in columns])


def _metadata(result: Renderable, texts: Mapping[int, _Text]) -> dict[str, str]:
    """Say what is known of the table."""
    columns = plain_columns(result, flatten=False)
    fields = [fitting(column.column, column.kind) for column in columns]
    for i, text in texts.items():
        # Of one length: with text of a free one astropy does not put its own two halves of a table together.
        datatype = "char" if text.is_ascii else "unicodeChar"
        fields[i] = replace(fields[i], datatype=datatype, arraysize=str(text.longest))
    header = frame(result, fields, "", "")
    return {
        VERSION_KEY.decode(): "1.0",
        CONTENT_KEY.decode(): (header.head + header.tail).decode(),
        "QUERY_STATUS": result.status,
        _ASTROPY_KEY: _astropy_yaml(result, [column_entry(column) for column in columns]),
        **{_LENGTH_KEY.format(name=columns[i].column.name): str(text.longest) for i, text in texts.items()},
    }


def _astropy_yaml(result: Renderable, entries: Sequence[dict[str, Any]]) -> str:
    """Say in YAML what astropy's ``Table.write`` keeps of a table (`astropy.table.meta.get_yaml_from_header`)."""
    lines = ["datatype:", *(f"- {json.dumps(entry)}" for entry in entries), f"meta: {json.dumps(table_meta(result))}"]
    return "\n".join(lines)


def _stored(kind: pa.DataType) -> pa.DataType:
    """Type that Parquet keeps a type as: the same, but for the few that it does not have."""
    if pa.types.is_null(kind):
        return pa.string()
    return kind if _is_known(kind) else plain_type(kind)


def _is_known(kind: pa.DataType) -> bool:
    """Whether Parquet has a type, and all within it."""
    inner = [kind.field(i).type for i in range(kind.num_fields)]
    odd = pa.types.is_interval(kind) or pa.types.is_union(kind) or pa.types.is_run_end_encoded(kind)
    views = pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind)
    return not (odd or views) and all(_is_known(part) for part in inner)


def _storable(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Rows in the types of the file."""
    arrays = [
        array if array.type.equals(kind) else plain(array).cast(kind)
        for array, kind in zip(batch.columns, schema.types, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
