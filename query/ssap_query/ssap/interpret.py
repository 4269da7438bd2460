"""From a request to what the engine has to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import ParameterError

from ssap_query.ssap.columns import Columns
from ssap_query.ssap.parameter import Lazy
from ssap_query.ssap.params.control import OPERATIONS, checked_count
from ssap_query.ssap.params.position import region
from ssap_query.ssap.predicate import FALSE, TRUE, Predicate, all_of
from ssap_query.ssap.registry import REGISTRY, STEERING, parameter
from ssap_query.ssap.request import SsapRequest
from ssap_query.ssap.values.cones import Region

__all__ = ["DEFAULT_MAXREC", "Query", "interpret"]

#: The reference server's limit where MAXREC is not given; in ``ivoa`` there is none, since a local answer costs nobody.
DEFAULT_MAXREC = {"ivoa": None, "dachs": 10_000}

_MAXREC = "MAXREC"
# What a request for the description of the service looks at.
_OF_DESCRIPTION = ("REQUEST", "VERSION", "FORMAT", "RESPONSEFORMAT")
# The reference server reads these before anything else, in this order; then REQUEST, then the rest.
_TYPED_FIRST = ("SIZE", "FLUXCALIB", "SPECRP", "TOP", "COMPRESS", "RESPONSEFORMAT", "MAXREC", "VERB", "REQUEST")


@dataclass(frozen=True)
class Query:
    """What a request asks for, in terms of columns' roles."""

    where: Predicate
    """Everything but the region, combined with AND."""
    region: Region | None
    """Part of the sky, or None for the whole sky (rows without coordinates included)."""
    maxrec: int | None
    """Most rows of a result; None is no limit."""
    top: int | None
    """Only so many best rows; None is no limit."""
    verb: int
    """1, 2 or 3."""
    metadata_only: bool
    """Whether the service's description is asked for, and no row."""
    response_format: str
    """Canonical name: that of a `ssap_query.arrow.formats.Format`, or of one that the reference server alone has."""
    scored: bool
    """Whether the score of each row is worked out where its column is shown (a position, dialect ``ivoa``)."""
    ranked: bool
    """Whether the best-scored rows come first (TOP with a position, dialect ``ivoa``)."""
    operation: str
    """``queryData`` or ``getTargetNames``."""
    dialect: str
    """``ivoa`` or ``dachs``."""
    words: tuple[str, ...]
    """Each constraint in words."""
    notes: tuple[str, ...]
    """What was passed over, one sentence each."""
    parameters: tuple[str, ...] = ()
    """Names of the parameters that the words are about."""

    @property
    def selects_rows(self) -> bool:
        """Whether rows of the table are asked for: not its description, nor the names of its targets."""
        return not self.metadata_only and self.operation == OPERATIONS[0]

    @property
    def limit(self) -> int | None:
        """Most rows of a result, MAXREC and TOP together; None is no limit. Beyond it is an overflow."""
        given = [n for n in (self.maxrec, self.top) if n is not None]
        return min(given) if given else None


def interpret(request: SsapRequest, schema: Schema, *, ignore_unanswerable: bool = True) -> Query:
    """Read the values of a request and make conditions of them.

    Parameters
    ----------
    request : SsapRequest
        What `parse` returned.
    schema : Schema
        Columns of the mirror.
    ignore_unanswerable : bool
        What becomes of a parameter about which no column tells: it is passed over with a note, as SSA 1.1 §4.1 wants it
        of services, or it is an error. In ``dachs`` it is always passed over.

    Returns
    -------
    Query
        With all conditions combined.

    Raises
    ------
    ParameterError
        The first bad value, in the order in which the reference server looks at them.
    """
    dialect = request.dialect
    if dialect == "dachs" and _asks_for_metadata(request):  # nothing else is looked at
        return replace(_unconstrained(replace(request, first={}), {}), metadata_only=True)
    if dialect == "ivoa" and _has_metadata_format(request):
        request = _of_description(request)
    values, late = _read(request)
    query = _unconstrained(request, values)
    if query.operation != OPERATIONS[0]:
        return query
    columns = Columns.of(schema)
    notes = list(request.notes)
    predicates: list[Predicate] = []
    words: dict[str, str] = {}
    for name, value in values.items():
        param = parameter(name)
        rule = param.rules[dialect]
        missing = [role for role in rule.needs(value) if role not in columns.present]
        if missing and not (param.instead and param.compared(columns, dialect) == param.instead):
            reason = _unanswerable(name, missing, columns)
            # Another column than the parameter's own (a redshift for BAND): a condition that only this value sets.
            if not set(missing) <= set(param.roles) or not (ignore_unanswerable or dialect == "dachs"):
                raise ParameterError(name, request.values[name], f"cannot be answered: {reason}")
            notes.append(f"{reason}; {name} is ignored, as SSA 1.1 (4.1) says of parameters that are not supported")
            continue
        predicate = rule.compile(value, columns)
        if predicate is not None:
            predicates.append(predicate)
        if name not in STEERING:
            words[name] = f"{name}: {rule.words(value)}"
    where = all_of(predicates)
    if late and where != FALSE:
        raise late[0]
    found = None
    if "location" in columns.present:
        found = region(values.get("POS"), values.get("SIZE"), dialect)
    scored = dialect == "ivoa" and found is not None
    if "SIZE" in values and "POS" not in values:
        notes.append("SIZE without POS has no effect")
    if dialect == "dachs" and "POS" in values and "SIZE" not in values:
        notes.append("POS without SIZE has no effect in this dialect")
    return replace(
        query,
        where=where,
        region=found,
        metadata_only=_asks_for_metadata(request),
        scored=scored,
        ranked=scored and query.top is not None,
        words=tuple(words.values()),
        notes=tuple(notes),
        parameters=tuple(words),
    )


def _unanswerable(name: str, missing: Sequence[str], columns: Columns) -> str:
    """Say why no column can be compared with a parameter's value."""
    refused = "; ".join(dict.fromkeys(columns.refused[role] for role in missing if role in columns.refused))
    if refused:
        return f"this mirror cannot compare anything with {name}: {refused}"
    others = [role for role in missing if role not in parameter(name).roles]
    return f"this mirror has no column for {' and '.join(others) if others else name}"


def _read(request: SsapRequest) -> tuple[dict[str, Any], list[Lazy]]:
    """Values of the parameters that were given, and the errors that count only if rows are looked at."""
    order = (*_TYPED_FIRST, *(param.name for param in REGISTRY if param.name not in _TYPED_FIRST))
    values: dict[str, Any] = {}
    late: list[Lazy] = []
    for name in order:
        if name == "REQUEST" and name not in request.values and not _asks_for_metadata(request):
            raise ParameterError(name, "", "is missing: it has to be queryData")
        if name not in request.values:
            continue
        try:
            values[name] = parameter(name).parse(request.values[name], request.dialect)
        except Lazy as error:
            late.append(error)
        if request.dialect == "dachs" and values.get("REQUEST") == "getTargetNames":
            break  # the server looks at no other value then
    return values, late


def _unconstrained(request: SsapRequest, values: Mapping[str, Any]) -> Query:
    """Query without conditions: what the values say about the form of the result alone."""
    if request.dialect == "dachs":
        values = {**values, **_first_values(request)}
    limits = dict.fromkeys((_MAXREC, "TOP"))
    if values.get("REQUEST") != "getTargetNames":  # whose names have no limit, and no one looks whether it is one
        given = {_MAXREC: DEFAULT_MAXREC[request.dialect], **values}
        limits = {name: _checked(name, given.get(name)) for name in limits}
    return Query(
        where=TRUE,
        region=None,
        maxrec=limits[_MAXREC],
        top=limits["TOP"],
        verb=values.get("VERB", 2),
        metadata_only=False,
        response_format=values.get("RESPONSEFORMAT", "votable/td"),
        scored=False,
        ranked=False,
        operation=values.get("REQUEST", OPERATIONS[0]),
        dialect=request.dialect,
        words=(),
        notes=request.notes,
    )


def _first_values(request: SsapRequest) -> dict[str, Any]:
    """MAXREC, VERB and RESPONSEFORMAT as they take effect with the reference server; what is unreadable is left out."""
    given = request.first
    found: dict[str, Any] = {}
    if "MAXREC" in given:
        count = _integer(given["MAXREC"])
        found["MAXREC"] = DEFAULT_MAXREC["dachs"] if count is None else count
    if "VERB" in given:
        level = _integer(given["VERB"])
        found["VERB"] = 2 if level is None else min(max(level, 1), 3)
    if "RESPONSEFORMAT" in given:
        with suppress(ParameterError):  # an unknown first one breaks the server; the one it has checked is the answer
            found["RESPONSEFORMAT"] = parameter("RESPONSEFORMAT").parse(given["RESPONSEFORMAT"], "dachs")
    return found


def _checked(name: str, count: int | None) -> int | None:
    return None if count is None else checked_count(name, str(count), count)


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _asks_for_metadata(request: SsapRequest) -> bool:
    if request.dialect == "dachs":
        return _integer(request.first.get("MAXREC", "")) == 0 or request.first.get("FORMAT", "").lower() == "metadata"
    # DALI 1.1 §3.4.4 has MAXREC=0, SSA 1.1 §6.1 the format.
    return _integer(str(request.values.get("MAXREC", ""))) == 0 or _has_metadata_format(request)


def _has_metadata_format(request: SsapRequest) -> bool:
    formats = str(request.values.get("FORMAT", "")).split(",")
    return "metadata" in [item.strip().lower() for item in formats]


def _of_description(request: SsapRequest) -> SsapRequest:
    """Leave out what a request for the description of a service does not look at, good or bad (SSA 1.1 §6.1)."""
    kept = {name: value for name, value in request.values.items() if name in _OF_DESCRIPTION}
    ignored = [name for name in request.values if name not in kept]
    if not ignored:
        return request
    note = f"FORMAT=METADATA asks for the description alone; {', '.join(ignored)}: ignored, as SSA 1.1 (6.1) wants it"
    return replace(request, values=MappingProxyType(kept), notes=(*request.notes, note))
