"""The largest value of a parameter that a refusal names: a number that is said to be a limit, and no other."""

from __future__ import annotations

import re

__all__ = ["named_limit"]

#: Parameter -> words by which a refusal may mean it.
_MEANT = {
    "SIZE": re.compile(r"\b(size|radius|diameter|cone|search (area|region))\b", re.I),
    "MAXREC": re.compile(r"\b(maxrec|rows|records|results|row limit|record limit)\b", re.I),
}
_SENTENCE = re.compile(r"(?<=[.;!?])(?<!max\.)\s+|\n+", re.I)
_VALUE = r"(?P<number>\d+(?:[.,]\d+)*(?:e[+-]?\d+)?)\s*(?P<unit>[a-zµ°%\"']*)"
_BE = r"\s*(?:is|are|was|to|of|at|be|:|=|,|\()?\s*"
_LIMIT = re.compile(
    rf"""(?:
        (?:not|never|n't|no|cannot)\s+(?:be\s+)?(?:larger|greater|bigger|more|higher|wider|longer)\s+than
      | (?:not|never|n't|cannot)\s+(?:be\s+)?(?:above|over|exceed|beyond)
      | (?:larger|greater|bigger|higher|wider|more)\s+than\s+(?:is|the)\b[^\d;.]*
      | exceed(?:s|ed|ing)?\b[^\d;.]*
      | \b(?:above|over|beyond)\s+the\b[^\d;.]*
      | at\s+most | up\s+to | below | under | (?:less|smaller|fewer|lower)\s+than(?:\s+or\s+equal\s+to)?
      | (?:max|maximum|maximal|largest|upper|highest|permitted|allowed)\b\.?[^\d;.]{{0,40}}
      | \blimit(?:ed)?\b[^\d;.]{{0,40}}
      | <=? | ≤
      | (?:between|from|in|range)\b[^\d;.]{{0,20}}\d+(?:\.\d+)?\s*(?:[a-z°]*\s*)(?:and|to|-|–|\.\.|,|/)
    ){_BE}{_VALUE}""",
    re.I | re.X,
)
_LIMIT_BEHIND = re.compile(rf"{_VALUE}\s*(?:is\s+the\s+|at\s+)?(?:max\b|maximum|limit|most|upper)", re.I)
#: Unit of a length on the sky -> degrees.
_DEGREES = {"": 1.0, "deg": 1.0, "degree": 1.0, "degrees": 1.0, "degs": 1.0, "°": 1.0, "d": 1.0}
_DEGREES |= {"arcmin": 1 / 60, "arcmins": 1 / 60, "arcminutes": 1 / 60, "arcminute": 1 / 60, "'": 1 / 60}
_DEGREES |= {"arcsec": 1 / 3600, "arcsecs": 1 / 3600, "arcseconds": 1 / 3600, "arcsecond": 1 / 3600, '"': 1 / 3600}
_DEGREES |= {"rad": 57.29577951308232, "radian": 57.29577951308232, "radians": 57.29577951308232}
# What follows a number that is about something else.
_OTHERS = re.compile(
    r"(m?s|secs?|seconds?|mins?|minutes?|h|hours?|days?|bytes?|[kmg]i?b|%|times|requests?|connections?|characters?)",
    re.I,
)
_THOUSANDS = re.compile(r"\d{1,3}([.,]\d{3})+")


def named_limit(said: str, parameter: str, asked: float) -> float | None:
    """Find the largest value of a parameter that a refusal names, if it is less than what was asked for.

    Parameters
    ----------
    said : str
        What the service says.
    parameter : str
        ``SIZE`` or ``MAXREC``.
    asked : float
        Its value in the request: degrees, or rows.

    Returns
    -------
    float or None
        None where no number is said to be a limit of this parameter.

    Examples
    --------
    >>> named_limit("HTTP 400: SIZE must not be larger than 15.0 degrees", "SIZE", 90)
    15.0
    >>> named_limit("HTTP 400: SIZE is unknown (error 42)", "SIZE", 90) is None
    True
    """
    if not _MEANT[parameter].search(said):
        return None
    found = [
        value
        for sentence in _SENTENCE.split(said)
        for pattern in (_LIMIT, _LIMIT_BEHIND)
        for match in pattern.finditer(sentence)
        if _is_about(sentence, match.start("number"), parameter)
        and (value := _value(match["number"], match["unit"].lower(), parameter)) is not None
    ]
    return max((value for value in found if 0 < value < asked), default=None)


def _is_about(sentence: str, place: int, parameter: str) -> bool:
    """Whether a number in a sentence is about a parameter: the last that is named before it, or else the first."""
    named = [(found.start(), name) for name, words in _MEANT.items() for found in words.finditer(sentence)]
    before = [each for each in named if each[0] < place]
    return (max(before) if before else min(named, default=(0, parameter)))[1] == parameter


def _value(number: str, unit: str, parameter: str) -> float | None:
    """Read a number with its unit; None if it is no value of the parameter."""
    if _OTHERS.fullmatch(unit):
        return None
    if parameter == "MAXREC":
        text = re.sub(r"[.,]", "", number) if _THOUSANDS.fullmatch(number) else number.replace(",", "")
        return float(text) if text.count(".") < 2 else None
    if number.count(".") > 1 or number.count(",") > 1:
        return None
    # A word that is no unit goes on with the sentence.
    return float(number.replace(",", ".")) * _DEGREES.get(unit, 1.0)
