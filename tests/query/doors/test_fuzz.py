"""Whatever is asked, it ends in an answer or a `ParameterError`, soon, with no SQL but ours and nothing written.

``scripts/fuzz`` makes the requests and watches; it asks many more when it is run by itself.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ssap_query as ssap
from ssap_query.ssap.request import DIALECTS

from scripts.fuzz.campaign import LIMIT_S, ask, fuzz
from scripts.fuzz.hostile_requests import Requests
from scripts.fuzz.mirror import fingerprint, make_mirror
from scripts.fuzz.statements import StatementLog
from scripts.fuzz.vocabulary import NAMES

SEED, COUNT = 20_261_124, 1500


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("fuzzed")
    make_mirror(home)
    return home


@pytest.fixture
def watched(home: Path, schema) -> Iterator[tuple[ssap.Mirror, Any]]:
    """A mirror, and the log of what it tells DuckDB."""
    log = StatementLog(schema)
    with log.watching():
        yield ssap.open("fuzzed", home), log


def test_hostile_requests(watched, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror, log = watched
    monkeypatch.chdir(tmp_path)
    before = fingerprint(home, tmp_path)
    report = fuzz(mirror, log, Requests(SEED), range(COUNT))
    assert fingerprint(home, tmp_path) == before
    assert report.problems == []
    assert set(report.outcomes) == {"answer (OK)", "answer (OVERFLOW)", "ParameterError"}
    # Else the requests say nothing.
    assert min(report.outcomes["answer (OK)"], report.outcomes["ParameterError"]) > COUNT / 4
    assert report.markers_bound > COUNT / 20
    assert report.statements > 100


@pytest.mark.parametrize("dialect", DIALECTS)
def test_items_given_again_and_again_make_no_longer_statement(dialect: str, watched) -> None:
    mirror, log = watched
    for times in (2, 10_000):
        mirror.ssap([("REQUEST", "queryData"), ("FORMAT", ",".join(["graphic", "votable"] * times))], dialect)
    assert max(map(len, log.texts)) < 10_000


def test_lone_surrogate_where_nobody_looks(watched) -> None:
    mirror, _ = watched
    found = mirror.ssap([("REQUEST", "queryData"), ("x\ud800", "y\udc00")])
    found.write(io.BytesIO(), "votable")
    assert len(found) > 0


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", NAMES)
def test_values_of_a_million_and_of_ten_million_characters(name: str, dialect: str, watched) -> None:
    mirror, log = watched
    for length in (999_990, 10_000_000):
        for part in ("1,", "1/2,", "a-", "[a]", "votable,"):
            value = part * (length // len(part))
            outcome, took_s = ask(mirror, [("REQUEST", "queryData"), (name, value)], dialect)
            assert not outcome.startswith("Traceback"), (part, outcome)
            assert took_s < LIMIT_S, part
            assert length < 1_000_000 or outcome == "ParameterError" or name == "REQUEST"
    assert not log.foreign()


@pytest.mark.parametrize(
    "statement",
    ["SELECT mobsid FROM spectra; DROP TABLE spectra", "COPY x TO 'stolen.csv'", "SELECT 'zq1x2qz'", "SELECT 42.5173"],
)
def test_log_sees_what_is_not_ours(statement: str, schema) -> None:
    log = StatementLog(schema)
    log.texts[statement] = None
    assert log.foreign()


def test_log_sees_values_and_texts(watched) -> None:
    mirror, log = watched
    mirror.ssap([("REQUEST", "queryData"), ("TARGETNAME", "zq1x2qz")])
    assert log.texts
    assert not log.foreign()
    assert "zq1x2qz" in str(log.bound)
    assert not any("zq1x2qz" in text for text in log.texts)


def test_fingerprint_sees_a_new_file_and_a_changed_one(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("1")
    before = fingerprint(tmp_path)
    (tmp_path / "old").write_text("2")
    changed = fingerprint(tmp_path)
    (tmp_path / "new").touch()
    assert before != changed != fingerprint(tmp_path)
