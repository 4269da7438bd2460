"""Where the harvest of a mirror stands, read from its journal without touching it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ssap_mirror.core import layout
from ssap_mirror.core.catalog import find_snapshot
from ssap_mirror.errors import CatalogError
from ssap_mirror.sources.harvest.journal import read_whole_lines
from ssap_mirror.sources.harvest.ledger import ANSWERS, JOURNAL, State

__all__ = ["HarvestStatus", "SweepStatus", "status"]


@dataclass(frozen=True)
class SweepStatus:
    """How far one sweep is."""

    name: str
    """``survey``, ``harvest``, ``fetch-1``, ..."""
    answered: int
    """Slices that are answered."""
    open: int
    """Slices that are not; they may still be cut."""
    rows: int
    """Rows of the answers."""


@dataclass(frozen=True)
class HarvestStatus:
    """What lies in a mirror's folder."""

    name: str
    """Name of the mirror."""
    live: str | None
    """The live snapshot's name."""
    source: str | None
    """Where the harvest under way comes from; None if there is none."""
    begun: str | None
    """When it was begun, ISO 8601 UTC."""
    sweeps: tuple[SweepStatus, ...]
    """In the order of their beginning."""
    bytes: int
    """Size of the answers on disk [byte]."""

    def words(self) -> str:
        """Say it to a person."""
        lines = [f"{self.name}: {f'live is {self.live}' if self.live else 'no live snapshot'}"]
        if self.source is None:
            lines.append("  no harvest under way")
        else:
            lines.append(f"  a harvest of {self.source}, begun at {self.begun}, {self.bytes / 1e6:,.1f} MB so far")
            lines += [
                f"  {sweep.name}: {sweep.rows:,} rows in {sweep.answered:,} slices, {sweep.open:,} to go"
                for sweep in self.sweeps
            ]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON document."""
        return asdict(self)


def status(name: str, home: Path | None = None) -> HarvestStatus:
    """Tell where the harvest of a mirror stands; it may be running.

    Parameters
    ----------
    name : str
        Name of the mirror.
    home : pathlib.Path, optional
        Folder of the mirrors.

    Raises
    ------
    CatalogError
        If there is no folder of that name.
    """
    mirror = layout.mirror_dir(home or layout.default_home(), name)
    if not mirror.is_dir():
        message = f"No mirror {name!r} in {mirror.parent}, not even one under way"
        raise CatalogError(message)
    try:
        live: str | None = find_snapshot(mirror).name
    except CatalogError:
        live = None
    staging = layout.staging_dir(mirror)
    records = read_whole_lines(staging / JOURNAL)
    begin = next((record for record in records if record["type"] == "begin"), None)
    state = State(records, staging / ANSWERS)
    sweeps = []
    for sweep in state.sweeps():
        answers = state.answers(sweep)
        rows = sum(answer.rows for answer in answers)
        sweeps.append(SweepStatus(sweep, len(answers), len(state.open_slices(sweep)), rows))
    return HarvestStatus(
        name=name,
        live=live,
        source=None if begin is None else begin["url"],
        begun=None if begin is None else begin["created"],
        sweeps=tuple(sweeps),
        bytes=sum(record["size"] for record in records if record["type"] == "answer"),
    )
