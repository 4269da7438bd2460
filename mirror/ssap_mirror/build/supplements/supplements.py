"""Build the supplements of a snapshot beside it: all at once, in place when they are whole."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ssap_mirror.build.parquet_writer import file_entry
from ssap_mirror.build.supplements.index import INDEX, indexed_column, write_index
from ssap_mirror.build.supplements.margin import MARGIN, Earlier, write_margin
from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import Catalog

__all__ = ["DEFAULT_MARGIN_ARCSEC", "build_supplements"]

#: Width of the margin if nobody says: what cross-matches of spectra with catalogues stay well below.
DEFAULT_MARGIN_ARCSEC = 10.0


def build_supplements(
    mirror: Path, catalog: Catalog, previous: Catalog | None = None, margin_arcsec: float | None = None
) -> Path | None:
    """Build the margin and the index of a snapshot. The mirror is locked.

    Parameters
    ----------
    mirror : pathlib.Path
        Folder of the mirror.
    catalog : Catalog
        One of its snapshots.
    previous : Catalog, optional
        An earlier one, whose margins are hard-linked where partitions and their neighbours are the same.
    margin_arcsec : float, optional
        Width of the margin [arcsec], 0 for none. Without it, that of the earlier snapshot, or
        `DEFAULT_MARGIN_ARCSEC`.

    Returns
    -------
    pathlib.Path or None
        Their folder; None where no row has a position, for then a snapshot is no HATS catalogue with partitions.

    Raises
    ------
    ParameterError
        If the margin is too wide.
    OSError
        If the mirror cannot be written.
    """
    if not catalog.partitions:
        return None
    before = _read(previous)
    width = margin_arcsec if margin_arcsec is not None else before.margin_arcsec
    work = layout.build_dir(mirror, os.getpid())
    try:
        root, scratch = work / "supplements", work / "sort"
        for folder in (root, scratch):
            folder.mkdir(parents=True)
        made = write_margin(root, catalog, width, before.files) if width else {}
        if (column := indexed_column(catalog)) is not None:
            made |= write_index(root, catalog, before.files, scratch)
        paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
        record = {
            "snapshot": catalog.path.name,
            "margin_arcsec": width,
            "margin": MARGIN if width else None,
            "index": {column: INDEX} if column is not None else {},
            "made_of": made,
            "files": [file_entry(root, path) for path in paths],
        }
        for path in paths:
            storage.flush(root / path)
        storage.write_file(root / layout.SUPPLEMENTS, json.dumps(record, indent=1).encode() + b"\n")
        target = layout.supplements_dir(catalog.path)
        if target.exists():
            shutil.rmtree(target)
        target.parent.mkdir(exist_ok=True)
        root.rename(target)
        storage.flush(target.parent)
        return target
    finally:
        storage.clear(work)


@dataclass(frozen=True)
class _Before:
    """What is known of the supplements of an earlier snapshot."""

    margin_arcsec: float
    """Width of the margin [arcsec]."""
    files: Earlier
    """What may be linked."""


def _read(previous: Catalog | None) -> _Before:
    """Read what an earlier snapshot has; nothing, where that makes no sense."""
    if previous is not None:
        folder = layout.supplements_dir(previous.path)
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            record = json.loads((folder / layout.SUPPLEMENTS).read_bytes())
            digests = {item["path"]: item["sha256"] for item in record["files"]}
            return _Before(float(record["margin_arcsec"]), Earlier(folder, dict(record["made_of"]), digests))
    return _Before(DEFAULT_MARGIN_ARCSEC, Earlier(Path(), {}, {}))
