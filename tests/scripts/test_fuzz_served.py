"""A server bears what no client sends; `scripts.fuzz.served` and `scripts.fuzz.adql` send much more of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.fuzz import adql, served
from scripts.fuzz.adql_queries import Queries


@pytest.mark.slow
def test_hostile_requests_over_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSAP_MIRROR_CACHE", "")  # which the campaign changes
    report = served.campaign(tmp_path, 5, range(500))
    assert report.problems == []
    assert report.outcomes["200"] > 50
    assert report.outcomes["400"] > 50


def test_queries_sound_and_torn_up(tmp_path: Path) -> None:
    database, mine = adql.open_database(tmp_path)
    report = adql.fuzz(database, mine, Queries(5), range(150))
    assert report.problems == []
    assert report.outcomes["answer"] > 20
    assert report.outcomes["refused, by us"] > 20


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; SELECT 2",
        "SELECT * FROM read_csv('x')",
        "SELECT getenv('HOME')",
        "SELECT 'planted'",
        "SELECT 1 FROM other",
    ],
)
def test_what_is_not_ours_is_seen(sql: str) -> None:
    statement = adql.Statement(sql, {}, (), ())
    assert list(adql.strange(statement, "planted"))
