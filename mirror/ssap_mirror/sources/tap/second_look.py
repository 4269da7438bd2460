"""A second look at rows of some jobs, once all are done: whether the table is still what it was when they came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.errors import SourceError
from ssap_mirror.sources.harvest.answers import DIGEST, SURVEY_DIGEST, read_answer
from ssap_mirror.sources.harvest.client import InterruptedHarvest
from ssap_mirror.sources.harvest.ledger import Answer
from ssap_mirror.sources.harvest.slices import Range, Slice
from ssap_mirror.sources.source import Finding
from ssap_mirror.sources.tap.jobs import Jobs

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["AGAIN", "look_again"]

#: Name of the sweep; with a number, it is asked for once more.
AGAIN = "again"

# Jobs that are looked at, and rows of each.
_MOST_LOOKS, _ROWS = 3, 200


def look_again(jobs: Jobs, answers: list[Answer]) -> list[Finding]:
    """Ask for some rows of the first jobs, the middle ones and the last again, and say what that shows.

    A table that came in one job is one state of it.

    Parameters
    ----------
    jobs : Jobs
        Asks.
    answers : list of Answer
        All full rows.

    Raises
    ------
    InterruptedHarvest
        If the harvest is to stop. No other error of this look is one of the harvest.
    """
    ranged = [answer for answer in answers if answer.rows and answer.slice.range is not None]
    if len(answers) < 2 or not ranged:
        return []
    picked = np.unique(np.linspace(0, len(ranged) - 1, min(len(ranged), _MOST_LOOKS)).round().astype(int))
    slices = tuple(dict.fromkeys(_part_of(ranged[at]) for at in picked.tolist()))
    try:
        now = jobs.fetch(AGAIN, slices)
        if not _rows_beyond(now, answers):
            return []
        # Other values once more: then they are of the answer, not of the row.
        volatile = _rows_beyond(jobs.fetch(f"{AGAIN}-2", slices), now)
    except InterruptedHarvest:
        raise
    except SourceError as error:
        return [Finding(f"not proven: no rows could be looked at again ({error})", unproven=True)]
    if volatile:
        words = "not proven: values differ in each answer, so that a change of the table would not be seen"
        return [Finding(words, unproven=True)]
    words = f"not settled: of {sum(answer.rows for answer in now):,} rows that were fetched again some had changed"
    return [Finding(words, doubt=True)]


def _part_of(answer: Answer) -> Slice:
    """Find a range within that of an answer that has about so many rows as a look is about."""
    within = answer.slice.range
    assert within is not None
    batches = read_answer(answer.path, [within.parameter])
    values = np.concatenate([b.column(0).drop_null().to_numpy(zero_copy_only=False) for b in batches])
    known = np.unique(values[np.isfinite(values)])
    width = max(1, int(len(known) * _ROWS / answer.rows))
    if len(known) <= width + 1:
        return answer.slice
    first = int(np.random.default_rng(answer.number).integers(0, len(known) - width))
    return Slice(Range(within.parameter, known[first].item(), known[first + width].item()))


def _rows_beyond(some: list[Answer], others: list[Answer]) -> int:
    """Count the rows that are in none of other answers as they are."""
    return int((~np.isin(_digests(some), _digests(others))).sum())


def _digests(answers: list[Answer]) -> NDArray[np.uint64]:
    found = [batch.column(0).to_numpy() for answer in answers for batch in read_answer(answer.path, [_digest(answer)])]
    return np.concatenate(found) if found else np.empty(0, np.uint64)


def _digest(answer: Answer) -> str:
    """Column of the digest of all values, which is that of a survey where a survey sees all."""
    import pyarrow as pa

    with pa.OSFile(str(answer.path)) as file, pa.ipc.open_file(file) as reader:
        return DIGEST if DIGEST in reader.schema.names else SURVEY_DIGEST
