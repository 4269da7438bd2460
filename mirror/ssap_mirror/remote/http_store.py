"""Files on a web server, by Range requests whose answers are looked at before they are believed.

fsspec could read them too; but it takes whatever body comes for the range that it has asked for, also the whole file, a
part of another length, or a web page (`fsspec.implementations.http`, 2026.9).
"""

from __future__ import annotations

import re
import threading
import weakref
from collections.abc import Callable, Sequence

import httpx

from ssap_mirror.errors import FormatError, ServiceError, SourceError, TransportError
from ssap_mirror.remote.store import Deliver, FileRange, RangesUnknownError
from ssap_mirror.sources.http.asking import USER_AGENT
from ssap_mirror.sources.http.failures import beginning_of, refusal
from ssap_mirror.sources.http.loop import BackgroundLoop
from ssap_mirror.sources.http.pace import Pace
from ssap_mirror.sources.http.retrying import Retrying
from ssap_mirror.sources.http.several import several
from ssap_mirror.sources.source import RequestPolicy

__all__ = ["ANSWER_SOON", "HttpStore"]

#: Somebody waits for the answer: what does not come soon is told.
ANSWER_SOON = RequestPolicy(
    requests_at_a_time=6,
    first_wait_s=0.5,
    longest_wait_s=5.0,
    longest_retry_after_s=30.0,
    connect_timeout_s=10.0,
    read_timeout_s=30.0,
    longest_answer_s=600.0,
    slowest_rate_bytes_s=1000.0,
    rate_window_s=20.0,
)
_GLIMPSE_BYTES = 1 << 16
# A manifest of a billion rows has some 5 MB.
_MOST_READ = 256 << 20
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_GONE = (httpx.codes.NOT_FOUND, httpx.codes.GONE)


class HttpStore:
    """Files below an address on a web server.

    Parameters
    ----------
    url : str
        The address of the mirror's folder.
    policy : RequestPolicy, optional
        Waits, time-outs and limits; without it, those of somebody who waits for the answer.
    note : callable, optional
        Told one sentence for each wait.
    """

    def __init__(
        self, url: str, policy: RequestPolicy | None = None, note: Callable[[str], None] = lambda text: None
    ) -> None:
        self.url = url.rstrip("/")
        self.requests = 0
        self.received = 0
        self._policy = policy = policy or ANSWER_SOON
        self._retrying = Retrying(policy, note)
        self._counting = threading.Lock()
        http = httpx.AsyncClient(
            # A part of a file is a part of the file itself only if nothing is packed on the way.
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(policy.read_timeout_s, connect=policy.connect_timeout_s, pool=None),
            follow_redirects=True,
        )
        loop = BackgroundLoop()
        self._http, self._loop = http, loop
        # The end of the process closes connections by itself.
        weakref.finalize(self, lambda: loop.abandon(http.aclose())).atexit = False

    def read(self, path: str) -> bytes | None:
        """Read a small file as a whole; None if there is no such file."""
        where = f"{self.url}/{path}"

        async def ask() -> bytes | None:
            async with self._http.stream("GET", where) as response:
                self._count(requests=1)
                if response.status_code in _GONE:
                    return None
                if response.status_code >= httpx.codes.BAD_REQUEST:
                    raise refusal(response, await beginning_of(response, _GLIMPSE_BYTES))
                body = await beginning_of(response, _MOST_READ)
                self._count(received=response.num_bytes_downloaded)
                return body

        return self._loop.run(self._retrying.run(ask, where))

    def fetch(self, ranges: Sequence[FileRange], deliver: Deliver) -> None:
        """Read ranges of files, several at a time."""

        async def one(wanted: FileRange) -> None:
            content, version = await self._retrying.run(lambda: self._part(wanted), f"{self.url}/{wanted.path}")
            deliver(wanted, content, version)

        self._loop.run(several(one, ranges, self._policy.requests_at_a_time))

    async def _part(self, wanted: FileRange) -> tuple[bytes, str | None]:
        """Ask for a range once."""
        where = f"{self.url}/{wanted.path}"
        headers = {} if wanted.is_whole else {"Range": f"bytes={wanted.start}-{wanted.stop - 1}"}
        async with self._http.stream("GET", where, headers=headers) as response:
            self._count(requests=1)
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise _other_file(where, f"has no bytes {wanted.start:,} to {wanted.stop:,}")
            if response.status_code >= httpx.codes.BAD_REQUEST:
                raise refusal(response, await beginning_of(response, _GLIMPSE_BYTES))
            _look_at_head(response, wanted, where)
            content = await self._body(response, wanted, where)
        version = response.headers.get("etag") or response.headers.get("last-modified")
        return content, version

    async def _body(self, response: httpx.Response, wanted: FileRange, where: str) -> bytes:
        length = wanted.stop - wanted.start
        pace, content, before = Pace(self._policy, response.url.host), bytearray(), 0
        async for chunk in response.aiter_bytes():
            content += chunk
            self._count(received=len(chunk))
            if len(content) > length:
                raise _other_file(where, f"sends more than the {length:,} bytes that it should")
            before += len(chunk)
            pace.check(before)
        if len(content) < length:
            message = f"{where} broke off: received {len(content):,} of {length:,} bytes"
            raise TransportError(message)
        return bytes(content)

    def _count(self, requests: int = 0, received: int = 0) -> None:
        with self._counting:
            self.requests += requests
            self.received += received


def _look_at_head(response: httpx.Response, wanted: FileRange, where: str) -> None:
    """Refuse an answer that is not what was asked for."""
    if response.headers.get("content-encoding", "identity") != "identity":
        message = f"{where} comes packed as {response.headers['content-encoding']!r}, though that was not asked for"
        raise FormatError(message)
    if response.status_code == httpx.codes.PARTIAL_CONTENT:
        said = response.headers.get("content-range", "")
        found = _CONTENT_RANGE.fullmatch(said)
        if wanted.is_whole or found is None or (int(found[1]), int(found[2]) + 1) != (wanted.start, wanted.stop):
            raise _other_file(where, f"answers bytes {wanted.start}-{wanted.stop - 1} with Content-Range {said!r}")
        if int(found[3]) != wanted.size:
            raise _other_file(where, f"has {int(found[3]):,} bytes, not {wanted.size:,}")
    elif response.status_code != httpx.codes.OK:
        raise _other_file(where, f"answered {response.status_code} {response.reason_phrase}")
    elif wanted.size != int(response.headers.get("content-length", wanted.size)):
        raise _other_file(where, f"has {int(response.headers['content-length']):,} bytes, not {wanted.size:,}")
    elif not wanted.is_whole:
        message = f"{where} comes as a whole only: the host does not answer Range requests"
        raise RangesUnknownError(message)


def _other_file(where: str, said: str) -> SourceError:
    return ServiceError(f"{where} is not what the manifest says: it {said}")
