"""The command `export`: write all rows."""

from __future__ import annotations

from pathlib import Path

import click

from ssap_query.cli.choice import home, mirror_argument
from ssap_query.cli.output import deliver, output

__all__ = ["export"]


@click.command()
@home
@mirror_argument
@output
def export(home: Path | None, mirror: str, output: str | None, file_format: str | None, samp: bool) -> None:  # noqa: FBT001
    """Write the whole table, all columns, as one file: ssap-mirror export -o spectra.fits."""
    from ssap_query.mirror.mirror import open_mirror

    deliver(open_mirror(mirror, home, cache_bytes=0).search(columns="all"), output, file_format, samp=samp)
