"""A request that has been read but not answered: how much work it is can be told by then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ssap_query.engine.engine import Engine
from ssap_query.engine.plan import Way
from ssap_query.mirror.answer import answer, read_request
from ssap_query.mirror.result import ResultSet
from ssap_query.server.cone_search import cone_search
from ssap_query.ssap.request import parse

__all__ = ["Question", "cone_question", "ssap_question"]


@dataclass(frozen=True)
class Question:
    """What is asked of a snapshot."""

    touched_rows: int
    """Rows that have to be looked at."""
    response_format: str
    """Format that is asked for."""
    answer: Callable[[], ResultSet]
    """Works the answer out."""


def ssap_question(engine: Engine, raw: bytes, dialect: str, default_maxrec: int | None) -> Question:
    """Read an SSAP request; errors are those of `ssap_query.mirror.answer.read_request`."""
    request = parse(raw, dialect)
    if default_maxrec is not None:
        request = request.with_default("MAXREC", str(default_maxrec))
    parsed = read_request(engine.catalog.schema, request, ignore_unanswerable=True)
    query = parsed.query
    if query.metadata_only or query.operation != "queryData":
        return Question(0, query.response_format, lambda: answer(engine, parsed))
    way = engine.plan(query, parsed.columns)
    return Question(_touched(way), query.response_format, lambda: answer(engine, parsed, way))


def cone_question(engine: Engine, given: Mapping[str, object], default_maxrec: int | None) -> Question:
    """Read a cone search; errors are those of `ssap_query.server.cone_search.cone_search`."""
    search = cone_search(engine, given, default_maxrec)
    return Question(_touched(search.way), search.query.response_format, search.answer)


def _touched(way: Way) -> int:
    return sum(group.rows for group in way.row_groups())
