"""Small answers, read into memory."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssap_mirror.core.schema import Schema
from ssap_mirror.sources.harvest.answers import error_of
from ssap_mirror.sources.harvest.client import Client

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["BINARY2", "Sample", "identity_in", "small_table"]

#: The serialisation that is cheapest to read, as DALI 1.1 §3.4.3 spells it.
BINARY2 = "application/x-votable+xml;serialization=BINARY2"

#: Roles that can tell one row from another, best first.
_IDENTITIES = ("identity", "obs_publisher_did", "obs_creator_did", "access_url")


@dataclass(frozen=True)
class Sample:
    """A small answer, in memory."""

    rows: pa.Table
    """Its rows."""
    reader: Any
    """The reader, which knows the columns, PARAMs and INFOs."""
    wire_bytes: int
    """Bytes on the wire."""
    seconds: float
    """From the request to the last byte [s]."""

    @property
    def overflow(self) -> bool:
        """Whether more rows match."""
        return bool(self.reader.query_status == "OVERFLOW")


def small_table(client: Client, url: str, asked: list[tuple[str, str]], scratch: Path) -> Sample:
    """Fetch a table of a few thousand rows at most into memory: a single attempt.

    Parameters
    ----------
    client : Client
        Carries the request.
    url : str
        Endpoint.
    asked : list of (str, str)
        Parameters.
    scratch : pathlib.Path
        Folder for the answer on its way.

    Raises
    ------
    TransportError, FormatError
        If the answer did not arrive whole.
    ServiceError
        If it is an error.
    """
    import pyarrow as pa

    from ssap_mirror.tables.votable import read_votable
    from ssap_mirror.tables.votable.cells import BadCells

    raw = scratch / f"sample-{threading.get_ident()}.xml"
    began = time.monotonic()
    try:
        download = client.download(url, asked, raw)
        seconds = time.monotonic() - began
        with raw.open("rb") as file:
            reader = read_votable(file, bad_cells=None if client.policy.strict else BadCells(), join_tables=True)
            batches = list(reader)
    finally:
        raw.unlink(missing_ok=True)
    if reader.query_status == "ERROR":
        raise error_of(reader.query_message or "")
    table = pa.Table.from_batches(batches, schema=reader.schema.arrow_schema())
    return Sample(table, reader, download.size, seconds)


def identity_in(sample: Sample, schema: Schema) -> str | None:
    """Name the column that differs in each row of a sample; None if there is none.

    Parameters
    ----------
    sample : Sample
        Some rows.
    schema : Schema
        Columns of the service, which say what each is for.
    """
    for role in _IDENTITIES:
        column = schema.role(role)
        if column is None or column.shape or column.name not in sample.rows.column_names:
            continue
        values = sample.rows.column(column.name)
        if values.null_count == 0 and len(values.unique()) == len(values):
            return column.name
    return None
