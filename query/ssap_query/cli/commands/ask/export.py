"""The command `export`: write all rows."""

from __future__ import annotations

from pathlib import Path

import click

from ssap_query.cli.choice import home, mirror_argument
from ssap_query.cli.diagnostics import note
from ssap_query.cli.options import open_once
from ssap_query.cli.output import Output, output

__all__ = ["export"]

_DATABASE = ".duckdb"


@click.command(
    epilog="""\b
Examples:
  ssap-mirror export -o spectra.fits
  ssap-mirror export -o spectra.duckdb
"""
)
@home
@mirror_argument
@output
def export(home: Path | None, mirror: str, output: Output) -> None:
    """Write the whole table, all columns, as one file.

    A file that ends in .duckdb is a database that any DuckDB opens, with the tables and functions of `ssap-mirror sql`.
    """
    opened = open_once(mirror, home)
    if output.target is not None and Path(output.target).suffix.lower() == _DATABASE and output.file_format is None:
        if output.iso:
            message = "--iso is for tables; in a database mjd_iso(ssa_dateObs) gives dates in ISO 8601."
            raise click.UsageError(message)
        opened.to_duckdb(output.target)
        made_up = "; SYNTHETIC rows" if opened.catalog.synthetic else ""
        note(f"{opened.catalog.rows:,} rows to {output.target}{made_up}")
        return
    output.deliver(opened.search(columns="all"))
