"""A second look at some full rows, once all are at hand: whether the table is still what it was when they came."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ssap_mirror.core.healpix import cell_of, healpix_29
from ssap_mirror.errors import SourceError
from ssap_mirror.sources.harvest.answers import read_answer
from ssap_mirror.sources.harvest.client import InterruptedHarvest
from ssap_mirror.sources.harvest.ledger import Answer
from ssap_mirror.sources.harvest.positions import columns_read, dates, positions
from ssap_mirror.sources.harvest.slices import Cell, Range, Slice
from ssap_mirror.sources.ssap.probe.traits import TIME
from ssap_mirror.sources.ssap.sweeps import Sweeps

__all__ = ["look_again"]

# Looks: a share of the harvest's answers, few at least and not many at most.
_SHARE, _AT_LEAST, _AT_MOST = 0.05, 3, 8
# Rows that one look is about.
_ROWS = 1000


def look_again(sweeps: Sweeps) -> None:
    """Ask for some full rows again, those that came first among them, and tell the audit.

    A harvest that came in one answer is one state of the table; it is not looked at again.

    Parameters
    ----------
    sweeps : Sweeps
        Of a harvest that is finished.
    """
    answers = [answer for answer in sweeps.harvested() if answer.rows]
    if len(answers) < 2:
        return
    sweeps.progress.stage("second look", None)
    count = min(len(answers), max(_AT_LEAST, min(_AT_MOST, math.ceil(_SHARE * len(answers)))))
    # What changed meanwhile was asked for before: the first answer is the likeliest to be stale.
    picked = np.unique(np.linspace(0, len(answers) - 1, count).round().astype(int))
    try:
        sweeps.fetch_again([_part_of(sweeps, answers[at]) for at in picked.tolist()])
    except InterruptedHarvest:
        raise
    except SourceError as error:
        sweeps.progress.note(f"some rows could not be looked at again: {error}")


def _part_of(sweeps: Sweeps, answer: Answer) -> Slice:
    """Find a slice within that of an answer, of about so many rows as a look is about."""
    if answer.rows <= 2 * _ROWS:
        return answer.slice
    rng = np.random.default_rng(answer.number)
    schema = sweeps.probe.description.schema
    batches = list(read_answer(answer.path, list(columns_read(schema))))
    within, cell = answer.slice.range, answer.slice.cell
    if within is not None and within.parameter == TIME and cell is None:
        known = np.unique(np.concatenate([dates(schema, batch) for batch in batches]))
        known = known[np.isfinite(known) & within.holds(known)]
        width = max(1, int(len(known) * _ROWS / answer.rows))
        if len(known) > width + 1:
            first = int(rng.integers(0, len(known) - width))
            return replace(answer.slice, range=Range(TIME, float(known[first]), float(known[first + width])))
    if cell is not None:
        found = [there for batch in batches if (there := positions(schema, batch)) is not None]
        ra, dec = (np.concatenate([np.empty(0), *(part[at] for part in found)]) for at in (0, 1))
        placed = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
        if len(placed):
            order = min(cell.order + math.ceil(math.log(answer.rows / _ROWS, 4)), 12)
            one = rng.choice(placed)
            pixel = int(cell_of(healpix_29(ra[[one]], dec[[one]]), order)[0])
            return replace(answer.slice, cell=Cell(order, pixel))
    return answer.slice
