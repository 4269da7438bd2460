"""The folder of a mirror as a HATS collection: a file names the live snapshot and its supplements."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import read_catalog
from ssap_mirror.core.hats_properties import format_properties
from ssap_mirror.errors import CatalogError

__all__ = ["read_supplements", "write_collection"]


def write_collection(mirror: Path, snapshot: Path) -> None:
    """Say what is live in the words of HATS. The mirror is locked.

    Whoever opens the collection between CURRENT and this finds the snapshot that was live before, whole.

    Parameters
    ----------
    mirror : pathlib.Path
        Folder of the mirror.
    snapshot : pathlib.Path
        Folder of the live snapshot.

    Raises
    ------
    OSError
        If the file cannot be written; the old one stays.
    """
    with contextlib.suppress(CatalogError):  # a mirror whose manifest is damaged is none for others either
        name = read_catalog(snapshot).name
        content = format_properties(_properties(mirror, snapshot, name), "HATS collection").encode()
        storage.replace_file(mirror / layout.COLLECTION, content)


def read_supplements(snapshot: Path) -> dict[str, Any] | None:
    """Read what ``supplements.json`` says of the supplements of a snapshot; None if there are none.

    Raises
    ------
    CatalogError
        If it is damaged.
    """
    path = layout.supplements_dir(snapshot) / layout.SUPPLEMENTS
    try:
        record: dict[str, Any] = json.loads(path.read_bytes())
        record["files"], record["margin"], record["index"].items()
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{path} is damaged: {error!r}"
        raise CatalogError(message) from error
    return record


def _properties(mirror: Path, snapshot: Path, name: str) -> dict[str, object]:
    found: dict[str, object] = {
        "obs_collection": name,
        "hats_primary_table_url": snapshot.relative_to(mirror).as_posix(),
    }
    record = None
    with contextlib.suppress(CatalogError):  # a snapshot without supplements is a collection all the same
        record = read_supplements(snapshot)
    if record is None:
        return found
    folder = layout.supplements_dir(snapshot).relative_to(mirror).as_posix()
    if record["margin"]:
        found |= dict.fromkeys(("all_margins", "default_margin"), f"{folder}/{record['margin']}")
    if indexes := {column: f"{folder}/{path}" for column, path in record["index"].items()}:
        found["all_indexes"] = " ".join(f"{column} {path}" for column, path in indexes.items())
        found["default_index"] = next(iter(indexes))
    return found
