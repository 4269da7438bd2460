"""The command `publish`: a folder for a web server."""

from __future__ import annotations

from pathlib import Path

import click

from ssap_query.cli.choice import home, mirror_argument

__all__ = ["publish"]


@click.command()
@home
@mirror_argument
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--licence", metavar="TEXT", help="What others may do with the rows, for the page.")
@click.option("--tar", is_flag=True, help="Also write it as one file, for archives that take few.")
def publish(home: Path | None, mirror: str, directory: Path, licence: str | None, tar: bool) -> None:  # noqa: FBT001
    """Put the live snapshot into a DIRECTORY of plain files, for any web server.

    Others have it with `ssap-mirror sync NAME --from https://…/NAME/`, and HATS readers such as LSDB open it by its
    address. The snapshot published before stays until the next time.
    """
    from ssap_mirror.publish.folder import publish as run

    from ssap_query.mirror.shipped import where

    done = run(where(mirror, home), directory, home, licence, archive=tar)
    click.echo(f"{done.folder}: snapshot {done.snapshot}, {done.files:,} files, {done.bytes / 1e6:,.1f} MB")
    if done.archive is not None:
        click.echo(f"{done.archive}: {done.archive.stat().st_size / 1e6:,.1f} MB")
