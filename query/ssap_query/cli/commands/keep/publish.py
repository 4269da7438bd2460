"""The command `publish`: a folder for a web server."""

from __future__ import annotations

from pathlib import Path

import click

from ssap_query.cli.choice import chosen_mirror, home, mirror_as_typed
from ssap_query.cli.output import refuse_snapshots

__all__ = ["publish"]


@click.command(
    epilog="""\b
Examples:
  ssap-mirror publish /var/www/spectra
  ssap-mirror publish lamost6-mrs /var/www/spectra --licence 'CC BY 4.0' --tar
"""
)
@click.argument("words", nargs=-1, required=True, metavar="[MIRROR] DIRECTORY")
@home
@mirror_as_typed
@click.option("--licence", metavar="TEXT", help="What others may do with the rows, for the page.")
@click.option("--tar", is_flag=True, help="Also write it as one file, for archives that take few.")
def publish(words: tuple[str, ...], home: Path | None, mirror: str | None, licence: str | None, tar: bool) -> None:  # noqa: FBT001
    """Put the live snapshot into a DIRECTORY of plain files, for any web server.

    Others have it with `ssap-mirror sync NAME --from https://…/NAME/`, and HATS readers such as LSDB open it by its
    address. The snapshot published before stays until the next time.
    """
    from ssap_mirror.publish.folder import publish as run

    from ssap_query.mirror.shipped import where

    *named, folder = words
    if len(named) > 1 or (named and mirror not in (None, named[0])):
        message = f"Got {' '.join(words)!r}; a mirror and a directory are the most."
        raise click.UsageError(message)
    directory = Path(folder)
    refuse_snapshots("DIRECTORY", directory)
    chosen = chosen_mirror(named[0] if named else mirror, home)
    done = run(where(chosen, home), directory, home, licence, archive=tar)
    click.echo(f"{done.folder}: snapshot {done.snapshot}, {done.files:,} files, {done.bytes / 1e6:,.1f} MB")
    if done.archive is not None:
        click.echo(f"{done.archive}: {done.archive.stat().st_size / 1e6:,.1f} MB")
