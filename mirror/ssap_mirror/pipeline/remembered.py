"""What a mirror remembers of where its rows came from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import Catalog, find_snapshot, open_catalog
from ssap_mirror.errors import CatalogError
from ssap_mirror.pipeline.address import KINDS, PublishedAddress
from ssap_mirror.sources.harvest.journal import read_whole_lines
from ssap_mirror.sources.harvest.ledger import JOURNAL

__all__ = ["REMEMBERED", "pulled_from", "remember_pulled", "remembered_entry", "source_entry"]

#: Key of the harvest's record in a manifest, and of the journal's first record.
REMEMBERED = "service"


def remembered_entry(mirror: Path) -> dict[str, Any] | None:
    """Keys and values as ``services.toml`` has them, of the service that a mirror was made from.

    Parameters
    ----------
    mirror : pathlib.Path
        Folder of the mirror.

    Returns
    -------
    dict or None
        With the ``name`` of a service that was asked for by its name; None if there is no snapshot, nor a harvest under
        way, that tells.
    """
    pulled = _pulled(mirror)
    for catalog in _snapshots(mirror):
        if url := pulled.get(catalog.path.name):
            return PublishedAddress(url).to_entry()
        if found := catalog.manifest.get("harvest", {}).get(REMEMBERED):
            return dict(found)
    begun = next(iter(read_whole_lines(layout.staging_dir(mirror) / JOURNAL)), {})
    return dict(json.loads(begun[REMEMBERED])) if REMEMBERED in begun else None


def pulled_from(snapshot: Path) -> str | None:
    """Address that a snapshot was pulled from; None if it was built here."""
    return _pulled(snapshot.parent.parent).get(snapshot.name)


def remember_pulled(mirror: Path, snapshot: str, url: str) -> None:
    """Write down where a snapshot was pulled from. The mirror is locked.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    known = {name: where for name, where in _pulled(mirror).items() if name in layout.snapshot_names(mirror)}
    content = json.dumps({**known, snapshot: url}, indent=1).encode() + b"\n"
    storage.replace_file(layout.pulled_file(mirror), content)


def _pulled(mirror: Path) -> dict[str, str]:
    """Snapshot -> address that it was pulled from; nothing, where the file makes no sense."""
    with suppress(OSError, ValueError, AttributeError):
        found = json.loads(layout.pulled_file(mirror).read_bytes())
        return {str(name): str(url) for name, url in found.items()}
    return {}


def source_entry(mirror: Path) -> dict[str, Any] | None:
    """Read the same of a mirror that tells its source alone, since no sync made it, or an older one did."""
    for catalog in _snapshots(mirror):
        if found := _entry_of(catalog.manifest.get("source") or {}):
            return found
    return None


def _snapshots(mirror: Path) -> Iterator[Catalog]:
    """All snapshots that can be read: the live one first, then the younger ones before the older."""
    names = [layout.snapshots_dir(mirror) / name for name in reversed(layout.snapshot_names(mirror))]
    with suppress(CatalogError):
        names.insert(0, find_snapshot(mirror))
    for path in names:
        try:
            yield open_catalog(path)
        except CatalogError:
            continue


def _entry_of(source: Mapping[str, Any]) -> dict[str, Any] | None:
    kind = KINDS.get(source.get("kind", ""))
    address = None if kind is None else kind.from_origin(str(source.get("url", "")))
    return None if address is None else address.to_entry()
