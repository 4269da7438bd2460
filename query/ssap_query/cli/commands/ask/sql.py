"""The command `sql`."""

from __future__ import annotations

from pathlib import Path

import click

from ssap_query.cli.choice import home, mirror_option
from ssap_query.cli.options import open_once
from ssap_query.cli.output import deliver, output

__all__ = ["sql"]


@click.command(
    epilog="""\b
Example:
  ssap-mirror sql "SELECT objtype, count(*) FROM spectra GROUP BY ALL ORDER BY 2 DESC"
"""
)
@click.argument("text")
@home
@mirror_option
@output
def sql(text: str, home: Path | None, mirror: str, output: str | None, file_format: str | None) -> None:
    """Ask in SQL (DuckDB); the view ``spectra`` has all rows, with NULL for NaN (``spectra_raw``: as sent)."""
    result = open_once(mirror, home).sql(text)
    deliver(result, output, file_format)
