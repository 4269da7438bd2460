"""Progress for people: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from ssap_mirror.sources.progress import Progress, Silent

from ssap_query.cli.diagnostics import note

__all__ = ["shown"]

_EVERY_S = 10.0


@contextmanager
def shown(*, quiet: bool = False, unit: str = "rows") -> Iterator[Progress]:
    """Show the progress of a run on stderr while the context is open.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    unit : str
        What is counted.
    """
    if quiet:
        yield Silent()
    elif not sys.stderr.isatty():
        yield _Lines(unit)
    else:
        with _Bar(unit) as bar:
            yield bar


class _Lines:
    """A line when a stage begins, and one now and then."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._lock = Lock()
        self._name = ""
        self._rows = self._size = self._slices = 0
        self._total: int | None = None
        self._began = self._said = time.monotonic()

    def stage(self, name: str, total: int | None) -> None:
        with self._lock:
            self._finish()
            self._name, self._total = name, total
            self._rows = self._size = self._slices = 0
            self._began = self._said = time.monotonic()

    def advance(self, rows: int = 0, size: int = 0, slices: int = 0) -> None:
        with self._lock:
            self._rows, self._size, self._slices = self._rows + rows, self._size + size, self._slices + slices
            if time.monotonic() - self._said > _EVERY_S:
                self._said = time.monotonic()
                note(f"  {self._line()}")

    def note(self, text: str) -> None:
        note(f"  {text}")

    def _finish(self) -> None:
        if self._name and self._rows:
            note(f"  {self._line()}")

    def _line(self) -> str:
        seconds = max(time.monotonic() - self._began, 1e-3)
        # Slices overlap, so a sweep may bring more rows than there are.
        total = f" of {self._total:,}" if self._total and self._rows <= self._total else ""
        size = f", {self._size / 1e6:,.1f} MB" if self._size else ""
        slices = f", {self._slices:,} slices" if self._slices else ""
        rate = f"{self._rows / seconds:,.0f} {self._unit}/s"
        return f"{self._name}: {self._rows:,}{total} {self._unit}{size}{slices}, {rate}"


class _Bar:
    """A bar of rich with rows, bytes, slices, rate and time left."""

    def __init__(self, unit: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn(f"{{task.completed:,.0f}} {unit}"),
            TextColumn("{task.fields[facts]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._unit = unit
        self._lock = Lock()
        self._size = self._slices = 0
        self._task = self._progress.add_task("starting", total=None, facts="")

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.stop()

    def stage(self, name: str, total: int | None) -> None:
        with self._lock:
            self._size = self._slices = 0
            self._progress.remove_task(self._task)
            self._task = self._progress.add_task(name, total=total, facts="")

    def advance(self, rows: int = 0, size: int = 0, slices: int = 0) -> None:
        with self._lock:
            self._size, self._slices = self._size + size, self._slices + slices
            speed = self._progress.tasks[0].speed if self._progress.tasks else None
            facts = [
                f"{self._size / 1e6:,.1f} MB" if self._size else "",
                f"{self._slices:,} slices" if self._slices else "",
            ]
            facts.append(f"{speed:,.0f} {self._unit}/s" if speed else "")
            self._progress.update(self._task, advance=rows, facts="  ".join(fact for fact in facts if fact))

    def note(self, text: str) -> None:
        self._progress.console.print(f"  {text}", markup=False, highlight=False)
