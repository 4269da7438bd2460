"""Dialect ``dachs`` selects exactly the rows that the reference server selected: 2,000 recorded answers.

What the server fails on although the request is good is answered as in ``ivoa``; its messages tell such failures.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from ssap_mirror.errors import ParameterError
from ssap_mirror.schema import lamost6_mrs
from ssap_query.params import Query, cone_predicate, interpret
from ssap_query.predicate import DistinctValues
from ssap_query.request import parse

CORPUS = Path(__file__).parents[1] / "data" / "corpus"
# FORMAT=graphic breaks the server's quoting, and a list of dates its conversion.
SERVER_FAILURES = ("dict is not a sequence", "argument formats can't be mixed", "'set' object has no attribute 'month'")


class Recorded:
    """The server's table, and what a query selects in it."""

    def __init__(self) -> None:
        self.schema = lamost6_mrs()
        self.connection = duckdb.connect()
        self.connection.execute("CREATE TABLE spectra AS FROM read_parquet(?)", [str(CORPUS / "table.parquet")])
        self.distinct: dict[str, list[str]] = {}

    def select(self, query: Query) -> list[str]:
        """Sorted ids of the rows, MAXREC not applied."""
        where = query.where if query.cones is None else query.where & cone_predicate(query.cones)
        sql = re.sub(r"\{(\w+)\}", lambda match: f'"{self.schema.roles[match[1]]}"', where.sql)
        values = [self._bound(value) for value in where.values]
        found = self.connection.execute(f"SELECT mobsid FROM spectra WHERE {sql} ORDER BY mobsid", values)
        return [mobsid for (mobsid,) in found.fetchall()]

    def _bound(self, value: object) -> object:
        if isinstance(value, DistinctValues):
            column = self.schema.roles[value.role]
            if value.role not in self.distinct:
                found = self.connection.execute(f'SELECT DISTINCT "{column}" FROM spectra WHERE "{column}" IS NOT NULL')
                self.distinct[value.role] = [name for (name,) in found.fetchall()]
            return value.select(self.distinct[value.role])
        return list(value) if isinstance(value, tuple) else value


@pytest.fixture(scope="module")
def recorded() -> Iterator[Recorded]:
    table = Recorded()
    yield table
    table.connection.close()


def answers() -> list[dict[str, Any]]:
    with gzip.open(CORPUS / "requests_and_answers.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def verdict(answer: dict[str, Any], recorded: Recorded) -> str:
    """What became of one request: a word for the tally; ``wrong: ...`` if it disagrees with the server."""
    request = answer["raw"] if "raw" in answer else [(name, value) for name, value in answer["params"]]
    message = answer.get("message") or ""
    try:
        query = interpret(parse(request, "dachs"), recorded.schema)
        rows = [] if query.metadata_only else recorded.select(query)
    except ParameterError as error:
        return "error" if answer["query_status"] == "ERROR" else f"wrong: {error}"
    if answer.get("query_status") == "ERROR":
        failed = any(failure in message for failure in SERVER_FAILURES)
        return "answered where the server fails" if failed else f"wrong: no error, but the server says {message!r}"
    if message == "OK":
        return "metadata" if query.metadata_only else "wrong: not metadata"
    if query.operation == "getTargetNames":
        return "target names" if answer["count"] == _target_names(recorded) else "wrong: number of target names"
    if answer.get("count") is None:
        return "not recorded (binary formats)"
    limit = query.limit
    if limit is not None and len(rows) > limit:
        told = answer["count"] == limit and answer.get("query_status") in ("OVERFLOW", None)
        return "overflow" if told else f"wrong: overflow at {limit}, the server had {answer['count']}"
    if "mobsid" in answer:
        same = rows == sorted(answer["mobsid"])
    else:
        same = hashlib.sha256("\n".join(rows).encode()).hexdigest() == answer["mobsid_sha256"]
    return (
        "rows"
        if same and answer.get("query_status") != "OVERFLOW"
        else f"wrong: {len(rows)} rows for {answer['count']}"
    )


def _target_names(recorded: Recorded) -> int:
    found = recorded.connection.execute("SELECT count(DISTINCT ssa_targname) + 1 FROM spectra").fetchone()
    assert found is not None
    return int(found[0])  # NULL is one of the names


def test_every_recorded_answer_agrees(recorded: Recorded) -> None:
    verdicts = {answer["id"]: verdict(answer, recorded) for answer in answers()}
    tally = Counter(word.partition(":")[0] for word in verdicts.values())
    print(dict(tally))
    assert {request: word for request, word in verdicts.items() if word.startswith("wrong")} == {}
    assert len(verdicts) == 2000
    assert tally["rows"] > 1500
    assert tally["answered where the server fails"] <= 7
