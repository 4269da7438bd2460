"""What stands in the journal was on disk; what was half written never counted."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from ssap_mirror.errors import CatalogError
from ssap_mirror.pipeline.staging import Staging
from ssap_mirror.sources.harvest.journal import Journal
from ssap_mirror.sources.harvest.ledger import JOURNAL


def test_records_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.add({"type": "begin", "name": "größe"})
        journal.add({"type": "answer", "rows": 3})
    with Journal(path) as journal:
        assert journal.records == [{"type": "begin", "name": "größe"}, {"type": "answer", "rows": 3}]


def test_a_torn_last_line_is_cut_off_at_every_length(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    with Journal(whole) as journal:
        journal.add({"n": 1})
        journal.add({"n": 2})
    content = whole.read_bytes()
    first = content.index(b"\n") + 1
    for length in range(first, len(content)):
        path = tmp_path / f"torn-{length}"
        path.write_bytes(content[:length])
        with Journal(path) as journal:
            assert journal.records == [{"n": 1}]
            journal.add({"n": 3})
        with Journal(path) as journal:
            assert journal.records == [{"n": 1}, {"n": 3}]


def test_a_damaged_line_in_the_middle_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"n":1}\n{"n"x2}\n{"n":3}\n')
    with pytest.raises(CatalogError, match=r"line 2 .* damaged"):
        Journal(path)


def test_a_journal_that_cannot_be_opened_is_not_a_damaged_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    staging = Staging(tmp_path)
    staging.begin({"source": "a"}, restart=False)
    staging.add({"type": "answer"})
    kept = (staging.path / JOURNAL).read_bytes()
    with (staging.path / JOURNAL).open("ab") as file:
        file.write(b'{"half a li')

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(CatalogError, match="cannot be opened: No space"):
            staging.begin({"source": "a"}, restart=False)
    gc.collect()  # a file that was left open is a warning, which is an error in tests
    assert (staging.path / JOURNAL).read_bytes() == kept
    assert "going on" in str(staging.begin({"source": "a"}, restart=False))


def test_a_write_that_fails_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.jsonl"

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with Journal(path) as journal:
        journal.add({"n": 1})
        with monkeypatch.context() as patch:
            patch.setattr("os.fsync", full)
            with pytest.raises(OSError, match="No space"):
                journal.add({"n": 2})
        journal.add({"n": 3})
    with Journal(path) as journal:
        assert journal.records == [{"n": 1}, {"n": 3}]


def test_a_journal_in_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="cannot be opened: No such file"):
        Journal(tmp_path / "nowhere" / "journal.jsonl")
