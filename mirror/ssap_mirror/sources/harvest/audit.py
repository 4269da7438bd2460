"""The audit: every row that any sweep has seen, in one index, and the questions that tell whether the copy is whole.

The index is a DuckDB file that is made anew from the journaled answers, so it may be lost at any time; what does not
fit into its memory limit spills to disk.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import CatalogError
from ssap_mirror.sources.harvest.answers import DIGEST, SURVEY_DIGEST, Digests, read_answer
from ssap_mirror.sources.harvest.ledger import Answer
from ssap_mirror.sources.harvest.positions import columns_read, dates, positions
from ssap_mirror.sources.harvest.refresh_base import base_batches

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["AUDIT", "Audit", "Changes", "Lost", "Missing", "Sight", "translate_index_errors"]

#: Name within the staging folder.
AUDIT = "audit"

_MEMORY = "400MB"

# A row seen: a survey's has no full digest, and answer 0 is the snapshot that a refresh starts from. `held` is the
# newest full row of each identity, `survey` the last time that a survey saw it, from a given answer on, and `unseen`
# are the rows that no answer has had from then on, but for some answers that do not count.
_TABLES = """
CREATE TABLE seen (
    number INTEGER, identity VARCHAR, t DOUBLE, ra DOUBLE, dec DOUBLE, full_digest UBIGINT, survey_digest UBIGINT
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
"""


@dataclass(frozen=True)
class Missing:
    """Rows that a survey has seen and no full answer holds as it saw them."""

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


@dataclass(frozen=True)
class Sight:
    """Which rows a survey would have seen, had they been there."""

    everything: bool = False
    """All of them: it had no constraint."""
    placed: bool = False
    """Those with a position."""
    dated: bool = False
    """Those with a date."""
    surveyed: bool = False
    """Those that an earlier one like it has seen."""


@dataclass(frozen=True)
class Lost:
    """Rows that were seen before, and that a survey did not see again."""

    identities: tuple[str, ...]
    """Of each."""
    ra: NDArray[np.float64]
    """ICRS right ascension [deg], shape (N,); NaN where unknown."""
    dec: NDArray[np.float64]
    """ICRS declination [deg], shape (N,)."""
    t: NDArray[np.float64]
    """Date, MJD [d], shape (N,); NaN where there is none."""
    held: NDArray[np.bool_]
    """Whether the full row is at hand, shape (N,)."""

    def __len__(self) -> int:
        return len(self.identities)


@dataclass(frozen=True)
class Changes:
    """Signs that the table changed while it was read, or that the service gave answers that were not whole."""

    changed: int
    """Rows whose values differ between answers."""
    gone: int
    """Rows that a survey saw, and that were not there when they were asked for."""
    unseen: int
    """Full rows with a position that the survey by position did not see."""

    def __bool__(self) -> bool:
        return bool(self.changed or self.gone or self.unseen)


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


class Audit:
    """Index of the rows seen, a context that closes it.

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

    def __enter__(self) -> Audit:
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

    def rows(self) -> int:
        """Count the different rows that are held in full."""
        if self._identity is None:
            return self._number("SELECT count(DISTINCT full_digest) FROM seen")
        return self._number("SELECT count(DISTINCT identity) FROM seen WHERE full_digest IS NOT NULL")

    def full_rows(self) -> int:
        """Count the full rows that came, those that came again too."""
        return self._number("SELECT count(full_digest) FROM seen")

    def seen(self) -> int:
        """Count the different rows that anything has seen."""
        return self._number("SELECT count(DISTINCT identity) FROM seen")

    def named(self, since: int) -> int:
        """Count the different rows that the survey has seen that is believed."""
        return self._number("SELECT count(*) FROM survey(?)", since)

    def lacking(self, number: int) -> int:
        """Count the full rows that one answer does not have."""
        return self._number(
            "SELECT count(*) FROM held ANTI JOIN (SELECT identity FROM seen WHERE number = ?) USING (identity)", number
        )

    def unnamed(self) -> int:
        """Count the rows without an identity."""
        return self._number("SELECT count(*) FROM seen WHERE ascii(identity) = 0")

    def brought_by(self) -> dict[int, int]:
        """Answer -> number of rows that it was the first to give in full."""
        found = self._duckdb.sql(
            "SELECT first, count(*) FROM"
            " (SELECT min(number) AS first FROM seen WHERE full_digest IS NOT NULL GROUP BY identity) GROUP BY first"
        )
        return dict(found.fetchall())

    def fetched(self) -> tuple[int, int]:
        """Count the rows that the snapshot of a refresh does not have, and those of it that were fetched again."""
        new = self._number("SELECT count(*) FROM (SELECT 1 FROM seen GROUP BY identity HAVING min(number) > 0)")
        again = self._number(
            "SELECT count(*) FROM (SELECT 1 FROM seen WHERE full_digest IS NOT NULL GROUP BY identity"
            " HAVING min(number) = 0 AND max(number) > 0)"
        )
        return new, again

    def undated(self) -> int:
        """Count the different rows that have no date."""
        return self._number("SELECT count(*) FROM (SELECT 1 FROM seen GROUP BY identity HAVING count(t) = 0)")

    def dates(self) -> NDArray[np.float64]:
        """Dates of all rows that anything has seen, each once; MJD [d]."""
        found = self._duckdb.sql("SELECT any_value(t) AS t FROM seen WHERE t IS NOT NULL GROUP BY identity")
        dates: NDArray[np.float64] = found.to_arrow_table().column("t").to_numpy()
        return dates

    def missing(self, since: int) -> Missing:
        """Rows that a survey saw, and that are not held, or were held before and looked otherwise.

        Parameters
        ----------
        since : int
            First answer of the survey that is believed.
        """
        table = self._table(
            "SELECT identity, survey.ra, survey.dec, survey.number"
            " FROM survey(?) AS survey LEFT JOIN held USING (identity)"
            " WHERE held.number IS NULL OR (held.number < survey.number AND held.digest <> survey.digest) ORDER BY 1",
            since,
        )
        return _missing(table)

    def changes(self, since: int) -> Changes:
        """Signs of change, counted after what is missing was asked for.

        Parameters
        ----------
        since : int
            First answer of the survey that is believed.
        """
        changed = self._number(
            "SELECT count(*) FROM (SELECT identity FROM survey(?) AS survey JOIN held USING (identity)"
            " WHERE held.number > survey.number AND held.digest <> survey.digest"
            " UNION SELECT identity FROM seen WHERE full_digest IS NOT NULL AND number >= ?"
            " GROUP BY identity HAVING count(DISTINCT full_digest) > 1)",
            since,
            since,
        )
        unseen = self._number(
            "SELECT count(*) FROM held ANTI JOIN survey(?) USING (identity) WHERE ra IS NOT NULL AND number >= ?",
            since,
            since,
        )
        return Changes(changed, len(self.missing(since)), unseen)

    def restless(self) -> int:
        """Count the rows that two answers give with other values, in columns that no survey sees.

        What a survey sees of a row is fetched again when it changes. Of other columns only two answers that happen to
        hold the same row tell, and the rows that came before the change may all be stale.
        """
        if self._identity is None:
            return 0
        return self._number(
            "SELECT count(*) FROM (SELECT 1 FROM seen WHERE full_digest IS NOT NULL AND number > 0"
            " AND ascii(identity) <> 0 GROUP BY identity, survey_digest HAVING count(DISTINCT full_digest) > 1)"
        )

    def lost(self, since: int, sees: Sight, but: Iterable[int] = ()) -> Lost:
        """Rows from before the survey that is believed, which it would have seen, and which nothing has seen since.

        Parameters
        ----------
        since : int
            First answer of that survey.
        sees : Sight
            Which rows it would have seen.
        but : iterable of int
            Later answers that do not count.
        """
        wanted = [sees.everything, sees.placed, sees.dated, sees.surveyed]
        table = self._duckdb.sql(
            "SELECT identity, ra, dec, t, number IS NOT NULL AS held FROM unseen(?, ?)"
            " WHERE ? OR ((number = 0 OR surveyed) AND ((? AND ra IS NOT NULL) OR (? AND t IS NOT NULL)))"
            " OR (? AND surveyed AND coalesce(number, 1) > 0) ORDER BY identity",
            params=[since, list(but), *wanted],
        ).to_arrow_table()
        return Lost(
            identities=tuple(table.column("identity").to_pylist()),
            ra=_floats(table, "ra"),
            dec=_floats(table, "dec"),
            t=_floats(table, "t"),
            held=table.column("held").to_numpy(zero_copy_only=False).astype(np.bool_),
        )

    def unwatched(self, since: int, sees: Sight) -> int:
        """Count the rows of the snapshot of a refresh that the survey would not see, be they there or not."""
        return self._number(
            "SELECT count(*) FROM unseen(?, [])"
            " WHERE number = 0 AND NOT (? OR (? AND ra IS NOT NULL) OR (? AND t IS NOT NULL))",
            since,
            sees.everything,
            sees.placed,
            sees.dated,
        )

    def unknown_in(self, answers: Iterable[int], number: int) -> Missing:
        """Rows of some answers that another answer does not have."""
        table = self._duckdb.sql(
            "SELECT identity, any_value(ra) AS ra, any_value(dec) AS dec, max(number) AS number FROM seen"
            " WHERE number IN (SELECT unnest(?)) AND identity NOT IN (SELECT identity FROM seen WHERE number = ?)"
            " GROUP BY identity ORDER BY identity",
            params=[list(answers), number],
        ).to_arrow_table()
        return _missing(table)

    def positions(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Positions of all rows that a survey or the snapshot of a refresh has, as often as they came; ICRS [deg]."""
        query = "SELECT ra, dec FROM seen WHERE (full_digest IS NULL OR number = 0) AND ra IS NOT NULL"
        table = self._duckdb.sql(query).to_arrow_table()
        return _floats(table, "ra"), _floats(table, "dec")

    def ambiguous(self) -> int:
        """Count the identities that one single answer gives to different rows: then it is no identity."""
        if self._identity is None:
            return 0
        return self._number(
            "SELECT count(*) FROM (SELECT 1 FROM seen GROUP BY identity, number"
            " HAVING count(DISTINCT survey_digest) > 1 OR count(DISTINCT full_digest) > 1)"
        )

    def _columns(self, path: Path) -> list[str]:
        import pyarrow as pa

        with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:
            there = reader.schema.names
        wanted = [self._identity, *columns_read(self._schema), DIGEST, SURVEY_DIGEST]
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
            }
        )

    def _table(self, query: str, since: int) -> pa.Table:
        return self._duckdb.sql(query, params=[since]).to_arrow_table()

    def _number(self, query: str, *values: int) -> int:
        return int(self._duckdb.sql(query, params=list(values)).fetchall()[0][0])


def _missing(table: pa.Table) -> Missing:
    return Missing(
        identities=tuple(table.column("identity").to_pylist()),
        ra=_floats(table, "ra"),
        dec=_floats(table, "dec"),
        answers=table.column("number").to_numpy().astype(np.int64),
    )


def _floats(table: pa.Table, name: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = table.column(name).cast("float64").to_numpy()
    return values
