"""The mirror that is asked, and how to tell that nothing was written to it or beside it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ssap_mirror import build_mirror
from ssap_mirror.pipeline.known_services import lamost6_mrs

from scripts.rows import synthetic_rows

__all__ = ["fingerprint", "make_mirror"]


def fingerprint(*folders: Path) -> dict[str, tuple[int, str]]:
    """Path -> time of the last change [ns] and SHA-256, of everything in some folders, the folders included."""
    found = {}
    for path in (p for folder in folders for p in (folder, *folder.rglob("*"))):
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (path.stat().st_mtime_ns, hashlib.sha256(content).hexdigest())
    return found


def make_mirror(home: Path, rows: int = 2000) -> str:
    """Build a mirror of made-up, hard rows.

    Parameters
    ----------
    home : pathlib.Path
        Where to.
    rows : int
        How many.

    Returns
    -------
    str
        Its name.
    """
    name, schema = "fuzzed", lamost6_mrs()
    build_mirror(
        synthetic_rows.rows(rows, 20, hard=True).to_batches(),
        schema,
        home / name,
        title="Made-up rows",
        synthetic=True,
        source={"kind": "file", "url": "synthetic"},
        tile_rows=500,
    )
    return name
