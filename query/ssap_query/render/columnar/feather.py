"""Arrow's own file format (Feather), with units, UCDs and descriptions as metadata of the columns."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from ssap_query.render.columnar.outbox import Outbox
from ssap_query.render.dataframes import compact
from ssap_query.render.renderable import Renderable, pieces

__all__ = ["arrow_chunks"]


def arrow_chunks(result: Renderable) -> Iterator[bytes]:
    """Yield a result as an Arrow file."""
    facts = {"QUERY_STATUS": result.status, **result.infos}
    schema = result.arrow_schema.with_metadata(facts)
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    file = Outbox()
    with pa.ipc.new_file(file, schema, options=options) as writer:
        for batch in pieces(result):
            writer.write_batch(compact(batch).replace_schema_metadata(facts))
            yield file.take()
    yield file.take()
