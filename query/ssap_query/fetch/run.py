"""Fetch the files of a result: a few at a time, politely, each once, and go on where it stopped."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import IO

from ssap_mirror.core.storage import translate_write_errors
from ssap_mirror.errors import SourceError
from ssap_mirror.sources.harvest.client import Client
from ssap_mirror.sources.progress import Progress, Silent
from ssap_mirror.sources.source import RequestPolicy

from ssap_query.fetch.content import look_into
from ssap_query.fetch.fetching import Fetching, files_named, reason_not_to_ask
from ssap_query.fetch.folder import open_folder, stored_files
from ssap_query.fetch.lamost import unlogged
from ssap_query.fetch.options import FetchOptions
from ssap_query.fetch.plan import Cost, cost_of, wanted_files
from ssap_query.fetch.report import Fetched, FetchedFile, read_manifest, write_manifest
from ssap_query.fetch.rows import Rows, identities
from ssap_query.fetch.wanted import Wanted

__all__ = ["fetch_document", "fetch_files", "to_fetch"]

_SILENCE_S = 60.0


def fetch_files(
    rows: Rows,
    folder: Path,
    options: FetchOptions | None = None,
    policy: RequestPolicy | None = None,
    progress: Progress | None = None,
) -> Fetched:
    """Fetch the files behind rows into a folder; what is there already is kept.

    Parameters
    ----------
    rows : Rows
        A result.
    folder : pathlib.Path
        Where the files go; made if it is not there. It has a manifest, which joins files to rows.
    options : FetchOptions, optional
        What is fetched, and how much at most.
    policy : RequestPolicy, optional
        How patiently, and how many at a time.
    progress : Progress, optional
        Told of each file.

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
    options = options or FetchOptions()
    wanted = wanted_files(rows, options)
    if options.offline:
        return _Offline(folder, options).report(rows, wanted)
    # Locked for as long as anything may be written: nobody else fetches the same files meanwhile.
    with open_folder(folder) as files, unlogged():
        before = read_manifest(folder)  # a table of somebody else by that name is told of before anything is fetched
        with closing(Fetching(files, options, policy or RequestPolicy(), progress or Silent())) as fetching:
            found = fetching.run(wanted)
        fetched = Fetched(folder, tuple(found), tuple(identities(rows)))
        write_manifest(fetched, before)
    return fetched


def fetch_document(address: str, timeout_s: float | None = None) -> IO[bytes]:
    """Fetch one file, as `fetch_files` does, but into no folder.

    Parameters
    ----------
    address : str
        Where it is.
    timeout_s : float, optional
        Longest silence of the server [s]; a minute without it.

    Returns
    -------
    binary file
        At its beginning; it is gone when it is closed.

    Raises
    ------
    SourceError
        If it cannot be fetched, or is not whole.
    MirrorError
        If there is no room for it.
    """
    reason = reason_not_to_ask(address)
    if reason:
        raise SourceError(reason)
    policy = RequestPolicy(read_timeout_s=timeout_s or _SILENCE_S)
    with tempfile.TemporaryDirectory() as folder, unlogged(), closing(Client(policy)) as client:
        path = Path(folder) / "document"

        def attempt() -> None:
            client.download(address, (), path)
            look_into(path, "")

        try:
            with translate_write_errors(path):
                client.retrying(attempt)
        except SourceError as error:
            message = f"{address} cannot be fetched: {error}"
            raise SourceError(message) from error
        # What is open outlives its name.
        return path.open("rb")


def to_fetch(rows: Rows, folder: Path, options: FetchOptions | None = None) -> Cost:
    """Tell what `fetch_files` would have to fetch, without asking anybody; lists of links count as what they are.

    Parameters and errors are those of `fetch_files`.
    """
    stored = stored_files(folder)
    return cost_of([one for one in wanted_files(rows, options or FetchOptions()) if one.address not in stored])


class _Offline:
    """Looks at what a folder has, and asks nobody."""

    def __init__(self, folder: Path, options: FetchOptions) -> None:
        self._folder = folder
        self._options = options
        self._stored = stored_files(folder)

    def report(self, rows: Rows, wanted: Sequence[Wanted]) -> Fetched:
        """Say which files of rows are there."""
        files, lost = files_named(wanted, {one: self._file(one) for one in wanted if one.is_links}, self._options)
        found = (*lost, *(self._file(one) for one in files))
        return Fetched(self._folder, found, tuple(identities(rows)))

    def _file(self, wanted: Wanted) -> FetchedFile:
        entry = self._stored.get(wanted.address)
        if entry is None:
            return FetchedFile(wanted, "missing", reason="it was not fetched")
        return FetchedFile(wanted, "kept", self._folder / entry.file, entry.size_bytes, entry.sha256)
