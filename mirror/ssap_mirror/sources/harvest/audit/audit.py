"""Questions about the rows that sweeps have seen, which tell whether the copy is whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.sources.harvest.audit.index import Index
from ssap_mirror.sources.harvest.audit.rows import (
    Changes,
    Missing,
    SeenRows,
    Sight,
    floats_of,
    missing_of,
    seen_rows_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["AUDIT", "Audit"]

#: Name within the staging folder.
AUDIT = "audit"


class Audit(Index):
    """Index of the rows seen that answers questions about them; made as an `Index` is."""

    def rows(self) -> int:
        """Count the different rows that are held in full."""
        if self._identity is None:
            return self.number("SELECT count(DISTINCT full_digest) FROM seen")
        return self.number("SELECT count(DISTINCT identity) FROM seen WHERE full_digest IS NOT NULL")

    def full_rows(self) -> int:
        """Count the full rows that came, those that came again too."""
        return self.number("SELECT count(full_digest) FROM seen")

    def missing_cells(self, *, by_identity: bool = True) -> dict[str, int]:
        """Count by column the cells of the different full rows that had a value which stands for a missing one.

        Of a row that came again, what came last counts; those of the snapshot of a refresh were counted with it.

        Parameters
        ----------
        by_identity : bool
            Whether rows are told apart by their identity; else, or where there is none, by all values.
        """
        found = self.table(
            "SELECT name, count(*) AS cells FROM (SELECT unnest(missing) AS name FROM"
            " (SELECT arg_max_null(missing, number) AS missing FROM seen WHERE full_digest IS NOT NULL"
            " GROUP BY CASE WHEN ? THEN identity ELSE full_digest::VARCHAR END)) GROUP BY name",
            by_identity and self._identity is not None,
        )
        counts = dict(zip(found.column("name").to_pylist(), found.column("cells").to_pylist(), strict=True))
        return {name: counts.get(name, 0) for name in self._schema.missing}

    def seen(self) -> int:
        """Count the different rows that anything has seen."""
        return self.number("SELECT count(DISTINCT identity) FROM seen")

    def named(self, since: int) -> int:
        """Count the different rows that the survey has seen that is believed."""
        return self.number("SELECT count(*) FROM survey(?)", since)

    def lacking(self, numbers: Iterable[int]) -> int:
        """Count the full rows that none of some answers has."""
        return self.number(
            "SELECT count(*) FROM held"
            " ANTI JOIN (SELECT identity FROM seen WHERE list_contains(?, number)) USING (identity)",
            list(numbers),
        )

    def unnamed(self) -> int:
        """Count the rows without an identity."""
        return self.number("SELECT count(*) FROM seen WHERE ascii(identity) = 0")

    def brought_by(self) -> dict[int, int]:
        """Answer -> number of rows that it was the first to give in full."""
        found = self.table(
            "SELECT first, count(*) AS rows FROM"
            " (SELECT min(number) AS first FROM seen WHERE full_digest IS NOT NULL GROUP BY identity) GROUP BY first"
        )
        return dict(zip(found.column("first").to_pylist(), found.column("rows").to_pylist(), strict=True))

    def fetched(self) -> tuple[int, int]:
        """Count the rows that the snapshot of a refresh does not have, and those of it that were fetched again."""
        new = self.number("SELECT count(*) FROM (SELECT 1 FROM seen GROUP BY identity HAVING min(number) > 0)")
        again = self.number(
            "SELECT count(*) FROM (SELECT 1 FROM seen WHERE full_digest IS NOT NULL GROUP BY identity"
            " HAVING min(number) = 0 AND max(number) > 0)"
        )
        return new, again

    def undated(self) -> int:
        """Count the different rows that have no date."""
        return self.number("SELECT count(*) FROM (SELECT 1 FROM seen GROUP BY identity HAVING count(t) = 0)")

    def dates(self) -> NDArray[np.float64]:
        """Dates of all rows that anything has seen, each once; MJD [d]."""
        return floats_of(self.table("SELECT any_value(t) AS t FROM seen WHERE t IS NOT NULL GROUP BY identity"), "t")

    def missing(self, since: int) -> Missing:
        """Rows that a survey saw, and that are not held, or were held before and looked otherwise.

        Parameters
        ----------
        since : int
            First answer of the survey that is believed.
        """
        table = self.table(
            "SELECT identity, survey.ra, survey.dec, survey.number"
            " FROM survey(?) AS survey LEFT JOIN held USING (identity)"
            " WHERE held.number IS NULL OR (held.number < survey.number AND held.digest <> survey.digest)"
            " OR identity IN (FROM twins(?)) ORDER BY 1",
            since,
            since,
        )
        return missing_of(table)

    def changes(self, since: int) -> Changes:
        """Signs of change, counted after what is missing was asked for.

        Parameters
        ----------
        since : int
            First answer of the survey that is believed.
        """
        changed = self.number(
            "SELECT count(*) FROM (SELECT identity FROM survey(?) AS survey JOIN held USING (identity)"
            " WHERE held.number > survey.number AND held.digest <> survey.digest"
            " UNION SELECT identity FROM seen WHERE full_digest IS NOT NULL AND number >= ?"
            " GROUP BY identity HAVING count(DISTINCT full_digest) > 1)",
            since,
            since,
        )
        unseen = self.number(
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
        return self.number(
            "SELECT count(*) FROM (SELECT 1 FROM seen WHERE full_digest IS NOT NULL AND number > 0"
            " AND ascii(identity) <> 0 GROUP BY identity, survey_digest HAVING count(DISTINCT full_digest) > 1)"
        )

    def lost(self, since: int, sees: Sight, but: Iterable[int] = ()) -> SeenRows:
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
        table = self.table(
            "SELECT identity, ra, dec, t, number IS NOT NULL AS held FROM unseen(?, ?)"
            " WHERE ? OR ((number = 0 OR surveyed) AND ((? AND ra IS NOT NULL) OR (? AND t IS NOT NULL)))"
            " OR (? AND surveyed AND coalesce(number, 1) > 0) ORDER BY identity",
            since,
            list(but),
            *wanted,
        )
        return seen_rows_of(table)

    def overlooked(self, sweep: Iterable[int], others: Iterable[int], sees: Sight) -> int:
        """Count the rows that some answers have, and a sweep has not, though it would have seen them.

        Parameters
        ----------
        sweep : iterable of int
            Answers of the sweep.
        others : iterable of int
            Answers of other sweeps of the same time.
        sees : Sight
            Which rows it would have seen.
        """
        return self.number(
            "SELECT count(DISTINCT identity) FROM seen"
            " WHERE list_contains(?, number) AND (? OR (? AND ra IS NOT NULL) OR (? AND t IS NOT NULL))"
            " AND identity NOT IN (SELECT identity FROM seen WHERE list_contains(?, number))",
            list(others),
            sees.everything,
            sees.placed,
            sees.dated,
            list(sweep),
        )

    def pick(self, rows: int, seed: int) -> SeenRows:
        """Pick at random so many rows of the snapshot that later answers have seen, none of them in full.

        Parameters
        ----------
        rows : int
            How many; there may be fewer.
        seed : int
            Another picks others.
        """
        return seen_rows_of(
            self.table(
                "SELECT identity, any_value(ra) AS ra, any_value(dec) AS dec, any_value(t) AS t, true AS held FROM seen"
                " GROUP BY identity HAVING min(number) = 0 AND max(number) > 0 AND (count(ra) > 0 OR count(t) > 0)"
                " AND max(number) FILTER (full_digest IS NOT NULL) = 0 ORDER BY hash(identity, ?) LIMIT ?",
                seed,
                rows,
            )
        )

    def unwatched(self, since: int, sees: Sight) -> int:
        """Count the rows of the snapshot of a refresh that the survey would not see, be they there or not."""
        return self.number(
            "SELECT count(*) FROM unseen(?, [])"
            " WHERE number = 0 AND NOT (? OR (? AND ra IS NOT NULL) OR (? AND t IS NOT NULL))",
            since,
            sees.everything,
            sees.placed,
            sees.dated,
        )

    def positions(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Positions of all rows that a survey or the snapshot of a refresh has, as often as they came; ICRS [deg]."""
        query = "SELECT ra, dec FROM seen WHERE (full_digest IS NULL OR number = 0) AND ra IS NOT NULL"
        table = self.table(query)
        return floats_of(table, "ra"), floats_of(table, "dec")

    def ambiguous(self) -> int:
        """Count the identities that one single answer gives to different rows: then it is no identity."""
        if self._identity is None:
            return 0
        return self.number(
            "SELECT count(*) FROM (SELECT 1 FROM seen GROUP BY identity, number"
            " HAVING count(DISTINCT survey_digest) > 1 OR count(DISTINCT full_digest) > 1)"
        )
