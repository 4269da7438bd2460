"""The command `rollback`: make another snapshot live."""

from __future__ import annotations

from pathlib import Path

import click
from ssap_mirror.core import layout

from ssap_query.cli.choice import chosen_mirror, home, mirror_argument, mirror_folder
from ssap_query.cli.diagnostics import note

__all__ = ["rollback"]


@click.command()
@home
@mirror_argument
@click.argument("snapshot", required=False)
def rollback(home: Path | None, mirror: str, snapshot: str | None) -> None:
    """Make another SNAPSHOT of a mirror live, back or forth; without a name, the one that the live one replaced.

    `ssap-mirror snapshots` lists them.
    """
    from ssap_mirror.core.snapshots import rollback as go_back

    if snapshot is None and layout.is_snapshot_name(mirror):  # the only word given is a snapshot's
        mirror, snapshot = chosen_mirror(None, home), mirror
    note(f"live: {go_back(mirror_folder(home, mirror), snapshot).path}")
