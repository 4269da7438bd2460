"""Simple Cone Search (SCS 1.03): the target's position in a cone, whatever the fibre's is."""

from __future__ import annotations

from collections.abc import Mapping

from ssap_mirror.errors import ParameterError

from ssap_query.engine.engine import Engine
from ssap_query.mirror.answer import provenance
from ssap_query.mirror.result import ResultSet
from ssap_query.ssap import TARGET, Cone, Query, Region
from ssap_query.ssap.predicate import TRUE

__all__ = ["cone_search"]

# SCS 1.03 §2.1: decimal degrees, ICRS; name, least and largest value.
_NUMBERS = (("RA", 0.0, 360.0), ("DEC", -90.0, 90.0), ("SR", 0.0, 180.0))
# SCS 1.03 §2.1: VERB 1, 2, 3, like that of SSA.
_VERBS = {"1": 1, "2": 2, "3": 3}


def cone_search(engine: Engine, request: Mapping[str, object], maxrec: int | None = None) -> ResultSet:
    """Answer a cone search.

    Parameters
    ----------
    engine : Engine
        The open snapshot.
    request : mapping of str to object
        Parameters by upper-case name: RA, DEC and SR in decimal degrees (ICRS; SR is a radius, edge included), VERB.
    maxrec : int, optional
        Most rows of the result.

    Raises
    ------
    ParameterError
        If a parameter is missing or out of range, or the service has no target positions.
    CatalogError
        If the snapshot cannot be read.
    """
    schema = engine.catalog.schema
    if not set(TARGET.roles) <= set(schema.roles):
        name = "RA"
        raise ParameterError(name, request.get(name, ""), "cannot be searched: the service has no target positions")
    numbers = [_number(request, name, low, high) for name, low, high in _NUMBERS]
    verb = str(request.get("VERB") or 2).strip()
    if verb not in _VERBS:
        name = "VERB"
        raise ParameterError(name, verb, "is none of 1, 2, 3")
    query = Query(
        where=TRUE,
        region=Region((Cone(*numbers),), TARGET),
        maxrec=maxrec,
        top=None,
        verb=_VERBS[verb],
        metadata_only=False,
        response_format="votable/td",
        scored=False,
        ranked=False,
        operation="queryData",
        dialect="ivoa",
        words=("target position within {2} deg of RA {0}, Dec {1}".format(*numbers),),
        notes=(),
    )
    shown = schema.up_to(10 * query.verb)
    rows, truncated = engine.plan(query, shown).rows()
    infos = provenance(engine.catalog) | {"selection": query.words[0]}
    return ResultSet(shown, rows, truncated, infos=infos, service_xml=engine.catalog.service_xml)


def _number(request: Mapping[str, object], name: str, low: float, high: float) -> float:
    text = str(request.get(name) or "").strip()
    if not text:
        raise ParameterError(name, text, "is missing: a cone search needs RA, DEC and SR")
    try:
        value = float(text)
    except ValueError:
        raise ParameterError(name, text, "is not a number") from None
    if not low <= value <= high:
        raise ParameterError(name, text, f"is not from {low:g} to {high:g} degrees")
    return value
