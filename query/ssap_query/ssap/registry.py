"""Every parameter of the service, by name and in the order in which values are read."""

from __future__ import annotations

from collections.abc import Mapping

from ssap_query.ssap.parameter import Parameter
from ssap_query.ssap.params import (
    band,
    control,
    format,
    identifiers,
    keywords,
    mtime,
    numeric,
    position,
    specrp,
    target_names,
    time,
)

__all__ = ["REGISTRY", "STEERING", "parameter"]

_FAMILIES = (position, band, time, format, numeric, target_names, keywords, mtime, specrp, identifiers, control)

# The reference server's order, by which the first of several bad values is told and conditions stand in SQL. What it
# does not have follows, as its family lists it.
_ORDER = (
    "REQUEST",
    "SIZE",
    "POS",
    "BAND",
    "TIME",
    "FORMAT",
    "APERTURE",
    "SNR",
    "REDSHIFT",
    "VARAMPL",
    "TARGETNAME",
    "TARGETCLASS",
    "MTIME",
    "FLUXCALIB",
    "SPATRES",
    "TIMERES",
    "WAVECALIB",
    "COLLECTION",
    "SPECRP",
    "PUBDID",
    "CREATORDID",
    "WILDTARGET",
    "WILDTARGETCASE",
    "TOP",
    "MAXREC",
    "VERB",
    "RESPONSEFORMAT",
    "COMPRESS",
    "RUNID",
)

_BY_NAME: Mapping[str, Parameter] = {param.name: param for family in _FAMILIES for param in family.PARAMETERS}
_PLACE = {name: place for place, name in enumerate(_ORDER)}

#: Every parameter.
REGISTRY: tuple[Parameter, ...] = tuple(sorted(_BY_NAME.values(), key=lambda p: _PLACE.get(p.name, len(_PLACE))))

#: Names of those that steer the answer instead of choosing rows.
STEERING = frozenset(param.name for param in control.PARAMETERS)


def parameter(name: str) -> Parameter:
    """Parameter of a canonical name."""
    return _BY_NAME[name]
