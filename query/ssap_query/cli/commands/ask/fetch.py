"""The command `fetch`: the files behind rows."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from ssap_mirror.errors import ParameterError

from ssap_query.cli.choice import chosen_mirror, home, mirror_as_typed
from ssap_query.cli.diagnostics import ExitCode, note
from ssap_query.cli.interruption import advising
from ssap_query.cli.limits import limits_of_requests, policy_of
from ssap_query.cli.options import open_once, typed_request
from ssap_query.cli.output import refuse_snapshots
from ssap_query.ssap.request import DIALECTS

if TYPE_CHECKING:
    from ssap_query.fetch.options import FetchOptions
    from ssap_query.fetch.rows import Rows

__all__ = ["fetch"]

_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[kMGT]?)B?", re.I)
_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def _bytes(ctx: click.Context, param: click.Parameter, value: str) -> int:
    found = _SIZE.fullmatch(value.strip())
    if found is None:
        message = f"{value!r} is no size, as 500MB or 2GB"
        raise click.BadParameter(message, ctx, param)
    return int(float(found["number"]) * _FACTORS[found["unit"].lower()])


@click.command(
    epilog="""\b
Examples:
  ssap-mirror fetch 'POS=292.06,43.93&SIZE=0.2&SNR=100/' -o spectra
  ssap-mirror fetch found.vot -o spectra --dry-run
  ssap-mirror fetch found.vot -o pictures --source preview
"""
)
@click.argument("rows", metavar="RESULT|REQUEST")
@home
@mirror_as_typed
@click.option("--output", "-o", "folder", metavar="FOLDER", type=click.Path(path_type=Path, file_okay=False),
              required=True, help="Folder for the files; what it has already is not fetched again.")  # fmt: skip
@click.option("--source", type=click.Choice(["accref", "preview", "datalink", "lamost"]), default="accref",
              show_default=True,
              help="The spectra by the rows' addresses; pictures of them; what the service links with the rows; "
              "LAMOST's own files by obsid (with $LAMOST_TOKEN, if a release asks for one).")  # fmt: skip
@click.option("--semantics", metavar="WORD", multiple=True, default=("#this",), show_default=True,
              help="Of what is linked, what is fetched, as #this or #preview; may be repeated.")  # fmt: skip
@click.option("--release", metavar="DR/VERSION", default="dr10/v2.0", show_default=True,
              help="Data release of LAMOST's own files.")  # fmt: skip
@click.option("--max-size", "max_bytes", metavar="SIZE", default="1GB", show_default=True, callback=_bytes,
              help="Fetch no more than this; what would be more is not begun.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only say how many files there are to fetch, and how large they are.")
@click.option("--offline", is_flag=True, help="Ask nobody; only say which files are there.")
@click.option("--dialect", type=click.Choice(DIALECTS), default="ivoa", help="How a REQUEST is read.")
@limits_of_requests
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.pass_context
def fetch(
    ctx: click.Context, /, rows: str, home: Path | None, mirror: str | None, folder: Path, source: Any,
    semantics: tuple[str, ...], release: str, max_bytes: int, dry_run: bool, offline: bool,  # noqa: FBT001
    dialect: str, quiet: bool, as_json: bool, **limits: float | None,  # noqa: FBT001
) -> None:  # fmt: skip
    """Fetch the spectra behind the rows of a RESULT (a table file that `query` wrote), or of a REQUEST to a mirror.

    Each file is fetched once however many rows it has, two at a time, and checked; a run that was interrupted goes on
    where it stopped. FOLDER/manifest.csv says which file belongs to which row. Ends with 1 if a file is missing.
    """
    import json

    from ssap_query.cli.progress import shown
    from ssap_query.fetch.options import FetchOptions
    from ssap_query.fetch.run import fetch_files

    refuse_snapshots("--output", folder)
    options = FetchOptions(source, semantics, release, max_bytes, offline)
    asked = _rows(rows, mirror, home, dialect)
    if dry_run:
        _tell_cost(asked, folder, options)
        return
    words = "the same command goes on from here"
    with advising(words), shown(quiet=quiet or as_json, unit="files") as progress:
        fetched = fetch_files(asked, folder, options, policy_of(limits), progress)
    if as_json:
        click.echo(json.dumps(fetched.to_json(), indent=1))
    else:
        note(fetched.words())
    if not fetched.complete:
        ctx.exit(int(ExitCode.FAILURE))


def _tell_cost(rows: Rows, folder: Path, options: FetchOptions) -> None:
    from ssap_query.fetch.run import to_fetch

    sys.stdout.write(f"{to_fetch(rows, folder, options).words()}\n")


def _rows(text: str, mirror: str | None, home: Path | None, dialect: str) -> Rows:
    """Rows of a file, or of a request."""
    from ssap_query.fetch.rows import TableRows

    if Path(text).exists():
        from ssap_mirror.tables.open import open_table

        return TableRows(open_table(text, parameter="RESULT"))
    if "=" not in text:
        name = "RESULT|REQUEST"
        raise ParameterError(name, text, "is neither a file that is there nor a request of the form NAME=VALUE&…")
    opened = open_once(chosen_mirror(mirror, home), home)
    return opened.ssap(typed_request(text, dialect), columns="all")
