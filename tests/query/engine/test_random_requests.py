"""Whole requests, made at random, against a plain-Python evaluation over the rows: in each dialect, layout and way."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import ssap_query as ssap
from ssap_mirror.errors import ParameterError
from ssap_query.ssap import REGISTRY, Columns, cones_cover, interpret, parameter
from ssap_query.ssap.request import DIALECTS, parse

from tests.support.random_requests import Requests

SEED, REQUESTS = 20_261_123, 200


def evaluated(awkward, pairs: Sequence[tuple[str, str]], dialect: str) -> list[str]:
    """Identities of the rows that fulfil each parameter, one row at a time."""
    request = parse(pairs, dialect)
    region = interpret(request, awkward.schema).region
    columns = Columns.of(awkward.schema)
    rules = [
        (param, param.parse(request.values[param.name], dialect))
        for param in REGISTRY
        if param.name in request.values and param.roles and param.name not in ("POS", "SIZE")
    ]
    return sorted(
        identity
        for identity, row in zip(awkward.ids, awkward.rows, strict=True)
        if all(param.covers(value, row, dialect, columns) for param, value in rules)
        and (region is None or cones_cover(region.cones, row))
    )


@pytest.mark.parametrize("dialect", DIALECTS)
def test_random_requests_select_what_the_oracles_select(dialect: str, awkward) -> None:
    mirrors = [awkward.open("one", cache_bytes=0), awkward.open("one"), awkward.open("tiny", cache_bytes=0)]
    requests = Requests(awkward.rows, SEED)
    some = asked = 0
    while asked < REQUESTS:
        pairs = requests.make(dialect)
        try:
            expected = evaluated(awkward, pairs, dialect)
        except ParameterError:
            continue  # a value of one dialect that the other refuses
        asked += 1
        some += 0 < len(expected) < len(awkward.ids)
        for mirror in mirrors:
            found = mirror.ssap([*pairs, ("MAXREC", "100000")], dialect, columns=["mobsid"])
            assert sorted(found.to_arrow()["mobsid"].to_pylist()) == expected, pairs
    assert some > REQUESTS / 2  # else the requests say nothing


def test_oracle_sees_every_parameter(awkward) -> None:
    made = {name for dialect in DIALECTS for _ in range(300) for name, _ in Requests(awkward.rows, _).make(dialect)}
    selecting = {param.name for param in REGISTRY if param.roles}
    without_column = {"VARAMPL", "TIMERES"}
    others = {"CREATORDID", "WILDTARGETCASE"}  # the same rules as PUBDID and WILDTARGET
    assert made - {"REQUEST"} == selecting - without_column - others
    assert parameter("POS").roles
    assert isinstance(awkward.open("one"), ssap.Mirror)
