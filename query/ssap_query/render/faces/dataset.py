"""The spectrum that a record is about as a file of a name that tells what it is."""

from __future__ import annotations

import mimetypes
import re
import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from typing import IO

from ssap_mirror.core.storage import replacing, translate_write_errors

__all__ = ["FileOfRecord"]

# Media types of spectra that Python does not know.
_ENDINGS = {
    "application/x-votable+xml": ".vot",
    "application/fits": ".fits",
    "image/fits": ".fits",
    "spectrum/fits": ".fits",
}


class FileOfRecord(ABC):
    """What a record can do with the file that its spectrum is in, by the names that pyvo has for it."""

    @property
    @abstractmethod
    def acref(self) -> str | None:
        """Address of the spectrum."""

    @property
    @abstractmethod
    def title(self) -> str | None:
        """Title of the spectrum."""

    @property
    @abstractmethod
    def format(self) -> str | None:
        """Media type of the spectrum."""

    def getdataset(self, timeout: float | None = None) -> IO[bytes]:
        """Fetch the spectrum, from where its service has it.

        Parameters
        ----------
        timeout : float, optional
            Longest silence of the server [s]; a minute without it.

        Returns
        -------
        binary file
            At its beginning.

        Raises
        ------
        KeyError
            If the record has no address of a spectrum.
        SourceError
            If it cannot be fetched, or is not whole.
        """
        from ssap_query.fetch.run import fetch_document

        return fetch_document(self.address(), timeout)

    def cachedataset(self, *, filename: str | None = None, dir: str = ".", timeout: float | None = None) -> Path:
        """Fetch the spectrum into a file.

        Parameters
        ----------
        filename : str, optional
            Name of the file; without it one is made of the title and the format that no file has yet.
        dir : str
            Folder that it is in.
        timeout : float, optional
            Longest silence of the server [s]; a minute without it.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        KeyError
            If the record has no address of a spectrum.
        SourceError
            If it cannot be fetched, or is not whole.
        MirrorError
            If the file cannot be written.
        """
        from ssap_query.fetch.run import fetch_document

        with fetch_document(self.address(), timeout) as document:
            folder = Path(dir)
            with translate_write_errors(folder):
                folder.mkdir(parents=True, exist_ok=True)
            path = folder / filename if filename else Path(self.make_dataset_filename(dir=dir))
            with translate_write_errors(path), replacing(path) as beside, beside.open("wb") as file:
                shutil.copyfileobj(document, file)
        return path

    def suggest_dataset_basename(self) -> str:
        """Make the name of a file for the spectrum, without its ending, of the title."""
        return re.sub(r"[\s/\\]+", "_", (self.title or "").strip()).lstrip(".") or "spectrum"

    def suggest_extension(self, *, default: str | None = None) -> str | None:
        """Tell the ending of a file for the spectrum by its media type, without a dot.

        Parameters
        ----------
        default : str, optional
            What it is where the media type is missing or unknown.
        """
        plain = (self.format or "").partition(";")[0].strip().lower()
        found = _ENDINGS.get(plain) or mimetypes.guess_extension(plain, strict=False)
        return default if found is None else found.removeprefix(".")

    def make_dataset_filename(self, *, dir: str = ".", base: str | None = None, ext: str | None = None) -> str:
        """Give the path of a file for the spectrum that is not there yet.

        Parameters
        ----------
        dir : str
            Its folder.
        base, ext : str, optional
            Its name and its ending, in place of those that are suggested.
        """
        named = (base or self.suggest_dataset_basename()).replace("/", "_").replace("\\", "_")
        ending = ext or self.suggest_extension(default="dat")
        path, number = Path(dir) / f"{named}.{ending}", 0
        while path.exists():
            number += 1
            path = Path(dir) / f"{named}-{number}.{ending}"
        return str(path)

    def address(self) -> str:
        """Give the address of the spectrum.

        Raises
        ------
        KeyError
            If the record has none.
        """
        if self.acref is None:
            message = "no dataset access URL recognized in record"
            raise KeyError(message)
        return self.acref
