"""How many rows lie where: the sky map that HATS readers draw a catalogue by (``skymap.fits``)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core.healpix import cell_of, cells_in_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SKY_MAP_ORDER", "SkyMap"]

#: Order of the map: cells of half a degree, and 1.6 MB at most.
SKY_MAP_ORDER = 7


class SkyMap:
    """Rows counted in the cells of `SKY_MAP_ORDER`."""

    def __init__(self) -> None:
        self._counts: NDArray[np.int64] = np.zeros(cells_in_order(SKY_MAP_ORDER), np.int64)

    def add(self, healpix: NDArray[np.int64]) -> None:
        """Count rows by their ``_healpix_29``."""
        cells, counts = np.unique(cell_of(healpix, SKY_MAP_ORDER), return_counts=True)
        self._counts[cells] += counts

    def write(self, path: Path) -> None:
        """Write a new FITS file of the cells that have rows, as CDS's library does (NESTED, explicit indices)."""
        from astropy.io import fits

        cells = np.flatnonzero(self._counts)
        columns = [
            fits.Column("PIXEL", "J", array=cells.astype(np.int32)),
            fits.Column("VALUE", "K", array=self._counts[cells]),
        ]
        table = fits.BinTableHDU.from_columns(columns)
        table.header.update(
            PIXTYPE="HEALPIX",
            INDXSCHM="EXPLICIT",
            ORDERING="NESTED",
            COORDSYS="C",  # equatorial
            NSIDE=2**SKY_MAP_ORDER,
            OBS_NPIX=len(cells),
        )
        table.writeto(path)
