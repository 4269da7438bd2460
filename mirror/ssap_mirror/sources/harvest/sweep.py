"""A sweep: slices that together cover a table, asked for until every one of them is answered in full.

Slices that overflow, time out or fail are cut; what is answered or cut stands in the journal, so a sweep that died goes
on where it was.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.errors import FormatError, ServiceError, SourceError, TransportError
from ssap_mirror.sources.harvest.answers import Stored, TooMuchError
from ssap_mirror.sources.harvest.client import InterruptedHarvest
from ssap_mirror.sources.harvest.ledger import Answer, Ledger
from ssap_mirror.sources.harvest.slices import Slice, cells_of
from ssap_mirror.sources.progress import Progress
from ssap_mirror.sources.source import Manners

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Ask", "Sweep", "Sweeper"]

# A slice that only fails is cut so many times, in case one of its rows is what makes the server stumble; one that takes
# too long, until it is a four-thousandth of what was planned.
_CUTS_FOR_FAILURE = 3
_CUTS_FOR_TIMEOUT = 12
# After so many slices that cannot be had, the others are not tried.
_MOST_FAILURES = 5
# An instant that holds more rows than the limit is asked for with higher ones, up to what services announce.
_HIGHEST_MAXREC = 1_000_000
_SKY_ORDER_FOR_INSTANTS = 1

#: Fetches a slice with a limit into a file; None says that it overflowed.
Ask = Callable[[Slice, int, Path], Stored | None]


@dataclass(frozen=True)
class Sweep:
    """What one sweep asks, and how."""

    name: str
    """In the journal and the manifest."""
    slices: tuple[Slice, ...]
    """As planned."""
    maxrec: int
    """Limit of each request [rows]."""
    ask: Ask
    """Fetches one slice."""
    known: NDArray[np.float64] | None = None
    """Values of the swept parameter, by which a slice is cut into equal halves."""
    sky_cuts: bool = False
    """Whether a range that cannot be cut may be divided by the sky (rows without a position are then lost to it)."""


class Sweeper:
    """Runs sweeps, some requests at a time.

    Parameters
    ----------
    ledger : Ledger
        Where answers are counted.
    manners : Manners
        Says how many requests run at a time.
    progress : Progress
        Told of each answer.
    alive : callable
        Asks the service for a sign of life; raises if there is none.
    stop : callable
        Tells requests under way to end.
    """

    def __init__(
        self,
        ledger: Ledger,
        manners: Manners,
        progress: Progress,
        alive: Callable[[], None],
        stop: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._manners = manners
        self._progress = progress
        self._alive = alive
        self._stop = stop

    def run(self, sweep: Sweep) -> list[Answer]:
        """Ask until every slice is answered.

        Raises
        ------
        TransportError
            If the service cannot be reached any more.
        SourceError
            If a slice fails again and again while the service answers otherwise.
        """
        self._ledger.plan(sweep.name, sweep.slices)
        run = _Run(sweep, self._ledger, self._progress, self._alive)
        # The client lets only so many requests out at a time; meanwhile as many answers again may be read.
        threads = 2 * self._manners.requests_at_a_time
        pool = ThreadPoolExecutor(threads, thread_name_prefix="harvest")
        try:
            run.until_done(pool, threads)
        except SourceError:
            # Requests under way may end as they are.
            raise
        except BaseException:
            self._stop()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return self._ledger.answers(sweep.name)


@dataclass(frozen=True)
class _Task:
    part: Slice
    maxrec: int
    cuts: int = 0
    """How often it was cut for other reasons than overflow."""


class _Run:
    """One run of a sweep."""

    def __init__(self, sweep: Sweep, ledger: Ledger, progress: Progress, alive: Callable[[], None]) -> None:
        self._sweep = sweep
        self._ledger = ledger
        self._progress = progress
        self._alive = alive
        self._waiting = deque(_Task(part, sweep.maxrec) for part in ledger.open_slices(sweep.name))
        self._failed: list[tuple[Slice, SourceError]] = []

    def until_done(self, pool: ThreadPoolExecutor, at_a_time: int) -> None:
        running: dict[Future[tuple[Stored | None, float]], _Task] = {}
        while running or (self._waiting and len(self._failed) < _MOST_FAILURES):
            while self._waiting and len(running) < at_a_time and len(self._failed) < _MOST_FAILURES:
                task = self._waiting.popleft()
                target = self._ledger.next_file(self._sweep.name)
                running[pool.submit(self._timed, task, target)] = task
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                self._take(running.pop(future), future)
        if self._failed:
            part, error = self._failed[0]
            message = (
                f"of the sweep {self._sweep.name!r}, {len(self._failed)} slices could not be had, first {part.key}: "
                f"{error}; what is here is kept, and the same command goes on from there"
            )
            raise SourceError(message) from error

    def _timed(self, task: _Task, target: Path) -> tuple[Stored | None, float]:
        began = time.monotonic()
        return self._sweep.ask(task.part, task.maxrec, target), time.monotonic() - began

    def _take(self, task: _Task, future: Future[tuple[Stored | None, float]]) -> None:
        try:
            stored, seconds = future.result()
        except InterruptedHarvest:
            raise
        except TooMuchError as error:
            self._fail(task, error, _CUTS_FOR_TIMEOUT)
        except (TransportError, FormatError, ServiceError) as error:
            # If the service is gone altogether, no smaller slice will do better.
            self._alive()
            self._fail(task, error, _CUTS_FOR_FAILURE)
        else:
            if stored is None:
                self._overflow(task)
            else:
                self._ledger.add_answer(self._sweep.name, task.part, stored, seconds)
                self._progress.advance(rows=stored.rows, size=stored.received, slices=1)

    def _fail(self, task: _Task, error: SourceError, most_cuts: int) -> None:
        if task.cuts >= most_cuts or not self._cut(replace(task, cuts=task.cuts + 1), str(error)):
            self._failed.append((task.part, error))

    def _overflow(self, task: _Task) -> None:
        if self._cut(task, "overflow"):
            return
        if task.maxrec < _HIGHEST_MAXREC:
            self._waiting.appendleft(replace(task, maxrec=min(4 * task.maxrec, _HIGHEST_MAXREC)))
            return
        message = f"{task.part.key} holds more rows than the service gives at a time, and cannot be cut"
        self._failed.append((task.part, SourceError(message)))

    def _cut(self, task: _Task, why: str) -> bool:
        parts = task.part.parts(self._sweep.known)
        beyond_limits = why != "overflow" or task.maxrec >= _HIGHEST_MAXREC
        if parts is None and self._sweep.sky_cuts and task.part.cell is None and beyond_limits:
            parts = tuple(replace(task.part, cell=cell.cell) for cell in cells_of(_SKY_ORDER_FOR_INSTANTS))
        if parts is None:
            return False
        self._ledger.add_cut(self._sweep.name, task.part, parts, why)
        self._waiting.extendleft(_Task(part, self._sweep.maxrec, task.cuts) for part in reversed(parts))
        return True
