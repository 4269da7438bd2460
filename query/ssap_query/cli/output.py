"""Where the output of a command goes: ``-o``, ``--format``, ``--overwrite``, and what is said of it on stderr."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from ssap_mirror.core import layout
from ssap_mirror.errors import MirrorError

from ssap_query.arrow.counted import counted
from ssap_query.cli.diagnostics import note
from ssap_query.cli.words.completion import format_names

if TYPE_CHECKING:
    from ssap_query.render.result import Result

__all__ = ["Output", "check_output", "file_option", "output", "refuse_snapshots"]

# The result on a terminal: the columns that fit and the first rows.
_TABLE, _SHOWN_ROWS = "table", 40
_OVERWRITE = "ssap_query.cli.overwrite"
_FORMAT_HELP = (
    "votable, binary2, fits, csv, tsv, ecsv, parquet, arrow, json or table (default: a table in a terminal, CSV in a "
    "pipe)."
)

F = TypeVar("F", bound=Callable[..., Any])


def _checked(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Look at the file that an option names, before any work is done for it."""
    if value is not None and value != "-":
        check_output(ctx, param.opts[0], value)
    return value


def check_output(ctx: click.Context, option: str, value: str) -> None:
    """Ask before a file is replaced, or refuse to; nothing is written into a snapshot.

    Parameters
    ----------
    ctx : click.Context
        Of the command, which has ``--overwrite``.
    option : str
        What names the file, or would.
    value : str
        The file.

    Raises
    ------
    click.ClickException
        If it is not to be written.
    click.Abort
        If the person says so.
    """
    path = Path(value)
    refuse_snapshots(option, path)
    if ctx.meta.get(_OVERWRITE) or not path.is_file():  # a pipe or a device is there to be written
        return
    if sys.stdin.isatty() and sys.stderr.isatty():
        click.confirm(f"{path} exists. Replace it?", abort=True, err=True)
        return
    message = f"{option}: {value!r} exists; --overwrite replaces it"
    raise click.ClickException(message)


def refuse_snapshots(option: str, path: Path) -> None:
    """Refuse to write a file or a folder into a snapshot of a mirror, or in place of one.

    Parameters
    ----------
    option : str
        What names it.
    path : pathlib.Path
        What is to be written.

    Raises
    ------
    click.ClickException
        If it is there.
    """
    here = path.absolute()
    if any((folder / layout.MANIFEST).is_file() for folder in (here, *here.parents)):
        message = f"{option}: {str(path)!r} is inside a snapshot of a mirror; give another folder"
        raise click.ClickException(message)


def _keep(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: FBT001
    ctx.meta[_OVERWRITE] = value


def file_option(text: str, *names: str) -> Callable[[F], F]:
    """Give an option for a file that is written, and ``--overwrite``.

    Parameters
    ----------
    text : str
        Its help.
    *names : str
        Its names; ``--output`` and ``-o`` without any.
    """

    def add(command: F) -> F:
        replaced = click.option(
            "--overwrite", is_flag=True, is_eager=True, expose_value=False, callback=_keep,
            help="Replace the file if it exists.",
        )  # fmt: skip
        return click.option(*(names or ("--output", "-o")), metavar="FILE", callback=_checked, help=text)(
            replaced(command)
        )

    return add


@dataclass(frozen=True)
class Output:
    """Where a result goes, and how, as the options of a command say it."""

    target: str | None
    """A file; stdout if None or ``-``."""
    file_format: str | None
    """Name of a format; guessed if None."""
    samp: bool
    """Whether the rows go to the programs on the SAMP hub; then they are not shown as well."""
    iso: bool
    """Whether dates that are numbers become text in ISO 8601."""

    @property
    def is_open(self) -> bool:
        """Whether nothing says where the rows go, and how."""
        return self.target is None and self.file_format is None

    def refuse_inputs(self, inputs: Iterable[str]) -> None:
        """Refuse to write a file that is read.

        Parameters
        ----------
        inputs : iterable of str
            What is read: files, parts of files, patterns of files.
        """
        if self.target in (None, "-") or not Path(str(self.target)).exists():
            return
        from ssap_mirror.tables.files import expand

        for name in inputs:
            with suppress(MirrorError, OSError):  # what is not there is told of by whoever reads it
                if any(path.samefile(str(self.target)) for path in expand(name)[0]):
                    message = f"--output: {self.target!r} is a table that is read; give another name"
                    raise click.ClickException(message)

    def deliver(self, result: Result) -> None:
        """Write a result where it should go, and say on stderr what has to be said.

        Parameters
        ----------
        result : Result
            The result.
        """
        if self.iso:
            result = result.with_iso_dates()
        if self.samp:
            note(f"{counted(len(result), 'row')} to {', '.join(result.broadcast_samp())}")
        if self.samp and self.is_open:
            pass
        elif self.target in (None, "-") and (self.file_format or _guessed()) == _TABLE:
            from ssap_query.render.text.terminal import terminal_text

            width = shutil.get_terminal_size((120, 40)).columns
            click.echo(terminal_text(result, width, _SHOWN_ROWS), nl=False)
        elif self.target in (None, "-"):
            result.write(sys.stdout.buffer, self.file_format or "csv")
            if not (len(result) or result.inputs):  # what describes a service has no rows, either
                note("note: no row matches")
        else:
            result.write(Path(str(self.target)), self.file_format)
            made_up = "; SYNTHETIC rows" if "synthetic" in result.infos else ""
            note(f"{counted(len(result), 'row')} to {self.target}{made_up}")
        for text in result.notes:
            note(f"note: {text}")
        if result.status == "OVERFLOW":
            note(f"OVERFLOW: there are more rows than the {len(result):,} given")


def output(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``-o``, ``--overwrite``, ``--format``, ``--iso`` and ``--samp``; the command is given an `Output`."""

    @wraps(command)
    def gathered(
        *arguments: Any, output: str | None, file_format: str | None, samp: bool, iso: bool, **given: Any
    ) -> Any:
        return command(*arguments, output=Output(output, file_format, samp, iso), **given)

    chosen = click.option("--format", "file_format", metavar="FORMAT", help=_FORMAT_HELP, shell_complete=format_names)
    dated = click.option("--iso", is_flag=True, help="Write dates that are numbers (MJD, JD) in ISO 8601, UTC.")
    sent = click.option("--samp", is_flag=True, help="Send the rows to TOPCAT and other programs on the SAMP hub.")
    added = chosen(dated(sent(gathered)))
    return file_option("File to write; its ending names the format (also .csv.gz, .vot.gz).")(added)


def _guessed() -> str:
    return _TABLE if sys.stdout.isatty() else "csv"
