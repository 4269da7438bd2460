"""One HTTP request at a time, politely: answers go to disk, failures become errors that say whether to try again."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import httpx
import tenacity

from ssap_mirror.errors import FormatError, ServiceError, SourceError, TransportError
from ssap_mirror.sources.source import RequestPolicy

__all__ = ["USER_AGENT", "Client", "Download", "InterruptedHarvest", "looks_like_html"]

T = TypeVar("T")

_WORTH_ANOTHER_TRY = {408, 425, 429, 500, 502, 503, 504, 507, 509}
_GLIMPSE_BYTES = 1 << 16
_SMALL_BYTES = 1 << 20


def _user_agent() -> str:
    try:
        version = metadata.version("ssap-mirror")
    except metadata.PackageNotFoundError:
        version = "0"
    return f"ssap-mirror/{version} (+https://pypi.org/project/ssap-mirror/) httpx/{httpx.__version__}"


USER_AGENT = _user_agent()


class InterruptedHarvest(SourceError):
    """The harvest was told to stop; what is journaled stays."""


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
        timeout = httpx.Timeout(policy.read_timeout_s, connect=policy.connect_timeout_s)
        self._http = httpx.Client(
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"}, timeout=timeout, follow_redirects=True
        )

    @property
    def traffic(self) -> dict[str, int]:
        """What went over the network so far, for the manifest."""
        return {"requests": self.requests, "retries": self.retries, "bytes": self.received}

    def close(self) -> None:
        """Close the connections."""
        self.stop.set()
        self._http.close()

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
            If the network or the server failed: worth another attempt.
        ServiceError
            If the server refuses (404 and its kin).
        FormatError
            If a web page came where data were asked for.
        """
        asked = _with_query(url, list(params))
        with self._asking("GET", asked) as response:
            whole = self._write(response, path, enough)
        content_type = response.headers.get("content-type", "").lower()
        return Download(path, response.num_bytes_downloaded, content_type, whole)

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
            If the network or the server failed: worth another attempt.
        ServiceError
            If the server refuses.
        """
        with self._asking(method, httpx.URL(url), form) as response:
            body = b""
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _SMALL_BYTES:
                    message = f"{_address(response)} sent more than {_SMALL_BYTES:,} bytes where a few lines were due"
                    raise FormatError(message)
        return body.decode("utf-8", "replace"), str(response.url)

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
        with self._slots, _Translated(address):
            with self._lock:
                self.requests += 1
            # Where it leads to afterwards, the list of all jobs for one, is of no interest.
            response = self._http.delete(address, timeout=self.policy.connect_timeout_s, follow_redirects=False)
            self._check(response)

    def retrying(self, work: Callable[[], T], attempts: int | None = None) -> T:
        """Do something until it works, with growing, jittered waits between attempts.

        Transport errors and damaged answers are tried again, refusals of the service are not.
        """
        retryer = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_passes),
            stop=tenacity.stop_after_attempt(attempts or self.policy.attempts),
            wait=self._wait,
            sleep=self.pause,
            before_sleep=self._before_sleep,
            reraise=True,
        )
        return retryer(work)

    @contextlib.contextmanager
    def _asking(self, method: str, url: httpx.URL, form: dict[str, str] | None = None) -> Iterator[httpx.Response]:
        self.pause(max(0.0, self._not_before - time.monotonic()))
        with self._slots, _Translated(url):
            with self._lock:
                self.requests += 1
            with self._http.stream(method, url, data=form) as response:
                self._check(response)
                yield response
        with self._lock:
            self.received += response.num_bytes_downloaded

    def _write(self, response: httpx.Response, path: Path, enough: Callable[[bytes], bool] | None) -> bool:
        size, beginning = 0, b""
        with path.open("wb") as file:
            for chunk in response.iter_bytes():
                if self.stop.is_set():
                    message = "the harvest was interrupted"
                    raise InterruptedHarvest(message)
                size += len(chunk)
                if size > self.policy.largest_answer_bytes:
                    message = (
                        f"{response.url.host} sent more than {self.policy.largest_answer_bytes:,} bytes in one answer"
                    )
                    raise FormatError(message)
                if len(beginning) < _GLIMPSE_BYTES:
                    beginning += chunk
                    if looks_like_html(beginning):
                        message = f"{_address(response)} answered with a web page where a VOTable was expected"
                        raise FormatError(message)
                    if enough is not None and enough(beginning):
                        return False
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        return True

    def _check(self, response: httpx.Response) -> None:
        if response.status_code < 400:
            return
        status = f"{response.status_code} {response.reason_phrase}".strip()
        message = f"{_address(response)} answered {status}"
        if response.status_code in _WORTH_ANOTHER_TRY:
            wait = _retry_after(response.headers.get("retry-after"))
            if wait is not None:
                # Both connections keep the pause that one of them was asked for.
                self._not_before = max(self._not_before, time.monotonic() + min(wait, self._longest_pause))
            raise TransportError(message, wait)
        raise ServiceError(message)

    @property
    def _longest_pause(self) -> float:
        return self.policy.longest_retry_after_s

    def _wait(self, state: tenacity.RetryCallState) -> float:
        exponential = tenacity.wait_random_exponential(
            multiplier=self.policy.first_wait_s, max=self.policy.longest_wait_s
        )(state)
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after_s if isinstance(error, TransportError) else None
        return exponential if asked is None else max(asked, min(exponential, 1.0))

    def pause(self, seconds: float) -> None:
        """Wait, unless the harvest is told to stop.

        Raises
        ------
        TransportError
            If that is longer than the policy allows.
        InterruptedHarvest
            If the harvest is to stop.
        """
        if seconds > self._longest_pause:
            message = f"the server asks to be left alone for {seconds:,.0f} s; run the same command again later"
            raise TransportError(message)
        if self.stop.wait(seconds):
            message = "the harvest was interrupted"
            raise InterruptedHarvest(message)

    def _before_sleep(self, state: tenacity.RetryCallState) -> None:
        with self._lock:
            self.retries += 1
        error = state.outcome.exception() if state.outcome else None
        pause = state.next_action.sleep if state.next_action else 0.0
        self._note(f"{error}; trying again in {pause:.0f} s")


class _Translated:
    """Context in which httpx's exceptions become ours."""

    def __init__(self, url: httpx.URL) -> None:
        self._where = url.host or str(url)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.TooManyRedirects)):
            message = f"{self._where} cannot be asked: {error}"
            raise ServiceError(message) from error
        if isinstance(error, httpx.ConnectError):
            message = f"{self._where} cannot be reached: {error}"
            raise TransportError(message) from error
        if isinstance(error, httpx.TimeoutException):
            message = f"{self._where} fell silent ({type(error).__name__})"
            raise TransportError(message) from error
        if isinstance(error, httpx.HTTPError):
            message = f"the answer of {self._where} broke off: {error}"
            raise TransportError(message) from error


def looks_like_html(beginning: bytes) -> bool:
    """Whether a body begins like a web page."""
    head = beginning[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"<?xml") and b"?>" in head:
        head = head.split(b"?>", 1)[1].lstrip()
    return head.startswith((b"<!doctype html", b"<html", b"<head", b"<body"))


def _with_query(url: str, params: list[tuple[str, str]]) -> httpx.URL:
    """Add parameters with everything percent-encoded: a bare ";" separates parameters for some servers, as "&" does."""
    if not params:
        return httpx.URL(url)
    query = urlencode(params, quote_via=quote, safe="")
    return httpx.URL(f"{url}{'&' if '?' in url else '?'}{query}")


def _passes(error: BaseException) -> bool:
    return isinstance(error, (TransportError, FormatError))


def _address(response: httpx.Response) -> str:
    return str(response.url.copy_with(query=None))


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait, from either form of Retry-After (RFC 9110 §10.2.3)."""
    if value is None:
        return None
    try:
        return max(0.0, float(int(value)))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
