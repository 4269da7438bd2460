"""Where a target is, by the name that the mirror has for it."""

from __future__ import annotations

from difflib import get_close_matches

import numpy as np
from ssap_mirror.errors import ParameterError

from ssap_query.arrow.arrays import coordinates
from ssap_query.engine.engine import Engine
from ssap_query.mirror.answer import plan_request, read_request
from ssap_query.ssap.python_values import request_pairs
from ssap_query.ssap.values.cones import TARGET, separation_deg
from ssap_query.ssap.values.string_lists import fold

__all__ = ["position_of"]

_TARGET = "target"
# What moves by less between two exposures is at one place; a planet is not.
_ONE_PLACE_DEG = 10 / 3600


def position_of(engine: Engine, name: str) -> tuple[float, float]:
    """Give the position of a target; parameters and errors as `ssap_query.Mirror.position_of`."""
    schema = engine.catalog.schema
    if not {"target_name", *TARGET.roles} <= set(schema.roles):
        raise ParameterError(_TARGET, name, "cannot be looked up: the mirror has no names of targets, or no positions")
    if not name.strip():
        raise ParameterError(_TARGET, name, "is no name")
    columns = [schema.roles[role] for role in TARGET.roles]
    request = read_request(schema, request_pairs({"targetname": [name]}), columns=columns)
    found = plan_request(engine, request).result().to_arrow()
    at = coordinates([found[column].combine_chunks() for column in columns])
    if not len(at):
        raise ParameterError(_TARGET, name, f"is no target of the mirror{_similar(engine, name)}")
    at = at[np.isfinite(at).all(axis=1)]
    if not len(at):
        raise ParameterError(_TARGET, name, "has no position in the mirror")
    ra, dec = at[0].tolist()
    places = np.unique(at, axis=0).tolist()
    if any(separation_deg(ra, dec, *place) > _ONE_PLACE_DEG for place in places):
        raise ParameterError(_TARGET, name, f"is at {len(places):,} places in the mirror, so one has to be given")
    return ra, dec


def _similar(engine: Engine, name: str) -> str:
    """Name what may be meant instead."""
    names = {fold(known): known for known in engine.distinct("target_name")}
    wanted = fold(name)
    beginning = sorted(known for known in names if known.startswith(wanted))[:3]
    near = [names[known] for known in beginning or get_close_matches(wanted, names, n=3)]
    return f"; perhaps {' or '.join(near)} is meant" if near else "; give its position instead"
