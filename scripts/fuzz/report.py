"""What came of a campaign, and how it is told: the same for all of them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NoReturn

__all__ = ["Report", "tell"]


@dataclass
class Report:
    """What happened."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """Word -> how many cases ended so."""
    problems: list[str] = field(default_factory=list)
    """Everything that must not happen, a sentence each."""
    elapsed_s: float = 0.0
    """Duration of the whole."""

    def tell_outcomes(self) -> None:
        """Print how many cases ended how, the most frequent first."""
        for outcome, count in self.outcomes.most_common():
            print(f"{count:9,}  {outcome}")

    def end(self) -> NoReturn:
        """Print the problems, and end with 1 if there are any."""
        for problem in self.problems:
            print(f"PROBLEM {problem}")
        sys.exit(1 if self.problems else 0)


def tell(lines: Iterable[str]) -> None:
    """Say how far it is, on stderr."""
    print("\n".join(lines), file=sys.stderr, flush=True)
