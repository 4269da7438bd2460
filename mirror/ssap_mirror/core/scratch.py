"""Files and folders that are of no use to anybody once this process is gone, however it goes."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["discard_scratch", "forget_scratch", "note_scratch"]

_known: set[Path] = set()


def note_scratch(path: Path) -> None:
    """Have a file or folder removed if this process is ended before it has done so itself."""
    _known.add(path)


def forget_scratch(path: Path) -> None:
    """Leave a file or folder alone from now on."""
    _known.discard(path)


def discard_scratch() -> None:
    """Remove all that was noted and not forgotten; what resists stays."""
    for path in list(_known):
        try:
            path.unlink(missing_ok=True)
        except OSError:  # a folder
            shutil.rmtree(path, ignore_errors=True)
