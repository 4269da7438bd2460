"""The group of commands, and how it starts and ends."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from ssap_query.cli.diagnostics import ExitCode, guarded, note, tell_warnings
from ssap_query.cli.interruption import watch
from ssap_query.cli.words.mistaken import sentence

__all__ = ["command", "group", "main"]

# Command -> folder of `commands` that has it, in a module of its own name; what it does, in a line of 63 characters.
_COMMANDS = {
    "demo": ("doors", "Do all of this on the shipped sample, in a minute"),
    "sync": ("keep", "Mirror a service, or bring a mirror up to date"),
    "query": ("ask", "Ask by position, wavelength, date, SNR, …: parameters of SSAP"),
    "xmatch": ("ask", "Match the spectra with a table of positions, or two tables"),
    "sql": ("ask", "Ask in SQL (DuckDB)"),
    "adql": ("ask", "Ask in ADQL, the language of TAP"),
    "list": ("look", "List the mirrors: rows, size, age, which one is asked"),
    "info": ("look", "What a mirror holds: rows, dates, source, coverage (MOC)"),
    "columns": ("look", "Columns of a mirror: units, ranges, what they mean"),
    "covers": ("look", "Whether a mirror has rows at a position"),
    "plot": ("look", "Draw a mirror, a result, a match or a spectrum"),
    "verify": ("keep", "Check every file of a mirror; restore damaged ones"),
    "open": ("doors", "Show the mirrors in a browser"),
    "serve": ("doors", "Serve SSAP, cone search, TAP and a page to other programs"),
    "path": ("look", "Print the folder of the live snapshot, a HATS catalogue"),
    "export": ("ask", "Write all rows to one file, or to a DuckDB database"),
    "fetch": ("ask", "Fetch the spectra behind a result into a folder"),
    "services": ("look", "List the services that are known by name"),
    "snapshots": ("keep", "List the snapshots of a mirror"),
    "diff": ("keep", "What changed between two snapshots"),
    "rollback": ("keep", "Make another snapshot live, back or forth"),
    "publish": ("keep", "Write a folder that others can pull a mirror from"),
}
# How the folders are called in the help.
_PURPOSES = {
    "ask": "Ask a mirror",
    "look": "See what there is",
    "keep": "Make and keep mirrors",
    "doors": "Serve and show",
}


class _ReaderGoneError(Exception):
    """The reader of a pipe has gone: click would take a BrokenPipeError for a failure and end the process."""


class _InterruptedError(Exception):
    """Ctrl-C was pressed: click would write an empty line first."""


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ReaderGoneError from error
        except KeyboardInterrupt as error:
            raise _InterruptedError from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of use."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in _COMMANDS:
            return None
        folder, words = _COMMANDS[cmd_name]
        module = import_module(f"ssap_query.cli.commands.{folder}.{cmd_name}")
        found: click.Command = getattr(module, cmd_name)
        found.short_help = words
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:  # fmt: skip
        """Find the command that is named first."""
        name = args[0]
        if name not in _COMMANDS and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name, _COMMANDS, n=1)
            perhaps = f" Perhaps {near[0]} is meant." if near else ""
            message = f"No such command {name!r}.{perhaps}"
            raise click.UsageError(message, ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by their purpose."""
        for folder, purpose in _PURPOSES.items():
            with formatter.section(purpose):
                formatter.write_dl([(name, words) for name, (of, words) in _COMMANDS.items() if of == folder])


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: FBT001
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"ssap-mirror {version('ssap-mirror')}")
        ctx.exit()


@click.group(
    cls=_LazyGroup,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_version, help="Show the version."
)
@click.pass_context
def group(ctx: click.Context) -> None:
    """Mirror the metadata of a spectra service, and ask the mirror what you would have asked the service."""
    if ctx.invoked_subcommand is None:
        note(ctx.get_help())
        ctx.exit(int(ExitCode.BAD_INPUT))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words of the command; those of the process without it.
    """
    code = ExitCode.OK

    def run() -> None:
        nonlocal code
        try:
            # In this mode click returns the status of ctx.exit() instead of ending the process.
            ended = group.main(args=arguments, prog_name="ssap-mirror", standalone_mode=False)
            code = ExitCode(ended) if isinstance(ended, int) else ExitCode.OK
        except click.ClickException as error:
            usage = f"{error.ctx.get_usage()}\n" if isinstance(error, click.UsageError) and error.ctx else ""
            note(f"{usage}ssap-mirror: {sentence(error)}")
            code = ExitCode.BAD_INPUT
        except click.Abort:  # somebody has said no
            code = ExitCode.FAILURE
        except _InterruptedError as error:
            raise KeyboardInterrupt from error
        except _ReaderGoneError as error:
            raise BrokenPipeError from error

    tell_warnings()
    outcome = guarded(run, sys.argv[1:] if arguments is None else arguments)
    sys.exit(int(outcome or code))


def command() -> None:
    """Run the command line as a whole process."""
    watch()
    try:
        main()
    finally:
        # When it ends Python would look for garbage in all modules, whose memory goes with the process anyway: 4 % of
        # the instructions of a cold query (scripts/bench, section start). DuckDB complains of what is never freed.
        if "duckdb" not in sys.modules:
            gc.freeze()
