"""Runs one peer in a process of its own and watches what it costs."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_POLL_S = 0.02
_PAGE, _TICKS = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
_FAILURES_SHOWN = 300

#: What one run found and took: ``count``, ``wall_s``, ``cpu_s``, ``peak_mb``.
Run = dict[str, Any]


@dataclass(frozen=True)
class Cost:
    """What a task took; medians over its runs."""

    count: int
    """Rows of its answer."""
    wall_s: float
    """Wall time of one question, without starting Python and importing; of a program that is not Python all [s]."""
    cpu_s: float
    """User and system time of one question, all processes [s]."""
    peak_mb: float
    """Largest resident memory of the process and its children together [MB]."""
    runs: int
    """Number of runs."""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


class PeerFailedError(Exception):
    """A peer that did not come to an answer; the message is its last words."""


def cost_of(runs: list[Run]) -> Cost:
    """Medians of a peer's runs.

    Raises
    ------
    PeerFailedError
        If it did not answer the same each time.
    """
    counts = {run["count"] for run in runs}
    if len(counts) > 1:
        message = f"answers differ from run to run: {sorted(counts)}"
        raise PeerFailedError(message)
    middle = {key: statistics.median(run[key] for run in runs) for key in ("wall_s", "cpu_s", "peak_mb")}
    return Cost(count=counts.pop(), runs=len(runs), **middle)


def run_once(section: str, name: str, options: dict[str, Any], timeout_s: float) -> Run:
    """Run a peer in a new process.

    Raises
    ------
    PeerFailedError
        If it fails or takes too long.
    """
    command = [sys.executable, str(Path(__file__).with_name("child.py")), section, name, json.dumps(options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        watch = _Watch(process.pid)
        watch.start()
        try:
            answer, complaints = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            process.kill()
            message = f"took more than {timeout_s:g} s"
            raise PeerFailedError(message) from error
        finally:
            watch.stop()
    if process.returncode:
        raise PeerFailedError((complaints.strip().splitlines() or ["no message"])[-1][:_FAILURES_SHOWN])
    found: Run = json.loads(answer.splitlines()[-1])
    return {**found, "peak_mb": watch.peak_bytes / 1e6}


class _Watch(threading.Thread):
    """Sums the resident memory of a process and all that come from it, many times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._done = threading.Event()
        self.peak_bytes = 0

    def run(self) -> None:
        while not self._done.wait(_POLL_S):
            self.peak_bytes = max(self.peak_bytes, _resident(self._pid))

    def stop(self) -> None:
        """End watching."""
        self._done.set()
        self.join()


def _resident(pid: int) -> int:
    """Bytes of memory of a process and its descendants; what they share is counted for each."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:  # it has just ended
        return 0
    return pages * _PAGE + sum(map(_resident, _children(pid)))


class Clock:
    """Times a block: wall, and CPU of this process and all that come from it."""

    def __enter__(self) -> Clock:
        self._cpu, self._wall = _cpu_s(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall_s = time.perf_counter() - self._wall
        self.cpu_s = _cpu_s() - self._cpu


def _cpu_s() -> float:
    """User and system time [s] of this process, of its children that have ended, and of those that live."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used) + sum(map(_cpu_of, _children(os.getpid())))


def _cpu_of(pid: int) -> float:
    """User and system time [s] of a process and its descendants, in the kernel's ticks."""
    try:
        # proc(5): the name may hold blanks; of the fields behind it the 12th to 15th are utime, stime, cutime, cstime
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has just ended, and its parent has its time
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS + sum(map(_cpu_of, _children(pid)))


def _children(pid: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        return []
