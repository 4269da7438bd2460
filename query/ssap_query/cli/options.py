"""Options that several commands share, and where their output goes."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from ssap_mirror.core import layout

from ssap_query.cli.diagnostics import note

if TYPE_CHECKING:
    from ssap_query.mirror.mirror import Mirror
    from ssap_query.render.result import Result
    from ssap_query.ssap.request import SsapRequest

__all__ = [
    "DEFAULT_MIRROR",
    "FRAME_HELP",
    "default_mirror",
    "deliver",
    "home",
    "mirror_argument",
    "mirror_folder",
    "mirror_option",
    "names",
    "open_once",
    "output",
    "read_units",
    "read_values",
    "typed_request",
]

#: What --frame is about.
FRAME_HELP = "Frame of the positions: ICRS, FK5, FK4, galactic, …, perhaps with an equinox (default: as the file says)."

#: The mirror that is meant where none is named, if it exists; else the shipped sample.
DEFAULT_MIRROR = "lamost6-mrs"
_FALLBACK = "lamost6-mrs-sample"
# The result on a terminal: the columns that fit and the first rows.
_TABLE, _SHOWN_ROWS = "table", 40

F = TypeVar("F", bound=Callable[..., Any])

home = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help=f"Folder of the mirrors (default: ${layout.HOME_VARIABLE}, parquet/ of a checkout, or the user's data folder)",
)
mirror_option = click.option(
    "--mirror",
    "-m",
    metavar="NAME",
    callback=lambda ctx, param, value: value or default_mirror(ctx),
    help="Mirror to ask: a name or a path.",
)
mirror_argument = click.argument(
    "mirror", metavar="[MIRROR]", required=False, callback=lambda ctx, param, value: value or default_mirror(ctx)
)


def output(command: F) -> F:
    """Add ``-o`` and ``--format``."""
    named = click.option("--output", "-o", metavar="FILE", help="File to write; its ending names the format.")
    chosen = click.option(
        "--format",
        "file_format",
        metavar="FORMAT",
        help="votable, binary2, fits, csv, tsv, ecsv, parquet, json or table (default: a table in a terminal, "
        "CSV in a pipe).",
    )
    return named(chosen(command))


def deliver(result: Result, target: str | None, file_format: str | None) -> None:
    """Write a result where it should go, and say on stderr what has to be said.

    Parameters
    ----------
    result : Result
        The result.
    target : str or None
        A file; stdout if None or ``-``.
    file_format : str or None
        Name of a format; guessed if None.
    """
    if target in (None, "-") and (file_format or _guessed()) == _TABLE:
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


def default_mirror(ctx: click.Context) -> str:
    """Name of the mirror that is meant where none is named."""
    base = ctx.params.get("home") or layout.default_home()
    known = (
        name for name in (DEFAULT_MIRROR, _FALLBACK) if layout.snapshots_dir(layout.mirror_dir(base, name)).is_dir()
    )
    return next(known, DEFAULT_MIRROR)


def read_units(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """Read ``COLUMN=UNIT``."""
    units = {}
    for text in given:
        column, equals, unit = text.partition("=")
        if not (column and equals):
            message = f"{text!r} is not of the form COLUMN=UNIT"
            raise click.BadParameter(message, ctx, param)
        units[column] = unit
    return units


def read_values(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Read ``NAME=VALUE``; a name may have several values."""
    values: dict[str, tuple[str, ...]] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals):
            message = f"{text!r} is not of the form {param.make_metavar(ctx)}"
            raise click.BadParameter(message, ctx, param)
        values[name] = (*values.get(name, ()), value)
    return values


def typed_request(request: str | None, dialect: str, options: Iterable[tuple[str, str]] = ()) -> SsapRequest:
    """Read a request that a person has written: nothing of it may be passed over, as a service does.

    Parameters
    ----------
    request : str, optional
        A query string, or a whole URL. REQUEST may be left out.
    dialect : {'ivoa', 'dachs'}
        Whose reading of the parameters.
    options : iterable of (str, str)
        Names and values that are added to it.

    Raises
    ------
    ParameterError
        If a part of it is not of the form NAME=VALUE, a name is none of a parameter, or a value is not valid text.
    """
    from ssap_mirror.errors import ParameterError

    from ssap_query.ssap.request import decode, parse

    request, name = request or "", "--request"
    query = request.partition("?")[2] if request.lower().startswith(("http://", "https://")) else request
    separators = "&;" if dialect == "dachs" else "&"
    for part in re.split(f"[{separators}]", query.removeprefix("?")):
        if part.strip() and "=" not in part:
            raise ParameterError(name, part, "is not of the form NAME=VALUE")
    pairs = decode(request, dialect) if request else []
    if not any(given.upper() == "REQUEST" for given, _ in pairs):
        pairs.insert(0, ("REQUEST", "queryData"))
    parsed = parse([*pairs, *options], dialect)
    if parsed.unknown:
        raise ParameterError(name, parsed.unknown[0], "is not a parameter of SSAP")
    return parsed


def names(text: str | None) -> list[str] | None:
    """Split a list of names at its commas; None stays None."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def open_once(mirror: str, home: Path | None) -> Mirror:
    """Open a mirror for one question: without a cache of what is read."""
    from ssap_query.mirror.mirror import open_mirror

    return open_mirror(mirror, home, cache_bytes=0)


def mirror_folder(home: Path | None, mirror: str) -> Path:
    """Folder of a mirror that is given by name or by path."""
    return Path(mirror) if "/" in mirror else layout.mirror_dir(home or layout.default_home(), mirror)
