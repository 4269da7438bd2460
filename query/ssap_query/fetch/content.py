"""What a file is by its own bytes, and whether all of it is there."""

from __future__ import annotations

import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ssap_mirror.errors import FormatError
from ssap_mirror.tables.files import unpacked, unpacked_stream
from ssap_mirror.tables.open import open_table

if TYPE_CHECKING:
    from astropy.io.fits import HDUList

__all__ = ["Content", "look_into"]

Kind = Literal["FITS", "VOTable", "picture", "other"]

_GLIMPSE_BYTES = 4096
_GZIP = b"\x1f\x8b"
_PICTURES = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif"}
# astropy warns of what is measured here; its filters belong to the whole process.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Content:
    """What a file is."""

    kind: Kind
    """By its first bytes."""
    ending: str
    """Ending of a name for it; empty where only the address tells."""


def look_into(path: Path, media_type: str) -> Content:
    """Find out what a file is, and read all of it.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    media_type : str
        What it should be; without a media type that is known, anything will do.

    Raises
    ------
    FormatError
        If it is empty, damaged, cut off, or not what it should be.
    """
    with unpacked_stream(path) as stream:
        head = stream.read(_GLIMPSE_BYTES)
    if not head:
        message = "an empty file"
        raise FormatError(message)
    content = _of(head, packed=_is_gzip(path))
    due = _due(media_type)
    if due is not None and content.kind != due:
        message = f"no {due}, as {media_type} should be, but something that begins with {head[:40]!r}"
        raise FormatError(message)
    if content.kind == "FITS":
        _check_fits(path)
    elif content.kind == "VOTable":
        _check_votable(path)
    elif content.kind == "picture":
        _check_picture(path)
    return content


def _of(head: bytes, *, packed: bool) -> Content:
    behind = ".gz" if packed else ""
    if head.startswith(b"SIMPLE  ="):
        return Content("FITS", f".fits{behind}")
    if b"<VOTABLE" in head.upper() or b":VOTABLE" in head.upper():
        return Content("VOTable", f".vot{behind}")
    for magic, ending in _PICTURES.items():
        if head.startswith(magic):
            return Content("picture", ending)
    return Content("other", "")


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == _GZIP


def _due(media_type: str) -> Kind | None:
    plain = media_type.partition(";")[0].strip().lower()
    if plain.endswith("/fits"):
        return "FITS"
    if plain in ("application/x-votable+xml", "text/xml+votable", "text/x-votable+xml"):
        return "VOTable"
    return "picture" if plain in ("image/png", "image/jpeg", "image/gif") else None


def _check_fits(path: Path) -> None:
    """Measure a FITS file, and compare its checksums where it has any (FITS 4.0 §4.4.2.7)."""
    from astropy.io import fits

    with _ONE_AT_A_TIME, unpacked(path) as plain, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with fits.open(plain, memmap=False, lazy_load_hdus=False, checksum=True) as hdus:
                wrong = _damage(hdus, plain)
        except (OSError, ValueError, TypeError, KeyError) as error:
            message = f"no FITS file that can be read: {error}"
            raise FormatError(message) from error
    if wrong:
        message = f"a FITS file {wrong}"
        raise FormatError(message)


def _damage(hdus: HDUList, path: Path) -> str:
    """Say what is wrong with a FITS file; nothing if it is whole."""
    size, end = path.stat().st_size, 0
    for number, hdu in enumerate(hdus):
        place = hdu.fileinfo()
        end = place["datLoc"] + place["datSpan"]
        if end > size:
            return f"that is cut off: {size:,} bytes of at least {end:,}"
        if hdu.verify_checksum() == 0 or hdu.verify_datasum() == 0:
            return f"with damaged bytes: the checksum of part {number} is another one"
    # A file that is cut off within the header of a part has bytes behind the part before it; filling is no such thing.
    with path.open("rb") as file:
        file.seek(end)
        if file.read(_GLIMPSE_BYTES).strip(b"\0 "):
            return f"that is cut off or damaged after {end:,} bytes"
    # Where it is cut off between two parts only its own word tells: NEXTEND (HST), N_EXTEN with the first one (LAMOST).
    header = hdus[0].header
    due = max(_count(header.get("NEXTEND")) + 1, _count(header.get("N_EXTEN")))
    return f"that is cut off: {len(hdus)} parts of {due}" if len(hdus) < due else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _check_votable(path: Path) -> None:
    for _ in open_table(path).batches():
        pass


def _check_picture(path: Path) -> None:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            picture.load()
    except (OSError, SyntaxError, ValueError) as error:
        message = f"no picture that can be read: {error}"
        raise FormatError(message) from error
