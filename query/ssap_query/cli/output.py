"""Where the output of a command goes: ``-o``, ``--format``, ``--overwrite``, and what is said of it on stderr."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ssap_query.cli.diagnostics import note

if TYPE_CHECKING:
    from ssap_query.render.result import Result

__all__ = ["deliver", "file_option", "output", "refuse_inputs"]

# The result on a terminal: the columns that fit and the first rows.
_TABLE, _SHOWN_ROWS = "table", 40
_OVERWRITE = "ssap_query.cli.overwrite"

F = TypeVar("F", bound=Callable[..., Any])


def _checked(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Ask before a file is replaced, or refuse to; before any work is done for it."""
    if value in (None, "-") or ctx.meta.get(_OVERWRITE):
        return value
    path = Path(str(value))
    if not path.is_file():  # a pipe or a device is there to be written
        return value
    if sys.stdin.isatty() and sys.stderr.isatty():
        click.confirm(f"{path} exists. Replace it?", abort=True, err=True)
        return value
    message = f"--output: {value!r} exists; --overwrite replaces it"
    raise click.ClickException(message)


def _keep(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: FBT001
    ctx.meta[_OVERWRITE] = value


def file_option(text: str) -> Callable[[F], F]:
    """Give ``-o`` and ``--overwrite``.

    Parameters
    ----------
    text : str
        Help of ``-o``.
    """

    def add(command: F) -> F:
        replaced = click.option(
            "--overwrite", is_flag=True, is_eager=True, expose_value=False, callback=_keep,
            help="Replace the file if it exists.",
        )  # fmt: skip
        return click.option("--output", "-o", metavar="FILE", callback=_checked, help=text)(replaced(command))

    return add


def output(command: F) -> F:
    """Add ``-o``, ``--overwrite`` and ``--format``."""
    chosen = click.option(
        "--format",
        "file_format",
        metavar="FORMAT",
        help="votable, binary2, fits, csv, tsv, ecsv, parquet, arrow, json or table (default: a table in a terminal, "
        "CSV in a pipe).",
    )
    sent = click.option("--samp", is_flag=True, help="Send the rows to TOPCAT and other programs on the SAMP hub.")
    return file_option("File to write; its ending names the format (also .csv.gz, .vot.gz).")(chosen(sent(command)))


def refuse_inputs(target: str | None, inputs: Iterable[str]) -> None:
    """Refuse to write a file that is read.

    Parameters
    ----------
    target : str or None
        What is to be written.
    inputs : iterable of str
        What is read.
    """
    if target in (None, "-") or not Path(str(target)).exists():
        return
    for name in inputs:
        path = Path(name.partition("#")[0])
        if path.exists() and path.samefile(str(target)):
            message = f"--output: {target!r} is a table that is read; give another name"
            raise click.ClickException(message)


def deliver(result: Result, target: str | None, file_format: str | None, *, samp: bool) -> None:
    """Write a result where it should go, and say on stderr what has to be said.

    Parameters
    ----------
    result : Result
        The result.
    target : str or None
        A file; stdout if None or ``-``.
    file_format : str or None
        Name of a format; guessed if None.
    samp : bool
        Whether the rows go to the programs on the SAMP hub; then they are not shown as well.
    """
    if samp:
        note(f"{len(result):,} rows to {', '.join(result.broadcast_samp())}")
    if samp and target is None and file_format is None:
        pass
    elif target in (None, "-") and (file_format or _guessed()) == _TABLE:
        from ssap_query.render.text.terminal import terminal_text

        width = shutil.get_terminal_size((120, 40)).columns
        click.echo(terminal_text(result, width, _SHOWN_ROWS), nl=False)
    elif target in (None, "-"):
        result.write(sys.stdout.buffer, file_format or "csv")
    else:
        result.write(Path(str(target)), file_format)
        note(f"{len(result):,} rows to {target}{'; SYNTHETIC rows' if 'synthetic' in result.infos else ''}")
    for text in result.notes:
        note(f"note: {text}")
    if result.status == "OVERFLOW":
        note(f"OVERFLOW: there are more rows than the {len(result):,} given")


def _guessed() -> str:
    return _TABLE if sys.stdout.isatty() else "csv"
