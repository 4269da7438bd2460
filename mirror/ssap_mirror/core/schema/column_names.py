"""Names of columns that SQL can tell apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

__all__ = ["told_apart"]


def told_apart(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Give columns names that are neither empty nor alike in SQL, which takes ``Rmag`` and ``rmag`` for one.

    All names that differ in case alone get a number behind them, so that neither stands for the other.

    Parameters
    ----------
    names : sequence of str
        Names in the source, no two of them the same.

    Returns
    -------
    names : list of str
        Names to use, in the same order.
    notes : list of str
        What had to change, in sentences.
    """
    taken = {name.lower() for name in names}
    alike = Counter(name.lower() for name in names)
    found, notes, renamed = [], [], []
    for number, name in enumerate(names, 1):
        new = name
        if not name.strip():
            new = _free(f"col{number}", taken, 0)
            notes.append(f"column {number} has an empty name and is called {new}")
        elif alike[name.lower()] > 1:
            new = _free(name, taken, 1)
            renamed.append(f"{name} is called {new}")
        found.append(new)
    if renamed:
        notes.append(f"names that differ in case alone, which SQL takes for one: {', '.join(renamed)}")
    return found, notes


def _free(name: str, taken: set[str], number: int) -> str:
    new = name if number == 0 else f"{name}_{number}"
    while new.lower() in taken:
        number += 1
        new = f"{name}_{number}"
    taken.add(new.lower())
    return new
