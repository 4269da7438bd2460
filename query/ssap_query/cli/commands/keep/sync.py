"""The command sync."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ssap_query.cli.choice import home
from ssap_query.cli.diagnostics import ExitCode, note
from ssap_query.cli.interruption import advising
from ssap_query.cli.limits import limits, policy_of, refuse_idle
from ssap_query.cli.options import FRAME_HELP, read_units, read_values

if TYPE_CHECKING:
    from ssap_mirror.pipeline.sync import SyncReport

__all__ = ["sync"]


@click.command()
@click.argument("service", required=False)
@click.option(
    "--from",
    "source",
    metavar="URL|FILE",
    help="An SSAP endpoint, a TAP service (URL#schema.table, or --table), or a file of rows (VOTable, FITS, CSV, ECSV, "
    "IPAC, Parquet, Arrow), in place of the service's own address.",
)
@click.option("--name", help="Name of the mirror (default: SERVICE).")
@click.option(
    "--service", "columns_of", metavar="SERVICE", help="Built-in service whose columns and units the rows have."
)
@click.option("--table", metavar="SCHEMA.TABLE", help="Table of a TAP service.")
@click.option(
    "--where", metavar="ADQL", help="Condition that rows of a TAP table have to meet: \"dataproduct_type='spectrum'\"."
)
@click.option(
    "--unit",
    "units",
    metavar="COLUMN=UNIT",
    multiple=True,
    callback=read_units,
    help="Unit of a column, where the file or the service is silent or wrong; may be repeated.",
)
@click.option(
    "--null",
    "nulls",
    metavar="COLUMN=VALUE",
    multiple=True,
    callback=read_values,
    help="Value that stands for a missing one, as -9999; may be repeated. The mirror remembers it.",
)
@click.option(
    "--param",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    callback=read_values,
    help="Parameter of every request to an SSAP service, as COLLECTION; may be repeated. The mirror remembers it.",
)
@click.option("--ra", metavar="COLUMN", help="Column of right ascension (or another longitude) of a file.")
@click.option("--dec", metavar="COLUMN", help="Column of declination (or another latitude) of a file.")
@click.option("--frame", metavar="FRAME", help=FRAME_HELP)
@home
@click.option(
    "--keep",
    type=click.IntRange(min=0),
    metavar="N",
    help="How many snapshots that were live before stay (default: all); the one just replaced always does.",
)
@click.option(
    "--margin",
    type=click.FloatRange(min=0, max=36_000),
    metavar="ARCSEC",
    help="Width of the margins that LSDB matches with, 0 for none (default: as before, or 10).",
)
@click.option("--full", is_flag=True, help="Fetch all rows anew; without it, a second sync fetches what has changed.")
@click.option("--dry-run", is_flag=True, help="Only tell what a harvest would cost.")
@click.option("--save", is_flag=True, help="Write the source into services.toml, so that the NAME alone stands for it.")
@click.option("--status", "only_status", is_flag=True, help="Only tell where a harvest that was begun stands.")
@click.option("--restart", is_flag=True, help="Forget what an earlier run fetched.")
@click.option("--accept-incomplete", is_flag=True, help="Make the snapshot live even if rows are known to be missing.")
@click.option(
    "--allow-shrink", is_flag=True, help="Make the snapshot live even if it has many fewer rows than the live one."
)
@click.option(
    "--strict", is_flag=True, help="End at a cell that cannot be read; without it, it is missing, counted and told."
)
@click.option(
    "--full-sample",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Compare N whole rows, picked at random, in a refresh; if one has changed, all rows are fetched.",
)
@limits
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.pass_context
def sync(
    ctx: click.Context, /, service: str | None, source: str | None, name: str | None, columns_of: str | None,
    table: str | None, where: str | None, units: dict[str, str], nulls: dict[str, tuple[str, ...]],
    parameters: dict[str, tuple[str, ...]],
    ra: str | None, dec: str | None, frame: str | None, home: Path | None, keep: int | None, margin: float | None,
    full: bool, dry_run: bool, only_status: bool, save: bool, restart: bool, accept_incomplete: bool,  # noqa: FBT001
    allow_shrink: bool,  # noqa: FBT001
    quiet: bool, as_json: bool, strict: bool, full_sample: int, **limits: float | None,  # noqa: FBT001
) -> None:  # fmt: skip
    """Mirror a SERVICE: harvest its whole table, build a snapshot, check it, make it live.

    An interrupted run resumes. `ssap-mirror services` lists the services known by name; any other
    is mirrored with --from, under the name that --name gives it. A mirror knows where it came from:
    its name alone refreshes it.
    """
    import json

    known = columns_of or service or name
    if known is None:
        message = "Give a SERVICE (`ssap-mirror services` lists them), or --from and --name."
        raise click.UsageError(message)
    name = name or service or known
    if only_status:
        from ssap_mirror.pipeline.status import status

        found = status(name, home)
        click.echo(json.dumps(found.to_json(), indent=1) if as_json else found.words())
        return
    from ssap_mirror.core.quantities.positions import Positions
    from ssap_mirror.pipeline.known_services import find_source
    from ssap_mirror.pipeline.sync import SyncOptions
    from ssap_mirror.pipeline.sync import sync as run

    from ssap_query.cli.progress import shown

    positions = Positions(ra=ra, dec=dec, frame=frame) if ra or dec or frame else None
    asked = find_source(
        known,
        source,
        name=name,
        home=home,
        columns_of=columns_of,
        table=table,
        where=where,
        units=units,
        nulls=nulls,
        parameters=parameters,
        positions=positions,
    )
    refuse_idle(limits, asked.address.idle_wishes, asked.kind)
    options = SyncOptions(
        full=full, dry_run=dry_run, save=save, restart=restart, accept_incomplete=accept_incomplete,
        allow_shrink=allow_shrink, keep=keep, margin_arcsec=margin,
    )  # fmt: skip
    with advising("the same command goes on from here"), shown(quiet=quiet or as_json) as progress:
        report = run(
            known,
            source=asked,
            name=name,
            home=home,
            options=options,
            policy=replace(policy_of(limits), strict=strict, full_sample=full_sample),
            progress=progress,
        )
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=1))
    else:
        note(report.words())
        for line in _answered(report):
            note(line)
    if report.snapshot is None and not dry_run:
        ctx.exit(int(ExitCode.FAILURE))


def _answered(report: SyncReport) -> list[str]:
    """Say which parameters the mirror can answer, or will, and what its rows do not tell."""
    if report.schema is None:
        return []
    from ssap_mirror.core.catalog import open_catalog

    from ssap_query.mirror.answerable import answerable, answerable_words, missing_words

    missing = [] if report.snapshot is None else missing_words(open_catalog(report.snapshot))
    table = answerable_words(answerable(report.schema))
    return [*(f"  {line}" for line in missing), "  parameter       is compared with", *(f"  {line}" for line in table)]
