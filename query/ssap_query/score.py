"""How closely a row matches a request with a position: the order in which TOP takes rows (SSA 1.1 §4.1.2, Query.Score).

::

    score = 50 * (1 - separation / radius) + 50 * SNR / (SNR + 10)

Nearer is better and higher signal to noise is better, each worth at most 50. The separation is that of the fibre from
the nearest centre; a cone of radius 0 counts as full nearness. A signal to noise that is missing, NaN or not positive
counts as 0. A request without a position ranks nothing: the column stays as the service sent it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

from ssap_query.params.position import Cone
from ssap_query.predicate import Predicate

__all__ = ["SCORE_RULE", "score", "score_of_joined"]

#: The rule in one line, for people.
SCORE_RULE = "50 (1 - separation/radius) + 50 SNR/(SNR + 10): nearer and higher signal to noise is better"

_SNR: LiteralString = (
    "50 * CASE WHEN isnan({snr}) OR coalesce({snr}, 0) <= 0 THEN 0 WHEN isinf({snr}) THEN 1"
    " ELSE {snr}::DOUBLE / ({snr}::DOUBLE + 10) END"
)


def _nearness(centre_ra: LiteralString, centre_dec: LiteralString, radius: LiteralString) -> LiteralString:
    """1 at the centre, 0 at the edge; ``centre_dec`` occurs twice, before ``centre_ra`` and ``radius``."""
    return (
        "greatest(0, 1 - degrees(2 * asin(least(1, sqrt("
        "pow(sin(radians({location}[2] - " + centre_dec + ") / 2), 2)"
        " + cos(radians({location}[2])) * cos(radians(" + centre_dec + "))"
        " * pow(sin(radians({location}[1] - " + centre_ra + ") / 2), 2))))) / " + radius + ")"
    )


def score(cones: Sequence[Cone], *, with_snr: bool) -> Predicate:
    """Expression of the score, for rows that lie in one of the cones.

    Parameters
    ----------
    cones : sequence of Cone
        At least one; meant for few.
    with_snr : bool
        Whether the service has a column of the role ``snr``.

    Returns
    -------
    Predicate
        SQL of a FLOAT between 0 and 100, roles in braces, and its values.
    """
    parts: list[LiteralString] = []
    values: list[object] = []
    for cone in cones:
        if cone.radius_deg == 0:
            parts.append("1")
        else:
            parts.append(_nearness("?::DOUBLE", "?::DOUBLE", "?::DOUBLE"))
            values += [cone.dec_deg, cone.dec_deg, cone.ra_deg, cone.radius_deg]
    return Predicate(_sum("greatest(0, " + ", ".join(parts) + ")", with_snr=with_snr), tuple(values))


def score_of_joined(*, with_snr: bool) -> Predicate:
    """Expression of the score of a row joined with its cones, one row per pair: the nearest centre's.

    Parameters
    ----------
    with_snr : bool
        As for `score`.
    """
    nearness = _nearness("centre_ra", "centre_dec", "centre_radius")
    part: LiteralString = "CASE WHEN centre_radius = 0 THEN 1 ELSE " + nearness + " END"
    return Predicate("max(" + _sum(part, with_snr=with_snr) + ")")


def _sum(nearness: LiteralString, *, with_snr: bool) -> LiteralString:
    total: LiteralString = "50 * " + nearness
    if with_snr:
        total = total + " + " + _SNR
    return "(" + total + ")::FLOAT"
