"""Whole rows that are fetched again in a refresh: what a survey does not see of a row shows only in those."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import Schema
from ssap_mirror.sources.harvest.answers import DIGEST, SURVEY_DIGEST, Digests, read_answer
from ssap_mirror.sources.harvest.refresh_base import base_batches
from ssap_mirror.sources.source import Finding

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["SAMPLE", "Sample", "compare_sample"]

#: Name of the sweep for the rows of a sample.
SAMPLE = "sample"

# So many events are not ruled out, at 95 per cent, where none was seen.
_RULE_OF_THREE = 3.0


@dataclass(frozen=True)
class Sample:
    """Rows of the snapshot of a refresh that were fetched again and compared in all columns."""

    wanted: int
    """Rows that were picked at random."""
    compared: int = 0
    """Rows that came, those beside the picked ones too."""
    changed: int = 0
    """Those of them that look to a survey as before, and differ in another column."""
    error: str = ""
    """Why it could not be had; empty if it could."""

    def finding(self) -> Finding:
        """Say what it tells of all rows."""
        if self.error or not self.compared:
            why = self.error or "no row of it came"
            return Finding(f"not proven: no sample of whole rows could be compared ({why})", unproven=True)
        share = min(1.0, _RULE_OF_THREE / min(self.wanted, self.compared))
        words = (
            f"{self.compared:,} whole rows, {self.wanted:,} of them picked at random, are as they were; "
            f"so most likely fewer than {share:.2g} of all rows have changed in any column"
        )
        return Finding(words)


def compare_sample(
    base: Catalog, answers: Iterable[Path], schema: Schema, survey_columns: Schema, identity: str, wanted: int
) -> Sample:
    """Hold whole rows that were fetched against those of the snapshot.

    Parameters
    ----------
    base : Catalog
        The snapshot.
    answers : iterable of pathlib.Path
        Stored answers of full rows.
    schema, survey_columns : Schema
        All columns, and those that a survey sees.
    identity : str
        Column that tells rows apart.
    wanted : int
        How many rows were picked.

    Raises
    ------
    CatalogError
        If the snapshot is damaged or cannot be read.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    digests = Digests(schema, survey_columns)
    full = DIGEST if DIGEST in digests.schema.names else SURVEY_DIGEST
    columns = [identity, full, SURVEY_DIGEST]
    came: dict[str, tuple[int, int]] = {}
    for path in answers:
        for batch in read_answer(path, list(dict.fromkeys(columns))):
            came.update(_by_identity(batch, columns))
    names = pa.array(list(came), pa.string())
    compared = changed = 0
    for batch in base_batches(base, schema):
        known = batch.filter(pc.is_in(batch.column(identity).cast(pa.string()), names))
        for name, (digest, surveyed) in _by_identity(digests.add_to(known), columns).items():
            # What a survey sees has been fetched wherever it changed.
            if came[name][1] == surveyed:
                compared += 1
                changed += came[name][0] != digest
    return Sample(wanted, compared, changed)


def _by_identity(batch: pa.RecordBatch, columns: list[str]) -> dict[str, tuple[int, int]]:
    import pyarrow as pa

    name, full, surveyed = (batch.column(column) for column in columns)
    rows = zip(name.cast(pa.string()).to_pylist(), full.to_pylist(), surveyed.to_pylist(), strict=True)
    return {name: (digest, seen) for name, digest, seen in rows if name is not None}
