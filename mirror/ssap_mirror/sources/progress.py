"""What a long run tells whoever watches it. The core calls; the command line draws."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "Silent"]


class Progress(Protocol):
    """Callbacks of a run; they may come from several threads, one at a time."""

    def stage(self, name: str, total: int | None) -> None:
        """Begin a stage: its name, and the number of rows it will handle if that is known."""

    def advance(self, rows: int = 0, size: int = 0, slices: int = 0) -> None:
        """Count on: rows handled, bytes received and slices finished since the last call."""

    def note(self, text: str) -> None:
        """Say one sentence."""


class Silent:
    """A progress that nobody watches."""

    def stage(self, name: str, total: int | None) -> None:
        """Do nothing."""

    def advance(self, rows: int = 0, size: int = 0, slices: int = 0) -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""
