"""The command `path`: where a mirror is."""

from __future__ import annotations

from pathlib import Path

import click

from ssap_query.cli.options import home, mirror_argument

__all__ = ["path"]


@click.command()
@home
@mirror_argument
def path(home: Path | None, mirror: str) -> None:
    """Print the folder of the live snapshot, a HATS catalogue: lsdb.open_catalog($(ssap-mirror path))."""
    from ssap_mirror.core.catalog import find_snapshot

    click.echo(str(find_snapshot(mirror, home)))
