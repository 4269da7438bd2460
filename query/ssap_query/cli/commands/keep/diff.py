"""The command `diff`: what has changed between two snapshots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from ssap_mirror.core import layout
from ssap_mirror.errors import CatalogError

from ssap_query.cli.choice import chosen_mirror, home, mirror_as_typed, mirror_folder

if TYPE_CHECKING:
    from ssap_mirror.check.difference import Difference

__all__ = ["diff"]

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


@click.command(
    epilog="""\b
Examples:
  ssap-mirror diff                                     what the live snapshot changed
  ssap-mirror diff lamost6-mrs 20261101T120000Z        since that one
  ssap-mirror diff lamost6-mrs 20261101T120000Z 20261124T101500Z --summary
"""
)
@click.argument("words", nargs=-1, metavar="[MIRROR] [OLD [NEW]]")
@mirror_as_typed
@click.option("--summary", is_flag=True, help="Only how many rows, and which columns; not which rows.")
@home
def diff(words: tuple[str, ...], mirror: str | None, home: Path | None, *, summary: bool) -> None:
    """Say what has changed between two snapshots of a MIRROR, by the names that `snapshots` prints, or by their paths.

    Without OLD it is the one that the live snapshot replaced, without NEW the live one. First comes a summary, then a
    line for each row: added (+), removed (-) or changed (~), by its identity.
    """
    from ssap_mirror.check.difference import diff as compare
    from ssap_mirror.core.catalog import open_catalog

    old, new = _chosen(words, mirror, home)
    found = compare(open_catalog(old), open_catalog(new))
    click.echo(f"from {old.name} to {new.name}")
    for line in _summary(found):
        click.echo(f"  {line}")
    for kind, sign in _SIGNS.items() if not summary else ():
        for identity in getattr(found, kind):
            click.echo(f"{sign} {identity.as_py()}")


def _chosen(words: tuple[str, ...], mirror: str | None, home: Path | None) -> tuple[Path, Path]:
    """Folders of the two snapshots that are meant."""
    from ssap_mirror.core.snapshots import list_snapshots

    if len(words) > 3 or (len(words) > 2 and mirror):
        message = f"Got {len(words)} words; a mirror and two snapshots are the most."
        raise click.UsageError(message)
    if words and all((Path(word) / layout.MANIFEST).is_file() for word in words) and len(words) == 2:
        return Path(words[0]), Path(words[1])
    if mirror is None and words and not layout.is_snapshot_name(words[0]):
        mirror, words = words[0], words[1:]
    if len(words) > 2:
        message = f"{words[0]} is a snapshot, so no more than another one can follow."
        raise click.UsageError(message)
    folder = mirror_folder(home, chosen_mirror(mirror, home))
    known = {snapshot.name: snapshot for snapshot in list_snapshots(folder)}
    for name in words:
        if name not in known:
            message = f"mirror {folder} has no snapshot {name!r}; there are: {', '.join(known)}"
            raise CatalogError(message)
    live = next((snapshot.name for snapshot in known.values() if snapshot.live), None)
    new = words[1] if len(words) > 1 else live
    if new is None:
        message = f"mirror {folder} has no live snapshot, so both have to be named; there are: {', '.join(known)}"
        raise CatalogError(message)
    old = words[0] if words else _before(folder, new)
    return known[old].path, known[new].path


def _before(folder: Path, live: str) -> str:
    """Name of the snapshot that the live one replaced."""
    from ssap_mirror.core.snapshots.history import read_history

    before, names = read_history(folder).replaced_by(live), layout.snapshot_names(folder)
    if names == (live,):
        message = f"mirror {folder} has one snapshot only, {live}: there is none to compare it with"
        raise CatalogError(message)
    if before is None or before not in names:
        message = f"mirror {folder} has no snapshot that the live one, {live}, is known to have replaced; name one"
        raise CatalogError(message)
    return before


def _summary(found: Difference) -> list[str]:
    counts = ", ".join(f"{len(getattr(found, kind)):,} {kind}" for kind in _SIGNS)
    lines = [f"rows: {counts}"]
    if found.changes:
        by_rows = sorted(found.changes.items(), key=lambda change: -change[1])
        lines.append("columns changed: " + ", ".join(f"{name} ({rows:,})" for name, rows in by_rows))
    for what, names in (("added", found.columns_added), ("removed", found.columns_removed)):
        if names:
            lines.append(f"columns {what}: {', '.join(names)}")
    return lines
