"""Ranges of the bytes of a file: from the first byte to the one behind the last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

__all__ = ["ByteRange", "bytes_in", "merged", "missing"]

#: Number of the first byte, and of the one behind the last.
ByteRange: TypeAlias = tuple[int, int]


def merged(ranges: Iterable[ByteRange], gap: int = 0) -> list[ByteRange]:
    """Sort ranges, and make one of those that overlap, touch or are at most `gap` bytes apart.

    Examples
    --------
    >>> merged([(5, 7), (0, 2), (2, 3), (9, 9)], gap=2)
    [(0, 7)]
    """
    found: list[ByteRange] = []
    for start, stop in sorted(ranges):
        if stop <= start:
            continue
        if found and start <= found[-1][1] + gap:
            found[-1] = found[-1][0], max(stop, found[-1][1])
        else:
            found.append((start, stop))
    return found


def missing(wanted: Iterable[ByteRange], present: Sequence[ByteRange]) -> list[ByteRange]:
    """Give the parts of ranges that are in none of others, which are sorted and apart.

    Examples
    --------
    >>> missing([(0, 10)], [(2, 4), (8, 12)])
    [(0, 2), (4, 8)]
    """
    found: list[ByteRange] = []
    for start, stop in merged(wanted):
        for known_start, known_stop in present:
            if known_stop <= start or known_start >= stop:
                continue
            if known_start > start:
                found.append((start, known_start))
            start = known_stop
        if start < stop:
            found.append((start, stop))
    return found


def bytes_in(ranges: Iterable[ByteRange]) -> int:
    """Count the bytes of ranges that are apart."""
    return sum(stop - start for start, stop in ranges)
