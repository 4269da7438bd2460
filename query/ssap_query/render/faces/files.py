"""The files behind the rows of a result: fetched into a folder, and read as spectra."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ssap_mirror.sources.source import RequestPolicy

    from ssap_query.fetch.options import FetchOptions, Source
    from ssap_query.fetch.report import Fetched
    from ssap_query.render.renderable import Renderable

    # What the methods below are methods of; at run time that is `ssap_query.render.result.Result`.
    _Base = Renderable
else:
    _Base = object

__all__ = ["FilesInterface"]


class FilesInterface(_Base):
    """What a result can do with the files that its rows stand for."""

    def fetch(
        self,
        folder: str | PathLike[str],
        source: Source = "accref",
        *,
        options: FetchOptions | None = None,
        policy: RequestPolicy | None = None,
    ) -> Fetched:
        """Fetch the files behind the rows into a folder: each file once, two at a time; what is there already stays.

        A file is in the folder when it is whole: its length is right, it opens as what it is, and its SHA-256 is kept.
        Asked again, it goes on where it stopped. ``manifest.csv`` in the folder joins files to rows.

        Parameters
        ----------
        folder : path
            Where the files go.
        source : {'accref', 'preview', 'datalink', 'lamost'}
            The spectra by the rows' addresses; pictures of them; what the service links with the rows; LAMOST's own
            files, by ``obsid`` (with the token in ``$LAMOST_TOKEN``, where a release asks for one).
        options : FetchOptions, optional
            All that can be said, in place of `source`: how many bytes at most, whether offline, and more.
        policy : RequestPolicy, optional
            How patiently, and how many at a time.

        Returns
        -------
        Fetched
            Which files there are, and which are missing, why.

        Raises
        ------
        ParameterError
            If the rows do not tell where the files are, or the files are larger than they may be.
        MirrorError
            If the folder cannot be written, or somebody else is fetching into it.
        """
        from ssap_query.fetch.options import FetchOptions
        from ssap_query.fetch.run import fetch_files

        return fetch_files(self, Path(folder), options or FetchOptions(source=source), policy)

    def to_specutils(
        self,
        folder: str | PathLike[str],
        source: Source = "accref",
        *,
        options: FetchOptions | None = None,
        skip_missing: bool = False,
    ) -> Any:
        """Give the spectrum of each row, out of files in a folder; what is not there is fetched. Needs specutils.

        Parameters
        ----------
        folder, source, options
            As for `fetch`; with ``FetchOptions(offline=True)`` nothing is fetched.
        skip_missing : bool
            Whether rows without a file are left out, instead of being an error.

        Returns
        -------
        specutils.SpectrumList
            In the order of the rows. In ``meta`` each has ``identity``, ``row`` (the values of its row, by column),
            ``row_number`` and ``file``.

        Raises
        ------
        SourceError
            If a row has no file, or a file has no spectrum of its row.
        MirrorError
            If specutils is not installed, and as for `fetch`.
        """
        from ssap_query.fetch.spectra.of_rows import spectra_of_rows
        from ssap_query.fetch.spectra.points import specutils

        specutils()
        return spectra_of_rows(self, self.fetch(folder, source, options=options), skip_missing=skip_missing)
