"""Commands that look after a mirror: verify, export, snapshots, diff, rollback."""

from __future__ import annotations

from pathlib import Path

import click
from ssap_mirror import layout

from ssap_query.cli.options import deliver, home, mirror_argument, output
from ssap_query.diagnostics import ExitCode, note

__all__ = ["diff", "export", "rollback", "snapshots", "verify"]


@click.command()
@home
@mirror_argument
@click.pass_context
def verify(ctx: click.Context, home: Path | None, mirror: str) -> None:
    """Check every file of the live snapshot: checksums, counts, order, and that each row is in its own cell."""
    from ssap_mirror.catalog import open_catalog
    from ssap_mirror.validate import verify as check

    catalog = open_catalog(mirror, home)
    problems = check(catalog)
    for problem in problems:
        note(f"ssap-mirror: {problem}")
    if problems:
        ctx.exit(int(ExitCode.FAILURE))
    click.echo(f"{catalog.path}: {catalog.rows:,} rows in {len(catalog.files)} files, no problem found")


@click.command()
@home
@mirror_argument
@output
def export(home: Path | None, mirror: str, output: str | None, file_format: str | None) -> None:
    """Write the whole table, all columns, as one file: ssap-mirror export -o spectra.fits."""
    from ssap_query.mirror import open_mirror

    deliver(open_mirror(mirror, home, cache_bytes=0).search(columns="all"), output, file_format)


@click.command()
@home
@mirror_argument
def snapshots(home: Path | None, mirror: str) -> None:
    """List the snapshots of a mirror, the oldest first; the live one has a star."""
    from ssap_mirror.catalog import open_catalog
    from ssap_mirror.snapshots import list_snapshots

    for snapshot in list_snapshots(_folder(home, mirror)):
        click.echo(f"{'*' if snapshot.live else ' '} {snapshot.name}  {open_catalog(snapshot.path).rows:,} rows")


@click.command()
@click.argument("old")
@click.argument("new")
def diff(old: str, new: str) -> None:
    """Compare two snapshots (paths): identities of the rows added (+), removed (-) and changed (~)."""
    from ssap_mirror.catalog import open_catalog
    from ssap_mirror.difference import diff as compare

    found = compare(open_catalog(Path(old)), open_catalog(Path(new)))
    for sign, identities in (("+", found.added), ("-", found.removed), ("~", found.changed)):
        for identity in identities:
            click.echo(f"{sign} {identity.as_py()}")
    note(f"{len(found.added):,} added, {len(found.removed):,} removed, {len(found.changed):,} changed")


@click.command()
@home
@mirror_argument
def rollback(home: Path | None, mirror: str) -> None:
    """Make the snapshot before the live one live again."""
    from ssap_mirror.snapshots import rollback as go_back

    note(f"live: {go_back(_folder(home, mirror)).path}")


def _folder(home: Path | None, mirror: str) -> Path:
    as_path = Path(mirror)
    return as_path if "/" in mirror else layout.mirror_dir(home or layout.default_home(), mirror)
