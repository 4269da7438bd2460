"""The command `list`: which mirrors there are."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from ssap_query.cli.choice import home, meant_mirror
from ssap_query.cli.diagnostics import note

__all__ = ["list"]


@click.command()
@home
def list(home: Path | None) -> None:
    """List the mirrors: rows, size, age, whether they are complete; a star marks the one taken where none is named."""
    from ssap_mirror.core import layout
    from ssap_mirror.core.catalog import list_mirrors

    meant = meant_mirror(home)
    for name in list_mirrors(home):
        click.echo(f"{'*' if name == meant else ' '} {name:24} {_words(layout.mirror_dir(_folder(home), name))}")
    note(f"mirrors in {_folder(home)}")


def _folder(home: Path | None) -> Path:
    from ssap_mirror.core import layout

    return home or layout.default_home()


def _words(mirror: Path) -> str:
    """Say what a mirror holds, or what is wrong with it."""
    from ssap_mirror.core.catalog import find_snapshot, read_catalog
    from ssap_mirror.errors import CatalogError

    from ssap_query.mirror.info import facts_of

    try:
        facts = facts_of(read_catalog(find_snapshot(mirror)))
    except CatalogError as error:
        return str(error)
    status = facts["harvest"].get("status", "")
    parts = [f"{facts['rows']:>12,} rows", f"{facts['bytes'] / 1e6:>9,.1f} MB", _age(str(facts["created"])), status]
    return "  ".join([*(part for part in parts if part), *(["SYNTHETIC"] if facts["synthetic"] else [])])


def _age(created: str) -> str:
    """``3 days old``; nothing where the date cannot be read."""
    try:
        then = datetime.fromisoformat(created)
    except ValueError:
        return ""
    days = (datetime.now(UTC) - then.replace(tzinfo=then.tzinfo or UTC)).days
    return "from today" if days < 1 else f"{days:,} day{'' if days == 1 else 's'} old"
