"""What `pyvo.dal.SSAService.search` takes, and a little more, as a request.

The text is then read like any other request, so that a search and a request cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping

from ssap_mirror.errors import ParameterError

from ssap_query.ssap.registry import REGISTRY
from ssap_query.ssap.request import Pairs, SsapRequest

__all__ = ["one_request", "request_pairs"]

_ALIASES = {"DIAMETER": "SIZE", "RESPONSE_FORMAT": "RESPONSEFORMAT", "VERBOSITY": "VERB"}


def request_pairs(given: Mapping[str, object]) -> list[tuple[str, object]]:
    """Write a request.

    Parameters
    ----------
    given : mapping of str to object
        Parameter (any case; ``diameter`` is SIZE, ``verbosity`` is VERB) -> value; None is absent. Text is taken as it
        is, as the standard writes it. Else:

        - POS: ``SkyCoord``, a pair of numbers [deg] or Quantities, or many of them: an array of shape (N, 2), a
          sequence of pairs, a ``SkyCoord`` array.
        - SIZE: a number [deg] or Quantity.
        - BAND: a number [m] or Quantity (wavelength, frequency or energy), or a pair of them: a range.
        - TIME, MTIME: ``Time``, ``datetime``, ``date`` (the whole day), ISO text, MJD, or a pair of them: a range.
        - Other numbers: a number or Quantity, or a pair of them: a range.
        - Words: a sequence of strings is a union.

        In a pair, None is an open end. A list of pairs is a union of ranges.

    Returns
    -------
    list of (str, object)
        What `ssap_query.ssap.request.parse` takes.

    Raises
    ------
    ParameterError
        For a value of the wrong kind, a parameter given twice under two names, or a name that is no parameter.
    """
    pairs: list[tuple[str, object]] = [("REQUEST", "queryData")]
    known = {param.name: param for param in REGISTRY}
    seen: dict[str, str] = {}
    for name, value in given.items():
        if value is None:
            continue
        canonical = _ALIASES.get(name.upper(), name.upper())
        if canonical in seen:
            raise ParameterError(name, value, f"is given as {seen[canonical]} too")
        if canonical not in known:
            from difflib import get_close_matches

            near = get_close_matches(canonical, (*known, *_ALIASES), n=1)
            perhaps = f"; perhaps {near[0].lower()} is meant" if near else ""
            raise ParameterError(name, value, f"is not a parameter of a search{perhaps}")
        seen[canonical] = name
        pairs.append((canonical, known[canonical].python(canonical, value)))
    return pairs


def one_request(
    request: str | bytes | Pairs | SsapRequest | None, parameters: Mapping[str, object]
) -> str | bytes | Pairs | SsapRequest:
    """Give the request that is meant where one can be given whole, or by its parameters.

    Parameters
    ----------
    request : str, bytes, iterable of (str, object), or SsapRequest, optional
        The whole one.
    parameters : mapping of str to object
        As `request_pairs` takes them.

    Raises
    ------
    ParameterError
        If there are both, and as for `request_pairs`.
    """
    if request is None:
        return request_pairs(parameters)
    for name, value in parameters.items():
        raise ParameterError(name, value, "is given beside a whole request, which says what selects the spectra")
    return request
