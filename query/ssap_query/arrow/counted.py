"""Counts as people read them."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, noun: str) -> str:
    """Give a number with what it counts: ``1 row``, ``20,000 rows``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
