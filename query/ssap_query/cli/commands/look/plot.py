"""The command `plot`: pictures of a mirror."""

from __future__ import annotations

from pathlib import Path

import click

from ssap_query.cli.diagnostics import note
from ssap_query.cli.options import home, mirror_argument

__all__ = ["plot"]


@click.command()
@home
@mirror_argument
@click.option(
    "--kind", type=click.Choice(["sky", "time", "snr"]), default="sky", show_default=True, help="What to draw."
)
@click.option("--order", type=click.IntRange(0, 9), default=5, show_default=True, help="HEALPix order of the sky map.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="PNG file (default: MIRROR-KIND.png)."
)
def plot(home: Path | None, mirror: str, kind: str, order: int, output: Path | None) -> None:
    """Draw a map of the sky, or a histogram of dates or signal to noise, as PNG."""
    from ssap_query.mirror.mirror import open_mirror
    from ssap_query.plots.overview import plot as draw

    target = output or Path(f"{Path(mirror).name}-{kind}.png")
    draw(open_mirror(mirror, home), target, kind, order)
    note(f"picture: {target}")
