"""Where the rows of a table are on the sky, how they move, and when they were seen."""

from __future__ import annotations

from ssap_mirror.core.quantities.positions.finder import find_positions
from ssap_mirror.core.quantities.positions.named import checked, find_motions
from ssap_mirror.core.quantities.positions.place import Axis, Place
from ssap_mirror.core.quantities.positions.said import Positions

__all__ = ["Axis", "Place", "Positions", "checked", "find_motions", "find_positions"]
