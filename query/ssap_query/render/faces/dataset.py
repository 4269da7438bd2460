"""The spectrum that a record is about as a file of a name that tells what it is."""

from __future__ import annotations

import mimetypes
import re
import shutil
from pathlib import Path

from ssap_mirror.core.storage import replacing, translate_write_errors

from ssap_query.fetch.run import fetch_document

__all__ = ["save"]

# Media types of spectra that Python does not know.
_ENDINGS = {
    "application/x-votable+xml": ".vot",
    "application/fits": ".fits",
    "image/fits": ".fits",
    "spectrum/fits": ".fits",
}


def save(
    address: str, folder: str, filename: str | None, title: str | None, media_type: str | None, timeout: float | None
) -> Path:
    """Fetch a document into a file, which appears when it is complete.

    Parameters
    ----------
    address : str
        Where the document is.
    folder : str
        Where the file goes; made if it is not there.
    filename : str, optional
        Its name; without it one is made of title and media type that no file has yet.
    title, media_type : str, optional
        Of the document.
    timeout : float, optional
        Longest silence of the server [s].

    Raises
    ------
    SourceError
        If it cannot be fetched.
    MirrorError
        If the file cannot be written.
    """
    with fetch_document(address, timeout) as document:
        place = Path(folder)
        with translate_write_errors(place):
            place.mkdir(parents=True, exist_ok=True)
            path = place / filename if filename else _free_name(place, title or "spectrum", media_type)
        with translate_write_errors(path), replacing(path) as beside, beside.open("wb") as file:
            shutil.copyfileobj(document, file)
    return path


def _free_name(folder: Path, title: str, media_type: str | None) -> Path:
    plain = (media_type or "").partition(";")[0].strip().lower()
    ending = _ENDINGS.get(plain) or mimetypes.guess_extension(plain) or ".dat"
    base = re.sub(r"[\s/\\]+", "_", title.strip()).lstrip(".") or "spectrum"
    path, number = folder / f"{base}{ending}", 0
    while path.exists():
        number += 1
        path = folder / f"{base}-{number}{ending}"
    return path
