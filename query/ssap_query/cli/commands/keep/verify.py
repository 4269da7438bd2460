"""The command `verify`: check every file, and restore those that are damaged."""

from __future__ import annotations

from pathlib import Path

import click

from ssap_query.cli.choice import home, mirror_argument
from ssap_query.cli.diagnostics import ExitCode, note

__all__ = ["verify"]


@click.command()
@home
@mirror_argument
@click.option(
    "--repair",
    is_flag=True,
    help="First restore damaged files, from other snapshots, from where the mirror was pulled, or by making them anew.",
)
@click.pass_context
def verify(ctx: click.Context, home: Path | None, mirror: str, repair: bool) -> None:  # noqa: FBT001
    """Check every file of the live snapshot: checksums, counts, order, and that each row is in its own cell."""
    from ssap_mirror.check.snapshot import verify as check
    from ssap_mirror.core.catalog import find_snapshot, read_catalog

    from ssap_query.mirror.shipped import where

    snapshot = find_snapshot(where(mirror, home), home)
    if repair:
        _repair(snapshot)
    catalog = read_catalog(snapshot)
    problems = check(catalog)
    for problem in problems:
        note(f"ssap-mirror: {problem}")
    if problems:
        ctx.exit(int(ExitCode.FAILURE))
    click.echo(f"{catalog.path}: {catalog.rows:,} rows in {len(catalog.files)} files, no problem found")


def _repair(snapshot: Path) -> None:
    from ssap_mirror.check.repair import repair as run
    from ssap_mirror.pipeline.remembered import pulled_from

    done = run(snapshot.parents[1], snapshot.name, pulled_from(snapshot), note=note)
    for path in done.restored:
        click.echo(f"restored {path}")
    for sentence in done.left:
        note(f"ssap-mirror: {sentence}; ssap-mirror sync builds a snapshot of fresh rows")
