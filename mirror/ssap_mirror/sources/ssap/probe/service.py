"""What an SSAP service is like, found out with a handful of small requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.core.units import to_degrees
from ssap_mirror.errors import FormatError, ServiceError, SourceError
from ssap_mirror.sources.corrections import Corrections
from ssap_mirror.sources.harvest.client import InterruptedHarvest
from ssap_mirror.sources.harvest.positions import columns_read
from ssap_mirror.sources.harvest.samples import BINARY2, Sample
from ssap_mirror.sources.harvest.slices import COLLECTION
from ssap_mirror.sources.http.limits import ServiceLimits
from ssap_mirror.sources.source import Description
from ssap_mirror.sources.ssap.endpoint import Endpoint
from ssap_mirror.sources.ssap.probe.needs import with_constraint
from ssap_mirror.sources.ssap.probe.traits import VERBS, Traits, find_traits
from ssap_mirror.sources.ssap.probe.volatile import volatile_columns
from ssap_mirror.tables.votable.model import Param

__all__ = ["Probe", "probe"]

# Roles of columns in which services put what belongs to a request. Not the score: rows are compared without it anyhow,
# since the standard makes it a property of the query (SSA 1.1, section 4.2.3.1).
_OF_REQUESTS = ("access_url", "identity")


@dataclass(frozen=True)
class Probe:
    """All that is known of a service before it is harvested."""

    endpoint: Endpoint
    """How it is asked."""
    description: Description
    """What it says of itself."""
    traits: Traits
    """How it behaves."""


def probe(endpoint: Endpoint, known: Schema | None, title: str, corrections: Corrections | None = None) -> Probe:
    """Ask for columns, verbosity levels and parameters, and see how the service behaves.

    Parameters
    ----------
    endpoint : Endpoint
        Of which nothing but the address is known, and what somebody says of it.
    known : Schema or None
        Exact verbosity levels and roles by column name, where they are known beforehand.
    title : str
        For people.
    corrections : Corrections, optional
        What somebody says of its columns.

    Raises
    ------
    SourceError
        If the endpoint cannot be reached or is no SSAP service.
    ParameterError
        If a correction names a column that the service does not have.
    """
    parameters, notes = _parameters(endpoint)
    endpoint = replace(endpoint, limits=ServiceLimits(endpoint.limits.size_deg or _declared_size(parameters)))
    try:
        found = with_constraint(endpoint, endpoint.client.policy.most_cones, _declared_collections(parameters))
    except FormatError as error:
        raise SourceError(_no_service(endpoint, error)) from error
    if found.collections:
        listed = ", ".join(sorted(found.collections))
        notes += (f"the service wants COLLECTION, so each that is known is asked for: {listed}",)
    endpoint = found
    if not parameters or "RESPONSEFORMAT" in {column.name.upper() for column in parameters}:
        endpoint = _with_binary2(endpoint)
    answers = _one_row_answers(endpoint)
    schema = _levelled([answer.reader.schema for answer in answers], known)
    if not len(schema):
        message = f"{endpoint.url} is not an SSAP service: its answers have no columns"
        raise SourceError(message)
    notes += answers[-1].reader.notes + (() if known is None else _differences(schema, known))
    schema = (corrections or Corrections()).applied_to(schema)
    header = answers[-1].reader.header
    description = Description("ssap", endpoint.url, title, schema, parameters, header, notes)
    traits, size_is_radius = find_traits(endpoint, description)
    # A date or a position that differs is a table that changes, which nothing may hide.
    of_the_row = {name for role, name in schema.roles.items() if role not in _OF_REQUESTS} | {*columns_read(schema)}
    volatile = volatile_columns(endpoint, traits.known_position if traits.cones else None) - of_the_row
    if volatile:
        notes += (f"columns that differ in each answer, so that rows are compared without them: {_listed(volatile)}",)
    if traits.identity in volatile:
        traits = replace(traits, identity=None)
    schema = replace(schema, volatile=volatile)
    traits = replace(traits, survey_columns=replace(traits.survey_columns, volatile=volatile))
    overrides = {**schema.overrides, "identity": traits.identity or ""}
    return Probe(
        replace(endpoint, size_is_radius=size_is_radius, closed_ranges=traits.closed_ranges),
        replace(description, schema=replace(schema, overrides=overrides), notes=notes),
        traits,
    )


def _parameters(endpoint: Endpoint) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """Input parameters that the service declares (SSA 1.1 §4.1: FORMAT=METADATA), and what was unusual."""
    notes = []
    try:
        declared = _declared(endpoint.sample([("FORMAT", "METADATA")], attempts=1).reader.params)
    except InterruptedHarvest:
        raise
    except SourceError as error:
        # Whether there is a service at all shows with the next request.
        notes.append(f"FORMAT=METADATA was answered with an error ({error})")
        declared = ()
    if not declared:
        notes.append("the service does not declare its parameters")
    return declared, tuple(notes)


def _declared(params: Iterable[Column]) -> tuple[Column, ...]:
    prefix = "INPUT:"
    return tuple(
        replace(param, name=param.name[len(prefix) :]) for param in params if param.name.upper().startswith(prefix)
    )


def _with_binary2(endpoint: Endpoint) -> Endpoint:
    """See whether BINARY2 is to be had."""
    compact = replace(endpoint, response_format=BINARY2)
    try:
        compact.sample([("MAXREC", "1")], attempts=2)
    except (ServiceError, FormatError):
        return endpoint
    return compact


def _declared_size(parameters: Iterable[Column]) -> float | None:
    """Largest SIZE that the service declares [deg] (MAX of its VALUES), in whatever unit it does."""
    for param in parameters:
        if param.name.upper() == "SIZE" and isinstance(param, Param) and param.maximum:
            try:
                size = float(to_degrees(param.unit).apply(np.array([float(param.maximum)]))[0])
            except ValueError:
                continue
            # The sphere takes no more than this; that a service does is no limit.
            return size if 0 < size < 180 else None
    return None


def _declared_collections(parameters: Iterable[Column]) -> tuple[str, ...]:
    """List the collections that the service says it has (OPTIONs of its VALUES)."""
    return tuple(
        value
        for param in parameters
        if isinstance(param, Param) and param.name.upper() == COLLECTION
        for _, value in param.options
        if value
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _one_row_answers(endpoint: Endpoint) -> list[Sample]:
    """Ask with each verbosity; a service without VERB passes over it (SSA 1.1 §8.7.1)."""
    try:
        return [endpoint.sample([("VERB", str(verb)), ("MAXREC", "1")], attempts=3) for verb in VERBS]
    except (FormatError, ServiceError) as error:
        message = f"{endpoint.url} is not an SSAP service that can be mirrored: {error}"
        raise SourceError(message) from error


def _levelled(answers: Sequence[Schema], known: Schema | None) -> Schema:
    """Columns of the fullest answer, each with the lowest level at which it comes."""
    columns = []
    for announced in answers[-1]:
        column = replace(announced, null=announced.null or None)
        if known is not None and column.name in known:
            exact = known[column.name]
            columns.append(replace(column, verbosity=exact.verbosity, title=exact.title))
        else:
            verb = next(verb for verb, schema in zip(VERBS, answers, strict=True) if column.name in schema)
            columns.append(replace(column, verbosity=10 * verb))
    return Schema(tuple(columns), dict(known.overrides) if known is not None else {})


def _differences(schema: Schema, known: Schema) -> tuple[str, ...]:
    """Say how the columns are not those that were known beforehand."""
    strange = [name for name in schema.names if name not in known]
    lacking = [name for name in known.names if name not in schema]
    return (
        *([f"columns that were not known before: {', '.join(strange)}"] if strange else []),
        *([f"columns that the service no longer has: {', '.join(lacking)}"] if lacking else []),
    )


def _no_service(endpoint: Endpoint, error: Exception) -> str:
    return f"{endpoint.url} is not an SSAP service: {error}"
