"""What the audit answers: which rows, and how many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Changes", "Missing", "SeenRows", "Sight", "floats_of", "missing_of", "seen_rows_of"]


@dataclass(frozen=True)
class Missing:
    """Rows that a survey has seen and no full answer holds as it saw them."""

    identities: tuple[str, ...]
    """Of each."""
    ra: NDArray[np.float64]
    """ICRS right ascension [deg], shape (N,); NaN where unknown."""
    dec: NDArray[np.float64]
    """ICRS declination [deg], shape (N,)."""
    answers: NDArray[np.int64]
    """Number of a survey's answer that has the row, shape (N,)."""

    def __len__(self) -> int:
        return len(self.identities)


@dataclass(frozen=True)
class Sight:
    """Which rows a survey would have seen, had they been there."""

    everything: bool = False
    """All of them: it had no constraint."""
    placed: bool = False
    """Those with a position."""
    dated: bool = False
    """Those with a date."""
    surveyed: bool = False
    """Those that an earlier one like it has seen."""


@dataclass(frozen=True)
class SeenRows:
    """Rows as they were seen before."""

    identities: tuple[str, ...]
    """Of each."""
    ra: NDArray[np.float64]
    """ICRS right ascension [deg], shape (N,); NaN where unknown."""
    dec: NDArray[np.float64]
    """ICRS declination [deg], shape (N,)."""
    t: NDArray[np.float64]
    """Date, MJD [d], shape (N,); NaN where there is none."""
    held: NDArray[np.bool_]
    """Whether the full row is at hand, shape (N,)."""

    def __len__(self) -> int:
        return len(self.identities)


@dataclass(frozen=True)
class Changes:
    """Signs that the table changed while it was read, or that the service gave answers that were not whole."""

    changed: int
    """Rows whose values differ between answers."""
    gone: int
    """Rows that a survey saw, and that were not there when they were asked for."""
    unseen: int
    """Full rows with a position that the survey by position did not see."""

    def __bool__(self) -> bool:
        return bool(self.changed or self.gone or self.unseen)


def missing_of(table: pa.Table) -> Missing:
    """Read rows that are missing from a table of the index."""
    return Missing(
        identities=tuple(table.column("identity").to_pylist()),
        ra=floats_of(table, "ra"),
        dec=floats_of(table, "dec"),
        answers=table.column("number").to_numpy().astype(np.int64),
    )


def seen_rows_of(table: pa.Table) -> SeenRows:
    """Read rows that were seen before from a table of the index."""
    return SeenRows(
        identities=tuple(table.column("identity").to_pylist()),
        ra=floats_of(table, "ra"),
        dec=floats_of(table, "dec"),
        t=floats_of(table, "t"),
        held=table.column("held").to_numpy(zero_copy_only=False).astype(np.bool_),
    )


def floats_of(table: pa.Table, name: str) -> NDArray[np.float64]:
    """Read a column of numbers, NaN where there is none."""
    values: NDArray[np.float64] = table.column(name).cast("float64").to_numpy()
    return values
