"""A part of the sky as a MOC (IVOA Multi-Order Coverage map 2.0): HEALPix cells, four of which may be a larger one."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from ssap_mirror.core import healpix
from ssap_mirror.core.storage import replacing, translate_write_errors
from ssap_mirror.errors import ParameterError

from ssap_query.render.faces.samp import send_file

__all__ = ["Moc", "moc_kind"]

_FITS, _JSON, _TEXT = "FITS", "JSON", "text"
_KINDS = {".fits": _FITS, ".fit": _FITS, ".json": _JSON, ".txt": _TEXT}
_PARAMETER = "moc"
_CHILDREN = 4


def moc_kind(path: str | os.PathLike[str]) -> str:
    """Kind of a file by the ending of its name: ``FITS``, ``JSON`` or ``text``.

    Raises
    ------
    ParameterError
        If the ending is of none.
    """
    try:
        return _KINDS[Path(path).suffix.lower()]
    except KeyError:
        endings = ", ".join(_KINDS)
        raise ParameterError(
            _PARAMETER, os.fspath(path), f"ends in none of {endings}, one of which a MOC has"
        ) from None


@dataclass(frozen=True, repr=False)
class Moc:
    """A part of the sky, made of cells of one order."""

    order: int
    """HEALPix order of the cells, 0 to 29."""
    cells: NDArray[np.int64]
    """Numbers of the cells in the NESTED scheme, ascending; shape (n,)."""
    name: str = "coverage"
    """What it is the coverage of."""

    def __repr__(self) -> str:
        return f"<Moc: order {self.order}, {len(self.cells):,} cells, {100 * self.sky_fraction:.3g} % of the sky>"

    @property
    def sky_fraction(self) -> float:
        """Share of the whole sky."""
        return len(self.cells) / healpix.cells_in_order(self.order)

    @cached_property
    def by_order(self) -> Mapping[int, NDArray[np.int64]]:
        """Order -> its cells: four that make a larger one are that one."""
        found: dict[int, NDArray[np.int64]] = {}
        cells = self.cells
        for order in range(self.order, 0, -1):
            parents, counts = np.unique(cells // _CHILDREN, return_counts=True)
            whole = parents[counts == _CHILDREN]
            found[order] = cells[~np.isin(cells // _CHILDREN, whole)]
            cells = whole
        found[0] = cells
        return {order: found[order] for order in sorted(found) if len(found[order]) or order == self.order}

    def contains(self, ra: float, dec: float) -> bool:
        """Whether a position, ICRS [deg], lies in it.

        Raises
        ------
        ParameterError
            If it is not on the sphere.
        """
        cell = healpix.cell_of(healpix.healpix_29([ra], [dec]), self.order)[0]
        at = int(np.searchsorted(self.cells, cell))
        return at < len(self.cells) and bool(self.cells[at] == cell)

    def to_json(self) -> str:
        """Write it as JSON (MOC 2.0 §4.3.3): order -> numbers of its cells."""
        return json.dumps({str(order): cells.tolist() for order, cells in self.by_order.items()})

    def to_text(self) -> str:
        """Write it as text (MOC 2.0 §4.3.2): ``5/1-3 7 6/40``."""
        return " ".join(f"{order}/{' '.join(_ranges(cells))}" for order, cells in self.by_order.items())

    def to_fits(self) -> bytes:
        """Write it as FITS (MOC 2.0 §4.3.1), by the numbers that older programs know too (NUNIQ)."""
        from astropy.io import fits

        unique = [_CHILDREN ** (order + 1) + cells for order, cells in self.by_order.items()]
        column = fits.Column(name="UNIQ", format="K", array=np.concatenate(unique))
        table = fits.BinTableHDU.from_columns([column])
        for key, value, comment in (
            ("PIXTYPE", "HEALPIX", "HEALPix cells"),
            ("MOCVERS", "2.0", "version of MOC"),
            ("MOCDIM", "SPACE", "a part of the sky"),
            ("ORDERING", "NUNIQ", "4**(order + 1) + cell"),
            ("COORDSYS", "C", "ICRS"),
            ("MOCORD_S", self.order, "order of the smallest cells"),
            ("MOCORDER", self.order, "the same for MOC 1"),
            ("MOCTOOL", "ssap-mirror", "made by"),
        ):
            table.header[key] = value, comment
        file = BytesIO()
        fits.HDUList([fits.PrimaryHDU(), table]).writeto(file)
        return file.getvalue()

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file, which takes its name when it is complete.

        Parameters
        ----------
        path : path
            Ends in .fits, .json or .txt.

        Raises
        ------
        ParameterError
            If it ends otherwise.
        MirrorError
            If it cannot be written.
        """
        kind = moc_kind(path)
        content = self.to_fits() if kind == _FITS else (self.to_json() if kind == _JSON else self.to_text()).encode()
        with translate_write_errors(Path(path)), replacing(Path(path)) as beside:
            beside.write_bytes(content)

    def broadcast_samp(self, *, client_name: str | None = None) -> tuple[str, ...]:
        """Send it to the programs on the SAMP hub that show coverages, such as Aladin.

        Parameters
        ----------
        client_name : str, optional
            Only to the program of this name.

        Returns
        -------
        tuple of str
            Names of the programs that have loaded it.

        Raises
        ------
        MirrorError
            If there is no hub, no program that takes coverages, or one that could not load it.
        """
        with tempfile.TemporaryDirectory(prefix="ssap-samp-") as folder:
            path = Path(folder) / "coverage.fits"
            path.write_bytes(self.to_fits())
            return send_file(path, "coverage.load.moc.fits", self.name, client_name)


def _ranges(cells: NDArray[np.int64]) -> list[str]:
    """``1-3``, ``7``."""
    runs = np.split(cells, np.flatnonzero(np.diff(cells) != 1) + 1)
    return [f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs if len(run)]
