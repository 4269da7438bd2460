"""A sweep: slices that together cover a table, asked for until every one of them is answered in full.

Slices that overflow, time out or fail are cut; what is answered or cut stands in the journal, so an interrupted sweep
resumes.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ssap_mirror.errors import FormatError, ServiceError, SourceError, TransportError
from ssap_mirror.sources.harvest.answers import QueryTooLargeError, Stored
from ssap_mirror.sources.harvest.client import Client, InterruptedHarvest
from ssap_mirror.sources.harvest.ledger import Answer, Ledger
from ssap_mirror.sources.harvest.slices import Slice, cells_of
from ssap_mirror.sources.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Fetch", "InseparableError", "RefusedCollectionError", "Service", "Sweep", "run_sweep"]

# A slice that only fails is cut so many times, in case one of its rows is what makes the server stumble; one that takes
# too long, until it is a four-thousandth of what was planned.
_CUTS_FOR_FAILURE = 3
_CUTS_FOR_TIMEOUT = 12
# The first time-out is believed, and the slice cut. A part that takes too long as well may have met a busy moment: it
# is asked for so many times in all.
_TRIES_OF_PART = 2
# After so many slices that cannot be had, the others are not tried.
_MOST_FAILURES = 5
_SKY_ORDER_FOR_INSTANTS = 1
# Where so many cells of a size overflow, and such a share of those asked for, the others are not tried.
_FEWEST_OVERFLOWS, _NEARLY_ALL = 8, 0.9
# A range that was cut so often, and overflows all the same, is looked into before it is cut again.
_LOOKS_AT_DEPTH = (3, 6, 12, 24)

#: Fetches a slice with a limit into a file; None says that it overflowed.
Fetch = Callable[[Slice, int, Path], Stored | None]


class InseparableError(SourceError):
    """The parameter of a sweep does not part the rows, however small its ranges are."""


class RefusedCollectionError(SourceError):
    """The service has no answer for a collection, whatever else is asked of it."""


class Service(Protocol):
    """What a sweep needs of a service beside its answers."""

    @property
    def client(self) -> Client:
        """Carries the requests."""

    def ping(self) -> None:
        """Ask for a sign of life; raises `SourceError` if there is none."""


@dataclass(frozen=True)
class Sweep:
    """What one sweep asks, and how."""

    name: str
    """In the journal and the manifest."""
    slices: tuple[Slice, ...]
    """As planned."""
    maxrec: int
    """Limit of each request [rows]."""
    fetch: Fetch
    """Fetches one slice."""
    known: NDArray[np.float64] | None = None
    """Values of the swept parameter, by which a slice is cut into equal halves."""
    sky_cuts: bool = False
    """Whether a range that cannot be cut may be divided by the sky (rows without a position are then lost to it)."""
    most_requests: int | None = None
    """After so many requests it is given up; None is no limit."""
    parts: tuple[Slice, ...] = ()
    """What a whole collection that has too many rows for an answer is divided into."""


def run_sweep(sweep: Sweep, service: Service, ledger: Ledger, progress: Progress) -> list[Answer]:
    """Ask until every slice of a sweep is answered, some requests at a time.

    Parameters
    ----------
    sweep : Sweep
        What to ask; a plan of that name in the journal counts instead of its slices.
    service : Service
        Who is asked.
    ledger : Ledger
        Where answers are counted.
    progress : Progress
        Told of each answer.

    Returns
    -------
    list of Answer
        All of the sweep's, in the order of arrival.

    Raises
    ------
    TransportError
        If the service cannot be reached any more.
    SourceError
        If a slice fails again and again while the service answers otherwise.
    """
    ledger.plan(sweep.name, sweep.slices)
    run = _Run(sweep, service, ledger, progress)
    # The client lets only so many requests out at a time; meanwhile as many answers again may be read.
    threads = 2 * service.client.policy.requests_at_a_time
    pool = ThreadPoolExecutor(threads, thread_name_prefix="harvest")
    try:
        run.until_done(pool, threads)
    except BaseException as error:
        # What is under way would not be counted any more. Another sweep may follow, unless the harvest is to stop.
        if isinstance(error, SourceError) and not isinstance(error, InterruptedHarvest):
            service.client.abandon()
        else:
            service.client.interrupt()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return ledger.answers(sweep.name)


@dataclass(frozen=True)
class _Task:
    slice: Slice
    maxrec: int
    cuts: int = 0
    """How often it was cut for other reasons than overflow."""
    depth: int = 0
    """How often a range was cut for overflow until it came to this slice."""
    tries: int = 1
    """How often it was asked for, this time included."""
    began: float = 0.0
    """When it was handed out, by `time.monotonic`."""


class _Run:
    """One run of a sweep."""

    def __init__(self, sweep: Sweep, service: Service, ledger: Ledger, progress: Progress) -> None:
        self._sweep = sweep
        self._service = service
        self._ledger = ledger
        self._progress = progress
        self._waiting = deque(_Task(slice_, sweep.maxrec) for slice_ in ledger.open_slices(sweep.name))
        self._failed: list[tuple[Slice, SourceError]] = []
        self._sent = 0
        #: Order of cells -> how many were asked for, and how many of those overflowed.
        self._cells: defaultdict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
        # An instant that holds more rows than the limit is asked for with higher ones, unless that is optional.
        optional = sweep.most_requests is not None
        self._highest_maxrec = sweep.maxrec if optional else service.client.policy.highest_maxrec

    def until_done(self, pool: ThreadPoolExecutor, at_a_time: int) -> None:
        running: dict[Future[tuple[Stored | None, float]], _Task] = {}
        while running or (self._waiting and len(self._failed) < _MOST_FAILURES):
            while self._waiting and len(running) < at_a_time and len(self._failed) < _MOST_FAILURES:
                if self._sent == self._sweep.most_requests:
                    message = f"the sweep {self._sweep.name!r} is not finished after {self._sent:,} requests"
                    raise SourceError(message)
                if self._cut_unasked():
                    continue
                self._sent += 1
                task = replace(self._waiting.popleft(), began=time.monotonic())
                target = self._ledger.next_file(self._sweep.name)
                running[pool.submit(self._timed, task, target)] = task
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                self._take(running.pop(future), future)
        if self._failed:
            slice_, error = self._failed[0]
            message = (
                f"of the sweep {self._sweep.name!r}, {len(self._failed)} slices could not be had, first {slice_.key}: "
                f"{error}; what was fetched is kept, and the same command resumes"
            )
            raise SourceError(message) from error

    def _cut_unasked(self) -> bool:
        """Cut the next cell at once, if nearly all of its size overflow: to ask for it would be of no use."""
        task = self._waiting[0]
        cell = task.slice.cell
        if cell is None or task.slice.range is not None:
            return False
        tried, overflowed = self._cells[cell.order]
        if overflowed < _FEWEST_OVERFLOWS or overflowed < _NEARLY_ALL * tried:
            return False
        self._waiting.popleft()
        return self._cut(task, "others of its size overflow")

    def _timed(self, task: _Task, target: Path) -> tuple[Stored | None, float]:
        began = time.monotonic()
        return self._sweep.fetch(task.slice, task.maxrec, target), time.monotonic() - began

    def _take(self, task: _Task, future: Future[tuple[Stored | None, float]]) -> None:
        cell = task.slice.cell
        try:
            stored, seconds = future.result()
            if cell is not None and task.slice.range is None:
                tried, overflowed = self._cells[cell.order]
                self._cells[cell.order] = (tried + 1, overflowed + (stored is None))
        except InterruptedHarvest:
            raise
        except RefusedCollectionError as error:
            assert task.slice.collection is not None
            self._ledger.add_refusal(task.slice.collection, str(error))
            self._progress.note(f"COLLECTION {task.slice.collection} is refused ({error}); the others are asked for")
        except QueryTooLargeError as error:
            if task.cuts and task.tries < _TRIES_OF_PART:
                # At once: after the others, all would be cut before the first is given up.
                self._waiting.appendleft(replace(task, tries=task.tries + 1))
            else:
                self._fail(task, error, _CUTS_FOR_TIMEOUT)
        except (TransportError, FormatError, ServiceError) as error:
            # If the service is gone altogether, no smaller slice will do better.
            if self._service.client.given_up:
                raise
            if not self._service.client.answered_since(task.began):
                self._service.ping()
            self._fail(task, error, _CUTS_FOR_FAILURE)
        else:
            if stored is None or self._may_be_cut_off(stored):
                self._overflow(task)
            else:
                self._ledger.add_answer(self._sweep.name, task.slice, stored, seconds)
                self._progress.advance(rows=stored.rows, size=stored.received, slices=1)

    def _may_be_cut_off(self, stored: Stored) -> bool:
        """Whether an answer has as many rows as the service gives at most; then it is removed."""
        limit = self._ledger.answer_limit
        if limit is None or stored.rows < limit:
            return False
        stored.path.unlink()
        return True

    def _fail(self, task: _Task, error: SourceError, most_cuts: int) -> None:
        if task.cuts >= most_cuts or not self._cut(replace(task, cuts=task.cuts + 1), str(error)):
            self._failed.append((task.slice, error))

    def _overflow(self, task: _Task) -> None:
        if task.depth in _LOOKS_AT_DEPTH and self._is_inseparable(task):
            assert task.slice.range is not None
            message = (
                f"{task.slice.range.parameter} does not part the rows: more than {task.maxrec:,} share one value of it"
            )
            raise InseparableError(message)
        if self._cut(task, "overflow"):
            return
        if task.maxrec < self._highest_maxrec:
            self._waiting.appendleft(replace(task, maxrec=min(4 * task.maxrec, self._highest_maxrec)))
            return
        message = f"{task.slice.key} holds more rows than the service gives at a time, and cannot be cut"
        self._failed.append((task.slice, SourceError(message)))

    def _is_inseparable(self, task: _Task) -> bool:
        """Whether a single value between those that are known overflows as well.

        Then what is tested is whether two ranges overlap, and a row that lies across a cut is in both halves for ever.
        """
        halves = None if task.slice.range is None else task.slice.range.halves(self._sweep.known)
        if halves is None:
            return False
        at = halves[0].stop
        if self._sweep.known is not None and (self._sweep.known == at).any():
            # A night whose spectra all have one date; ranges beside it are parted all the same.
            return False
        target = self._ledger.next_file(self._sweep.name)
        instant = replace(task.slice, range=replace(halves[0], start=at, stop=at))
        stored = self._sweep.fetch(instant, task.maxrec, target)
        if stored is not None:
            stored.path.unlink()
        return stored is None

    def _cut(self, task: _Task, why: str) -> bool:
        smaller = task.slice.cut(self._sweep.known)
        if smaller is None and task.slice.is_whole and self._sweep.parts:
            smaller = tuple(replace(part, collection=task.slice.collection) for part in self._sweep.parts)
        beyond_limits = why != "overflow" or task.maxrec >= self._highest_maxrec
        if smaller is None and self._sweep.sky_cuts and task.slice.cell is None and beyond_limits:
            smaller = tuple(replace(task.slice, cell=cell.cell) for cell in cells_of(_SKY_ORDER_FOR_INSTANTS))
        if smaller is None:
            return False
        self._ledger.add_cut(self._sweep.name, task.slice, smaller, why)
        depth = task.depth + (why == "overflow" and task.slice.range is not None)
        self._waiting.extendleft(_Task(slice_, self._sweep.maxrec, task.cuts, depth) for slice_ in reversed(smaller))
        return True
