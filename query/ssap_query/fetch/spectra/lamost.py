"""LAMOST's FITS files: of the medium-resolution survey, with many spectra each, and of the low-resolution one.

An MRS file has all spectra of a fibre in a night: two co-adds (``COADD_B``, ``COADD_R``), whose pixels have ANDMASK and
ORMASK, and each exposure (``B-83906016``), whose pixels have PIXMASK. Their identities are made of OBSID, the local
modified Julian minute and the arm, as in the column ``mobsid``. Wavelengths are those in vacuum, at the Sun.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ssap_mirror.errors import FormatError

from ssap_query.fetch.spectra.points import Points, spectrum

if TYPE_CHECKING:
    from astropy.io.fits import HDUList
    from numpy.typing import NDArray

__all__ = ["is_lamost", "spectra_of_lamost"]

_PART = re.compile(r"(?:COADD_(?P<coadd>[BR])|(?P<arm>[BR])-(?P<minute>\d+))$")
_ORIGIN = "NAOC-LAMOST"
# Bad in any exposure, where a co-add has both masks.
_MASKS = ("ORMASK", "PIXMASK", "ANDMASK")
_KEPT = ("SNR", "LMJM", "EXPTIME", "HELIO_RV", "DATE-OBS")
# Rows of the image of an LRS file of the first data releases.
_FLUX, _INVERSE, _WAVELENGTH, _ORMASK, _IMAGE_ROWS = 0, 1, 2, 4, 5


def is_lamost(hdus: HDUList) -> bool:
    """Whether a FITS file is one of LAMOST's."""
    header = hdus[0].header
    return str(header.get("ORIGIN", "")).startswith(_ORIGIN) and "OBSID" in header


def spectra_of_lamost(hdus: HDUList) -> Iterator[Any]:
    """Yield all spectra of a file, with ``identity`` and ``obsid`` in their ``meta``.

    Parts without pixels, which stand for co-adds that could not be made, are left out.

    Raises
    ------
    FormatError
        If a part lacks a column, or the file has no spectrum at all.
    """
    primary = hdus[0]
    facts = {key: value for key, value in primary.header.items() if key not in ("COMMENT", "HISTORY", "")}
    facts["obsid"] = int(primary.header["OBSID"])
    found = False
    if primary.data is not None and primary.data.ndim == 2 and len(primary.data) >= _IMAGE_ROWS:
        found = True
        yield spectrum(_of_image(primary.data, {**facts, "identity": str(facts["obsid"])}))
    for hdu in hdus[1:]:
        columns = getattr(hdu, "columns", None)
        if columns is None or not len(hdu.data):
            continue
        part = _PART.match(hdu.name)
        identity = str(facts["obsid"])
        if part is not None:
            identity += (part["minute"] or "") + (part["coadd"] or part["arm"])
        elif "FLUX" not in columns.names:
            continue
        found = True
        kept = {key: hdu.header[key] for key in _KEPT if key in hdu.header}
        yield spectrum(_of_table(hdu, {**facts, **kept, "hdu": hdu.name, "identity": identity}))
    if not found:
        message = "a file of LAMOST without a spectrum"
        raise FormatError(message)


def _of_table(hdu: Any, meta: dict[str, Any]) -> Points:
    names = hdu.columns.names
    for needed in ("FLUX", "IVAR"):
        if needed not in names:
            message = f"part {hdu.name} of a file of LAMOST has no column {needed}"
            raise FormatError(message)
    mask = next((name for name in _MASKS if name in names), None)
    return Points(
        axis=_wavelengths(hdu),
        axis_unit="Angstrom",
        flux=_cells(hdu, "FLUX"),
        inverse_variances=_cells(hdu, "IVAR"),
        bad=None if mask is None else _cells(hdu, mask),
        meta=meta,
    )


def _wavelengths(hdu: Any) -> NDArray[Any]:
    if "WAVELENGTH" in hdu.columns.names:
        return _cells(hdu, "WAVELENGTH").astype(float)
    if "LOGLAM" in hdu.columns.names:
        return 10.0 ** _cells(hdu, "LOGLAM").astype(float)
    message = f"part {hdu.name} of a file of LAMOST has no wavelengths"
    raise FormatError(message)


def _cells(hdu: Any, name: str) -> NDArray[Any]:
    """Values of a column: a row for each pixel, or one row with all of them."""
    import numpy as np

    return np.ravel(hdu.data[name])


def _of_image(image: NDArray[Any], meta: dict[str, Any]) -> Points:
    return Points(
        axis=image[_WAVELENGTH],
        axis_unit="Angstrom",
        flux=image[_FLUX],
        inverse_variances=image[_INVERSE],
        bad=image[_ORMASK],
        meta=meta,
    )
