"""What the formats need to know of a result, and its rows in pieces that fit in memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from ssap_mirror.core.schema import Schema

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Input", "LossWarning", "Renderable", "gathered", "pieces"]

_ROWS = 8192
_FEW_ROWS = 2048
_BYTES = 64 << 20


class LossWarning(UserWarning):
    """A format cannot hold something that the result has; the message says what became of it."""


class Input(Protocol):
    """A request parameter, as a metadata result describes it."""

    @property
    def name(self) -> str:
        """Name as the service declares it."""

    @property
    def description(self) -> str:
        """One sentence."""

    @property
    def datatype(self) -> str:
        """VOTable datatype."""

    @property
    def unit(self) -> str | None:
        """VOUnits string."""

    @property
    def ucd(self) -> str | None:
        """UCD1+ words."""

    @property
    def utype(self) -> str | None:
        """Data-model path."""

    @property
    def minimum(self) -> str | None:
        """Least value found in the mirror."""

    @property
    def maximum(self) -> str | None:
        """Largest value found in the mirror."""

    @property
    def options(self) -> Sequence[str]:
        """Every value it can take, where these are few."""


class Renderable(Protocol):
    """Rows, what their columns mean, and what is to be said about them (`ssap_query.render.result.Result`)."""

    @property
    def status(self) -> str:
        """``OK`` or ``OVERFLOW``."""

    @property
    def schema(self) -> Schema:
        """Columns in order."""

    @property
    def arrow_schema(self) -> pa.Schema:
        """Arrow types of the columns as `batches` gives them; these may be of more kinds than VOTable has."""

    @property
    def infos(self) -> Mapping[str, str]:
        """Facts that go with the rows: the request, the mirror, its snapshot."""

    @property
    def protocol(self) -> str:
        """``SSAP`` or ``TAP``: of which protocol it is a response."""

    @property
    def notes(self) -> Sequence[str]:
        """Sentences for a person."""

    @property
    def inputs(self) -> Sequence[Input]:
        """The request parameters, in a metadata result; empty in any other."""

    @property
    def service_xml(self) -> bytes:
        """VOTable header of the service as harvested; empty without one."""

    def __len__(self) -> int: ...

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, piece by piece; each call begins anew."""


def pieces(result: Renderable) -> Iterator[pa.RecordBatch]:
    """Rows in record batches of at most 8,192 rows and about 64 MB.

    Parameters
    ----------
    result : Renderable
        Where the rows come from.

    Yields
    ------
    pyarrow.RecordBatch
        Never an empty one. Text made of one stays far below the 2 GB that 32-bit Arrow offsets can address.
    """
    for together in gathered(result.batches(), _FEW_ROWS, _BYTES):
        for batch in _joined(together):
            step = min(_ROWS, max(1, _BYTES * batch.num_rows // max(1, batch.nbytes)))
            for start in range(0, batch.num_rows, step):
                yield batch.slice(start, step)


def gathered(batches: Iterator[pa.RecordBatch], rows: int, size: float = math.inf) -> Iterator[list[pa.RecordBatch]]:
    """Gather batches until they have so many rows, or bytes, together; the last list has what is left."""
    held: list[pa.RecordBatch] = []
    held_rows = held_bytes = 0
    for batch in batches:
        held.append(batch)
        held_rows, held_bytes = held_rows + batch.num_rows, held_bytes + batch.nbytes
        if held_rows >= rows or held_bytes >= size:
            yield held
            held, held_rows, held_bytes = [], 0, 0
    if held_rows:
        yield held


def _joined(batches: Sequence[pa.RecordBatch]) -> Sequence[pa.RecordBatch]:
    """Put small batches together: each costs some work for each column, however few its rows are."""
    if len(batches) < 2:
        return batches
    import pyarrow as pa

    joined: list[pa.RecordBatch] = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return joined
