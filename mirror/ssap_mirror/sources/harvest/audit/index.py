"""Every row that any sweep has seen, in one index.

It is a DuckDB file that is made anew from the journaled answers, so it may be lost at any time; what does not fit into
its memory limit spills to disk.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import CatalogError
from ssap_mirror.sources.harvest.answers import DIGEST, MISSING, SURVEY_DIGEST, Digests, read_answer
from ssap_mirror.sources.harvest.ledger import Answer
from ssap_mirror.sources.harvest.positions import columns_read, dates, positions
from ssap_mirror.sources.harvest.refresh_base import base_batches

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Index", "translate_index_errors"]

_MEMORY = "400MB"

# A row seen: a survey's has no full digest, and answer 0 is the snapshot that a refresh starts from. `held` is the
# newest full row of each identity, `survey` the last time that a survey saw it, from a given answer on, and `unseen`
# are the rows that no answer has had from then on, but for some answers that do not count. `twins` are rows without an
# identity that a survey cannot tell apart, and of which one of its answers has more than there are full rows.
_TABLES = """
CREATE TABLE seen (
    number INTEGER, identity VARCHAR, t DOUBLE, ra DOUBLE, dec DOUBLE, full_digest UBIGINT, survey_digest UBIGINT,
    missing VARCHAR[]
);
CREATE VIEW held AS
    SELECT identity, arg_max(survey_digest, number) AS digest, max(number) AS number,
        any_value(ra) AS ra, any_value(t) AS t
    FROM seen WHERE full_digest IS NOT NULL GROUP BY identity;
CREATE MACRO survey(since) AS TABLE
    SELECT identity, arg_max(survey_digest, number) AS digest, max(number) AS number,
        any_value(ra) AS ra, any_value(dec) AS dec
    FROM seen WHERE full_digest IS NULL AND number >= since GROUP BY identity;
CREATE MACRO unseen(since, but) AS TABLE
    SELECT identity, ra, dec, t, number, surveyed FROM (
        SELECT identity, any_value(ra) AS ra, any_value(dec) AS dec, any_value(t) AS t,
            max(number) FILTER (full_digest IS NOT NULL) AS number, bool_or(full_digest IS NULL) AS surveyed,
            max(number) FILTER (NOT list_contains(but, number)) AS last
        FROM seen GROUP BY identity
    ) WHERE last < since;
CREATE MACRO twins(since) AS TABLE
    SELECT identity FROM (
        SELECT identity, full_digest, max(rows) AS rows FROM (
            SELECT identity, number, full_digest, count(*) AS rows FROM seen
            WHERE ascii(identity) = 0 AND (full_digest IS NOT NULL OR number >= since)
            GROUP BY identity, number, full_digest
        ) GROUP BY identity, full_digest
    ) GROUP BY identity
    HAVING max(rows) FILTER (full_digest IS NULL) > sum(rows) FILTER (full_digest IS NOT NULL);
"""


@contextlib.contextmanager
def translate_index_errors(folder: Path) -> Iterator[None]:
    """Tell what fails in the index, a full disk for one, in one sentence.

    Raises
    ------
    CatalogError
        In place of an error of DuckDB.
    """
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        message = f"the audit's index in {folder} failed: {str(error).splitlines()[0]}"
        raise CatalogError(message) from error


class Index:
    """Rows seen, a context that closes it.

    Parameters
    ----------
    folder : pathlib.Path
        For the index.
    schema : Schema
        All columns of the service.
    identity : str or None
        Column that tells rows apart; without one, rows are the same if the columns of a survey are equal.
    survey_columns : Schema
        Columns that a survey sees.
    """

    def __init__(self, folder: Path, schema: Schema, identity: str | None, survey_columns: Schema) -> None:
        import duckdb

        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "index.duckdb"
        for stale in (path, folder / "index.duckdb.wal"):
            stale.unlink(missing_ok=True)
        self._schema = schema
        self._identity = identity
        self._survey_columns = survey_columns
        self._known: set[int] = set()
        self._duckdb = duckdb.connect(
            str(path), config={"threads": 2, "memory_limit": _MEMORY, "temp_directory": str(folder / "spill")}
        )
        self._duckdb.execute(_TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._duckdb.close()

    @property
    def identity(self) -> str | None:
        """Column that tells rows apart."""
        return self._identity

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

    def forget(self, numbers: Iterable[int]) -> None:
        """Take out answers that turned out to be none.

        Parameters
        ----------
        numbers : iterable of int
            Of the answers.
        """
        gone = list(numbers)
        self._known -= set(gone)
        self._duckdb.execute("DELETE FROM seen WHERE number IN (SELECT unnest(?))", [gone])

    def add_base(self, catalog: Catalog) -> None:
        """Take in the rows of a snapshot, as answer 0.

        Raises
        ------
        CatalogError
            If it cannot be read.
        """
        digests = Digests(self._survey_columns, self._survey_columns)
        for batch in base_batches(catalog, self._schema):
            narrow = batch.select(list(self._survey_columns.names))
            rows = self._rows(digests.add_to(narrow), 0, full=True)
            self._duckdb.from_arrow(rows).insert_into("seen")

    def _columns(self, path: Path) -> list[str]:
        import pyarrow as pa

        with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:
            there = reader.schema.names
        wanted = [self._identity, *columns_read(self._schema), DIGEST, SURVEY_DIGEST, MISSING]
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
                "t": pa.array(dates(self._schema, batch), from_pandas=True),
                "ra": pa.array(ra, from_pandas=True),
                "dec": pa.array(dec, from_pandas=True),
                "full_digest": digest if full else pa.nulls(count, pa.uint64()),
                "survey_digest": survey_digest,
                "missing": batch.column(MISSING) if MISSING in batch.schema.names else _nothing_missing(count),
            }
        )

    def table(self, query: str, *values: object) -> pa.Table:
        """Ask the index for rows; ``?`` in the query are values."""
        return self._duckdb.sql(query, params=list(values)).to_arrow_table()

    def number(self, query: str, *values: object) -> int:
        """Ask the index for one number."""
        return int(self._duckdb.sql(query, params=list(values)).fetchall()[0][0])


def _nothing_missing(rows: int) -> pa.Array:
    import pyarrow as pa

    return pa.nulls(rows, pa.list_(pa.string()))
