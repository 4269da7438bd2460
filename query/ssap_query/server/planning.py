"""Requests of the protocols, read and planned: how much work they are can be told by then."""

from __future__ import annotations

from collections.abc import Mapping

from ssap_query.engine.engine import Engine
from ssap_query.mirror.answer import PlannedRequest, plan_request, read_request
from ssap_query.mirror.cone_search import cone_search
from ssap_query.ssap.request import parse

__all__ = ["plan_cone_search", "plan_ssap"]


def plan_ssap(engine: Engine, raw: bytes, dialect: str, default_maxrec: int | None) -> PlannedRequest:
    """Read an SSAP request; errors are those of `ssap_query.mirror.answer.read_request`."""
    request = parse(raw, dialect)
    if default_maxrec is not None:
        request = request.with_default("MAXREC", str(default_maxrec))
    return plan_request(engine, read_request(engine.catalog.schema, request, ignore_unanswerable=True))


def plan_cone_search(engine: Engine, given: Mapping[str, object], default_maxrec: int | None) -> PlannedRequest:
    """Read a cone search; errors are those of `ssap_query.mirror.cone_search.cone_search`."""
    return plan_request(engine, cone_search(engine.catalog.schema, given, default_maxrec))
