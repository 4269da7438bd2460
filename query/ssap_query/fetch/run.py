"""Fetch the files of a result: a few at a time, politely, each once, and go on where it stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

from ssap_mirror.errors import FormatError, MirrorError, ParameterError, SourceError
from ssap_mirror.sources.harvest.client import Client, Download, InterruptedHarvest
from ssap_mirror.sources.http.failures import ComeBackLater
from ssap_mirror.sources.progress import Progress, Silent
from ssap_mirror.sources.source import RequestPolicy

from ssap_query.fetch.content import Content, look_into
from ssap_query.fetch.datalink import linked_files
from ssap_query.fetch.folder import FileFolder, open_folder, stored_files
from ssap_query.fetch.lamost import hidden, token_parameters, unlogged
from ssap_query.fetch.options import FetchOptions
from ssap_query.fetch.plan import Cost, cost_of, wanted_files
from ssap_query.fetch.report import Fetched, FetchedFile, write_manifest
from ssap_query.fetch.rows import Rows, identities
from ssap_query.fetch.wanted import Wanted, each_once

__all__ = ["fetch_files", "to_fetch"]

# Hosts of made-up rows (RFC 2606 §2): there are no such names, and nobody is to be asked for them.
_MADE_UP = (".invalid", ".example", ".test")


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
        fetching = _Fetching(files, options, policy or RequestPolicy(), progress or Silent())
        try:
            found = fetching.run(wanted)
        finally:
            fetching.client.close()
        fetched = Fetched(folder, tuple(found), tuple(identities(rows)))
        write_manifest(fetched)
    return fetched


def to_fetch(rows: Rows, folder: Path, options: FetchOptions | None = None) -> Cost:
    """Tell what `fetch_files` would have to fetch, without asking anybody; lists of links count as what they are.

    Parameters and errors are those of `fetch_files`.
    """
    stored = stored_files(folder)
    return cost_of([one for one in wanted_files(rows, options or FetchOptions()) if one.address not in stored])


class _Fetching:
    """One run: what it has fetched, and whom it asks."""

    def __init__(self, folder: FileFolder, options: FetchOptions, policy: RequestPolicy, progress: Progress) -> None:
        self.client = Client(policy, progress.note)
        self._folder = folder
        self._options = options
        self._policy = policy
        self._progress = progress
        self._received = 0
        # Why nothing more is asked for, once there is a reason.
        self._over = ""

    def run(self, wanted: Sequence[Wanted]) -> list[FetchedFile]:
        """Fetch files, and the files that lists of links among them name."""
        links = [one for one in wanted if one.is_links]
        if not links:
            return self._files(wanted)
        files, lost = _named(wanted, dict(zip(links, self._fetch(links, "links"), strict=True)), self._options)
        return lost + self._files(files)

    def _files(self, wanted: Sequence[Wanted]) -> list[FetchedFile]:
        absent = [one for one in wanted if self._folder.whole(one.address) is None]
        cost = cost_of(absent)
        if cost.bytes > self._options.max_bytes:
            name = "max_bytes"
            raise ParameterError(name, self._options.max_bytes, f"is less than what is to be fetched: {cost.words()}")
        return self._fetch(wanted, "files")

    def _fetch(self, wanted: Sequence[Wanted], name: str) -> list[FetchedFile]:
        """Fetch files a few at a time, in order."""
        self._progress.stage(name, len(wanted))
        found: list[FetchedFile | None] = [None] * len(wanted)
        waiting = iter(enumerate(wanted))
        running: dict[Future[FetchedFile], int] = {}
        with ThreadPoolExecutor(self._policy.requests_at_a_time) as pool:
            try:
                while True:
                    # No more at a time than are asked for: the rest can still be left out.
                    for number, one in islice(waiting, self._policy.requests_at_a_time - len(running)):
                        running[pool.submit(self._one, one)] = number
                    if not running:
                        break
                    for done in wait(running, return_when=FIRST_COMPLETED).done:
                        file = done.result()
                        found[running.pop(done)] = file
                        fetched = file.size_bytes if file.state == "fetched" else 0
                        self._received += fetched
                        self._progress.advance(rows=1, size=fetched)
            except BaseException:
                self.client.interrupt()
                raise
        return [file for file in found if file is not None]

    def _one(self, wanted: Wanted) -> FetchedFile:
        """Fetch a file, unless it is there."""
        entry = self._folder.whole(wanted.address)
        if entry is not None:
            return FetchedFile(wanted, "kept", self._folder.path / entry.file, entry.size_bytes, entry.sha256)
        reason = self._over or _refusal(wanted.address)
        if not reason and self._received > self._options.max_bytes:
            reason = f"more than {self._options.max_bytes:,} bytes were fetched, which is the limit"
        if reason:
            return FetchedFile(wanted, "missing", reason=reason)
        try:
            download, content = self.client.retrying(lambda: self._attempt(wanted))
            entry = self._folder.accept(
                wanted.address, wanted.name, content.ending, download.content_type, links=wanted.is_links
            )
        except ComeBackLater as error:
            self._over = str(error)
        except InterruptedHarvest:
            raise
        except SourceError as error:
            if self.client.given_up:
                self._over = f"the server has not answered for a long time: {error}"
            return self._missing(wanted, str(error))
        except OSError as error:
            message = f"{self._folder.path} cannot be written: {error.strerror or error}"
            raise MirrorError(message) from error
        else:
            return FetchedFile(wanted, "fetched", self._folder.path / entry.file, entry.size_bytes, entry.sha256)
        return self._missing(wanted, self._over)

    def _attempt(self, wanted: Wanted) -> tuple[Download, Content]:
        """Fetch a file beside its place, and look whether it is whole."""
        part = self._folder.part(wanted.address)
        secret = token_parameters() if self._options.source == "lamost" else []
        download = self.client.download(wanted.address, secret, part)
        try:
            content = look_into(part, wanted.media_type)
            if wanted.is_links:
                # One that links nothing is not kept, and asked for again the next time.
                linked_files(wanted, part, self._options)
            return download, content
        except FormatError as error:
            message = f"{wanted.address} gave {error}"
            raise FormatError(message) from error

    def _missing(self, wanted: Wanted, reason: str) -> FetchedFile:
        with suppress(OSError):
            self._folder.part(wanted.address).unlink(missing_ok=True)
        return FetchedFile(wanted, "missing", reason=hidden(reason))


class _Offline:
    """Looks at what a folder has, and asks nobody."""

    def __init__(self, folder: Path, options: FetchOptions) -> None:
        self._folder = folder
        self._options = options
        self._stored = stored_files(folder)

    def report(self, rows: Rows, wanted: Sequence[Wanted]) -> Fetched:
        """Say which files of rows are there."""
        files, lost = _named(wanted, {one: self._file(one) for one in wanted if one.is_links}, self._options)
        found = (*lost, *(self._file(one) for one in files))
        return Fetched(self._folder, found, tuple(identities(rows)))

    def _file(self, wanted: Wanted) -> FetchedFile:
        entry = self._stored.get(wanted.address)
        if entry is None:
            return FetchedFile(wanted, "missing", reason="it was not fetched")
        return FetchedFile(wanted, "kept", self._folder / entry.file, entry.size_bytes, entry.sha256)


def _named(
    wanted: Sequence[Wanted], documents: Mapping[Wanted, FetchedFile], options: FetchOptions
) -> tuple[list[Wanted], list[FetchedFile]]:
    """Put the files that lists of links name in place of these; beside them the lists that are missing."""
    files: list[Wanted] = []
    lost: list[FetchedFile] = []
    for one in wanted:
        document = documents.get(one)
        if document is None:
            files.append(one)
        elif document.path is None:
            lost.append(document)
        else:
            files += linked_files(one, document.path, options)
    return each_once(files), lost


def _refusal(address: str) -> str:
    """Say why an address is not to be asked for; nothing if it is."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https"):
        return f"{address} is no address on the web"
    if (parts.hostname or "").endswith(_MADE_UP):
        return f"{parts.hostname} is a made-up name: there are no spectra behind made-up rows"
    return ""
