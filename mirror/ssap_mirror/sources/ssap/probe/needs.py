"""What a service needs in every request: nothing, a position, or any constraint at all."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace

from ssap_mirror.errors import FormatError, ServiceError, SourceError, TransportError
from ssap_mirror.sources.harvest.client import ServerFailure
from ssap_mirror.sources.harvest.samples import Sample
from ssap_mirror.sources.harvest.slices import COLLECTION, Cell, order_of_discs
from ssap_mirror.sources.ssap.endpoint import Endpoint

__all__ = ["ALL_SKY", "with_constraint"]

#: A cone of the whole sky, be SIZE its diameter or its radius.
ALL_SKY = (("POS", "0,0"), ("SIZE", "360"))
# What else selects all rows that have a value, and is refused by few services.
_ALL_VALUES = (
    (("TIME", "1850-01-01T00:00:00/2150-01-01T00:00:00"),),
    (("BAND", "1e-13/1e4"),),
    (("SNR", "0/1e9"),),
)
# Parameters that a table can be cut by; what overlaps a range of BAND overlaps a half of it, too.
_CUTTING = ("POS", "TIME", "SNR")
# SIZEs to try where a service refuses the whole sky and does not say what it takes [deg].
_SIZES = (180.0, 90.0, 45.0, 15.0, 5.0, 1.0)
# Cones to look for a first row in, where none may hold the whole sky.
_LOOKS = 24
# Collections to look at: without any other constraint, and with those of which one may be needed as well.
_LOOKS_AT_COLLECTIONS, _LOOKS_WITH_CONSTRAINTS = 12, 3
_REFUSALS = (ServiceError, FormatError, ServerFailure)
_WANTS = re.compile(r"mandatory|requir|missing|must|need|specif", re.I)


def with_constraint(endpoint: Endpoint, most_cones: int, declared: tuple[str, ...] = ()) -> Endpoint:
    """See whether a request without any constraint has rows, and if not, with which constraint one has.

    Parameters
    ----------
    endpoint : Endpoint
        The service.
    most_cones : int
        A sky that takes more cones is not asked for; nor are more collections.
    declared : tuple of str
        Collections that the service declares (OPTIONs of COLLECTION); if nothing else has rows, each is asked for.

    Raises
    ------
    SourceError
        If the service refuses all of them, in the words of its first refusal; or if it takes too many cones.
    """
    found, refused = _that_has_rows(endpoint)
    if found is None:
        found = _in_collections(endpoint, declared, most_cones)
    if found is not None:
        return found
    if endpoint.limits.size_deg is not None:
        return _with_small_cones(endpoint, most_cones)
    if refused is not None:
        raise _with_hint(refused)
    return endpoint


def _that_has_rows(endpoint: Endpoint) -> tuple[Endpoint | None, SourceError | None]:
    """Find a constraint that has rows, and the first refusal if there is one."""
    has_rows, refused = _without_constraint(endpoint)
    return (endpoint if has_rows else _with_some_constraint(endpoint, refused)), refused


def _without_constraint(endpoint: Endpoint, attempts: int | None = None) -> tuple[bool, SourceError | None]:
    """Whether a request without any constraint has rows, and how it is refused if it is."""
    try:
        return endpoint.sample([("MAXREC", "1")], attempts=attempts).rows.num_rows > 0, None
    except (*_REFUSALS, TransportError) as error:
        _raise_if_gone(endpoint, error)
        return False, error


def _with_some_constraint(endpoint: Endpoint, refused: SourceError | None) -> Endpoint | None:
    for constraint in _constraints(endpoint, refused):
        if _rows_with(endpoint, constraint):
            # What cannot cut a table is of use beside what can, and that has been refused alone.
            if constraint[0][0] not in _CUTTING:
                return replace(endpoint, needed=constraint)
            return replace(endpoint, everywhere=constraint)
    return None


def _in_collections(endpoint: Endpoint, declared: tuple[str, ...], most: int) -> Endpoint | None:
    """Put a collection that has rows first, of those that somebody names or else the service; None if none has."""
    if COLLECTION in {name.upper() for name, _ in endpoint.parameters}:
        return None
    names = endpoint.collections or declared
    if len(names) > most:
        message = f"{endpoint.url} wants COLLECTION and has {len(names):,}, more than {most:,} requests (--most-cones)"
        raise SourceError(message)
    # The first, if somebody names it, was the first to be asked.
    begun = 1 if endpoint.collections else 0
    turned = [replace(endpoint, collections=(*names[at:], *names[:at])) for at in range(begun, len(names))]
    looked_at = []
    for candidate in turned[:_LOOKS_AT_COLLECTIONS]:
        has_rows, refused = _without_constraint(candidate, attempts=2)
        if has_rows:
            return candidate
        looked_at.append((candidate, refused))
    tried = (_with_some_constraint(*look) for look in looked_at[:_LOOKS_WITH_CONSTRAINTS])
    return next((found for found in tried if found is not None), None)


def _with_hint(refused: SourceError) -> SourceError:
    """Say what can be done about a refusal that wants something."""
    if not isinstance(refused, ServiceError) or not _WANTS.search(str(refused)):
        return refused
    return ServiceError(f"{refused} (--param NAME=VALUE sends a parameter with every request)")


def _constraints(endpoint: Endpoint, refused: SourceError | None) -> Iterator[tuple[tuple[str, str], ...]]:
    """Constraints to try: the whole sky, or as much of it as the service takes; then values of anything."""
    if endpoint.limits.size_deg is None:
        yield ALL_SKY
    # A refusal names the limit, or there is none; a table without any row does not deserve six more requests.
    if endpoint.limits.size_deg is None and refused is not None:
        yield from _ALL_VALUES
        for size in _SIZES:
            if endpoint.limits.size_deg is None:
                yield (("POS", "0,0"), ("SIZE", repr(size)))


def _rows_with(endpoint: Endpoint, constraint: tuple[tuple[str, str], ...]) -> bool:
    answer = _answer(endpoint, constraint)
    return answer is not None and answer.rows.num_rows > 0


def _answer(endpoint: Endpoint, constraint: tuple[tuple[str, str], ...]) -> Sample | None:
    try:
        return endpoint.sample([*constraint, ("MAXREC", "1")], attempts=2)
    except (*_REFUSALS, TransportError) as error:
        _raise_if_gone(endpoint, error)
        return None


def _raise_if_gone(endpoint: Endpoint, error: SourceError) -> None:
    """Raise what is no answer to a request, but for an answer that breaks off where all of them do: it was too much."""
    if not isinstance(error, _REFUSALS) and not endpoint.limits.breaks_off:
        raise error


def _with_small_cones(endpoint: Endpoint, most_cones: int) -> Endpoint:
    """Find a cone that has a row, where the largest SIZE is less than the sky."""
    size = endpoint.limits.size_deg
    assert size is not None
    order = order_of_discs(size)
    cones = 12 * 4**order
    if cones > most_cones:
        message = (
            f"{endpoint.url} takes a SIZE of {size:g} degrees at most, so that its sky is {cones:,} cones, more than "
            f"{most_cones:,} requests (--most-cones); nothing was fetched"
        )
        raise SourceError(message)
    step = max(1, cones // _LOOKS)
    for pixel in itertools.islice(range(0, cones, step), _LOOKS):
        ra, dec, _ = Cell(order, pixel).disc()
        constraint = (("POS", f"{ra!r},{dec!r}"), ("SIZE", repr(size)))
        if _rows_with(endpoint, constraint):
            return replace(endpoint, everywhere=constraint)
    # Nothing there, perhaps: the harvest will tell.
    return replace(endpoint, everywhere=(("POS", "0,0"), ("SIZE", repr(size))))
