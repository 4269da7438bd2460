"""What a harvest will cost in bytes, minutes and room on disk, from a small sample of full rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ssap_mirror.core import storage
from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import CatalogError
from ssap_mirror.sources.harvest.ledger import Answer
from ssap_mirror.sources.harvest.samples import Sample
from ssap_mirror.sources.source import Estimate

__all__ = ["Price", "bytes_of_answer", "refuse_full_disk"]

# Of the size of rows in memory: compressed answers (0.15), scratch of the build (0.3), the snapshot (0.15).
_DISK_PER_MEMORY = 0.6
_DISK_AT_LEAST = 64 << 20
# Size of an answer as it is sent, and as it is stored beside that, in terms of the latter.
_AS_SENT = 6


@dataclass(frozen=True)
class Price:
    """What a full row costs."""

    wire_bytes: float
    """To transfer [byte]."""
    memory_bytes: float
    """In memory [byte]."""
    seconds: float
    """To be served [s]."""

    @classmethod
    def of_sample(cls, sample: Sample) -> Price:
        """Price of one row of a small answer."""
        rows = max(sample.rows.num_rows, 1)
        return cls(sample.wire_bytes / rows, sample.rows.nbytes / rows, sample.seconds / rows)

    def estimate(self, rows: int | None, schema: Schema, requests: int = 0) -> Estimate:
        """Cost of so many rows of a service's columns; of an unknown number of rows, the least."""
        least = rows or 0
        disk = _DISK_AT_LEAST + int(least * self.memory_bytes * _DISK_PER_MEMORY)
        return Estimate(rows, int(least * self.wire_bytes), least * self.seconds, disk, requests, schema)


def bytes_of_answer(rows: int, known: Sequence[Answer]) -> float:
    """Room that an answer of so many rows needs on disk, as it comes and as it is kept [byte].

    Parameters
    ----------
    rows : int
        Of the answer.
    known : sequence of Answer
        Others of its columns.
    """
    stored = sum(answer.path.stat().st_size for answer in known) / max(sum(answer.rows for answer in known), 1)
    return _AS_SENT * stored * rows


def refuse_full_disk(estimate: Estimate, staging: Path, already: int, share: float) -> None:
    """Stop before a harvest that cannot fit.

    Parameters
    ----------
    estimate : Estimate
        Of the whole harvest.
    staging : pathlib.Path
        Where it will lie.
    already : int
        Bytes of it that are there.
    share : float
        Share of the estimated room that has to be there.

    Raises
    ------
    CatalogError
        If there is not enough room.
    """
    lack = storage.lack_of_room(staging, share * estimate.disk_bytes - already)
    if lack:
        about = "an unknown number of" if estimate.rows is None else f"about {estimate.rows:,}"
        message = f"{staging} has {lack} for the harvest of {about} rows"
        raise CatalogError(message)
