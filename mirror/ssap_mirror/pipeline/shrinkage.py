"""A source that has lost many rows: a broken service does not replace a good mirror unasked."""

from __future__ import annotations

from pathlib import Path

from ssap_mirror.pipeline.recipe import live_snapshot
from ssap_mirror.sources.source import Finding

__all__ = ["MAX_SHRINK_FRACTION", "shrinkage"]

#: Tables lose rows now and then; a larger share than this [of the live rows] is more likely a fault.
MAX_SHRINK_FRACTION = 0.05


def shrinkage(mirror: Path, rows: int) -> Finding | None:
    """Hold the rows of a harvest, of whatever source, against those of the live snapshot.

    Parameters
    ----------
    mirror : pathlib.Path
        Folder of the mirror.
    rows : int
        How many rows the harvest has.

    Returns
    -------
    Finding or None
        What speaks against making them live.
    """
    live = live_snapshot(mirror)
    if live is None or rows >= (1 - MAX_SHRINK_FRACTION) * live.rows:
        return None
    words = (
        f"the live snapshot has {live.rows:,} rows, and now there are {rows:,}: that is more likely a fault than true; "
        "--allow-shrink makes them live all the same"
    )
    return Finding(words, doubt=True)
