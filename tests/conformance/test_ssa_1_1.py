"""Each rule of the standard has a case: requests on a handful of rows, and what they have to select."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from ssap_mirror.core.schema import ROLES, Column, Schema
from ssap_mirror.errors import ParameterError
from ssap_query.ssap import REGISTRY, Query, interpret
from ssap_query.ssap.request import parse

SPECIFICATION = json.loads((Path(__file__).parent / "ssa_1_1.json").read_text("utf-8"))
CASES = [
    pytest.param(case, id=f"{rule['section']}-{number}-{case.get('raw', case.get('request'))[:40]}")
    for number, rule in enumerate(SPECIFICATION["rules"])
    for case in rule["cases"]
]
_TEXT = {role for role, value in SPECIFICATION["rows"]["blue"].items() if isinstance(value, str)}
_SQL_TYPE = {"location": "DOUBLE[]", "t_mid": "DOUBLE"}
SCHEMA = Schema(
    tuple(
        Column(
            role, "char" if role in _TEXT else "double" if role in _SQL_TYPE else "float", utype=f"ssa:{ROLES[role][0]}"
        )
        for role in SPECIFICATION["rows"]["blue"]
    )
)


@pytest.fixture(scope="module")
def spectra() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    types = {c.name: "VARCHAR" if c.name in _TEXT else _SQL_TYPE.get(c.name, "FLOAT") for c in SCHEMA}
    columns = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
    connection.execute(f"CREATE TABLE spectra (id VARCHAR, {columns})")
    marks = ", ".join("?" * (len(types) + 1))
    for name, row in SPECIFICATION["rows"].items():
        connection.execute(f"INSERT INTO spectra VALUES ({marks})", [name, *(_value(row.get(role)) for role in types)])
    yield connection
    connection.close()


def _value(given: Any) -> Any:
    if isinstance(given, list):
        return [_value(item) for item in given]
    return math.nan if given == "NaN" else given


def _select(query: Query, connection: duckdb.DuckDBPyConnection) -> set[str]:
    where = query.where if query.region is None else query.where & query.region.within()
    sql = re.sub(r"\{(\w+)\}", r'"\1"', where.sql)
    values = [list(v) if isinstance(v, tuple) else v for v in where.values]
    return {name for (name,) in connection.execute(f"SELECT id FROM spectra WHERE {sql}", values).fetchall()}


@pytest.mark.parametrize("case", CASES)
def test_rule(case: dict[str, Any], spectra: duckdb.DuckDBPyConnection) -> None:
    request = case.get("raw") or f"REQUEST=queryData&{case['request']}"
    if "error" in case:
        with pytest.raises(ParameterError) as caught:
            interpret(parse(request), SCHEMA)
        assert caught.value.name == case["error"]
        return
    query = interpret(parse(request), SCHEMA)
    for name, expected in case.get("query", {}).items():
        assert getattr(query, name) == expected
    if "selects" in case:
        assert _select(query, spectra) == set(case["selects"])


def test_every_parameter_of_the_standard_has_a_rule() -> None:
    asked = " ".join(case.values().__iter__().__next__() for rule in SPECIFICATION["rules"] for case in rule["cases"])
    for param in REGISTRY:
        assert f"{param.name}=" in asked


def test_sections_are_in_order() -> None:
    sections = [rule["section"] for rule in SPECIFICATION["rules"] if rule["section"].startswith("4.1.")]
    assert sections == sorted(sections, key=lambda s: [int(part) for part in s.split(".")])
