"""The command `plot`: pictures of a mirror."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ssap_query.cli.choice import home, mirror_argument
from ssap_query.cli.diagnostics import note
from ssap_query.cli.output import file_option

__all__ = ["plot"]


@click.command()
@home
@mirror_argument
@click.option(
    "--kind", type=click.Choice(["sky", "time", "snr"]), default="sky", show_default=True, help="What to draw."
)
@click.option("--order", type=click.IntRange(0, 9), default=5, show_default=True, help="HEALPix order of the sky map.")
@file_option("File to write: .png, .pdf, .svg; - is stdout, as PNG (default: MIRROR-KIND.png).")
def plot(home: Path | None, mirror: str, kind: str, order: int, output: str | None) -> None:
    """Draw a map of the sky, or a histogram of dates or signal to noise, as PNG, PDF or SVG."""
    from ssap_query.mirror.mirror import open_mirror
    from ssap_query.plots.overview import plot as draw

    target = output or f"{Path(mirror).name}-{kind}.png"
    if target == "-":
        draw(open_mirror(mirror, home), sys.stdout.buffer, kind, order)
    else:
        draw(open_mirror(mirror, home), Path(target), kind, order)
        note(f"picture: {target}")
