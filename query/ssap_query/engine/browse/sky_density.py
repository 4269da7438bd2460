"""Where on the sky the rows that a request finds are: how many in each HEALPix cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ssap_mirror.core.schema import HEALPIX_COLUMN

from ssap_query.engine.browse.match import Match
from ssap_query.engine.browse.statements import cells_of
from ssap_query.engine.duckdb_session import translate_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SkyDensity", "sky_density"]

# Cells of a degree tell where rows are; there are some 50,000, too many to draw, and few of them for one field.
_FIRST_ORDER = 6
# Cells of 13 arcseconds: finer than fibres can stand.
_FINEST_ORDER = 14
_MOST_CELLS = 6000
# So few cells are no picture: they are split further.
_FEW_CELLS = 400


@dataclass(frozen=True)
class SkyDensity:
    """Rows in each HEALPix cell, by the position of the target."""

    order: int
    """HEALPix order of the cells."""
    cells: NDArray[np.int64]
    """Numbers of the cells that have rows (NESTED), ascending; shape (n,)."""
    counts: NDArray[np.int64]
    """Rows in each; shape (n,)."""
    unplaced: int
    """Rows without a position, which are in no cell."""


def sky_density(match: Match) -> SkyDensity:
    """Count the rows of a match by cell, in cells of a size that shows something.

    Parameters
    ----------
    match : Match
        All rows.

    Raises
    ------
    CatalogError
        If the snapshot cannot be read.
    """
    found = _counted(match, _FIRST_ORDER)
    rows = int(found.counts.sum())
    while found.order < _FINEST_ORDER and len(found.cells) < min(_FEW_CELLS, rows):
        finer = found.order + max(1, int(math.log(_FEW_CELLS / len(found.cells), 4)))
        found = _counted(match, min(finer, _FINEST_ORDER))
    while len(found.cells) > _MOST_CELLS:
        cells, parent = np.unique(found.cells >> 2, return_inverse=True)
        counts = np.bincount(parent, found.counts).astype(np.int64)
        found = SkyDensity(found.order - 1, cells, counts, found.unplaced)
    return found


def _counted(match: Match, order: int) -> SkyDensity:
    snapshot, source = match.query.snapshot, match.source([HEALPIX_COLUMN])
    counting = cells_of(source.query, order)
    with translate_errors(snapshot.catalog.path):
        table = snapshot.session.table(counting.sql, counting.values, **source.tables)
    pairs = list(zip(table["cell"].to_pylist(), table["n"].to_pylist(), strict=True))
    placed = np.array([pair for pair in pairs if pair[0] is not None], np.int64).reshape(-1, 2)
    return SkyDensity(order, placed[:, 0], placed[:, 1], sum(n for cell, n in pairs if cell is None))
