"""How closely a row matches a request with a position: the order in which TOP takes rows (SSA 1.1 §4.1.2, Query.Score).

::

    score = 50 * (1 - separation / radius) + 50 * SNR / (SNR + 10)

Nearer is better and higher signal to noise is better, each worth at most 50. The separation is that of the fibre from
the nearest centre; a cone of radius 0 counts as full nearness. A signal to noise that is missing, not finite or not
positive counts as 0. A request without a position ranks nothing: the column stays as the service sent it.

The rule stands here twice: as SQL for statements, and in numpy for rows that are found one by one, where the planning
of the SQL would take longer than all the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, LiteralString

import numpy as np
from ssap_mirror.core.sphere import haversine_sql, separation_arcsec

from ssap_query.arrow.arrays import as_numpy, points
from ssap_query.ssap.predicate import Predicate
from ssap_query.ssap.values.cones import Cone

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["SCORE_ROLES", "SCORE_RULE", "score_of_joined", "score_sql", "scores"]

#: The rule in one line, for people.
SCORE_RULE = "50 (1 - separation/radius) + 50 SNR/(SNR + 10): nearer and higher signal to noise is better"

#: Roles of the columns that it is made of; a service may lack the second.
SCORE_ROLES: tuple[str, ...] = ("location", "snr")

_MAX_SNR = 1e30
_SNR: LiteralString = "CASE WHEN {snr} > 0 AND {snr} < 1e30 THEN {snr}::DOUBLE / ({snr}::DOUBLE + 10) ELSE 0 END"


def scores(columns: Mapping[str, pa.Array], cones: Sequence[Cone]) -> NDArray[np.float32]:
    """Work out the scores of rows that lie in one of the cones.

    Parameters
    ----------
    columns : mapping of str to pyarrow.Array
        The roles ``location`` (pairs of float64 [deg]) and, where the service has it, ``snr``; each of
        shape (n,).
    cones : sequence of Cone
        At least one; meant for few.

    Returns
    -------
    numpy.ndarray of float32, shape (n,)
        0 to 100.
    """
    ra, dec = points(columns["location"]).T
    nearness = np.zeros(len(ra))
    for cone in cones:
        if cone.radius_deg == 0:
            nearness[:] = 1
            continue
        separation_deg = separation_arcsec(ra, dec, cone.ra_deg, cone.dec_deg) / 3600
        np.maximum(nearness, 1 - separation_deg / cone.radius_deg, out=nearness)
    score = 50 * nearness
    if "snr" in columns:
        snr = as_numpy(columns["snr"]).astype(np.float64)
        known = (snr > 0) & (snr < _MAX_SNR)
        score[known] += 50 * (snr[known] / (snr[known] + 10))
    return score.astype(np.float32)


def score_sql(cones: Sequence[Cone], *, with_snr: bool) -> Predicate:
    """Write the score of a row that lies in one of the cones as an expression.

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
    parts: list[LiteralString] = ["0"]
    values: list[object] = []
    for cone in cones:
        if cone.radius_deg == 0:
            parts.append("1")
        else:
            parts.append(_nearness("?::DOUBLE", "?::DOUBLE", "?::DOUBLE"))
            values += [cone.dec_deg, cone.dec_deg, cone.ra_deg, cone.radius_deg]
    return Predicate(_sum("greatest(" + ", ".join(parts) + ")", with_snr=with_snr), tuple(values))


def score_of_joined(*, with_snr: bool) -> Predicate:
    """Write the score of a row joined with its cones, one row per pair, as an aggregate: the nearest centre's.

    Parameters
    ----------
    with_snr : bool
        As for `score_sql`.
    """
    nearness = _nearness("centre_ra", "centre_dec", "centre_radius")
    part: LiteralString = "CASE WHEN centre_radius = 0 THEN 1 ELSE greatest(0, " + nearness + ") END"
    return Predicate("max(" + _sum(part, with_snr=with_snr) + ")")


def _nearness(centre_ra: LiteralString, centre_dec: LiteralString, radius: LiteralString) -> LiteralString:
    """1 at the centre, 0 at the edge; ``centre_dec`` occurs twice, before ``centre_ra`` and ``radius``."""
    haversine = haversine_sql("{location}[1]", "{location}[2]", centre_ra, centre_dec)
    return "1 - degrees(2 * asin(least(1, sqrt(" + haversine + ")))) / " + radius


def _sum(nearness: LiteralString, *, with_snr: bool) -> LiteralString:
    total: LiteralString = "50 * " + nearness
    if with_snr:
        total = total + " + 50 * " + _SNR
    return "(" + total + ")::FLOAT"
