"""query/RULES.md says what the registry says; its examples are asked, and each difference of the dialects is seen."""

from __future__ import annotations

import json
import math
from typing import Any

import pyarrow as pa
import pytest
import ssap_query as ssap
from ssap_query.ssap import DEFAULT_MAXREC, REGISTRY

from scripts.make import parameter_table
from tests.support.paths import ROOT

DIFFERENCES = parameter_table.differences()


def _number(given: Any) -> Any:
    return math.nan if given == "NaN" else [_number(part) for part in given] if isinstance(given, list) else given


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory, schema, mirror_of) -> ssap.Mirror:
    """The rows of the conformance cases as a mirror; the name of each is its identity."""
    rows = json.loads((ROOT / "tests/conformance/ssa_1_1.json").read_text("utf-8"))["rows"]
    columns: dict[str, list[Any]] = {column.name: [None] * len(rows) for column in schema}
    columns["mobsid"] = list(rows)
    for number, row in enumerate(rows.values()):
        for role, value in row.items():
            if role in schema.roles:
                columns[schema.roles[role]][number] = _number(value)
        if "location" in row:
            columns["ra"][number], columns["dec"][number] = _number(row["location"])
    table = pa.table([pa.array(columns[c.name], c.arrow_type()) for c in schema], schema=schema.arrow_schema())
    home = tmp_path_factory.mktemp("six")
    mirror_of(table, schema, home, "six", 100)
    return ssap.open("six", home)


def test_tables_are_those_of_the_registry() -> None:
    text = parameter_table.RULES.read_text("utf-8")
    assert parameter_table.written(text) == text, "run scripts/make/parameter_table.py"
    for param in REGISTRY:
        assert f"| **{param.name}** |" in text


@pytest.mark.parametrize(("name", "example"), [(param.name, text) for param in REGISTRY for text in param.examples])
def test_examples_are_good_requests(name: str, example: str, mirror: ssap.Mirror) -> None:
    request = [] if name == "REQUEST" else [("REQUEST", "queryData")]
    if name in ("VARAMPL", "TIMERES"):
        with pytest.raises(ssap.ParameterError, match=f"this mirror has no column for {name}"):
            mirror.ssap([*request, (name, example)])
    found = mirror.ssap([*request, (name, example)], ignore_unanswerable=True)
    assert found.status in ("OK", "OVERFLOW")
    if name not in ("VARAMPL", "TIMERES", "SIZE"):  # no column for these, and nothing alone
        assert found.notes == ()
    else:
        assert name in " ".join(found.notes)


@pytest.mark.parametrize("dialect", ["ivoa", "dachs"])
@pytest.mark.parametrize("difference", DIFFERENCES, ids=[one["subject"] for one in DIFFERENCES])
def test_dialects_differ_as_the_table_says(difference: dict[str, Any], dialect: str, six: ssap.Mirror) -> None:
    request = difference.get("raw") or [("REQUEST", "queryData"), *map(tuple, difference["request"])]
    expected = difference["selects"][dialect]
    assert difference["selects"]["ivoa"] != difference["selects"]["dachs"]
    if isinstance(expected, str):
        with pytest.raises(ssap.ParameterError) as caught:
            six.ssap(request, dialect)
        assert caught.value.name == expected
        return
    found = six.ssap(request, dialect).to_arrow()["mobsid"].to_pylist()
    assert (len(found) if isinstance(expected, int) else sorted(found)) == expected


def test_every_rule_cites_its_section() -> None:
    for param in REGISTRY:
        assert param.section, param.name


def test_default_limit_of_each_dialect() -> None:
    assert DEFAULT_MAXREC == {"ivoa": None, "dachs": 10_000}
    text = parameter_table.RULES.read_text("utf-8")
    assert "10,000 rows" in text


def test_numbers_of_columns(six: ssap.Mirror) -> None:
    widths = [len(six.ssap([("REQUEST", "queryData"), ("VERB", verb)]).schema) for verb in "123"]
    assert widths == [8, 87, 98]
    assert "8, 87 and 98" in parameter_table.RULES.read_text("utf-8")
