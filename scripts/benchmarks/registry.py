"""The peers of each section: who answers which question, and whose answers must agree."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scripts.benchmarks.measure import Clock

Options = dict[str, Any]
#: Answers the question of its section: the number of rows it found, the clock that ran meanwhile, and how many times
#: the question was asked while it ran.
Run = Callable[[Options], tuple[int, Clock, int]]


@dataclass(frozen=True)
class Peer:
    """One way to an answer."""

    section: str
    """What is asked: ``match``, ``cone``, ``statistics`` or ``start``."""
    name: str
    """What it is called in the table."""
    run: Run
    """The way."""
    agrees: bool
    """Whether it answers just what the others of the section do, so that the number of rows must be theirs."""
    scaled: bool
    """Whether it is run at every size, and not at the largest alone."""
    needs: str | None
    """Module or command without which it is not run."""

    @property
    def missing(self) -> str | None:
        """Why it cannot be run here; None if it can."""
        if self.needs is None or shutil.which(self.needs) or importlib.util.find_spec(self.needs):
            return None
        return f"{self.needs} is not installed"


PEERS: list[Peer] = []


def peer(
    section: str, name: str, *, agrees: bool = True, scaled: bool = False, needs: str | None = None
) -> Callable[[Run], Run]:
    """Register a way to an answer; the arguments are those of `Peer`."""

    def register(run: Run) -> Run:
        PEERS.append(Peer(section, name, run, agrees, scaled, needs))
        return run

    return register
