"""Mirrors that a server is started with: which, in which order, and what they are called in addresses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from ssap_mirror.core.catalog import list_mirrors

from ssap_query.cli.diagnostics import note
from ssap_query.cli.options import default_mirror

if TYPE_CHECKING:
    from ssap_query.mirror.mirror import Mirror
    from ssap_query.server.limits import ServerLimits

__all__ = ["open_mirrors", "tell_addresses"]


def open_mirrors(
    ctx: click.Context, mirrors: Sequence[str], home: Path | None, limits: ServerLimits, cache_bytes: int | None = None
) -> dict[str, Mirror]:
    """Open mirrors to serve them.

    Parameters
    ----------
    ctx : click.Context
        Of the command.
    mirrors : sequence of str
        Names or paths; all mirrors of the home without any, the default one first.
    home : pathlib.Path or None
        Folder of the mirrors.
    limits : ServerLimits
        Of the server.
    cache_bytes : int, optional
        Memory kept between requests, for each of them.

    Returns
    -------
    dict of str to Mirror
        Name in addresses -> mirror.
    """
    from ssap_query.engine.snapshot_cache import DEFAULT_CACHE_BYTES
    from ssap_query.mirror.mirror import open_mirror

    first = default_mirror(ctx)
    names = _names(mirrors or sorted(list_mirrors(home), key=lambda name: name != first))
    kept = DEFAULT_CACHE_BYTES if cache_bytes is None else cache_bytes
    return {name: open_mirror(path, home, cache_bytes=kept, limits=limits.engine) for name, path in names.items()}


def tell_addresses(mirrors: Sequence[str], address: str) -> None:
    """Say where mirrors are served."""
    for name in mirrors:
        note(f"{address}/{name}/       SSAP: {address}/{name}/ssap?")


def _names(paths: Sequence[str]) -> dict[str, str]:
    """Name each mirror by its folder; a second one of a name gets a number."""
    found: dict[str, str] = {}
    for path in paths:
        base = name = Path(path).resolve().name if Path(path).is_dir() else Path(path).name
        number = 1
        while name in found:
            number += 1
            name = f"{base}-{number}"
        found[name] = path
    return found
