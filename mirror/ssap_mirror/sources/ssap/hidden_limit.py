"""A limit that a service does not tell of: answers to different questions that have the very same number of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core.schema import Schema
from ssap_mirror.core.sphere import separation_arcsec
from ssap_mirror.sources.harvest.answers import SURVEY_DIGEST, read_answer
from ssap_mirror.sources.harvest.ledger import Answer
from ssap_mirror.sources.harvest.positions import columns_read, positions
from ssap_mirror.sources.harvest.slices import Cell, Slice

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["find_hidden_limit", "suspects", "words_of_limit"]

# Slices of a few rows each have equal numbers by chance, and no service has so small a limit.
_FEWEST_ROWS = 40
# Spectra come by the plate, so that slices may well be equally full: so many of them are looked into.
_MOST_SUSPECTS = 2
# What lies within this share of a disc's radius lies in it, whatever position of a row POS is about.
_CLEARLY_INSIDE = 0.98

#: Asks for parts of the slice of an answer, as the sweep that is looked at asked for it.
Ask = Callable[[Answer, Sequence[Slice]], list[Answer]]


def words_of_limit(rows: int) -> str:
    """Say at how many rows a service cuts its answers."""
    return f"the service cuts its answers at {rows:,} rows and does not say so"


def suspects(answers: Sequence[Answer]) -> list[Answer]:
    """Answers that share the largest number of rows of a sweep with others: all of them may have been cut off there.

    Parameters
    ----------
    answers : sequence of Answer
        Of one sweep.
    """
    counts = Counter(answer.rows for answer in answers)
    most = max(counts, default=0)
    if most < _FEWEST_ROWS or counts[most] < 2:
        return []
    return [answer for answer in answers if answer.rows == most]


def find_hidden_limit(
    answers: Sequence[Answer], known: NDArray[np.float64] | None, schema: Schema, ask: Ask
) -> int | None:
    """Find the number of rows at which a service cuts its answers without saying so; None if nothing shows one.

    A slice is asked for once more in smaller parts. What a part has, the whole slice has to have as well.

    Parameters
    ----------
    answers : sequence of Answer
        Of one sweep.
    known : numpy.ndarray of float64, optional
        Values of the swept parameter, by which a slice is cut.
    schema : Schema
        Columns of the answers.
    ask : callable
        Asks for the parts.
    """
    odd = [answer for answer in suspects(answers) if not _is_as_planned(answer, known)]
    for answer in odd[:_MOST_SUSPECTS]:
        parts = answer.slice.cut(known)
        if parts is not None and any(_beyond(answer, part, schema) for part in ask(answer, parts)):
            return answer.rows
    return None


def _is_as_planned(answer: Answer, known: NDArray[np.float64] | None) -> bool:
    """Whether an answer has all the rows that another sweep saw: slices are planned to be equally full."""
    within = answer.slice.range
    return within is not None and known is not None and 0 < int(within.holds(known).sum()) <= answer.rows


def _beyond(whole: Answer, part: Answer, schema: Schema) -> bool:
    """Whether a part of a slice has a row that the answer for the whole slice lacks."""
    digests = [batch.column(0).to_numpy() for batch in read_answer(whole.path, [SURVEY_DIGEST])]
    there = np.concatenate(digests) if digests else np.empty(0, np.uint64)
    there_too = (batch for batch in read_answer(part.path, _columns(part, schema)))
    return any(
        (~np.isin(batch.column(SURVEY_DIGEST).to_numpy(), there) & _inside(whole.slice.cell, batch, schema)).any()
        for batch in there_too
    )


def _columns(answer: Answer, schema: Schema) -> list[str]:
    return [SURVEY_DIGEST, *(name for name in columns_read(schema) if name in schema and answer.slice.cell is not None)]


def _inside(cell: Cell | None, batch: pa.RecordBatch, schema: Schema) -> NDArray[np.bool_]:
    """Which rows of a part are in the whole for certain: discs around the quarters of a cell reach beyond its own."""
    if cell is None:
        return np.ones(batch.num_rows, np.bool_)
    found = positions(schema, batch)
    if found is None:
        return np.zeros(batch.num_rows, np.bool_)
    ra, dec, radius = cell.disc()
    with np.errstate(invalid="ignore"):
        inside: NDArray[np.bool_] = separation_arcsec(ra, dec, *found) / 3600 < _CLEARLY_INSIDE * radius
    return inside
