"""The ledger is what its journal says: plans, answers and cuts outlive a process, and nothing else does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ssap_mirror.core.storage import sha256
from ssap_mirror.sources.harvest.answers import Stored
from ssap_mirror.sources.harvest.journal import Journal
from ssap_mirror.sources.harvest.ledger import ANSWERS, JOURNAL, Answer, Ledger
from ssap_mirror.sources.harvest.slices import WHOLE, Cell, Range, Slice

EARLY, LATE = Slice(Range("TIME", None, 58000.0)), Slice(Range("TIME", 58000.0, None))


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], Ledger]]:
    """Opens the ledger of one staging folder, as a new process would."""
    journals: list[Journal] = []

    def open_ledger() -> Ledger:
        for journal in journals:
            journal.close()
        journals.append(Journal(tmp_path / JOURNAL))
        return Ledger(journals[-1], tmp_path / ANSWERS)

    yield open_ledger
    for journal in journals:
        journal.close()


def answered(ledger: Ledger, sweep: str, slice_: Slice, rows: int) -> Answer:
    """Journal an answer whose file is there."""
    path = ledger.next_file(sweep)
    path.write_bytes(f"{sweep} {slice_.key} {rows}".encode())
    return ledger.add_answer(sweep, slice_, Stored(path, rows, False, sha256(path), path.stat().st_size), 0.1)


def test_a_plan_is_made_once(opened: Callable[[], Ledger]) -> None:
    ledger = opened()
    ledger.plan("harvest", [EARLY, LATE])
    ledger.plan("harvest", [WHOLE])
    assert ledger.sweeps() == ["harvest"]
    assert ledger.open_slices("harvest") == [EARLY, LATE]
    assert opened().open_slices("harvest") == [EARLY, LATE]


def test_what_is_answered_is_open_no_more_in_another_process_too(opened: Callable[[], Ledger]) -> None:
    ledger = opened()
    ledger.plan("harvest", [EARLY, LATE])
    first = answered(ledger, "harvest", LATE, 7)
    assert ledger.open_slices("harvest") == [EARLY]
    again = opened()
    assert again.answers() == [first]
    assert again.open_slices("harvest") == [EARLY]
    second = answered(again, "harvest", EARLY, 5)
    assert (first.number, second.number) == (1, 2), "numbers go on, and so do the names of files"
    assert again.answers("harvest") == [first, second]
    assert again.bytes_on_disk() == sum(answer.path.stat().st_size for answer in (first, second))


def test_answers_of_one_slice_in_two_sweeps_are_two(opened: Callable[[], Ledger]) -> None:
    ledger = opened()
    for sweep in ("survey-whole", "fetch-1"):
        ledger.plan(sweep, [WHOLE])
    survey = answered(ledger, "survey-whole", WHOLE, 7)
    assert ledger.open_slices("fetch-1") == [WHOLE]
    fetch = answered(ledger, "fetch-1", WHOLE, 7)
    assert ledger.answers() == [survey, fetch]
    assert ledger.answers("fetch-1") == [fetch]


def test_a_cut_slice_is_replaced_by_the_smaller_ones_again_and_again(opened: Callable[[], Ledger]) -> None:
    ledger = opened()
    ledger.plan("harvest", [EARLY, LATE])
    halves = LATE.cut()
    assert halves is not None
    ledger.add_cut("harvest", LATE, halves, "overflow")
    quarters = halves[1].cut()
    assert quarters is not None
    ledger.add_cut("harvest", halves[1], quarters, "overflow")
    assert ledger.open_slices("harvest") == [EARLY, halves[0], *quarters]
    assert ledger.cuts("harvest") == 2
    answered(ledger, "harvest", quarters[0], 3)
    assert opened().open_slices("harvest") == [EARLY, halves[0], quarters[1]]


def test_a_range_that_is_divided_by_the_sky_is_counted(opened: Callable[[], Ledger]) -> None:
    ledger = opened()
    instant = Range("TIME", 58000.0, 58000.0)
    ledger.plan("harvest", [Slice(instant), LATE])
    assert ledger.divided_by_sky() == 0
    ledger.add_cut("harvest", Slice(instant), [Slice(instant, Cell(0, pixel)) for pixel in range(12)], "overflow")
    halves = LATE.cut()
    assert halves is not None
    ledger.add_cut("harvest", LATE, halves, "overflow")
    assert ledger.divided_by_sky() == 1


def test_a_limit_takes_back_answers_that_may_have_been_cut_off(opened: Callable[[], Ledger]) -> None:
    ledger = opened()
    ledger.plan("harvest", [EARLY, LATE])
    answered(ledger, "harvest", EARLY, 100)
    small = answered(ledger, "harvest", LATE, 99)
    assert ledger.answer_limit is None
    ledger.add_limit(100)
    for now in (ledger, opened()):
        assert now.answer_limit == 100
        assert now.answers() == [small]
        assert now.open_slices("harvest") == [EARLY]


@pytest.mark.parametrize("damage", ["gone", "altered"])
def test_an_answer_that_is_not_as_it_was_is_asked_for_again(opened: Callable[[], Ledger], damage: str) -> None:
    ledger = opened()
    ledger.plan("harvest", [EARLY, LATE])
    lost, kept = answered(ledger, "harvest", EARLY, 5), answered(ledger, "harvest", LATE, 7)
    if damage == "gone":
        lost.path.unlink()
    else:
        lost.path.write_bytes(lost.path.read_bytes().replace(b"5", b"6"))
    again = opened()
    assert again.answers() == [kept]
    assert again.open_slices("harvest") == [EARLY]
    assert not lost.path.exists()
    assert answered(again, "harvest", EARLY, 5).number == 3


def test_files_that_were_never_journaled_are_dropped(opened: Callable[[], Ledger], tmp_path: Path) -> None:
    ledger = opened()
    ledger.plan("harvest", [EARLY])
    kept = answered(ledger, "harvest", EARLY, 5)
    for name in ("000002-harvest.arrow", "000003-harvest.part", "000003-harvest.raw"):
        (tmp_path / ANSWERS / name).write_bytes(b"half")
    opened()
    assert list((tmp_path / ANSWERS).iterdir()) == [kept.path]


def test_the_record_of_a_sweep_counts_what_it_took(opened: Callable[[], Ledger]) -> None:
    ledger = opened()
    ledger.plan("survey-POS", [WHOLE])
    ledger.plan("harvest", [EARLY, LATE])
    halves = LATE.cut()
    assert halves is not None
    ledger.add_cut("harvest", LATE, halves, "overflow")
    for slice_, rows in ((EARLY, 5), (halves[0], 7), (halves[1], 11)):
        answered(ledger, "harvest", slice_, rows)
    records = ledger.sweep_records()
    assert records == [
        {"name": "survey-POS", "slices": 0, "cuts": 0, "rows": 0},
        {"name": "harvest", "slices": 3, "cuts": 1, "rows": 23},
    ]
    json.dumps(records)


def test_a_refresh_that_turns_into_a_harvest_begins_anew_and_keeps_what_it_learnt(opened: Callable[[], Ledger]) -> None:
    ledger = opened()
    ledger.add_limit(500)
    ledger.plan("survey-whole", [WHOLE])
    first = answered(ledger, "survey-whole", WHOLE, 7)
    ledger.begin_anew()
    for now in (ledger, opened()):
        assert (now.is_anew, now.sweeps(), now.answers(), now.answer_limit) == (True, [], [], 500)
    assert not first.path.exists()
    assert opened().next_file("harvest") != first.path


def test_what_is_asked_at_the_beginning_is_asked_once(opened: Callable[[], Ledger]) -> None:
    asked: list[int] = []

    def ask() -> dict[str, list[float]]:
        asked.append(1)
        return {"snr": [len(asked), 2.5]}

    assert opened().at_beginning("averages", ask) == {"snr": [1, 2.5]}
    assert opened().at_beginning("averages", ask) == {"snr": [1, 2.5]}
    assert opened().beginnings == {"averages": {"snr": [1, 2.5]}}
