"""The command `serve`: answer programs and browsers."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click
from ssap_mirror.core.catalog import refuse_address

from ssap_query.cli.choice import home
from ssap_query.cli.diagnostics import note
from ssap_query.cli.interruption import be_patient
from ssap_query.cli.serving import open_mirrors, tell_addresses
from ssap_query.cli.words.completion import mirror_names
from ssap_query.ssap.request import DIALECTS

__all__ = ["serve"]

_MEBIBYTE = 1 << 20


@click.command()
@click.argument("mirrors", nargs=-1, shell_complete=mirror_names)
@home
@click.option("--port", type=click.IntRange(1, 65535), default=4137, show_default=True, help="Port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; others can ask then.")
@click.option(
    "--host-name", "host_names", multiple=True, metavar="NAME", help="Name of this machine to answer to, with --host."
)
@click.option(
    "--maxrec", type=click.IntRange(min=1), help="Rows of a result where the request has no MAXREC (default: all)."
)
@click.option(
    "--dialect",
    type=click.Choice(DIALECTS),
    default="ivoa",
    help="Read the parameters as the standard or as the GAVO server.",
)
@click.option(
    "--large-answers",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Large results under way at one time; others wait, small ones never.",
)
@click.option("--cache", type=click.IntRange(min=0), metavar="MB", help="Memory kept between requests, per mirror.")
@click.option("--publish", is_flag=True, help="Let others pull the mirrors: sync NAME --from ADDRESS/NAME/.")
@click.option("--access-log", is_flag=True, help="Write a line for each request.")
def serve(
    mirrors: tuple[str, ...],
    home: Path | None,
    port: int,
    host: str,
    host_names: tuple[str, ...],
    maxrec: int | None,
    dialect: str,
    large_answers: int,
    cache: int | None,
    *,
    publish: bool,
    access_log: bool,
) -> None:
    """Serve MIRRORS (default: all) on 127.0.0.1: SSAP, cone search and VOSI for programs, a page for a browser."""
    from ssap_query.server.application import LOOPBACK
    from ssap_query.server.limits import ServerLimits
    from ssap_query.server.running import serve as run

    limits = ServerLimits(large_answers=large_answers)
    opened = open_mirrors(mirrors, home, limits, None if cache is None else cache * _MEBIBYTE)
    for mirror in opened.values() if publish else ():
        refuse_address(mirror.catalog.address)
    if host not in LOOPBACK:
        note(f"anyone who reaches {host} can ask these mirrors; there is no password")

    be_patient()
    run(
        opened,
        host=host,
        port=port,
        names=host_names,
        default_maxrec=maxrec,
        dialect=dialect,
        limits=limits,
        access_log=access_log,
        publish=publish,
        ready=partial(tell_addresses, list(opened)),
    )
