"""The web server that a published mirror lies on: its listing, and files that resume where they broke off."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx

from ssap_mirror.core import storage
from ssap_mirror.errors import FormatError, TransportError
from ssap_mirror.sources.http.asking import USER_AGENT
from ssap_mirror.sources.http.failures import beginning_of, refusal
from ssap_mirror.sources.http.loop import BackgroundLoop
from ssap_mirror.sources.http.pace import Pace
from ssap_mirror.sources.http.retrying import Retrying
from ssap_mirror.sources.http.several import several
from ssap_mirror.sources.published.listing import LISTING, ListedFile, Listing
from ssap_mirror.sources.source import RequestPolicy

__all__ = ["Host"]

# More is no listing of a mirror: that of 20,000 partitions has some 12 MB.
_MOST_LISTED = 256 << 20
_GLIMPSE_BYTES = 1 << 16


class Host:
    """A published mirror on a web server. Whatever ends the wait of a caller, Ctrl-C too, ends the requests.

    Parameters
    ----------
    url : str
        Address of the mirror's folder.
    policy : RequestPolicy
        Waits, time-outs and limits.
    note : callable, optional
        Told one sentence for each wait.
    """

    def __init__(self, url: str, policy: RequestPolicy, note: Callable[[str], None] = lambda text: None) -> None:
        self.requests = 0
        """Requests sent."""
        self.received = 0
        """Bytes received."""
        self._url = url.rstrip("/")
        self._policy = policy
        self._retrying = Retrying(policy, note)
        self._counting = threading.Lock()
        self._http = httpx.AsyncClient(
            # A part of a file is a part of the file itself only if nothing is packed on the way.
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(policy.read_timeout_s, connect=policy.connect_timeout_s, pool=None),
            follow_redirects=True,
        )
        self._loop = BackgroundLoop()

    def close(self) -> None:
        """Close the connections."""
        self._loop.close(self._http.aclose())

    def listing(self, attempts: int | None = None) -> Listing:
        """Ask what is published now.

        Parameters
        ----------
        attempts : int, optional
            How often to try; as the policy says without it.

        Raises
        ------
        SourceError
            If the server cannot be reached, refuses, or has no such listing.
        """
        where = f"{self._url}/{LISTING}"

        async def ask() -> Listing:
            async with self._http.stream("GET", where) as response:
                self._count(requests=1)
                if response.status_code >= 400:
                    raise refusal(response, await beginning_of(response, _GLIMPSE_BYTES))
                body = await beginning_of(response, _MOST_LISTED)
                self._count(received=response.num_bytes_downloaded)
            return Listing.from_json(body, where)

        return self._loop.run(self._retrying.run(ask, where, attempts))

    def fetch(self, files: Sequence[ListedFile], folder: Path, tell: Callable[[int], None]) -> None:
        """Fetch files to a folder, each named by its checksum and held against it; what is there already is not.

        Parameters
        ----------
        files : sequence of ListedFile
            The files, no two with one checksum.
        folder : pathlib.Path
            Where to; a file that is not whole has the ending ``.part`` and is gone on with the next time.
        tell : callable
            Told of the bytes of each piece that arrives.

        Raises
        ------
        TransportError
            If the server fails again and again.
        ServiceError
            If it has no such file.
        FormatError
            If a file is not what the listing says.
        OSError
            If the folder cannot be written.
        """
        at_a_time = self._policy.requests_at_a_time
        self._loop.run(several(lambda file: self._fetch(file, folder, tell), files, at_a_time))

    async def _fetch(self, file: ListedFile, folder: Path, tell: Callable[[int], None]) -> None:
        target, part = folder / file.sha256, folder / f"{file.sha256}.part"
        where = f"{self._url}/{file.path}"

        async def ask() -> None:
            await self._go_on(file, part, tell)
            if await asyncio.to_thread(storage.sha256, part) != file.sha256:
                part.unlink()
                message = f"{where} is not what {LISTING} says: its SHA-256 is another"
                raise FormatError(message)
            storage.flush(part)
            part.replace(target)

        if not target.is_file():
            await self._retrying.run(ask, where, progress=lambda: _size(part))

    async def _go_on(self, file: ListedFile, part: Path, tell: Callable[[int], None]) -> None:
        """Bring the part that is there to its end: one request."""
        where = f"{self._url}/{file.path}"
        start = _size(part)
        if start > file.bytes:
            part.unlink()
            start = 0
        if start == file.bytes and part.is_file():
            return
        headers = {"Range": f"bytes={start}-"} if start else {}
        async with self._http.stream("GET", where, headers=headers) as response:
            self._count(requests=1)
            if response.status_code >= 400:
                raise refusal(response, await beginning_of(response, _GLIMPSE_BYTES))
            goes_on = response.headers.get("content-range", "").startswith(f"bytes {start}-")
            if not (start and response.status_code == httpx.codes.PARTIAL_CONTENT and goes_on):
                start = 0
            pace, before = Pace(self._policy, response.url.host), 0
            with part.open("r+b" if start else "wb") as out:
                out.seek(start)
                async for chunk in response.aiter_bytes():
                    start += len(chunk)
                    if start > file.bytes:
                        message = f"{where} is not what {LISTING} says: it has more than {file.bytes:,} bytes"
                        break
                    out.write(chunk)
                    arrived = response.num_bytes_downloaded
                    self._count(received=arrived - before)
                    tell(arrived - before)
                    before = arrived
                    pace.check(arrived)
                else:
                    message = ""
        if message:
            part.unlink()
            raise FormatError(message)
        if start < file.bytes:
            message = f"{where} broke off: received {start:,} of {file.bytes:,} bytes"
            raise TransportError(message)

    def _count(self, requests: int = 0, received: int = 0) -> None:
        with self._counting:
            self.requests += requests
            self.received += received


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
