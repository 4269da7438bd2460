"""Pairs of which no two share a row: the nearest pair first, then the nearest of those that are left, and so on.

That is what STILTS calls the best match, symmetric. A pair that is the best of both its rows is in it whatever else
there is; so all such pairs are taken at once, what shares a row with them is dropped, and what is left is looked at
again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssap_query.xmatch.session import MatchSession

__all__ = ["keep_one_to_one"]

# Each pair that comes before all others of its subject, and before all others of its object
_TAKE = """
INSERT INTO taken SELECT subject_id, n, nearest FROM (
    SELECT *, row_number() OVER (PARTITION BY subject_id ORDER BY nearest.haversine, nearest.object_id) AS of_subject,
        row_number() OVER (PARTITION BY nearest.object_id ORDER BY nearest.haversine, subject_id) AS of_object
    FROM found
) WHERE of_subject = 1 AND of_object = 1
"""
_DROP = """
CREATE OR REPLACE TABLE found AS SELECT * FROM found
WHERE NOT EXISTS (FROM taken WHERE taken.subject_id = found.subject_id)
    AND NOT EXISTS (FROM taken WHERE taken.nearest.object_id = found.nearest.object_id)
"""


def keep_one_to_one(session: MatchSession) -> None:
    """Reduce the table ``found`` of pairs of rows to those that share none.

    Parameters
    ----------
    session : MatchSession
        Where the table is. Of equally near pairs that with the lowest number of the left row is taken, then that with
        the lowest of the right one.
    """
    session.run("CREATE TABLE taken AS FROM found LIMIT 0")
    while session.row("SELECT count(*) FROM found")[0]:
        session.run(_TAKE, _DROP)
    session.run("DROP TABLE found", "ALTER TABLE taken RENAME TO found")
