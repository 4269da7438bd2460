"""What a refusal, a silence or a broken answer means: an error, in the server's own words."""

from __future__ import annotations

import contextlib
import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from ssap_mirror.errors import ServiceError, SourceError, TransportError

__all__ = [
    "ComeBackLater",
    "InterruptedHarvest",
    "ServerFailure",
    "address_of",
    "beginning_of",
    "looks_like_html",
    "refusal",
    "retry_after_s",
    "translate_http_errors",
]

_WORTH_ANOTHER_TRY = {408, 425, 429, 500, 502, 503, 504, 507, 509}
_MOST_SAID = 300
# DALI 1.1 §4.4: the INFO of an error has its message as text, or as the value of some servers.
_INFO = re.compile(r"<(?:\w+:)?INFO\b([^>]*)>\s*(?:<!\[CDATA\[)?([^<\]]*)", re.I)
_IS_ERROR = re.compile(r"\bvalue\s*=\s*[\"']ERROR[\"']", re.I)
_VALUE = re.compile(r"\bvalue\s*=\s*[\"']([^\"']*)[\"']", re.I)
_IS_NAMED_ERROR = re.compile(r"\bname\s*=\s*[\"']Error[\"']")
_UNSEEN = re.compile(r"<(script|style|head)\b.*?</\1\s*>|<!--.*?-->", re.I | re.S)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.I | re.S)
_TAG = re.compile(r"<[^>]*>")
_JSON_KEYS = ("error", "message", "detail", "msg", "description", "reason", "title")


class InterruptedHarvest(SourceError):
    """The harvest was told to stop; what is journaled stays."""


class ComeBackLater(InterruptedHarvest):
    """The server asks to be left alone for longer than anybody wants to wait: the harvest ends for now.

    Parameters
    ----------
    host : str
        Who asks.
    wait_s : float
        For how long [s].
    """

    def __init__(self, host: str, wait_s: float) -> None:
        now = datetime.now().astimezone()
        # A minute later rather than a second too early.
        then = now + timedelta(seconds=wait_s + 59)
        when = f"{then:%H:%M}" if then.date() == now.date() else f"{then:%H:%M on %Y-%m-%d}"
        super().__init__(
            f"{host} asks to be left alone for {wait_s:,.0f} s: come back at {when}; what was fetched is kept, and the "
            "same command goes on from here"
        )


class ServerFailure(TransportError):
    """The server answered with a status that says it failed (HTTP 500 and its kin); another try may do better."""


def refusal(response: httpx.Response, body: bytes) -> SourceError:
    """Make an error of an answer with a status of 400 or more.

    Parameters
    ----------
    response : httpx.Response
        Its head.
    body : bytes
        The beginning of its body, which says why in a VOTable (DALI 1.1 §4.4), in JSON, as text or as a web page.
    """
    status = f"{response.status_code} {response.reason_phrase}".strip()
    said = _said(body)
    message = f"{address_of(response)} answered {status}{': ' if said else ''}{said}"
    if response.status_code not in _WORTH_ANOTHER_TRY:
        return ServiceError(message)
    return ServerFailure(message, retry_after_s(response.headers.get("retry-after")))


def _said(body: bytes) -> str:
    """Find the sentence in a body."""
    text = body.decode("utf-8", "replace").strip()
    if looks_like_html(body):
        title = _TITLE.search(text)
        visible = " ".join(_TAG.sub(" ", _UNSEEN.sub(" ", text)).split())
        text = visible or (title[1] if title else "")
    elif text.startswith(("{", "[")):
        text = _said_in_json(text)
    elif "<" in text:
        text = _said_in_votable(text)
    words = " ".join(html.unescape(text).split())
    return words if len(words) <= _MOST_SAID else f"{words[:_MOST_SAID]}…"


def _said_in_votable(text: str) -> str:
    for attributes, content in _INFO.findall(text):
        if _IS_ERROR.search(attributes):
            return str(content)
        value = _VALUE.search(attributes)
        if _IS_NAMED_ERROR.search(attributes) and value is not None:
            return str(content).strip() or value[1]
    return _TAG.sub(" ", text)


def _said_in_json(text: str) -> str:
    try:
        found: Any = json.loads(text)
    except ValueError:
        return text
    for _ in range(4):
        if isinstance(found, list) and found:
            found = found[0]
        elif isinstance(found, dict):
            known = {str(key).lower(): value for key, value in found.items()}
            found = next((known[key] for key in _JSON_KEYS if known.get(key)), text)
    return found if isinstance(found, str) else text


@contextlib.contextmanager
def translate_http_errors(url: httpx.URL) -> Iterator[None]:
    """Context in which httpx's exceptions become ours."""
    where = url.host or str(url)
    try:
        yield
    except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.TooManyRedirects) as error:
        message = f"{where} cannot be asked: {error}"
        raise ServiceError(message) from error
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        message = f"{where} cannot be reached: {error or type(error).__name__}"
        raise TransportError(message) from error
    except httpx.TimeoutException as error:
        message = f"{where} fell silent ({type(error).__name__})"
        raise TransportError(message) from error
    except httpx.HTTPError as error:
        message = f"the answer of {where} broke off: {error}"
        raise TransportError(message) from error


def looks_like_html(beginning: bytes) -> bool:
    """Whether a body begins like a web page."""
    head = beginning[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"<?xml") and b"?>" in head:
        head = head.split(b"?>", 1)[1].lstrip()
    return head.startswith((b"<!doctype html", b"<html", b"<head", b"<body"))


async def beginning_of(response: httpx.Response, size: int) -> bytes:
    """Read a body until it is longer than so many bytes, or to its end."""
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > size:
            break
    return body


def address_of(response: httpx.Response) -> str:
    """Address of an answer without its query."""
    return str(response.url.copy_with(query=None))


def retry_after_s(value: str | None) -> float | None:
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
