"""A sweep goes on until all is answered: it cuts what overflows or fails, and says which slice it could not have."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from ssap_mirror.core.storage import sha256
from ssap_mirror.errors import FormatError, SourceError, TransportError
from ssap_mirror.sources.harvest.answers import QueryTooLargeError, Stored
from ssap_mirror.sources.harvest.client import Client
from ssap_mirror.sources.harvest.journal import Journal
from ssap_mirror.sources.harvest.ledger import ANSWERS, JOURNAL, Ledger
from ssap_mirror.sources.harvest.slices import WHOLE, Range, Slice, cells_of
from ssap_mirror.sources.harvest.sweep import InseparableError, Sweep, run_sweep
from ssap_mirror.sources.progress import Silent
from ssap_mirror.sources.source import RequestPolicy

SNR = np.arange(1000, dtype=np.float64)
ALL = Slice(Range("SNR", 0.0, 999.0))


@dataclass
class Table:
    """Values of SNR behind a service without a network."""

    client: Client
    values: np.ndarray = field(default_factory=lambda: SNR)
    alive: bool = True
    fails: Callable[[Slice, int], SourceError | None] = lambda slice_, rows: None
    asked: list[tuple[str, int]] = field(default_factory=list)

    def ping(self) -> None:
        if not self.alive:
            message = "gone"
            raise TransportError(message)

    def fetch(self, slice_: Slice, maxrec: int, target: Path) -> Stored | None:
        self.asked.append((slice_.key, maxrec))
        rows = len(self.values) if slice_.range is None else int(slice_.range.holds(self.values).sum())
        if (error := self.fails(slice_, rows)) is not None:
            raise error
        if rows > maxrec:
            return None
        target.write_text(slice_.key)
        return Stored(target, rows, False, sha256(target), target.stat().st_size)


@pytest.fixture
def table() -> Iterator[Table]:
    client = Client(RequestPolicy())
    yield Table(client)
    client.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Journal(tmp_path / JOURNAL) as journal:
        yield Ledger(journal, tmp_path / ANSWERS)


def sweep(table: Table, *slices: Slice, maxrec: int = 300, known: np.ndarray | None = SNR, sky: bool = False) -> Sweep:
    return Sweep("harvest", slices, maxrec, table.fetch, known, sky)


def run(table: Table, ledger: Ledger, *slices: Slice, **how: object) -> int:
    """Rows that the answers have."""
    answers = run_sweep(sweep(table, *slices, **how), table, ledger, Silent())  # type: ignore[arg-type]
    assert ledger.open_slices("harvest") == []
    assert sorted(answer.path.read_text() for answer in answers) == sorted(answer.slice.key for answer in answers)
    return sum(answer.rows for answer in answers)


def test_slices_that_overflow_are_cut_in_equal_halves(table: Table, ledger: Ledger) -> None:
    assert run(table, ledger, ALL) == 1000
    assert [answer.rows for answer in ledger.answers()] == [250] * 4
    assert ledger.cuts("harvest") == 3


def test_a_value_with_too_many_rows_is_asked_for_with_a_higher_limit(table: Table, ledger: Ledger) -> None:
    table.values = np.zeros(1000)
    assert run(table, ledger, Slice(Range("SNR", 0.0, 0.0)), known=table.values) == 1000
    assert [maxrec for _, maxrec in table.asked] == [300, 1200]


def test_a_value_with_more_rows_than_any_limit_cannot_be_had(table: Table, ledger: Ledger) -> None:
    table.values = np.zeros(1_000_001)
    with pytest.raises(SourceError, match=r"SNR=0\.0/0\.0 holds more rows than the service gives at a time"):
        run(table, ledger, Slice(Range("SNR", 0.0, 0.0)), known=None)
    assert table.asked[-1][1] == 1_000_000


def test_a_value_with_more_rows_than_any_limit_is_divided_by_the_sky_where_that_may_be(
    table: Table, ledger: Ledger
) -> None:
    table.values = np.zeros(1_000_001)
    healthy = table.fetch

    def fetch(slice_: Slice, maxrec: int, target: Path) -> Stored | None:
        table.values = np.zeros(1_000_001 if slice_.cell is None else 7)
        return healthy(slice_, maxrec, target)

    instant = Slice(Range("SNR", 0.0, 0.0))
    run_sweep(Sweep("harvest", (instant,), 300, fetch, sky_cuts=True), table, ledger, Silent())
    assert [answer.rows for answer in ledger.answers()] == [7] * 48
    assert ledger.divided_by_sky() == 1


def test_a_slice_that_takes_too_long_is_cut(table: Table, ledger: Ledger) -> None:
    table.fails = lambda slice_, rows: QueryTooLargeError("timed out") if rows > 150 else None
    assert run(table, ledger, ALL) == 1000
    assert max(answer.rows for answer in ledger.answers()) <= 150


def test_a_part_that_takes_too_long_is_asked_for_again_before_it_is_cut(table: Table, ledger: Ledger) -> None:
    def busy(slice_: Slice, rows: int) -> SourceError | None:
        return QueryTooLargeError("timed out") if len(table.asked) in (1, 3) else None

    table.fails = busy
    assert run(table, ledger, ALL, maxrec=500) == 1000
    assert ledger.cuts("harvest") == 1, "the whole is cut, and the half that met a busy moment is not"
    assert [answer.rows for answer in ledger.answers()] == [500, 500]


def test_a_service_that_always_takes_too_long_is_soon_given_up(table: Table, ledger: Ledger) -> None:
    table.fails = lambda slice_, rows: QueryTooLargeError("timed out")
    with pytest.raises(SourceError, match=r"\d slices could not be had"):
        run(table, ledger, *(Slice(Range("SNR", low, low + 99.0)) for low in np.arange(0.0, 1000.0, 100.0)))
    assert len(table.asked) < 150


def test_a_slice_that_fails_for_good_is_named_and_the_others_are_kept(table: Table, ledger: Ledger) -> None:
    def fails(slice_: Slice, rows: int) -> SourceError | None:
        stumbles = slice_.range is not None and slice_.range.holds(np.array([777.0]))[0]
        return FormatError("a bad row") if stumbles else None

    table.fails = fails
    slices = [Slice(Range("SNR", low, low + 99.0)) for low in np.arange(0.0, 1000.0, 100.0)]
    with pytest.raises(SourceError, match=r"1 slices could not be had, first SNR=7\d\d\..*: a bad row"):
        run(table, ledger, *slices)
    assert ledger.cuts("harvest") == 3, "in case one row is what the server stumbles at"
    held = sum(answer.rows for answer in ledger.answers())
    assert 980 <= held < 1000
    table.fails = lambda slice_, rows: None
    assert run(table, ledger, *slices) == 1000


def test_after_some_failures_the_rest_is_not_tried(table: Table, ledger: Ledger) -> None:
    table.fails = lambda slice_, rows: QueryTooLargeError("timed out")
    cells = cells_of(14, range(1000))
    with pytest.raises(SourceError, match="timed out"):
        run(table, ledger, *cells)
    assert len(table.asked) < 20


def test_a_service_that_is_gone_is_not_asked_for_smaller_slices(table: Table, ledger: Ledger) -> None:
    table.fails, table.alive = lambda slice_, rows: TransportError("no route"), False
    with pytest.raises(TransportError, match="gone"):
        run(table, ledger, ALL)
    assert ledger.cuts("harvest") == 0


def test_answers_as_large_as_a_known_limit_count_as_cut_off(table: Table, ledger: Ledger) -> None:
    ledger.add_limit(250)
    assert run(table, ledger, ALL) == 1000
    assert [answer.rows for answer in ledger.answers()] == [125] * 8
    assert len(list(ledger.folder.iterdir())) == 8, "what may be cut off is removed"


def test_what_is_answered_is_not_asked_again(table: Table, ledger: Ledger) -> None:
    run(table, ledger, ALL)
    asked = len(table.asked)
    assert run(table, ledger, WHOLE) == 1000, "the plan in the journal counts"
    assert len(table.asked) == asked


def test_an_interruption_stops_requests_under_way(table: Table, ledger: Ledger) -> None:
    waiting = threading.Event()

    def fetch(slice_: Slice, maxrec: int, target: Path) -> Stored | None:
        if slice_ != ALL:
            waiting.set()
            table.client.pause(60)
        waiting.wait(60)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sweep(Sweep("harvest", (ALL, WHOLE), 300, fetch), table, ledger, Silent())
    assert table.client.stop.is_set()
    assert ledger.open_slices("harvest") == [ALL, WHOLE]


def test_a_range_that_only_overlaps_is_not_cut_for_ever(table: Table, ledger: Ledger) -> None:
    """Exposures of years lie in every half of every range; before sixteen quarters of it, that is found out."""
    starts = np.linspace(0, 50, 1000)
    asked: list[str] = []

    def fetch(slice_: Slice, maxrec: int, target: Path) -> Stored | None:
        asked.append(slice_.key)
        within = slice_.range
        assert within is not None
        low, high = (
            within.start if within.start is not None else -np.inf,
            within.stop if within.stop is not None else np.inf,
        )
        if int(((starts <= high) & (starts + 1000 >= low)).sum()) > maxrec:
            return None
        target.write_text(slice_.key)
        return Stored(target, 0, False, sha256(target), target.stat().st_size)

    overlaps = Sweep("harvest", (Slice(Range("TIME", 57000.0, 57050.0)),), 300, fetch)
    starts += 57000
    with pytest.raises(InseparableError, match="TIME does not part the rows: more than 300 share one value"):
        run_sweep(overlaps, table, ledger, Silent())
    assert len(asked) < 30


def test_a_night_with_one_date_is_no_overlap(table: Table, ledger: Ledger) -> None:
    table.values = np.concatenate([np.full(1000, 6.0), np.linspace(0, 100, 200)])
    assert run(table, ledger, ALL, known=table.values) >= 1200
