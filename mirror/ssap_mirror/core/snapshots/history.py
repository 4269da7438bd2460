"""What was live when: a small file beside CURRENT, one line for each time a snapshot went live.

::

    2026-11-22T10:20:31Z 20261122T101500Z

Order is that of the lines. The times are for people: a clock may be wrong, and a snapshot may go live again.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import live_name

__all__ = ["History", "WentLive", "forget_gone", "read_history", "record_live"]

_UNKNOWN = "-"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True)
class WentLive:
    """A snapshot that became the one that readers open."""

    name: str
    """The snapshot's name."""
    when: str | None = None
    """Date and time, ISO 8601 UTC; None if nobody wrote it down."""


@dataclass(frozen=True)
class History:
    """What was live, of the snapshots that are still there."""

    events: tuple[WentLive, ...]
    """The earliest first; the last is the one that is live, if one is."""
    recorded: bool
    """Whether it was written down. Else it is what the names suggest, for a mirror that has no history yet."""

    def last_live(self, name: str) -> WentLive | None:
        """When a snapshot last went live; None if it never did."""
        return next((event for event in reversed(self.events) if event.name == name), None)

    def by_last_live(self) -> tuple[str, ...]:
        """Names, the one that has not been live for longest first."""
        return tuple(reversed(dict.fromkeys(event.name for event in reversed(self.events))))

    def replaced_by(self, name: str) -> str | None:
        """Name of the snapshot that was live before this one first was; None if nobody knows, or there was none.

        Each step leads to one that was first live earlier, so going on from it comes to an end.
        """
        names = [event.name for event in self.events]
        first = names.index(name) if name in names else 0
        return names[first - 1] if first else None


def read_history(mirror: Path) -> History:
    """Read what was live when. Lines that make no sense, and snapshots that are gone, are passed over.

    Parameters
    ----------
    mirror : pathlib.Path
        Folder of the mirror.
    """
    there = layout.snapshot_names(mirror)
    events = _without_repeats(event for event in _events(mirror) if event.name in there)
    recorded = bool(events)
    if not events:
        events = [WentLive(name) for name in there if layout.is_snapshot_name(name)]
    live = live_name(mirror)
    # Whoever was interrupted between the two files, or wrote CURRENT by hand: CURRENT is right.
    if live in there and (not events or events[-1].name != live):
        events.append(WentLive(live))
    return History(tuple(events), recorded)


def record_live(mirror: Path, name: str) -> None:
    """Write down that a snapshot goes live now. The mirror is locked.

    Parameters
    ----------
    mirror : pathlib.Path
        Folder of the mirror.
    name : str
        The snapshot's name.

    Raises
    ------
    OSError
        If the file cannot be written; the old one stays.
    """
    history = read_history(mirror)
    events = list(history.events)
    if events and events[-1].name == name == live_name(mirror):
        return
    if not history.recorded:  # its name does not mean that it was live before
        events = [event for event in events if event.name != name]
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    _write(mirror, [*events, WentLive(name, now)])


def forget_gone(mirror: Path) -> None:
    """Drop the lines of snapshots that are gone: a later one could have a name again. The mirror is locked.

    Raises
    ------
    OSError
        If the file cannot be written; the old one stays.
    """
    _write(mirror, read_history(mirror).events)


def _without_repeats(events: Iterable[WentLive]) -> list[WentLive]:
    """Leave out what stayed live, now that those between are gone."""
    found: list[WentLive] = []
    for event in events:
        if not found or found[-1].name != event.name:
            found.append(event)
    return found


def _write(mirror: Path, events: Iterable[WentLive]) -> None:
    text = "".join(f"{event.when or _UNKNOWN} {event.name}\n" for event in events)
    storage.replace_file(layout.history_file(mirror), text.encode())


def _events(mirror: Path) -> Iterator[WentLive]:
    content = b""
    with contextlib.suppress(OSError):
        content = layout.history_file(mirror).read_bytes()
    for line in content.decode("utf-8", "replace").splitlines():
        when, _, name = line.strip().partition(" ")
        yield WentLive(name, when if _TIME.fullmatch(when) else None)
