"""Arrow's own file format (Feather), with units, UCDs and descriptions as metadata of the columns."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import pyarrow as pa

from ssap_query.render.dataframes import compact
from ssap_query.render.renderable import Renderable, pieces

__all__ = ["arrow_chunks"]

_CHUNK = 1 << 20


def arrow_chunks(result: Renderable) -> Iterator[bytes]:
    """Yield a result as an Arrow file; it is on disk until it is sent, since its end says where its parts are."""
    facts = {"QUERY_STATUS": result.status, **result.infos}
    schema = result.arrow_schema.with_metadata(facts)
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with tempfile.TemporaryFile() as file:
        with pa.ipc.new_file(file, schema, options=options) as writer:
            for batch in pieces(result):
                writer.write_batch(compact(batch).replace_schema_metadata(facts))
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk
