"""A third sweep: by which parameter it can be had, judged by the values of the rows at hand, and what it may cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.sources.harvest.answers import read_answer
from ssap_mirror.sources.harvest.ledger import Answer
from ssap_mirror.sources.harvest.slices import Slice, plan_ranges
from ssap_mirror.sources.source import RequestPolicy
from ssap_mirror.sources.ssap.probe import Probe
from ssap_mirror.sources.ssap.probe.traits import ROLE_OF

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ThirdSweep", "choose_third_sweep", "values_at_hand"]

# A slice is planned for half of its limit: it also has rows that nobody has seen yet.
_FILLED = 0.5
# A value that so many of the slice's rows share leaves no room for those.
_CROWDED = 0.9
# Requests that an optional sweep may take at any rate, and what one may need beyond its plan.
_FEW_REQUESTS, _SPARE = 16, 1.3
_NUMBERS = ("float", "double", "short", "int", "long")


@dataclass(frozen=True)
class ThirdSweep:
    """A sweep for identities by a parameter that neither survey nor harvest went by."""

    parameter: str
    """A range parameter whose test is of one value, so that slices separate rows."""
    slices: tuple[Slice, ...]
    """As planned from the values at hand; none is expected to overflow."""
    maxrec: int
    """Limit of each request [rows]."""
    most_requests: int
    """After so many requests it is given up."""
    rows: int
    """Rows at hand that it sees again."""

    def words(self) -> str:
        """Say what it costs."""
        return (
            f"a third sweep, by {self.parameter}: about {len(self.slices):,} requests, at most {self.most_requests:,}, "
            f"for the identities of some {self.rows:,} rows"
        )


def choose_third_sweep(
    values: Mapping[str, NDArray[np.float64]],
    copies: float,
    policy: RequestPolicy,
    requests: int,
    answer_limit: int | None,
) -> ThirdSweep | str:
    """Choose the parameter that sees most rows, in slices none of which can overflow, within the budget.

    Parameters
    ----------
    values : mapping of str to numpy.ndarray of float64
        Parameter -> values of the rows at hand, as often as they came; parameters that test for an overlap are not
        among them, since cutting a range does not separate what lies across the cut.
    copies : float
        How often a row came, on average.
    policy : RequestPolicy
        Sizes of answers, and the share of requests that a proof may take.
    requests : int
        Requests of slices so far.
    answer_limit : int or None
        Rows at which the service cuts its answers without saying so.

    Returns
    -------
    ThirdSweep or str
        Or why there is none: a clause that follows a semicolon.
    """
    if not values:
        return "the service has no third parameter that separates rows"
    allowed = max(_FEW_REQUESTS, int(policy.proof_share * requests))
    limit = policy.highest_maxrec if answer_limit is None else answer_limit
    sizes = min(policy.survey_rows, limit), min(max(policy.survey_rows, policy.whole_table_rows), limit)
    found = [_planned(name, known, copies, sizes, allowed) for name, known in values.items()]
    sweeps = [sweep for sweep in found if isinstance(sweep, ThirdSweep)]
    if sweeps:
        return max(sweeps, key=lambda sweep: sweep.rows)
    return ", ".join(why for why in found if isinstance(why, str))


def _planned(
    parameter: str, known: NDArray[np.float64], copies: float, sizes: tuple[int, int], allowed: int
) -> ThirdSweep | str:
    """Plan slices of the smallest size, of those between two, with which the budget is kept."""
    if not len(known):
        return f"no row at hand has a value for {parameter}"
    maxrec, largest = sizes
    while True:
        slices = plan_ranges(parameter, known, max(1, int(_FILLED * maxrec * copies)))
        needed = max(len(slices) + 1, math.ceil(_SPARE * len(slices)))
        if needed <= allowed or maxrec >= largest:
            break
        maxrec = min(2 * maxrec, largest)
    fullest = max(int(slice_.range.holds(known).sum()) for slice_ in slices if slice_.range is not None)
    if fullest > _CROWDED * maxrec * copies:
        return f"too many rows have the same value of {parameter}"
    if needed > allowed:
        return f"a sweep by {parameter} would take {needed:,} requests, more than the {allowed:,} that a proof may take"
    return ThirdSweep(parameter, tuple(slices), maxrec, needed, int(len(known) / copies))


def values_at_hand(parameter: str, probe: Probe, answers: Iterable[Answer]) -> NDArray[np.float64]:
    """Values that full rows have for a range parameter, as often as they came; else, of an own one, the probe's.

    Parameters
    ----------
    parameter : str
        Its name; dates are another matter, since surveys see them too.
    probe : Probe
        The service.
    answers : iterable of Answer
        Of full rows.
    """
    own = next((own for own in probe.traits.own if own.name == parameter), None)
    schema = probe.description.schema
    column = schema.role(ROLE_OF[parameter]) if own is None else schema[own.column]
    if column is None or column.datatype not in _NUMBERS:
        return np.empty(0)
    found = [
        batch.column(0).to_numpy(zero_copy_only=False).astype(np.float64)
        for answer in answers
        for batch in read_answer(answer.path, [column.name])
    ]
    values: NDArray[np.float64] = np.concatenate(found) if found else np.empty(0)
    values = values[np.isfinite(values)]
    return own.values if own is not None and not len(values) else values
