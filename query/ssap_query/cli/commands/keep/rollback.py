"""The command `rollback`: make an older one live."""

from __future__ import annotations

from pathlib import Path

import click

from ssap_query.cli.diagnostics import note
from ssap_query.cli.options import home, mirror_argument, mirror_folder

__all__ = ["rollback"]


@click.command()
@home
@mirror_argument
def rollback(home: Path | None, mirror: str) -> None:
    """Make the snapshot before the live one live again."""
    from ssap_mirror.core.snapshots import rollback as go_back

    note(f"live: {go_back(mirror_folder(home, mirror)).path}")
