"""The command `path`: where a mirror is."""

from __future__ import annotations

from pathlib import Path

import click

from ssap_query.cli.choice import home, mirror_argument

__all__ = ["path"]


@click.command()
@home
@mirror_argument
def path(home: Path | None, mirror: str) -> None:
    """Print the folder of the live snapshot, a HATS catalogue: lsdb.open_catalog($(ssap-mirror path))."""
    from ssap_mirror.core.catalog import find_snapshot

    from ssap_query.mirror.shipped import where

    click.echo(str(find_snapshot(where(mirror, home), home)))
