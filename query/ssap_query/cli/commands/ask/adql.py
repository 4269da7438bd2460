"""The command `adql`."""

from __future__ import annotations

from pathlib import Path

import click

from ssap_query.cli.choice import home, mirror_option
from ssap_query.cli.options import open_once
from ssap_query.cli.output import Output, output

__all__ = ["adql"]


def _read_tables(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """Read ``NAME=FILE``."""
    tables = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            message = f"{text!r} is not of the form NAME=FILE"
            raise click.BadParameter(message, ctx, param)
        tables[name] = path
    return tables


@click.command(
    epilog="""\b
Examples:
  ssap-mirror adql "SELECT TOP 10 mobsid, ra, dec FROM spectra
                    WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(292.06, 43.93, 0.2))"
  ssap-mirror adql -t stars=gaia.vot "SELECT s.mobsid, g.source_id FROM spectra AS s JOIN TAP_UPLOAD.stars AS g
                    ON DISTANCE(POINT(s.ra, s.dec), POINT(g.ra, g.dec)) < 1./3600"
"""
)
@click.argument("text")
@click.option(
    "--table", "-t", "tables", multiple=True, metavar="NAME=FILE", callback=_read_tables,
    help="A table that the query reads as TAP_UPLOAD.NAME.",
)  # fmt: skip
@click.option("--maxrec", type=click.IntRange(min=0), metavar="N", help="Give at most N rows.")
@home
@mirror_option
@output
def adql(
    text: str,
    tables: dict[str, str],
    maxrec: int | None,
    home: Path | None,
    mirror: str,
    output: Output,
) -> None:
    """Ask in ADQL, the language of TAP; the table ``spectra`` has all rows, TAP_SCHEMA describes it."""
    output.refuse_inputs(tables.values())
    output.deliver(open_once(mirror, home).adql(text, tables, maxrec))
