"""What a reader of a match should know of the rows that went into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssap_query.xmatch.join.pairs import Join
    from ssap_query.xmatch.join.points import Points
    from ssap_query.xmatch.session import MatchSession

__all__ = ["notes_of"]

_PLACED = "isfinite(ra) AND isfinite(dec) AND abs(dec) <= 90 AND ra >= -180 AND ra <= 360"


def notes_of(session: MatchSession, join: Join) -> list[str]:
    """Sentences about rows that cannot match, or whose motions, dates or errors are missing, with their numbers."""
    found: list[str] = []
    for points in (join.left, join.right):
        counts = _counts(session, points, join)
        total = f"of {points.rows:,} rows of the {points.side} table"
        texts = {
            "unplaced": "have no position that can be matched (NULL, NaN, or outside RA -180 to 360, dec -90 to 90)",
            "unmoved": "have no proper motion: taken as zero",
            "undated": "have no date: compared without motion",
            "unweighted": "have no error: taken as zero",
        }
        found += [f"{counts[key]:,} {total} {text}" for key, text in texts.items() if counts.get(key)]
    return found


def _counts(session: MatchSession, points: Points, join: Join) -> dict[str, int]:
    tests = {"unplaced": f"NOT coalesce({_PLACED}, false)"}
    if "pmra" in points.keys:
        tests["unmoved"] = "NOT coalesce(isfinite(pmra) AND isfinite(pmdec), false)"
    if "epoch" in points.keys:
        tests["undated"] = "NOT coalesce(isfinite(epoch), false)"
    if "sigma" in points.keys:
        tests["unweighted"] = "NOT coalesce(isfinite(sigma) AND sigma >= 0, false)"
    weight = "n" if points.reduced else "1"
    source = session.connection.view(f"{points.side}_unique" if points.reduced else f"{points.side}_keys")
    sums = ", ".join(f"coalesce(sum({weight}) FILTER ({test}), 0)::BIGINT" for test in tests.values())
    return dict(zip(tests, source.aggregate(sums).fetchall()[0], strict=True))
