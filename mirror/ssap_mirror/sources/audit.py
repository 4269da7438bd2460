"""The audit: every row that any sweep has seen, in one index, and the questions that tell whether the copy is whole.

The index is a DuckDB file that is made anew from the journaled answers, so it may be lost at any time; what does not
fit into its memory limit spills to disk.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssap_mirror.schema import Schema
from ssap_mirror.sources.answers import DIGEST, SURVEY_DIGEST, read_answer
from ssap_mirror.sources.describe import positions
from ssap_mirror.sources.sweep import Answer

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Audit", "Missing"]

_MEMORY = "400MB"


@dataclass(frozen=True)
class Missing:
    """Rows that a survey has seen and no full answer holds."""

    identities: tuple[str, ...]
    """Of each."""
    ra: NDArray[np.float64]
    """ICRS right ascension [deg], shape (N,); NaN where unknown."""
    dec: NDArray[np.float64]
    """ICRS declination [deg], shape (N,)."""
    answers: NDArray[np.int64]
    """Number of a survey's answer that has the row, shape (N,)."""

    def __len__(self) -> int:
        return len(self.identities)


class Audit:
    """Index of the rows seen.

    Parameters
    ----------
    folder : pathlib.Path
        For the index.
    schema : Schema
        All columns of the service.
    identity : str or None
        Column that tells rows apart; without one, rows are the same if the columns of a survey are equal.
    """

    def __init__(self, folder: Path, schema: Schema, identity: str | None) -> None:
        import duckdb

        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "index.duckdb"
        for stale in (path, folder / "index.duckdb.wal"):
            stale.unlink(missing_ok=True)
        self._schema = schema
        self._identity = identity
        self._known: set[int] = set()
        self._duckdb = duckdb.connect(
            str(path), config={"threads": 2, "memory_limit": _MEMORY, "temp_directory": str(folder / "spill")}
        )
        self._duckdb.execute(
            "CREATE TABLE seen (number INTEGER, identity VARCHAR, t DOUBLE, ra DOUBLE, dec DOUBLE,"
            " full_digest UBIGINT, survey_digest UBIGINT)"
        )

    def close(self) -> None:
        """Close the index."""
        self._duckdb.close()

    def add(self, answers: Iterable[Answer], *, full: bool) -> None:
        """Take in answers that are not in yet.

        Parameters
        ----------
        answers : iterable of Answer
            Of surveys or of sweeps for full rows.
        full : bool
            Whether they hold full rows.
        """
        for answer in answers:
            if answer.number in self._known:
                continue
            self._known.add(answer.number)
            for batch in read_answer(answer.path, self._columns(answer.path)):
                rows = self._rows(batch, answer.number, full)
                self._duckdb.from_arrow(rows).insert_into("seen")

    def rows(self) -> int:
        """Count the different rows that are held in full."""
        return self._number("SELECT count(DISTINCT identity) FROM seen WHERE full_digest IS NOT NULL")

    def seen(self) -> int:
        """Count the different rows that anything has seen."""
        return self._number("SELECT count(DISTINCT identity) FROM seen")

    def duplicates(self) -> int:
        """How many full rows came more than once, each counted as often as it came too often."""
        return self._number("SELECT count(*) - count(DISTINCT identity) FROM seen WHERE full_digest IS NOT NULL")

    def first_seen(self) -> dict[int, int]:
        """Answer -> number of rows that it was the first to give in full."""
        found = self._duckdb.sql(
            "SELECT first, count(*) FROM"
            " (SELECT min(number) AS first FROM seen WHERE full_digest IS NOT NULL GROUP BY identity) GROUP BY first"
        )
        return dict(found.fetchall())

    def undated(self) -> int:
        """Count the different rows that have no date."""
        return self._number("SELECT count(*) FROM (SELECT 1 FROM seen GROUP BY identity HAVING count(t) = 0)")

    def dates(self) -> NDArray[np.float64]:
        """Dates of all rows that anything has seen, each once; MJD [d]."""
        found = self._duckdb.sql("SELECT any_value(t) AS t FROM seen WHERE t IS NOT NULL GROUP BY identity")
        dates: NDArray[np.float64] = found.to_arrow_table().column("t").to_numpy()
        return dates

    def missing(self) -> Missing:
        """Rows that were seen and are not held."""
        table = self._duckdb.sql(
            "SELECT identity, any_value(ra) AS ra, any_value(dec) AS dec, max(number) AS number"
            " FROM seen GROUP BY identity HAVING count(full_digest) = 0 ORDER BY identity"
        ).to_arrow_table()
        return Missing(
            identities=tuple(table.column("identity").to_pylist()),
            ra=_floats(table, "ra"),
            dec=_floats(table, "dec"),
            answers=table.column("number").to_numpy().astype(np.int64),
        )

    def survey_positions(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Positions of all rows that a survey has seen, each as often as it came; ICRS [deg]."""
        table = self._duckdb.sql(
            "SELECT ra, dec FROM seen WHERE full_digest IS NULL AND ra IS NOT NULL"
        ).to_arrow_table()
        return _floats(table, "ra"), _floats(table, "dec")

    def ambiguous(self) -> int:
        """Count the identities that one single answer gives to different rows: then it is no identity."""
        return self._number(
            "SELECT count(*) FROM (SELECT 1 FROM seen GROUP BY identity, number"
            " HAVING count(DISTINCT survey_digest) > 1 OR count(DISTINCT full_digest) > 1)"
        )

    def _columns(self, path: Path) -> list[str]:
        import pyarrow as pa

        with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:
            there = reader.schema.names
        roles = [self._schema.role(role) for role in ("t_mid", "location", "ra", "dec")]
        wanted = [self._identity, *(column.name for column in roles if column is not None), DIGEST, SURVEY_DIGEST]
        return [name for name in dict.fromkeys(wanted) if name is not None and name in there]

    def _rows(self, batch: pa.RecordBatch, number: int, full: bool) -> pa.Table:  # noqa: FBT001
        import pyarrow as pa
        import pyarrow.compute as pc

        count = batch.num_rows
        survey_digest = batch.column(SURVEY_DIGEST)
        digest = batch.column(DIGEST) if DIGEST in batch.schema.names else survey_digest
        # A row without an identity is known by its values; the mark keeps it apart from every real identity.
        identity = pc.binary_join_element_wise("\x00", survey_digest.cast(pa.string()), "")
        if self._identity is not None:
            identity = pc.coalesce(batch.column(self._identity).cast(pa.string()), identity)
        ra, dec = positions(self._schema, batch) or (np.full(count, np.nan), np.full(count, np.nan))
        return pa.table(
            {
                "number": pa.array(np.full(count, number, np.int32)),
                "identity": identity,
                "t": self._dates(batch),
                "ra": pa.array(ra, from_pandas=True),
                "dec": pa.array(dec, from_pandas=True),
                "full_digest": digest if full else pa.nulls(count, pa.uint64()),
                "survey_digest": survey_digest,
            }
        )

    def _dates(self, batch: pa.RecordBatch) -> pa.Array:
        import pyarrow as pa

        column = self._schema.role("t_mid")
        if column is None or column.name not in batch.schema.names or column.datatype not in ("float", "double"):
            return pa.nulls(batch.num_rows, pa.float64())
        dates = batch.column(column.name).to_numpy(zero_copy_only=False).astype(np.float64)
        return pa.array(np.where(np.isfinite(dates), dates, np.nan), from_pandas=True)

    def _number(self, query: Any) -> int:
        row = self._duckdb.sql(query).fetchall()[0]
        return int(row[0])


def _floats(table: pa.Table, name: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = table.column(name).cast("float64").to_numpy()
    return values
