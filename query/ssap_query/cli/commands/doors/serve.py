"""The command `serve`: answer programs and browsers."""

from __future__ import annotations

from pathlib import Path

import click

from ssap_query.cli.diagnostics import note
from ssap_query.cli.options import home
from ssap_query.ssap.request import DIALECTS

__all__ = ["serve"]


@click.command()
@click.argument("mirrors", nargs=-1)
@home
@click.option("--port", type=click.IntRange(1, 65535), default=8137, show_default=True, help="Port to listen on.")
@click.option(
    "--maxrec", type=click.IntRange(min=1), help="Rows of an answer where the request has no MAXREC (default: all)."
)
@click.option(
    "--dialect",
    type=click.Choice(DIALECTS),
    default="ivoa",
    help="Read the parameters as the standard or as the GAVO server.",
)
def serve(mirrors: tuple[str, ...], home: Path | None, port: int, maxrec: int | None, dialect: str) -> None:
    """Serve MIRRORS (default: all) on 127.0.0.1: SSAP, cone search and VOSI for programs, a page for a browser."""
    from ssap_mirror.core.catalog import list_mirrors

    from ssap_query.mirror.mirror import open_mirror
    from ssap_query.server.application import serve as run

    names = mirrors or list_mirrors(home)
    opened = {Path(name).name: open_mirror(name, home) for name in names}
    for name in opened:
        note(f"http://127.0.0.1:{port}/{name}/       SSAP: http://127.0.0.1:{port}/{name}/ssap?")
    run(opened, port=port, default_maxrec=maxrec, dialect=dialect)
