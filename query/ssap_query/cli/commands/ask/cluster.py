"""The commands `cluster query` and `cluster xmatch`: the same questions, worked on by a Dask cluster."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from ssap_mirror.errors import ParameterError

from ssap_query.cli.choice import home, mirror_option
from ssap_query.cli.commands.ask.query import query as local_query
from ssap_query.cli.options import names, open_once, typed_request
from ssap_query.cli.output import Output, output

if TYPE_CHECKING:
    from ssap_query.mirror.interfaces.on_cluster import ClusterMirror
    from ssap_query.mirror.mirror import Mirror

__all__ = ["cluster"]

# What they log, also of an interrupt, is not for the user of a command.
_LIBRARIES = ("distributed", "tornado", "asyncio")
_WHERE = (
    click.option(
        "--scheduler",
        metavar="ADDRESS|processes|threads",
        default="processes",
        show_default=True,
        help="Who does the work: the workers of a Dask scheduler (tcp://host:8786), or of this machine.",
    ),
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        metavar="N",
        help="How many workers of this machine (default: one for each core).",
    ),
    click.option(
        "--address",
        metavar="URL",
        help="Where the workers find the folder of the mirror, if not where it is here: https://…, s3://…, a path.",
    ),
    click.option(
        "--storage-options",
        metavar="JSON",
        callback=lambda ctx, param, text: _storage_options(text),
        help="What fsspec needs to know of the address, e.g. '{\"anon\": true}'.",
    ),
)


def _where(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say where the work is done; the command is given them as a dict of `Mirror.cluster`."""

    @wraps(command)
    def gathered(
        *, scheduler: str, workers: int | None, address: str | None, storage_options: dict[str, Any], **given: Any
    ) -> None:
        for library in _LIBRARIES:
            logging.getLogger(library).setLevel(logging.CRITICAL)
        where = {"workers": workers, "address": address, "storage_options": storage_options}
        command(where={"scheduler": scheduler, **where}, **given)

    added = gathered
    for option in reversed(_WHERE):
        added = option(added)
    return added


def _storage_options(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        option = "--storage-options"
        raise ParameterError(option, text, "is no JSON object")
    return found


@click.group()
def cluster() -> None:
    """Ask a mirror, or match it, on the workers of a Dask cluster (extra `cluster`)."""


@cluster.command(help=local_query.help)
@_where
def query(*, where: dict[str, Any], **given: Any) -> None:
    """Ask as the command `query` does."""
    with ExitStack() as ends:

        def on(opened: Mirror) -> ClusterMirror:
            return ends.enter_context(opened.cluster(**where))

        answer: Any = local_query.callback
        answer(on=on, **given)


query.params[:0] = local_query.params  # all of its options, before those that say where


@cluster.command(
    epilog="""\b
Examples:
  ssap-mirror cluster xmatch /data/gaia_collection --request SNR=20/ -o matched.parquet
  ssap-mirror cluster xmatch s3://bucket/gaia --scheduler tcp://head:8786 --radius 2 --neighbors 3
"""
)
@click.argument("catalogue", metavar="CATALOGUE")
@home
@mirror_option
@click.option("--radius", type=float, default=1.0, show_default=True, help="Largest separation [arcsec].")
@click.option(
    "--neighbors", type=int, default=1, show_default=True, metavar="N", help="The N nearest of each spectrum."
)
@click.option("--min-radius", type=float, default=0.0, metavar="ARCSEC", help="Least separation [arcsec] (default: 0).")
@click.option(
    "--join",
    type=click.Choice(["inner", "left"]),
    default="inner",
    show_default=True,
    help="Keep spectra without a partner beside the pairs (left).",
)
@click.option("--request", metavar="QUERY", help="Only the spectra that an SSAP request selects, e.g. 'SNR=20/'.")
@click.option(
    "--ignore-unanswerable", is_flag=True, help="Go on without what --request asks and the mirror has no column for."
)
@click.option("--columns", metavar="A,B,…", help="Columns of the spectra (default: of VERB=1) to keep.")
@click.option("--table-columns", metavar="A,B,…", help="Columns of CATALOGUE to keep (default: all).")
@click.option(
    "--suffix",
    default="_2",
    show_default=True,
    help="Put behind the name of a column of CATALOGUE that spectra have too.",
)
@_where
@output
def xmatch(
    *, catalogue: str, home: Path | None, mirror: str, radius: float, neighbors: int, min_radius: float, join: Any,
    request: str | None, ignore_unanswerable: bool, columns: str | None, table_columns: str | None, suffix: str,
    where: dict[str, Any], output: Output,
) -> None:  # fmt: skip
    """Match the spectra of a mirror with a HATS CATALOGUE, a folder or an address, by LSDB.

    The catalogue needs a margin as wide as the radius. Positions are compared as they are, without proper motions.
    """
    asked = typed_request(request, "ivoa").with_default("VERB", "1")
    with open_once(mirror, home).cluster(**where) as found:
        match = found.crossmatch(
            catalogue,
            radius,
            n_neighbors=neighbors,
            min_radius_arcsec=min_radius,
            join=join,
            suffixes=("", suffix),
            columns=columns if columns == "all" else names(columns),
            other_columns=names(table_columns),
            storage_options=where["storage_options"],
            request=asked,
            ignore_unanswerable=ignore_unanswerable,
        )
        output.deliver(match.compute())
