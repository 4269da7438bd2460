"""The command sync."""

from __future__ import annotations

from pathlib import Path

import click

from ssap_query.cli.options import home
from ssap_query.diagnostics import ExitCode, note

__all__ = ["sync"]


@click.command()
@click.argument("service")
@click.option(
    "--from",
    "source",
    metavar="URL|FILE",
    help="An SSAP endpoint, or a file of rows, in place of the service's own address.",
)
@click.option("--name", help="Name of the mirror (default: the service's).")
@home
@click.option("--keep", type=click.IntRange(min=0), metavar="N", help="How many older snapshots stay (default: all).")
@click.option("--restart", is_flag=True, help="Forget what an earlier run fetched.")
@click.option("--accept-incomplete", is_flag=True, help="Make the snapshot live even if rows are known to be missing.")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.pass_context
def sync(
    ctx: click.Context, service: str, source: str | None, name: str | None, home: Path | None, keep: int | None,
    restart: bool, accept_incomplete: bool, quiet: bool, as_json: bool,  # noqa: FBT001
) -> None:  # fmt: skip
    """Mirror a SERVICE: harvest its whole table, build a snapshot, check it, make it live.

    A run that was cut off goes on where it stopped. `ssap-mirror services` lists the services known by name.
    """
    import json

    from ssap_mirror.sync import sync as run

    from ssap_query.cli.progress import shown

    with shown(quiet=quiet or as_json) as progress:
        report = run(
            service, source=source, name=name, home=home, keep=keep, restart=restart,
            accept_incomplete=accept_incomplete, progress=progress,
        )  # fmt: skip
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=1))
    else:
        note(report.words())
    if report.snapshot is None:
        ctx.exit(int(ExitCode.FAILURE))
