"""The command `open`: the mirrors in a browser."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from threading import Thread

import click

from ssap_query.cli.choice import home
from ssap_query.cli.diagnostics import note
from ssap_query.cli.interruption import be_patient
from ssap_query.cli.serving import open_mirrors, tell_addresses
from ssap_query.cli.words.completion import mirror_names

__all__ = ["open"]


@click.command()
@click.argument("mirrors", nargs=-1, shell_complete=mirror_names)
@home
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8137, show_default=True, help="Port; the next free one if taken."
)
def open(mirrors: tuple[str, ...], home: Path | None, port: int) -> None:
    """Serve MIRRORS (default: all) on this machine, and show the page of the first one in a browser."""
    from ssap_query.server.limits import ServerLimits
    from ssap_query.server.running import serve

    limits = ServerLimits()
    opened = open_mirrors(mirrors, home, limits)

    def ready(address: str) -> None:
        tell_addresses(list(opened), address)
        # A browser in a terminal would keep the server waiting for its end.
        Thread(target=_show, args=(f"{address}/{next(iter(opened))}/",), daemon=True).start()

    be_patient()
    serve(opened, port=port, any_port=True, limits=limits, ready=ready)


def _show(address: str) -> None:
    if not webbrowser.open(address):
        note(f"no browser could be started here; the page is {address}")
