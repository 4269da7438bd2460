"""The command `sql`."""

from __future__ import annotations

from pathlib import Path

import click

from ssap_query.cli.choice import home, mirror_option
from ssap_query.cli.options import open_once
from ssap_query.cli.output import Output, output

__all__ = ["sql"]


def _list_functions(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: FBT001
    if not value or ctx.resilient_parsing:
        return
    from ssap_query.sql.lamost_macros import DECODING_MACROS
    from ssap_query.sql.macros import SKY_MACROS

    for macro in (*SKY_MACROS, *DECODING_MACROS):
        click.echo(f"{macro.signature}\n    {macro.description}")
    ctx.exit()


@click.command(
    epilog="""\b
Examples:
  ssap-mirror sql "SELECT objtype, count(*) FROM spectra GROUP BY ALL"
  ssap-mirror sql "SELECT mjd_iso(ssa_dateObs), night(ssa_dateObs, 117.6) FROM spectra LIMIT 5"
  ssap-mirror sql --functions
"""
)
@click.argument("text")
@click.option(
    "--functions", is_flag=True, is_eager=True, expose_value=False, callback=_list_functions,
    help="List the functions beside DuckDB's own: angles, HEALPix, dates, flags of LAMOST.",
)  # fmt: skip
@home
@mirror_option
@output
def sql(text: str, home: Path | None, mirror: str, output: Output) -> None:
    """Ask in SQL (DuckDB); the view ``spectra`` has all rows, with NULL for NaN (``spectra_raw``: as sent)."""
    from ssap_query.sql.foreign import quoted_names

    output.refuse_inputs(quoted_names(text))
    output.deliver(open_once(mirror, home).sql(text))
