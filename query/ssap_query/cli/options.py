"""What several commands read from their words in the same way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ssap_query.mirror.mirror import Mirror
    from ssap_query.ssap.request import SsapRequest

__all__ = [
    "FRAME_HELP",
    "names",
    "open_once",
    "read_units",
    "read_values",
    "typed_request",
]

#: What --frame is about.
FRAME_HELP = "Frame of the positions: ICRS, FK5, FK4, galactic, …, perhaps with an equinox (default: as the file says)."


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
        A query string, or a whole URL. REQUEST may be left out. With blanks in it, a plus is one, and no blank.
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
    if " " in request:  # nobody has encoded it, so a plus is one: TARGETNAME=LAMOST J192633.55+434549.6
        request = request.replace("+", "%2B")
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
