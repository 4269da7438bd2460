"""What a shell may complete: names of mirrors, columns and formats. It never fails, and then there is nothing."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import click
from ssap_mirror.core.catalog import find_snapshot, list_mirrors, read_catalog
from ssap_mirror.errors import MirrorError

from ssap_query.arrow.formats import FORMATS
from ssap_query.mirror.shipped import SAMPLE, where

__all__ = ["column_names", "format_names", "mirror_names"]

_TABLE = "table"


def mirror_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of mirrors that begin so."""
    names: Iterable[str] = (SAMPLE,)
    with suppress(MirrorError, OSError):
        names = dict.fromkeys((*list_mirrors(ctx.params.get("home")), SAMPLE))
    return [name for name in names if name.startswith(incomplete)]


def format_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of formats that begin so."""
    return [name for name in (*(known.name for known in FORMATS), _TABLE) if name.startswith(incomplete)]


def column_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """List columns of the mirror that the command is about: typed ones, and each that begins as the last one does."""
    before, comma, last = incomplete.rpartition(",")
    sign = "-" if last.startswith("-") else ""
    home = ctx.params.get("home")
    mirror = ctx.params.get("mirror")
    if not mirror:
        return []
    with suppress(MirrorError, OSError):
        schema = read_catalog(find_snapshot(where(mirror, None if home is None else Path(home)), home)).schema
        start = last.removeprefix("-").lower()
        names = (column.name for column in schema if not column.is_hidden)
        return [f"{before}{comma}{sign}{name}" for name in names if name.lower().startswith(start)]
    return []
