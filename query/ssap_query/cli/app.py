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

__all__ = ["command", "group", "main"]

# Command -> folder of `commands` that has it, in a module of its own name.
_COMMANDS = {
    "demo": "doors",
    "sync": "keep",
    "query": "ask",
    "xmatch": "ask",
    "sql": "ask",
    "adql": "ask",
    "cluster": "ask",
    "list": "look",
    "info": "look",
    "columns": "look",
    "covers": "look",
    "plot": "look",
    "verify": "keep",
    "open": "doors",
    "serve": "doors",
    "path": "look",
    "export": "ask",
    "fetch": "ask",
    "services": "look",
    "snapshots": "keep",
    "diff": "keep",
    "rollback": "keep",
    "publish": "keep",
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
        module = import_module(f"ssap_query.cli.commands.{_COMMANDS[cmd_name]}.{cmd_name}")
        found: click.Command = getattr(module, cmd_name)
        return found


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: FBT001
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"ssap-mirror {version('ssap-mirror')}")
        ctx.exit()


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_version, help="Show the version."
)
def group() -> None:
    """Mirror the metadata of a spectra service, and ask the mirror what you would have asked the service."""


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
            note(f"{usage}ssap-mirror: {error.format_message()}")
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
