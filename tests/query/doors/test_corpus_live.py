"""Requests nobody has asked before: the reference server and a mirror of its rows answer the same."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytestmark = [pytest.mark.dachs, pytest.mark.xdist_group("dachs")]


SEED, COUNT = 31_415, 300


@pytest.mark.timeout(1200)  # a busy server answers one or two a second
def test_fresh_requests_agree(tmp_path: Path) -> None:
    from scripts.corpus import generate, record, replay
    from scripts.dachs import rows

    url = os.environ["SSAP_MIRROR_DACHS"]
    parts = urlsplit(url)
    table = rows.read_rows(parts.path.split("/")[1], parts.port or 80)
    mirror = replay.open_mirror(table, tmp_path)
    answers = tmp_path / "answers.jsonl.gz"
    record.record(list(generate.requests(table, COUNT, SEED)), url, answers)
    tally, wrong = replay.replay(replay.read_answers(answers), mirror)
    print(dict(tally))
    assert wrong == []
    assert tally.total() == COUNT
    assert tally["rows"] > COUNT / 2
    assert tally["answered where the server fails"] < COUNT / 20
