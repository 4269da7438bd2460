"""The command `snapshots`: list them."""

from __future__ import annotations

from pathlib import Path

import click

from ssap_query.cli.options import home, mirror_argument, mirror_folder

__all__ = ["snapshots"]


@click.command()
@home
@mirror_argument
def snapshots(home: Path | None, mirror: str) -> None:
    """List the snapshots of a mirror, the oldest first; the live one has a star."""
    from ssap_mirror.core.catalog import open_catalog
    from ssap_mirror.core.snapshots import list_snapshots

    for snapshot in list_snapshots(mirror_folder(home, mirror)):
        click.echo(f"{'*' if snapshot.live else ' '} {snapshot.name}  {open_catalog(snapshot.path).rows:,} rows")
