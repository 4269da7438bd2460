"""Simple Cone Search (SCS 1.03): the target's position in a cone, whatever the fibre's is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import ParameterError

from ssap_query.mirror.answer import ParsedRequest
from ssap_query.ssap import TARGET, Cone, Query, Region, parameter
from ssap_query.ssap.params.control import OPERATIONS
from ssap_query.ssap.predicate import TRUE
from ssap_query.ssap.python_values import request_pairs
from ssap_query.ssap.ranges import ivoa_float, ivoa_list

__all__ = ["cone_of", "cone_search"]

# SCS 1.03 §2.1: decimal degrees, ICRS; name, least and largest value.
_NUMBERS = (("RA", 0.0, 360.0), ("DEC", -90.0, 90.0), ("SR", 0.0, 180.0))
# SCS 1.03 §2.2: three columns have to be there, once each, under the UCDs of 1998; clients find them by these alone.
_ID, _RA, _DEC = "ID_MAIN", "POS_EQ_RA_MAIN", "POS_EQ_DEC_MAIN"
_IDENTIFIERS = ("obs_publisher_did", "obs_creator_did", "access_url")


def cone_search(schema: Schema, request: Mapping[str, object], default_maxrec: int | None = None) -> ParsedRequest:
    """Read a cone search.

    Parameters
    ----------
    schema : Schema
        Columns of the mirror.
    request : mapping of str to object
        Parameters by upper-case name: RA, DEC and SR in decimal degrees (ICRS; SR is a radius, edge included), VERB,
        MAXREC (0 asks for the columns alone), RESPONSEFORMAT.
    default_maxrec : int, optional
        Most rows of the result where MAXREC is not given.

    Raises
    ------
    ParameterError
        If a parameter is missing, out of range or cannot be read, or the service has no target positions.
    """
    if not set(TARGET.roles) <= set(schema.roles):
        name = "RA"
        raise ParameterError(name, request.get(name, ""), "cannot be searched: the service has no target positions")
    ra, dec, radius = (_number(request, name, low, high) for name, low, high in _NUMBERS)
    maxrec = _read(request, "MAXREC", default_maxrec)
    query = Query(
        where=TRUE,
        region=Region((Cone(ra, dec, radius),), TARGET),
        maxrec=maxrec,
        top=None,
        verb=_read(request, "VERB", 2),
        metadata_only=maxrec == 0,
        response_format=_read(request, "RESPONSEFORMAT", "votable/td"),
        scored=False,
        ranked=False,
        operation=OPERATIONS[0],
        dialect="ivoa",
        words=(f"target position within {radius:g} deg of RA {ra!r}, Dec {dec!r}",),
        notes=(),
    )
    return ParsedRequest(query, _columns(schema, query.verb), {"selection": query.words[0]}, has_inputs=False)


def cone_of(given: Mapping[str, object], radius: object) -> dict[str, object]:
    """Write what `pyvo.dal.SCSService.search` takes as the request of a cone search.

    Parameters
    ----------
    given : mapping of str to object
        ``pos`` and, if they are there, ``verb`` or ``verbosity`` and ``maxrec``; None is absent.
    radius : object
        A number [deg], Quantity or text.

    Raises
    ------
    ParameterError
        If there is not one position, or a parameter that a cone search does not have.
    """
    values = dict(request_pairs({**given, "size": radius}) if given.get("size") is None else ())
    if not values:
        name = "radius"
        raise ParameterError(name, radius, f"is given beside size ({given['size']!r}); only one of them can hold")
    others = set(values) - {"REQUEST", "POS", "SIZE", "VERB", "MAXREC"}
    if others:
        name = sorted(others)[0]
        reason = "is no parameter of a cone search, which `radius` asks for; with `size` it is one of SSA"
        raise ParameterError(name, values[name], reason)
    position = str(values.get("POS") or "")
    numbers = ivoa_list("POS", position, ivoa_float).items if position else ()
    if len(numbers) != 2:
        name = "pos"
        raise ParameterError(name, position, "is not the one position that a cone search needs")
    ra, dec = position.split(",")
    return {"RA": ra, "DEC": dec, "SR": values["SIZE"], "VERB": values.get("VERB"), "MAXREC": values.get("MAXREC")}


def _columns(schema: Schema, verb: int) -> Schema:
    """Columns of a result: those of VERB, and in any case identifier and position, which have the UCDs of 1998."""
    ucds = {schema.roles["ra"]: _RA, schema.roles["dec"]: _DEC}
    identifier = _identifier(schema)
    if identifier is not None:
        ucds[identifier.name] = _ID
    levels = {column.name for column in schema.up_to(10 * verb)}
    chosen = (column for column in schema if column.name in levels or column.name in ucds)
    # With other UCDs the columns would not be known by what they are.
    roles = {**schema.roles, **({} if identifier is None else {"identity": identifier.name})}
    return Schema(tuple(replace(column, ucd=ucds.get(column.name, column.ucd)) for column in chosen), roles)


def _identifier(schema: Schema) -> Column | None:
    """Column whose values tell rows apart best: a string, as SCS 1.03 §2.2 wants it."""
    by_role = (schema.role(role) for role in _IDENTIFIERS)
    by_ucd = (c for c in schema if (c.ucd or "").replace(" ", "").lower().startswith("meta.id;meta.main"))
    texts = (c for c in schema if not c.is_hidden)
    found = (c for c in (*by_ucd, *by_role, *texts) if c is not None and c.is_text and not c.shape)
    return next(found, None)


def _read(request: Mapping[str, object], name: str, default: Any) -> Any:
    """Read what SSA and DALI have too, by their rules."""
    text = str(request.get(name) or "").strip()
    return parameter(name).parse(text, "ivoa") if text else default


def _number(request: Mapping[str, object], name: str, low: float, high: float) -> float:
    text = str(request.get(name) or "").strip()
    if not text:
        raise ParameterError(name, text, "is missing: a cone search needs RA, DEC and SR")
    value = ivoa_float(name, text)
    if not low <= value <= high:
        raise ParameterError(name, text, f"is not from {low:g} to {high:g} degrees")
    return value
