"""What an SSAP service is like, found out with a handful of small requests."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from ssap_mirror.core.healpix import separation_arcsec
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import FormatError, ServiceError, SourceError
from ssap_mirror.sources.harvest.positions import positions
from ssap_mirror.sources.harvest.samples import Sample
from ssap_mirror.sources.source import Description
from ssap_mirror.sources.ssap.endpoint import Service

if TYPE_CHECKING:
    pass

__all__ = ["POS", "TIME", "Traits", "describe", "inquire"]

#: Parameters that have a part of their own in a harvest.
POS, TIME = "POS", "TIME"

_VERBS = (1, 2, 3)
_SAMPLE_ROWS = 2000
# Of an answer that shows a limit of which nothing is said.
_PROBE_ROWS = 50_000
# All of the sky, for services that answer no request without a position.
_ANYWHERE = (("POS", "0,0"), ("SIZE", "180"))
#: Roles that can tell one row from another, best first.
_IDENTITIES = ("identity", "obs_publisher_did", "obs_creator_did", "access_url")
# A range that no value lies in; a service that answers it with rows does not look at the parameter.
_LONG_AGO = "1801-01-01T00:00:00/1801-01-02T00:00:00"
_IMPOSSIBLE = {TIME: _LONG_AGO, "SNR": "-7.5e30/-7.4e30", "REDSHIFT": "7.4e30/7.5e30"}
_IMPOSSIBLE |= {"APERTURE": "-7.5e30/-7.4e30", "SPATRES": "-7.5e30/-7.4e30", "BAND": "7.4e30/7.5e30"}
_SIZE_DEG, _ASIDE_DEG = 0.2, 0.15


@dataclass(frozen=True)
class Traits:
    """How a service behaves."""

    identity: str | None
    """Column that tells rows apart; None if there is none."""
    survey_verb: int
    """Lowest VERB whose answers hold it."""
    survey_columns: Schema
    """Columns of such an answer."""
    ranges: tuple[str, ...]
    """Range parameters that it obeys, best first."""
    cones: bool
    """Whether it obeys POS and SIZE."""
    size_is_radius: bool
    """Whether SIZE is known to be read as a radius."""
    tiny: bool
    """Whether an unconstrained request for a few rows had all of them."""
    publication_dates: bool
    """Whether it obeys MTIME."""
    untold_rows: int | None
    """Rows of an unconstrained answer that may have been cut off without a word; None if the service told of it."""


def describe(service: Service, known: Schema | None, title: str) -> Description:
    """Ask for columns, verbosity levels and parameters (SSA 1.1 §4.1: FORMAT=METADATA; §4.3: VERB).

    Parameters
    ----------
    service : Service
        The endpoint.
    known : Schema or None
        Exact verbosity levels and roles by column name, where they are known beforehand.
    title : str
        For people.

    Raises
    ------
    SourceError
        If the endpoint cannot be reached or is no SSAP service.
    """
    notes = []
    try:
        inputs = service.sample([("FORMAT", "METADATA")], attempts=3).reader
    except FormatError as error:
        message = f"{service.url} is not an SSAP service: {error}"
        raise SourceError(message) from error
    except ServiceError as error:
        notes.append(f"FORMAT=METADATA was answered with an error ({error})")
        inputs = None
    parameters = tuple(_parameters(inputs.params)) if inputs is not None else ()
    if not parameters:
        notes.append("the service does not declare its parameters")
    try:
        service.sample([("MAXREC", "1")], attempts=3)
    except ServiceError:
        service.anywhere = _ANYWHERE
    except FormatError as error:
        message = f"{service.url} is not an SSAP service: {error}"
        raise SourceError(message) from error
    if not parameters or "RESPONSEFORMAT" in {column.name.upper() for column in parameters}:
        service.take_binary2()
    answers = _one_row_answers(service)
    schema = _levelled([answer.reader.schema for answer in answers], known)
    if not len(schema):
        message = f"{service.url} is not an SSAP service: its answers have no columns"
        raise SourceError(message)
    if known is not None:
        strange = [name for name in schema.names if name not in known]
        lacking = [name for name in known.names if name not in schema]
        if strange:
            notes.append(f"columns that were not known before: {', '.join(strange)}")
        if lacking:
            notes.append(f"columns that the service no longer has: {', '.join(lacking)}")
    header = answers[-1].reader.header
    return Description("ssap", service.url, title, schema, parameters, header, tuple(notes))


def inquire(service: Service, description: Description) -> tuple[Traits, Description]:
    """Find out what tells rows apart, which parameters are obeyed, and how SIZE is read.

    Returns
    -------
    tuple of Traits, Description
        The description comes back with the identity's role fixed.

    Raises
    ------
    SourceError
        If a request fails.
    """
    verb, identity, sample = _identity(service, description)
    declared = {column.name.upper() for column in description.parameters}
    # Where every request needs a position, no other parameter can stand alone.
    candidates = [] if service.anywhere else [name for name in _IMPOSSIBLE if not declared or name in declared]
    ranges = tuple(name for name in candidates if _obeys(service, name, _IMPOSSIBLE[name]))
    cones, size_is_radius = (
        _cones(service, description.schema, sample) if "POS" in declared or not declared else (False, False)
    )
    overrides = {**description.schema.overrides, "identity": identity or ""}
    schema = Schema(description.schema.columns, overrides)
    traits = Traits(
        identity=identity,
        survey_verb=verb,
        survey_columns=schema.select(name for name in schema.names if name in sample.reader.schema),
        ranges=ranges,
        cones=cones,
        size_is_radius=size_is_radius,
        tiny=not sample.overflow and sample.rows.num_rows < _SAMPLE_ROWS,
        untold_rows=_untold_rows(service, sample),
        publication_dates="MTIME" in declared and not service.anywhere and _obeys(service, "MTIME", _LONG_AGO),
    )
    return traits, replace(description, schema=schema)


def _parameters(params: Iterable[Column]) -> Iterable[Column]:
    for param in params:
        if param.name.upper().startswith("INPUT:"):
            yield replace(param, name=param.name[len("INPUT:") :])


def _one_row_answers(service: Service) -> list[Sample]:
    answers = []
    for verb in _VERBS:
        try:
            answers.append(service.sample([("VERB", str(verb)), ("MAXREC", "1")], attempts=3))
        except (FormatError, ServiceError) as error:
            message = f"{service.url} is not an SSAP service that can be mirrored: {error}"
            raise SourceError(message) from error
    return answers


def _levelled(answers: Sequence[Schema], known: Schema | None) -> Schema:
    """Columns of the fullest answer, each with the lowest level at which it comes."""
    columns = []
    for announced in answers[-1]:
        column = replace(announced, null=announced.null or None)
        if known is not None and column.name in known:
            exact = known[column.name]
            columns.append(replace(column, verbosity=exact.verbosity, title=exact.title))
        else:
            verb = next(verb for verb, schema in zip(_VERBS, answers, strict=True) if column.name in schema)
            columns.append(replace(column, verbosity=10 * verb))
    return Schema(tuple(columns), dict(known.overrides) if known is not None else {})


def _identity(service: Service, description: Description) -> tuple[int, str | None, Sample]:
    """VERB and name of the column that differs in each row of a sample, and the sample."""
    schema = description.schema
    first: Sample | None = None
    for verb in _VERBS:
        sample = service.sample([("VERB", str(verb)), ("MAXREC", str(_SAMPLE_ROWS))])
        first = first or sample
        for role in _IDENTITIES:
            column = schema.role(role)
            if column is None or column.shape or column.name not in sample.rows.column_names:
                continue
            values = sample.rows.column(column.name)
            if values.null_count == 0 and len(values.unique()) == len(values):
                return verb, column.name, sample
    assert first is not None
    return _VERBS[0], None, first


def _untold_rows(service: Service, sample: Sample) -> int | None:
    """Rows of an unconstrained answer without OVERFLOW: those of the table, or those of a limit that is not told of."""
    if sample.overflow:
        return None
    if sample.rows.num_rows < _SAMPLE_ROWS:
        return int(sample.rows.num_rows)
    larger = service.sample([("VERB", "1"), ("MAXREC", str(_PROBE_ROWS))])
    rows = int(larger.rows.num_rows)
    return None if larger.overflow or rows >= _PROBE_ROWS else rows


def _obeys(service: Service, parameter: str, impossible: str) -> bool:
    try:
        answer = service.sample([(parameter, impossible), ("VERB", "1"), ("MAXREC", "1")], attempts=3)
    except (ServiceError, FormatError):
        return False
    return bool(answer.rows.num_rows == 0)


def _cones(service: Service, schema: Schema, sample: Sample) -> tuple[bool, bool]:
    """Whether POS and SIZE are obeyed, and whether SIZE is read as a radius."""
    position = _some_position(schema, sample.rows)
    if position is None:
        return False, False
    ra, dec = position
    aside = dec - math.copysign(_ASIDE_DEG, dec)
    try:
        answer = service.sample(
            [("POS", f"{ra!r},{aside!r}"), ("SIZE", repr(_SIZE_DEG)), ("VERB", "1"), ("MAXREC", str(_SAMPLE_ROWS))],
            attempts=3,
        )
        far = service.sample(
            [("POS", f"{(ra + 180) % 360!r},{-dec!r}"), ("SIZE", "0.001"), ("MAXREC", "1")], attempts=3
        )
    except (ServiceError, FormatError):
        return False, False
    near, away = (positions(schema, found.rows) for found in (answer, far))
    if near is None or away is None:
        return False, False
    separations = separation_arcsec(ra, aside, *near) / 3600
    antipodal = separation_arcsec((ra + 180) % 360, -dec, *away) / 3600
    if (separations > 1.1 * _SIZE_DEG).any() or (antipodal > _SIZE_DEG).any():
        return False, False
    # Beyond half of SIZE by more than any fibre's offset: only a radius reaches so far.
    return True, bool((separations > 0.6 * _SIZE_DEG).any())


def _some_position(schema: Schema, rows: pa.Table) -> tuple[float, float] | None:
    found = positions(schema, rows)
    if found is None:
        return None
    for ra, dec in zip(*found, strict=True):
        if math.isfinite(ra) and math.isfinite(dec) and abs(dec) < 80:
            return float(ra), float(dec)
    return None
