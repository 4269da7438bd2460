"""Predicates combine safely and flatly."""

from __future__ import annotations

import re

import duckdb
import pytest
from ssap_mirror.core.schema import ROLES
from ssap_query.ssap import REGISTRY
from ssap_query.ssap.predicate import FALSE, TRUE, DistinctValues, Predicate, all_of, any_of
from ssap_query.ssap.request import DIALECTS

A, B, C = Predicate("{snr} > ?", (1,)), Predicate("{snr} < ? OR {snr} IS NULL", (2,)), Predicate("{aperture} = ?", (3,))


def test_operators_keep_text_and_values_together() -> None:
    both = A & B
    assert both.sql == "({snr} > ?) AND ({snr} < ? OR {snr} IS NULL)"
    assert both.values == (1, 2)
    assert (both | C).sql == "(({snr} > ?) AND ({snr} < ? OR {snr} IS NULL)) OR ({aperture} = ?)"
    assert (both | C).values == (1, 2, 3)


def test_constants_are_absorbed() -> None:
    assert all_of([]) == TRUE
    assert any_of([]) == FALSE
    assert (A & TRUE) == A
    assert (A & FALSE) == FALSE
    assert (A | FALSE) == A
    assert (A | TRUE) == TRUE
    assert all_of([TRUE, TRUE]) == TRUE


@pytest.mark.parametrize("count", [1000, 10_000])
def test_long_unions_do_not_nest(count: int) -> None:
    union = any_of(Predicate("x = ?", (n,)) for n in range(count))
    assert union.sql.count("?") == len(union.values) == count
    if count == 1000:
        found = (
            duckdb.connect()
            .execute(f"SELECT count(*) FROM range(2000) t(x) WHERE {union.sql}", list(union.values))
            .fetchone()
        )
        assert found == (count,)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("param", REGISTRY, ids=lambda p: p.name)
def test_text_is_ours_and_marks_match_values(param, dialect: str) -> None:
    for text in param.examples:
        try:
            value = param.parse(text, dialect)
        except ValueError:
            continue
        predicate = param.compile(value, dialect)
        if predicate is None:
            continue
        assert predicate.sql.count("?") == len(predicate.values)
        roles = set(re.findall(r"\{([^}]*)\}", predicate.sql))
        assert roles
        assert roles <= set(ROLES)
        assert roles - {"t_exptime"} <= set(param.rules[dialect].needs(value))
        strings = [v for v in predicate.values if isinstance(v, str) and len(v) > 3]
        assert all(v not in predicate.sql for v in strings)


def test_distinct_values_select() -> None:
    hook = DistinctValues("target_name", lambda names: [n for n in names if n.startswith("a")])
    assert hook.select(["ab", "b"]) == ["ab"]
