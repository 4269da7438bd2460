"""How an SSAP service behaves: what tells its rows apart, which parameters it obeys, how it reads SIZE."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ssap_mirror.core.schema import Schema
from ssap_mirror.core.sphere import separation_arcsec
from ssap_mirror.errors import FormatError, ServiceError, SourceError
from ssap_mirror.sources.harvest.client import ServerFailure
from ssap_mirror.sources.harvest.positions import is_date, numbers_of_dates, positions
from ssap_mirror.sources.harvest.samples import Sample, identity_in
from ssap_mirror.sources.harvest.slices import COLLECTION, Range
from ssap_mirror.sources.source import Description
from ssap_mirror.sources.ssap.endpoint import Endpoint, with_both_ends
from ssap_mirror.sources.ssap.probe.needs import ALL_SKY
from ssap_mirror.sources.ssap.probe.own_parameters import OwnParameter, own_parameters

__all__ = ["POS", "ROLE_OF", "TIME", "VERBS", "Traits", "find_traits"]

#: Parameters that have a part of their own in a harvest.
POS, TIME = "POS", "TIME"
#: Values of VERB, which is no parameter of SSA 1.1, but one of the reference server.
VERBS = (1, 2, 3)

#: Range parameter -> role of the column of numbers that it selects by.
ROLE_OF = {"SNR": "snr", "REDSHIFT": "redshift", "APERTURE": "aperture", "SPATRES": "s_resolution"}

_BAND = "BAND"
_SAMPLE_ROWS = 2000
# Of an answer that shows an unreported limit.
_PROBE_ROWS = 50_000
# A range that no value lies in; a service that answers it with rows does not look at the parameter.
_LONG_AGO = "1801-01-01T00:00:00/1801-01-02T00:00:00"
_IMPOSSIBLE = {TIME: _LONG_AGO, "SNR": "-7.5e30/-7.4e30", "REDSHIFT": "7.4e30/7.5e30"}
_IMPOSSIBLE |= {"APERTURE": "-7.5e30/-7.4e30", "SPATRES": "-7.5e30/-7.4e30", _BAND: "7.4e30/7.5e30"}
# What holds every value.
_ALL_VALUES = {TIME: "1850-01-01T00:00:00/2150-01-01T00:00:00", _BAND: "1e-13/1e4", "SNR": "0/1e30"}
_NOTHING = (7.4e30, 7.5e30)
# Services obey these without declaring them.
_ALWAYS_TRIED = (TIME, "SNR")
# What a probe may end in that says no more than that a parameter is of no use.
_UNUSABLE = (ServiceError, FormatError, ServerFailure)
# A cone beside a known row: its centre is 0.75 of SIZE away, so the row is in it only if SIZE is a radius.
_SIZE_DEG, _ASIDE_DEG = 0.2, 0.15
# A cone that it has to be in, be SIZE a radius or a diameter; it is not where SIZE is read in arcminutes.
_INSIDE_DEG = 0.05


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
    tiny: bool
    """Whether an unconstrained request for a few rows had all of them."""
    publication_dates: bool
    """Whether it obeys MTIME."""
    unreported_limit: int | None
    """Rows of an unconstrained answer that may be truncated without OVERFLOW; None if the service reported it."""
    closed_ranges: bool = False
    """Whether ranges have to have both ends."""
    known_position: tuple[float, float] | None = None
    """Position of some row, ICRS [deg]."""
    own: tuple[OwnParameter, ...] = ()
    """Parameters of the service's own that it obeys."""
    collections: tuple[str, ...] = ()
    """Values of COLLECTION, of a service that gives nothing without one."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """What the table can be swept by, best first: TIME makes the evenest slices, POS the cheapest fetches.

        BAND is never among them: what overlaps a range overlaps a half of it too, so cutting it separates nothing.
        """
        dates = [name for name in self.ranges if name == TIME]
        others = [name for name in self.ranges if name not in (TIME, _BAND)]
        own = [parameter.name for parameter in self.own]
        found = (*dates, *([POS] if self.cones else []), *others, *own)
        # A collection asked for as a whole has the rows without a date and a position as well.
        return (*found[:1], COLLECTION, *found[1:]) if self.collections else found


def find_traits(endpoint: Endpoint, description: Description) -> tuple[Traits, bool]:
    """Find out how a service behaves.

    Parameters
    ----------
    endpoint : Endpoint
        The service.
    description : Description
        What it says of itself.

    Returns
    -------
    tuple of Traits, bool
        And whether SIZE is known to be read as a radius.

    Raises
    ------
    SourceError
        If a request fails, or the service says of an answer without rows that it is truncated.
    """
    verb, identity, sample = _identity(endpoint, description.schema)
    declared = {column.name.upper() for column in description.parameters}
    candidates = [name for name in _IMPOSSIBLE if not declared or name in declared or name in _ALWAYS_TRIED]
    candidates = [name for name in candidates if name not in dict(endpoint.needed)]
    if not _has_dates(description.schema, sample.rows):
        candidates = [name for name in candidates if name != TIME]
    doubtful = {
        name for name in candidates if endpoint.everywhere or not _is_told(name, description.schema, sample.rows)
    }
    ranges = tuple(
        name
        for name in candidates
        if _obeys(endpoint, name, _IMPOSSIBLE[name]) and (name not in doubtful or _finds_rows(endpoint, name))
    )
    cones, size_is_radius = _cones(endpoint, description.schema, sample)
    own = own_parameters(description.parameters, description.schema, sample)
    own = tuple(parameter for parameter in own if _obeys_own(endpoint, parameter))
    traits = Traits(
        identity=identity,
        survey_verb=verb,
        survey_columns=description.schema.select(
            name for name in description.schema.names if name in sample.reader.schema
        ),
        ranges=ranges,
        cones=cones,
        tiny=not sample.overflow and sample.rows.num_rows < _SAMPLE_ROWS,
        publication_dates="MTIME" in declared and not endpoint.everywhere and _obeys(endpoint, "MTIME", _LONG_AGO),
        unreported_limit=_unreported_limit(endpoint, sample) if _asks_for_all(endpoint) else None,
        closed_ranges=bool(ranges) and not _takes_open_end(endpoint, ranges[0]),
        known_position=_some_position(description.schema, sample.rows),
        own=own,
        collections=endpoint.collections,
    )
    return traits, size_is_radius


def _identity(endpoint: Endpoint, schema: Schema) -> tuple[int, str | None, Sample]:
    """VERB and name of the column that differs in each row of a sample, and the sample."""
    first: Sample | None = None
    for verb in VERBS:
        sample = endpoint.sample([("VERB", str(verb)), ("MAXREC", str(_SAMPLE_ROWS))])
        first = first or sample
        if (identity := identity_in(sample, schema)) is not None:
            return verb, identity, sample
    assert first is not None
    return VERBS[0], None, first


def _asks_for_all(endpoint: Endpoint) -> bool:
    """Whether a request without any constraint is one for the whole table."""
    return endpoint.everywhere in ((), ALL_SKY) and not endpoint.collections and not endpoint.needed


def _unreported_limit(endpoint: Endpoint, sample: Sample) -> int | None:
    """Rows of an unconstrained answer without OVERFLOW: those of the table, or those of an unreported limit."""
    if sample.overflow:
        return None
    if sample.rows.num_rows < _SAMPLE_ROWS:
        return int(sample.rows.num_rows)
    larger = endpoint.sample([("VERB", "1"), ("MAXREC", str(_PROBE_ROWS))])
    rows = int(larger.rows.num_rows)
    return None if larger.overflow or rows >= _PROBE_ROWS else rows


def _has_dates(schema: Schema, rows: pa.Table) -> bool:
    """Whether what a service gives for dates are dates, or nothing is known of them: no range parts what are not."""
    numbers = numbers_of_dates(schema, rows)
    numbers = numbers[np.isfinite(numbers)]
    return not len(numbers) or bool(is_date(numbers).mean() > 0.5)


def _is_told(parameter: str, schema: Schema, rows: pa.Table) -> bool:
    """Whether rows have what a range parameter selects by; one without it may find nothing (SSA 1.1 §4.1)."""
    if parameter == TIME:
        return bool(np.isfinite(numbers_of_dates(schema, rows)).any())
    return parameter not in ROLE_OF or schema.role(ROLE_OF[parameter]) is not None


def _obeys(endpoint: Endpoint, parameter: str, impossible: str) -> bool:
    try:
        answer = endpoint.sample([(parameter, impossible), ("VERB", "1"), ("MAXREC", "1")], attempts=2)
    except _UNUSABLE:
        return False
    if answer.overflow and not answer.rows.num_rows:
        message = (
            f"{endpoint.url} says of an answer without any row ({parameter}={impossible}) that it is truncated; "
            "what it says of truncation cannot be believed, so no mirror of it would be known to be whole"
        )
        raise SourceError(message)
    return bool(answer.rows.num_rows == 0)


def _finds_rows(endpoint: Endpoint, parameter: str) -> bool:
    """Whether a range that holds all values has rows."""
    asked = [(parameter, _ALL_VALUES.get(parameter, "-1e30/1e30")), ("VERB", "1"), ("MAXREC", "1")]
    try:
        return bool(endpoint.sample(asked, attempts=2).rows.num_rows)
    except _UNUSABLE:
        return False


def _takes_open_end(endpoint: Endpoint, parameter: str) -> bool:
    """Whether a range without an upper end has rows."""
    _, all_values = with_both_ends(parameter, "/")
    asked = [(parameter, f"{all_values.partition('/')[0]}/"), ("VERB", "1"), ("MAXREC", "1")]
    try:
        return bool(endpoint.sample(asked, attempts=2).rows.num_rows)
    except _UNUSABLE:
        return False


def _obeys_own(endpoint: Endpoint, parameter: OwnParameter) -> bool:
    """Whether a range without any value has no row."""
    asked = Range(parameter.name, *_NOTHING).params(size_is_radius=False)
    try:
        return not endpoint.sample([*asked, ("VERB", "1"), ("MAXREC", "1")], attempts=2).rows.num_rows
    except _UNUSABLE:
        return False


def _cones(endpoint: Endpoint, schema: Schema, sample: Sample) -> tuple[bool, bool]:
    """Whether POS and SIZE are obeyed, and whether SIZE is read as a radius."""
    position = _some_position(schema, sample.rows)
    if position is None:
        return False, False
    ra, dec = position
    aside, beside = (dec - math.copysign(away, dec) for away in (_ASIDE_DEG, _INSIDE_DEG))
    try:
        inside = endpoint.sample(
            [("POS", f"{ra!r},{beside!r}"), ("SIZE", repr(_SIZE_DEG)), ("VERB", "1"), ("MAXREC", "1")], attempts=3
        )
        answer = endpoint.sample(
            [("POS", f"{ra!r},{aside!r}"), ("SIZE", repr(_SIZE_DEG)), ("VERB", "1"), ("MAXREC", str(_SAMPLE_ROWS))],
            attempts=3,
        )
        far = endpoint.sample(
            [("POS", f"{(ra + 180) % 360!r},{-dec!r}"), ("SIZE", "0.001"), ("MAXREC", "1")], attempts=3
        )
    except _UNUSABLE:
        return False, False
    if not inside.rows.num_rows:
        return False, False
    # An answer without rows may come without columns as well.
    near, away = (
        positions(schema, found.rows) if found.rows.num_rows else (np.empty(0), np.empty(0)) for found in (answer, far)
    )
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
