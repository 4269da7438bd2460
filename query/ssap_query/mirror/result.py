"""The result of a request: rows, what their columns mean, and what has to be said about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from ssap_mirror.core.schema import Schema

from ssap_query.engine.rows import InMemoryRows, Rows
from ssap_query.render.faces.status import OK, OVERFLOW, Status
from ssap_query.render.result import Result

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["InputParameter", "ResultSet"]


@dataclass(frozen=True)
class InputParameter:
    """A request parameter, as a metadata result describes it (SSA 1.1 §4.1: a PARAM named ``INPUT:<name>``)."""

    name: str
    """Name as the service declares it."""
    description: str
    """One sentence."""
    datatype: str = "char"
    """VOTable datatype."""
    unit: str | None = None
    """VOUnits string."""
    ucd: str | None = None
    """UCD1+ words."""
    utype: str | None = None
    """Data-model path of the column it is about."""
    minimum: str | None = None
    """Least value found in the mirror."""
    maximum: str | None = None
    """Largest value found in the mirror."""
    options: tuple[str, ...] = ()
    """Every value it can take, where these are few."""


@dataclass(frozen=True, repr=False)
class ResultSet(Result):
    """The result of a request.

    ``len()`` is the number of rows. Large results stay on disk until they are asked for: `batches` and `write` never
    hold more than a piece of them in memory.
    """

    schema: Schema
    """Columns in order, with units, UCDs and descriptions."""
    rows: Rows = field(repr=False)
    """Where the rows come from."""
    truncated: bool = False
    """Whether more rows match than the limit allows."""
    notes: tuple[str, ...] = ()
    """What a person should know about this result, a sentence each."""
    infos: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Facts that go with the rows: mirror, snapshot, request."""
    inputs: Sequence[InputParameter] = ()
    """The request parameters, in a metadata result; empty in any other."""
    service_xml: bytes = field(default=b"", repr=False)
    """VOTable header of the service as harvested."""
    response_format: str = "votable/td"
    """Format that the request asks for: as in `ssap_query.ssap.interpret.Query`."""
    protocol: str = "SSAP"
    """``SSAP`` or ``TAP``: what the answer is one of."""
    arrow_types: pa.Schema | None = field(default=None, repr=False)
    """Arrow schema of the rows where these have types that VOTable does not (SQL); None: those of `schema`."""

    @property
    def status(self) -> Status:
        """``OK``, or ``OVERFLOW`` if `truncated` (DALI 1.1 §4.4.1, QUERY_STATUS)."""
        return OVERFLOW if self.truncated else OK

    @property
    def arrow_schema(self) -> pa.Schema:
        """Arrow types of the columns, each with unit, UCD and description as metadata."""
        return self.schema.arrow_schema() if self.arrow_types is None else self.arrow_types

    def __len__(self) -> int:
        return len(self.rows)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, piece by piece; each call begins anew."""
        return self.rows.batches()

    def to_arrow(self) -> pa.Table:
        """All rows as an Arrow table; each field carries unit, UCD and description as metadata."""
        return self.rows.table if isinstance(self.rows, InMemoryRows) else super().to_arrow()
