"""The command `covers`: whether a mirror has rows at a position."""

from __future__ import annotations

from pathlib import Path

import click
from ssap_mirror.errors import MirrorError

from ssap_query.cli.choice import home, mirror_option
from ssap_query.cli.options import open_once
from ssap_query.cli.words.values import in_units

__all__ = ["covers"]

_OUTSIDE = 1


@click.command(
    epilog="""\b
Examples:
  ssap-mirror covers 292.06,43.93
  ssap-mirror covers '19h28m14s +43d55m48s' --order 5 && echo observed
"""
)
@click.argument("words", metavar="RA,DEC", nargs=-1, required=True)
@click.option(
    "--order", type=click.IntRange(0, 29), default=7, show_default=True,
    help="HEALPix order of the cells; those of order 7 are half a degree wide, of order 10 3.4 arcmin.",
)  # fmt: skip
@click.option("--quiet", "-q", is_flag=True, help="Only the exit code.")
@home
@mirror_option
@click.pass_context
def covers(
    ctx: click.Context, /, words: tuple[str, ...], order: int, home: Path | None, mirror: str, *, quiet: bool
) -> None:  # fmt: skip
    """Say whether a position (degrees, or hours and degrees; ICRS) is in a cell of the sky that has rows.

    Exits as grep does: 0 if it is, 1 if it is not, 2 if that cannot be told. `info --moc` writes all the cells.
    """
    if len(words) > 1:
        message = f"RA,DEC: expected one word, as '{','.join(words)}'"
        raise click.UsageError(message, ctx)
    position = words[0]
    place = in_units("POS", position)
    try:
        ra, dec = map(float, place.split(","))
    except ValueError:
        message = f"RA,DEC: expected decimal degrees, or hours and degrees, got {position!r}"
        raise click.UsageError(message, ctx) from None
    try:
        found = open_once(mirror, home).moc(order)
        is_inside = found.contains(ra, dec)
    except MirrorError as error:
        raise click.ClickException(str(error)) from error
    if not quiet:
        click.echo(f"{'inside' if is_inside else 'outside'} the coverage of {found.name} (order {order})")
    ctx.exit(0 if is_inside else _OUTSIDE)
