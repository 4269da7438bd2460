"""The command `diff`: compare two."""

from __future__ import annotations

from pathlib import Path

import click

from ssap_query.cli.diagnostics import note

__all__ = ["diff"]


@click.command()
@click.argument("old")
@click.argument("new")
def diff(old: str, new: str) -> None:
    """Compare two snapshots (paths): identities of the rows added (+), removed (-) and changed (~)."""
    from ssap_mirror.check.difference import diff as compare
    from ssap_mirror.core.catalog import open_catalog

    found = compare(open_catalog(Path(old)), open_catalog(Path(new)))
    for sign, identities in (("+", found.added), ("-", found.removed), ("~", found.changed)):
        for identity in identities:
            click.echo(f"{sign} {identity.as_py()}")
    note(f"{len(found.added):,} added, {len(found.removed):,} removed, {len(found.changed):,} changed")
