"""All spectra of a file, whatever kind of file it is."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from ssap_mirror.errors import FormatError, SourceError
from ssap_mirror.tables.files import unpacked

from ssap_query.fetch.content import look_into
from ssap_query.fetch.spectra.data_model import spectra_of_fits_tables, spectra_of_votable
from ssap_query.fetch.spectra.lamost import is_lamost, spectra_of_lamost
from ssap_query.fetch.spectra.points import specutils

__all__ = ["read_spectra"]


def read_spectra(path: Path) -> Any:
    """Read all spectra of a file.

    LAMOST's files, and the IVOA's tables in VOTable and FITS, are read here; any other file by the readers of
    specutils.

    Parameters
    ----------
    path : pathlib.Path
        The file, packed or not.

    Returns
    -------
    specutils.SpectrumList
        In ``meta`` each has ``file``, and ``identity`` where the file tells it.

    Raises
    ------
    SourceError
        If the file cannot be read, is damaged, or has no spectrum.
    MirrorError
        If specutils is not installed.
    """
    library = specutils()
    try:
        kind = look_into(path, "").kind
        found = _of_fits(path) if kind == "FITS" else spectra_of_votable(path) if kind == "VOTable" else None
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}"
        raise SourceError(message) from error
    except FormatError as error:
        message = f"{path}: {error}"
        raise FormatError(message) from error
    if found is None:
        found = _by_specutils(path)
    for one in found:
        one.meta.setdefault("file", str(path))
    return library.SpectrumList(found)


def _of_fits(path: Path) -> list[Any] | None:
    """Spectra of a FITS file whose layout is known here; None for any other."""
    from astropy.io import fits

    with unpacked(path) as plain, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(plain, memmap=False) as hdus:
            if is_lamost(hdus):
                return list(spectra_of_lamost(hdus))
            return spectra_of_fits_tables(hdus) or None


def _by_specutils(path: Path) -> list[Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return list(specutils().SpectrumList.read(str(path)))
    except Exception as error:  # whatever its many readers make of the file
        message = f"{path} is no spectrum that specutils can read: {' '.join(str(error).split())[:300]}"
        raise FormatError(message) from error
