"""Parquet with VOParquet metadata (IVOA Note 2025-01-16 §2): units, UCDs and descriptions go with the columns."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
from ssap_mirror.tables.voparquet import CONTENT_KEY, VERSION_KEY

from ssap_query.render.answer import Answer
from ssap_query.render.fields import declare
from ssap_query.render.votable.header import frame

__all__ = ["parquet_chunks"]

_ROW_GROUP = 1 << 16
_CHUNK = 1 << 20


def parquet_chunks(answer: Answer) -> Iterator[bytes]:
    """Yield an answer as Parquet; one row group is in memory at a time, the file is on disk until it is sent."""
    header = frame(answer, declare(answer), "", "")
    metadata = {VERSION_KEY: b"1.0", CONTENT_KEY: header.head + header.tail, b"QUERY_STATUS": answer.status.encode()}
    schema: pa.Schema = answer.schema.arrow_schema().with_metadata(metadata)
    with tempfile.TemporaryFile() as file:
        writer: pq.ParquetWriter | None = None
        for batch in answer.batches():
            writer = writer or pq.ParquetWriter(file, _typed(schema, batch.schema), compression="zstd")
            writer.write_batch(batch.cast(writer.schema) if batch.schema != writer.schema else batch, _ROW_GROUP)
        (writer or pq.ParquetWriter(file, schema, compression="zstd")).close()
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk


def _typed(described: pa.Schema, found: pa.Schema) -> pa.Schema:
    """Columns as they come, with what is known of them."""
    fields = [actual.with_metadata(known.metadata) for known, actual in zip(described, found, strict=True)]
    return pa.schema(fields, metadata=described.metadata)
