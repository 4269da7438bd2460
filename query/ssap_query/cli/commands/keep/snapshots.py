"""The command `snapshots`: list them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ssap_query.cli.choice import home, mirror_argument, mirror_folder
from ssap_query.cli.diagnostics import note

if TYPE_CHECKING:
    from ssap_mirror.core.snapshots import Snapshot

__all__ = ["snapshots"]


@click.command()
@home
@mirror_argument
def snapshots(home: Path | None, mirror: str) -> None:
    """List the snapshots of a mirror by when they were live; the live one comes last and has a star."""
    from ssap_mirror.core.snapshots import list_snapshots, list_strays

    folder = mirror_folder(home, mirror)
    found = list_snapshots(folder)
    for snapshot in found:
        click.echo(f"{'*' if snapshot.live else ' '} {snapshot.name}  {_content(snapshot)}")
    for stray in list_strays(folder):
        note(f"note: {stray} is no snapshot, for it has no manifest; it is left alone")
    if not any(snapshot.live for snapshot in found):
        note(f"note: none is live; `ssap-mirror rollback {mirror}` makes the last that was, or a named one, live again")


def _content(snapshot: Snapshot) -> str:
    """Say what a snapshot holds and when it was live."""
    from ssap_mirror.core.catalog import open_catalog
    from ssap_mirror.errors import CatalogError

    try:
        rows = f"{open_catalog(snapshot.path).rows:,} rows"
    except CatalogError as error:
        rows = str(error)
    since = "since" if snapshot.live else "last went live"
    return f"{rows}  {since} {snapshot.last_live}" if snapshot.last_live else rows
