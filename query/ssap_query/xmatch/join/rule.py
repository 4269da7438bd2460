"""Which pairs of rows belong to the result of a cross-match, and which rows without a partner."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Literal, TypeAlias, get_args

from ssap_mirror.errors import ParameterError

__all__ = ["Find", "JoinKind", "Rule"]

Find: TypeAlias = Literal["best", "all", "best-per-target", "symmetric", "unmatched", "best-other", "anti"]
# Words of earlier versions.
_OLD_FIND: dict[str, Find] = {"best-other": "best-per-target", "anti": "unmatched"}
JoinKind: TypeAlias = Literal["inner", "left", "right", "outer"]

_RADIUS, _MIN_RADIUS, _FIND, _JOIN = "radius_arcsec", "min_radius_arcsec", "find", "join"
_SIGMA, _NEIGHBORS, _BEST_BY = "sigma", "n_neighbors", "best_by"
_MAX_RADIUS_ARCSEC = 3600.0
_RANKED = ("best", "best-per-target")
# Side whose rows get partners: so many each, or none
_SUBJECT: dict[str, Literal["left", "right"] | None] = {"best": "left", "best-per-target": "right", "unmatched": "left"}


@dataclass(frozen=True)
class Rule:
    """What is a match, and what the result has of it; the arguments of `ssap_query.xmatch.crossmatch`."""

    radius_arcsec: float
    """Largest separation [arcsec], inclusive."""
    find: Find = "best"
    """Which of the pairs within the radius."""
    join: JoinKind = "inner"
    """Which rows without a partner are in the result."""
    min_radius_arcsec: float = 0.0
    """Least separation [arcsec], inclusive."""
    n_neighbors: int = 1
    """Partners that a row gets at most, where it gets the best."""
    best_by: str | None = None
    """SQL expression on the columns of the side that partners come from; its largest value is best."""
    n_sigma: float | None = None
    """Largest separation in combined errors, within the radius."""
    self_pairs: bool = True
    """Whether rows of the same number may be a pair."""

    def __post_init__(self) -> None:
        _check_number(_RADIUS, self.radius_arcsec)
        if not 0 < self.radius_arcsec <= _MAX_RADIUS_ARCSEC:
            raise ParameterError(_RADIUS, self.radius_arcsec, "is not above 0 and at most 3600")
        _check_number(_MIN_RADIUS, self.min_radius_arcsec)
        if not 0 <= self.min_radius_arcsec <= self.radius_arcsec:
            raise ParameterError(_MIN_RADIUS, self.min_radius_arcsec, "is not between 0 and the radius")
        object.__setattr__(self, _FIND, _OLD_FIND.get(self.find, self.find))
        if self.find not in get_args(Find):
            words = (word for word in get_args(Find) if word not in _OLD_FIND)
            raise ParameterError(_FIND, self.find, f"is none of {', '.join(words)}")
        if self.join not in get_args(JoinKind):
            raise ParameterError(_JOIN, self.join, f"is none of {', '.join(get_args(JoinKind))}")
        if self.find == "unmatched" and self.join != "inner":
            raise ParameterError(
                _JOIN, self.join, "has no pairs to add rows to: find='unmatched' gives rows without partner"
            )
        if self.n_sigma is not None and not 0 < self.n_sigma < math.inf:
            raise ParameterError(_SIGMA, self.n_sigma, "is not a number above 0")
        if isinstance(self.n_neighbors, bool) or not isinstance(self.n_neighbors, int) or self.n_neighbors < 1:
            raise ParameterError(_NEIGHBORS, self.n_neighbors, "is not a whole number above 0")
        for name, value, is_set in (
            (_NEIGHBORS, self.n_neighbors, self.n_neighbors != 1),
            (_BEST_BY, self.best_by, self.best_by is not None),
        ):
            if is_set and self.find not in _RANKED:
                raise ParameterError(name, value, f"needs find={' or '.join(_RANKED)}, not {self.find}")

    @property
    def subject(self) -> Literal["left", "right"] | None:
        """Side whose rows get partners; None: pairs are chosen, not partners."""
        return _SUBJECT.get(self.find)

    @property
    def is_one_to_one(self) -> bool:
        """Whether pairs are chosen such that no row of either side is in two."""
        return self.find == "symmetric"

    @property
    def has_many(self) -> bool:
        """Whether a row of the side that the result follows may have several partners."""
        return self.find == "all" or self.n_neighbors > 1

    def keeps(self, side: str) -> bool:
        """Whether rows of a side that have no partner are in the result, beside the pairs."""
        return self.join in (side, "outer")

    def needs_rows(self, side: str) -> bool:
        """Whether partners are chosen among the rows of a side, so that rows at one place must not be taken as one."""
        if self.is_one_to_one or not self.self_pairs:
            return True
        is_subject = side == (self.subject or "left")
        return not is_subject and (self.n_neighbors > 1 or (self.find == "all" and self.join != "inner"))


def _check_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ParameterError(name, value, "is not a number")
