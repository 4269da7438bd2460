"""Which mirror a command is about: one rule for all of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from ssap_mirror.core import layout
from ssap_mirror.core.catalog import list_mirrors, refuse_address

from ssap_query.cli.words.completion import mirror_names
from ssap_query.mirror.shipped import SAMPLE, SHIPPED

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "MIRROR_VARIABLE",
    "chosen_mirror",
    "home",
    "meant_mirror",
    "mirror_argument",
    "mirror_as_typed",
    "mirror_folder",
    "mirror_option",
]

#: Names the mirror that is meant where a command names none.
MIRROR_VARIABLE = "SSAP_MIRROR"
_OPTION = "ssap_query.cli.mirror"

F = TypeVar("F", bound="Callable[..., Any]")

home = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    is_eager=True,
    help=f"Folder of the mirrors (default: ${layout.HOME_VARIABLE}, parquet/ of a checkout, or the user's data folder)",
)


def chosen_mirror(given: str | None, home: Path | None) -> str:
    """Name of the mirror that is meant.

    Parameters
    ----------
    given : str or None
        What the command names. Else it is what ``$SSAP_MIRROR`` names, else the only mirror there is; those that come
        with a checkout do not count beside one's own, and of them the sample is meant.
    home : pathlib.Path, optional
        Folder of the mirrors.

    Raises
    ------
    click.ClickException
        If that is none, or several.
    """
    if found := given or meant_mirror(home):
        return found
    own = _own_mirrors(home)
    if own:
        message = f"Several mirrors: {', '.join(own)}. Say which with -m NAME, or set ${MIRROR_VARIABLE}."
        raise click.UsageError(message)
    message = (
        f"No mirror yet in {home or layout.default_home()}. Create one with `ssap-mirror sync lamost6-mrs`, watch it "
        f"work with `ssap-mirror demo`, or ask the shipped sample with `-m {SAMPLE}`."
    )
    raise click.UsageError(message)


def meant_mirror(home: Path | None) -> str | None:
    """Name of the mirror that is meant where none is named, as `chosen_mirror` has it; None if nothing tells."""
    if named := os.environ.get(MIRROR_VARIABLE):
        return named
    own = _own_mirrors(home)
    if len(own) == 1:
        return own[0]
    return SAMPLE if not own and SAMPLE in list_mirrors(home) else None


def _own_mirrors(home: Path | None) -> list[str]:
    return [name for name in list_mirrors(home) if name not in SHIPPED]


def _take_option(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
    return chosen_mirror(value, ctx.params.get("home"))


def _keep_option(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    ctx.meta[_OPTION] = value


def _take_argument(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
    named = ctx.meta.get(_OPTION)
    if value and named and value != named:
        message = f"Two mirrors are named, {value} and {named}."
        raise click.UsageError(message, ctx)
    return chosen_mirror(value or named, ctx.params.get("home"))


_HELP = f"Mirror to ask: a name, a path or an address (default: ${MIRROR_VARIABLE}, or the only mirror there is)."

mirror_option = click.option(
    "--mirror", "-m", metavar="NAME", callback=_take_option, help=_HELP, shell_complete=mirror_names
)
#: The same as it was typed, for commands that can do without a mirror; others ask `chosen_mirror` themselves.
mirror_as_typed = click.option("--mirror", "-m", metavar="NAME", help=_HELP, shell_complete=mirror_names)


def mirror_argument(command: F) -> F:
    """Add the argument MIRROR, and ``-m``, which says the same in every command."""
    named = click.option(
        "--mirror", "-m", "mirror_name", metavar="NAME", is_eager=True, expose_value=False, callback=_keep_option,
        help=_HELP, shell_complete=mirror_names,
    )  # fmt: skip
    return click.argument(
        "mirror", metavar="[MIRROR]", required=False, callback=_take_argument, shell_complete=mirror_names
    )(named(command))


def mirror_folder(home: Path | None, mirror: str) -> Path:
    """Folder of a mirror that is given by name or by path; one that lies elsewhere has none."""
    refuse_address(mirror)
    return Path(mirror) if "/" in mirror else layout.mirror_dir(home or layout.default_home(), mirror)
