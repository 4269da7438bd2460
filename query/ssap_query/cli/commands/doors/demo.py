"""The command `demo`: the main job on this machine alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ssap_query.cli.diagnostics import note

__all__ = ["demo"]


@click.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to keep what it makes (default: a temporary folder).",
)
@click.option("--quiet", "-q", is_flag=True, help="Only the last line.")
def demo(folder: Path | None, quiet: bool) -> None:  # noqa: FBT001
    """Run the main job on this machine alone: serve the shipped sample, mirror it over HTTP, ask the mirror."""
    from ssap_query.cli.app import group
    from ssap_query.cli.demo import run

    def invoke(command: Sequence[str]) -> None:
        group.main(args=list(command), prog_name="ssap-mirror", standalone_mode=False)

    run(invoke, (lambda text: None) if quiet else click.echo, folder)
    note("demonstration finished")
