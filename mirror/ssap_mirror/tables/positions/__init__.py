"""Where the rows of a table are on the sky, how they move, and when they were seen."""

from __future__ import annotations

from ssap_mirror.tables.positions.finder import find_positions
from ssap_mirror.tables.positions.named import checked, find_motions
from ssap_mirror.tables.positions.place import Place
from ssap_mirror.tables.positions.said import Positions

__all__ = ["Place", "Positions", "checked", "find_motions", "find_positions"]
