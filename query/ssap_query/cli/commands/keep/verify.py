"""The command `verify`: check every file."""

from __future__ import annotations

from pathlib import Path

import click

from ssap_query.cli.choice import home, mirror_argument
from ssap_query.cli.diagnostics import ExitCode, note

__all__ = ["verify"]


@click.command()
@home
@mirror_argument
@click.pass_context
def verify(ctx: click.Context, home: Path | None, mirror: str) -> None:
    """Check every file of the live snapshot: checksums, counts, order, and that each row is in its own cell."""
    from ssap_mirror.check.snapshot import verify as check
    from ssap_mirror.core.catalog import find_snapshot, read_catalog

    from ssap_query.mirror.shipped import where

    catalog = read_catalog(find_snapshot(where(mirror, home), home))
    problems = check(catalog)
    for problem in problems:
        note(f"ssap-mirror: {problem}")
    if problems:
        ctx.exit(int(ExitCode.FAILURE))
    click.echo(f"{catalog.path}: {catalog.rows:,} rows in {len(catalog.files)} files, no problem found")
