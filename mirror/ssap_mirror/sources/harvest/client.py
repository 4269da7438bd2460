"""One HTTP request at a time, politely: answers go to disk, failures become errors that say whether to try again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import tenacity

from ssap_mirror.errors import FormatError, ServiceError, TransportError
from ssap_mirror.sources.http.asking import USER_AGENT, with_query
from ssap_mirror.sources.http.failures import (
    ComeBackLater,
    InterruptedHarvest,
    ServerFailure,
    address_of,
    beginning_of,
    looks_like_html,
    refusal,
    translate_http_errors,
)
from ssap_mirror.sources.http.loop import BackgroundLoop, Cancelled
from ssap_mirror.sources.http.pace import Pace
from ssap_mirror.sources.http.redirects import Redirects
from ssap_mirror.sources.http.turns import Turns
from ssap_mirror.sources.source import RequestPolicy

__all__ = ["USER_AGENT", "Client", "Download", "InterruptedHarvest", "ServerFailure", "looks_like_html"]

T = TypeVar("T")

_GLIMPSE_BYTES = 1 << 16
_SMALL_BYTES = 1 << 20
# What 204 (RFC 9110 §15.3.5) stands for: an answer without rows.
_NOTHING = b'<VOTABLE version="1.4"/>'
# A wait grows by this from attempt to attempt.
_LONGER = 4
# A request that is redirected more often goes round in a circle.
_MOST_HOPS = 5
# What is still said to a server when the user wants to go.
_FAREWELL_S = 0.8


@dataclass(frozen=True)
class Download:
    """An answer that has arrived on disk."""

    path: Path
    """File that holds the body, content encoding undone."""
    size: int
    """Bytes on the wire."""
    content_type: str
    """As sent, lower case."""
    whole: bool
    """False if it was broken off because its beginning said enough."""


class Client:
    """HTTP client that keeps a policy and knows which failures pass.

    Each request ends within the times of the policy whatever the server does, and at once after `interrupt`.

    Parameters
    ----------
    policy : RequestPolicy
        Waits, time-outs and limits.
    note : callable, optional
        Told one sentence for each wait.
    """

    def __init__(self, policy: RequestPolicy, note: Callable[[str], None] = lambda text: None) -> None:
        self.policy = policy
        self.stop = threading.Event()
        self.requests = 0
        self.received = 0
        self.retries = 0
        self._note = note
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(policy.requests_at_a_time)
        self._not_before = 0.0
        self._turns = Turns(policy.pause_s)
        self._redirects = Redirects(self._turns.take, note)
        self._answered = time.monotonic()
        self._failing_since: float | None = None
        self._wake = threading.Event()
        timeout = httpx.Timeout(policy.read_timeout_s, connect=policy.connect_timeout_s, pool=None)
        self._http = httpx.AsyncClient(
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
            timeout=timeout,
            follow_redirects=True,
            max_redirects=_MOST_HOPS,
            event_hooks={"response": [self._redirects.take_note]},
        )
        self._loop = BackgroundLoop()

    @property
    def traffic(self) -> dict[str, int]:
        """What went over the network so far, for the manifest."""
        hops = self._redirects.followed
        return {"requests": self.requests + hops, "retries": self.retries, "redirects": hops, "bytes": self.received}

    def close(self) -> None:
        """Close the connections."""
        self.interrupt()
        self._loop.close(self._http.aclose())

    def interrupt(self) -> None:
        """End all requests and waits, now and from now on; called from any thread."""
        self.stop.set()
        self.abandon()

    def abandon(self) -> None:
        """End the requests and waits that are under way; their callers get `InterruptedHarvest`."""
        woken, self._wake = self._wake, threading.Event()
        woken.set()
        self._loop.cancel_all()

    def check_stopped(self) -> None:
        """Tell a long work on an answer to end.

        Raises
        ------
        InterruptedHarvest
            If the harvest is to stop.
        """
        if self.stop.is_set():
            raise _interrupted()

    def answered_since(self, moment: float) -> bool:
        """Whether any request was answered after a moment of `time.monotonic`."""
        return self._answered > moment

    def download(
        self,
        url: str,
        params: Iterable[tuple[str, str]],
        path: Path,
        *,
        enough: Callable[[bytes], bool] | None = None,
    ) -> Download:
        """Fetch one answer to a file: a single attempt.

        Parameters
        ----------
        url : str
            Endpoint; a query string of its own is kept.
        params : iterable of (str, str)
            Parameters to add.
        path : pathlib.Path
            File to write.
        enough : callable, optional
            Shown the first 64 kB of the body; true breaks the transfer off.

        Raises
        ------
        TransportError
            If the network or the server failed, or took too long: worth another attempt.
        ServiceError
            If the server refuses (404 and its kin).
        FormatError
            If a web page came where data were asked for.
        InterruptedHarvest
            If the harvest is to stop, or the server wants to be left alone.
        """
        asked = self._redirects.current(with_query(url, list(params)))

        async def fetch() -> Download:
            async with self._asking("GET", asked) as response:
                whole = await self._write(response, path, enough)
                if response.status_code == httpx.codes.NO_CONTENT:
                    path.write_bytes(_NOTHING)
            content_type = response.headers.get("content-type", "").lower()
            return Download(path, response.num_bytes_downloaded, content_type, whole)

        found = self._run(fetch, asked)
        if found.whole:
            with path.open("rb+") as file:
                os.fsync(file.fileno())
        return found

    def small(self, method: str, url: str, form: dict[str, str] | None = None) -> tuple[str, str]:
        """Make a request whose answer is a few lines: a single attempt.

        Parameters
        ----------
        method : str
            ``GET`` or ``POST``.
        url : str
            Address.
        form : dict, optional
            Fields to send.

        Returns
        -------
        tuple of str, str
            The answer's text, and the address it finally came from.

        Raises
        ------
        TransportError
            If the network or the server failed, or took too long: worth another attempt.
        ServiceError
            If the server refuses.
        InterruptedHarvest
            If the harvest is to stop, or the server wants to be left alone.
        """
        address = self._redirects.current(httpx.URL(url))

        async def fetch() -> tuple[str, str]:
            async with self._asking(method, address, form) as response:
                body = await beginning_of(response, _SMALL_BYTES)
                if len(body) > _SMALL_BYTES:
                    message = f"{address_of(response)} sent more than {_SMALL_BYTES:,} bytes where a few lines were due"
                    raise FormatError(message)
            return body.decode("utf-8", "replace"), str(response.url)

        return self._run(fetch, address)

    def delete(self, url: str) -> None:
        """Ask the server to forget what it keeps for us, even if the harvest is to stop: a single, short attempt.

        Raises
        ------
        TransportError
            If the network or the server failed.
        ServiceError
            If the server refuses.
        """
        address = httpx.URL(url)

        async def forget(longest_s: float) -> None:
            async with asyncio.timeout(longest_s):
                # Where it leads to afterwards, the list of all jobs for one, is of no interest.
                response = await self._http.delete(address, follow_redirects=False)
            if response.status_code >= 400:
                raise refusal(response, response.content)

        # What ends all requests is meant for those that fetch something: this is sent once more then.
        for longest_s in (_FAREWELL_S if self.stop.is_set() else self.policy.connect_timeout_s, _FAREWELL_S):
            with self._lock:
                self.requests += 1
            try:
                with contextlib.suppress(Cancelled), translate_http_errors(address):
                    return self._loop.run(forget(longest_s))
            except TimeoutError:
                break
        message = f"{address.host} did not delete {address}"
        raise TransportError(message)

    def retrying(self, work: Callable[[], T], attempts: int | None = None) -> T:
        """Do something until it works, with growing, jittered waits between attempts.

        Transport errors and damaged answers are tried again, refusals of the service are not; nothing is, once there
        was no answer of any kind for `RequestPolicy.longest_outage_s`.
        """
        most = attempts or self.policy.attempts
        retryer = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_passes),
            stop=lambda state: state.attempt_number >= most or self.given_up,
            wait=self._wait,
            sleep=self.pause,
            before_sleep=self._before_sleep,
            reraise=True,
        )
        return retryer(work)

    @property
    def given_up(self) -> bool:
        """Whether requests have only failed for so long that the harvest is to end for now."""
        since = self._failing_since
        return since is not None and time.monotonic() - since > self.policy.longest_outage_s

    def pause(self, seconds: float) -> None:
        """Wait, unless the harvest is told to stop.

        Raises
        ------
        InterruptedHarvest
            If the harvest is to stop.
        """
        if self.stop.is_set() or self._wake.wait(seconds):
            raise _interrupted()

    def _run(self, request: Callable[[], Coroutine[Any, Any, T]], url: httpx.URL) -> T:
        """Make a request in its time, when its turn has come."""
        wait_s = self._not_before - time.monotonic()
        if wait_s > self.policy.longest_retry_after_s:
            raise ComeBackLater(url.host, wait_s)
        self.pause(max(0.0, wait_s))
        with self._slots:
            self.pause(self._turns.take())
            with self._lock:
                self.requests += 1
            began = time.monotonic()
            try:
                with translate_http_errors(url):
                    found = self._loop.run(self._in_time(request))
            except Cancelled:
                raise _interrupted() from None
            except TimeoutError as error:
                self._failed(began)
                message = f"{url.host} had not finished its answer after {self.policy.longest_answer_s:,.0f} s"
                raise TransportError(message) from error
            except (TransportError, FormatError) as error:
                self._failed(began)
                if isinstance(error, TransportError):
                    self._keep_away(error.retry_after_s, url)
                raise
            except ServiceError:
                self._succeeded()
                raise
        self._succeeded()
        return found

    async def _in_time(self, request: Callable[[], Coroutine[Any, Any, T]]) -> T:
        # Told to stop a moment before it can be cancelled.
        self.check_stopped()
        return await asyncio.wait_for(request(), self.policy.longest_answer_s)

    def _succeeded(self) -> None:
        with self._lock:
            self._answered, self._failing_since = time.monotonic(), None

    def _failed(self, began: float) -> None:
        with self._lock:
            self._failing_since = began if self._failing_since is None else self._failing_since

    def _keep_away(self, wait_s: float | None, url: httpx.URL) -> None:
        """All connections keep the pause that one of them was asked for."""
        if wait_s is None:
            return
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + wait_s)
        if wait_s > self.policy.longest_retry_after_s:
            raise ComeBackLater(url.host, wait_s)

    @contextlib.asynccontextmanager
    async def _asking(
        self, method: str, url: httpx.URL, form: dict[str, str] | None = None
    ) -> AsyncIterator[httpx.Response]:
        async with self._http.stream(method, url, data=form) as response:
            if response.status_code >= 400:
                raise refusal(response, await beginning_of(response, _GLIMPSE_BYTES))
            yield response
        with self._lock:
            self.received += response.num_bytes_downloaded

    async def _write(self, response: httpx.Response, path: Path, enough: Callable[[bytes], bool] | None) -> bool:
        size, beginning = 0, b""
        pace = Pace(self.policy, response.url.host)
        with path.open("wb") as file:
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > self.policy.largest_answer_bytes:
                    message = (
                        f"{response.url.host} sent more than {self.policy.largest_answer_bytes:,} bytes in one answer"
                    )
                    raise FormatError(message)
                if len(beginning) < _GLIMPSE_BYTES:
                    beginning += chunk
                    if looks_like_html(beginning):
                        message = f"{address_of(response)} answered with a web page where data were expected"
                        raise FormatError(message)
                    if enough is not None and enough(beginning):
                        return False
                file.write(chunk)
                pace.check(response.num_bytes_downloaded)
        return True

    def _wait(self, state: tenacity.RetryCallState) -> float:
        first_s = self.policy.first_wait_s
        steps = tenacity.wait_exponential(first_s, self.policy.longest_wait_s, _LONGER)
        growing = steps(state) + tenacity.wait_random(0, first_s)(state)
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after_s if isinstance(error, TransportError) else None
        return growing if asked is None else max(asked, min(growing, 1.0))

    def _before_sleep(self, state: tenacity.RetryCallState) -> None:
        with self._lock:
            self.retries += 1
        error = state.outcome.exception() if state.outcome else None
        pause = state.next_action.sleep if state.next_action else 0.0
        self._note(f"{error}; trying again in {pause:.0f} s")


def _interrupted() -> InterruptedHarvest:
    return InterruptedHarvest("the harvest was interrupted")


def _passes(error: BaseException) -> bool:
    return isinstance(error, (TransportError, FormatError))
