"""One run of fetching: what is absent is asked for, a few at a time, until it is whole or there is no hope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import cached_property
from itertools import islice
from urllib.parse import urlsplit

from ssap_mirror.core.storage import translate_write_errors
from ssap_mirror.errors import FormatError, ParameterError, SourceError
from ssap_mirror.sources.harvest.client import Client, Download, InterruptedHarvest
from ssap_mirror.sources.http.failures import ComeBackLater
from ssap_mirror.sources.progress import Progress
from ssap_mirror.sources.source import RequestPolicy

from ssap_query.fetch.content import Content, look_into
from ssap_query.fetch.datalink import linked_files
from ssap_query.fetch.folder import FileFolder
from ssap_query.fetch.lamost import hidden, token_parameters
from ssap_query.fetch.options import FetchOptions
from ssap_query.fetch.plan import cost_of
from ssap_query.fetch.report import FetchedFile
from ssap_query.fetch.wanted import Wanted, each_once

__all__ = ["Fetching", "files_named", "reason_not_to_ask"]

# Hosts of made-up rows (RFC 2606 §2): there are no such names, and nobody is to be asked for them.
_MADE_UP = (".invalid", ".example", ".test")


class Fetching:
    """One run: what it has fetched, and whom it asks.

    Parameters
    ----------
    folder : FileFolder
        Where files go.
    options : FetchOptions
        How much is fetched at most, and what of DataLink.
    policy : RequestPolicy
        How patiently, and how many at a time.
    progress : Progress
        Told of each file.
    """

    def __init__(self, folder: FileFolder, options: FetchOptions, policy: RequestPolicy, progress: Progress) -> None:
        self._folder = folder
        self._options = options
        self._policy = policy
        self._progress = progress
        self._received = 0
        # Why nothing more is asked for, once there is a reason.
        self._over = ""

    @cached_property
    def _client(self) -> Client:
        # Its start takes longer than all else where nothing is to be fetched.
        return Client(self._policy, lambda text: self._progress.note(hidden(text)))

    def close(self) -> None:
        """Close the connections."""
        if "_client" in self.__dict__:
            self._client.close()

    def run(self, wanted: Sequence[Wanted]) -> list[FetchedFile]:
        """Fetch files, and the files that lists of links among them name.

        Raises
        ------
        ParameterError
            If the files are larger than they may be.
        MirrorError
            If a file cannot be written.
        """
        links = [one for one in wanted if one.is_links]
        if not links:
            return self._fetch(wanted, "files")
        documents = dict(zip(links, self._fetch(links, "links"), strict=True))
        files, lost = files_named(wanted, documents, self._options)
        return lost + self._fetch(files, "files")

    def _fetch(self, wanted: Sequence[Wanted], name: str) -> list[FetchedFile]:
        """Fetch what is absent, a few at a time; in the order of what is wanted."""
        found = {one: file for one in wanted if (file := self._without_asking(one)) is not None}
        absent = [one for one in wanted if one not in found]
        cost, most = cost_of(absent), self._options.max_bytes
        if cost.bytes > most:
            parameter = "max_bytes"
            raise ParameterError(parameter, most, f"is less than what is to be fetched: {cost.words()}")
        self._progress.stage(name, len(absent))
        if absent:
            client = self._client
            with ThreadPoolExecutor(self._policy.requests_at_a_time) as pool:
                try:
                    self._fill(found, absent, pool)
                except BaseException:
                    client.interrupt()
                    raise
        return [found[one] for one in wanted]

    def _without_asking(self, wanted: Wanted) -> FetchedFile | None:
        """Give a file that is there, or that cannot be asked for."""
        entry = self._folder.whole(wanted.address)
        if entry is not None:
            return FetchedFile(wanted, "kept", self._folder.path / entry.file, entry.size_bytes, entry.sha256)
        reason = reason_not_to_ask(wanted.address)
        return FetchedFile(wanted, "missing", reason=reason) if reason else None

    def _fill(self, found: dict[Wanted, FetchedFile], absent: Sequence[Wanted], pool: ThreadPoolExecutor) -> None:
        waiting = iter(absent)
        running: dict[Future[FetchedFile], Wanted] = {}
        while True:
            # No more are begun than are under way: the rest can still be left out.
            for one in islice(waiting, self._policy.requests_at_a_time - len(running)):
                running[pool.submit(self._one, one)] = one
            if not running:
                return
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                file = found[running.pop(done)] = done.result()
                self._received += file.size_bytes
                self._progress.advance(rows=1, size=file.size_bytes)

    def _one(self, wanted: Wanted) -> FetchedFile:
        """Fetch a file."""
        if not self._over and self._received > self._options.max_bytes:
            self._over = f"more than {self._options.max_bytes:,} bytes were fetched, which is the limit"
        if self._over:
            return self._missing(wanted, self._over)
        try:
            with translate_write_errors(self._folder.path):
                download, content = self._client.retrying(lambda: self._attempt(wanted))
                entry = self._folder.accept(
                    wanted.address, wanted.name, content.ending, download.content_type, links=wanted.is_links
                )
        except ComeBackLater as error:
            self._over = str(error)
            return self._missing(wanted, self._over)
        except InterruptedHarvest:
            raise
        except SourceError as error:
            if self._client.given_up:
                self._over = f"the server has not answered for a long time: {error}"
            return self._missing(wanted, str(error))
        return FetchedFile(wanted, "fetched", self._folder.path / entry.file, entry.size_bytes, entry.sha256)

    def _attempt(self, wanted: Wanted) -> tuple[Download, Content]:
        """Fetch a file beside its place, and look whether it is whole."""
        part = self._folder.part(wanted.address)
        secret = token_parameters() if self._options.source == "lamost" else []
        download = self._client.download(wanted.address, secret, part)
        try:
            content = look_into(part, wanted.media_type)
            if wanted.is_links:
                # One that links nothing is not kept, and asked for again the next time.
                linked_files(wanted, part, self._options)
        except FormatError as error:
            message = f"{wanted.address} gave {error}"
            raise FormatError(message) from error
        return download, content

    def _missing(self, wanted: Wanted, reason: str) -> FetchedFile:
        with suppress(OSError):
            self._folder.part(wanted.address).unlink(missing_ok=True)
        return FetchedFile(wanted, "missing", reason=hidden(reason))


def files_named(
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


def reason_not_to_ask(address: str) -> str:
    """Say why an address is not to be asked for; nothing if it is."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https"):
        return f"{address} is no address on the web"
    if (parts.hostname or "").endswith(_MADE_UP):
        return f"{parts.hostname} is a made-up name: there are no spectra behind made-up rows"
    return ""
