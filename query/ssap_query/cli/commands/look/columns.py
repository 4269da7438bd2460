"""The command `columns`: which columns there are."""

from __future__ import annotations

from pathlib import Path

import click

from ssap_query.cli.choice import home, mirror_argument
from ssap_query.cli.options import open_once
from ssap_query.cli.output import Output, output

__all__ = ["columns"]


@click.command()
@home
@mirror_argument
@output
def columns(home: Path | None, mirror: str, output: Output) -> None:
    """Describe the columns of a MIRROR: unit, UCD, share of missing values, least and largest, what they are."""
    output.deliver(open_once(mirror, home).columns())
