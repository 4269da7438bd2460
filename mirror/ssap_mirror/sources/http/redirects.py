"""Where a server sends its clients to: what is permanent is remembered, and each hop is a request that counts."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qsl

import httpx

__all__ = ["Redirects"]

# RFC 9110 §15.4: those that name a new address for good. After any other (302, 303, 307) "the client ought to continue
# to use the original request URI for future requests", so that hop is paid again with each of them.
_PERMANENT = {301, 308}
# A permanent redirect speaks of one address with its query. Two that lead from one path to another, each with the query
# that was sent, speak of the path.
_AGREEING = 2


class Redirects:
    """Redirects of one client; called from its loop and its threads.

    Parameters
    ----------
    take_turn : callable
        Takes a turn for the next request, and tells how long it is until then [s].
    note : callable
        Told one sentence for each address that has moved.
    """

    def __init__(self, take_turn: Callable[[], float], note: Callable[[str], None]) -> None:
        #: Requests that were made because another one was redirected.
        self.followed = 0
        self._take_turn = take_turn
        self._note = note
        self._seen: Counter[tuple[str, str]] = Counter()
        self._moved: dict[str, str] = {}
        self._lock = threading.Lock()

    def current(self, url: httpx.URL) -> httpx.URL:
        """Tell where an address is now, with the same query."""
        passed = set()
        while (base := _base(url)) in self._moved and base not in passed:
            passed.add(base)
            url = httpx.URL(self._moved[base]).copy_with(query=url.query or None)
        return url

    async def take_note(self, response: httpx.Response) -> None:
        """Look at an answer before its redirect, if it is one, is followed; a hook of `httpx.AsyncClient`."""
        # Where a deleted job leads to is of no interest.
        if not response.has_redirect_location or response.request.method == "DELETE":
            return
        if response.status_code in _PERMANENT:
            self._add(response.url, response.url.join(response.headers["location"]))
        with self._lock:
            self.followed += 1
        await asyncio.sleep(self._take_turn())

    def _add(self, old: httpx.URL, new: httpx.URL) -> None:
        if _query(old) != _query(new):
            return
        move = _base(old), _base(new)
        with self._lock:
            self._seen[move] += 1
            if self._seen[move] != _AGREEING:
                return
            self._moved[move[0]] = move[1]
        self._note(f"{move[0]} has moved to {move[1]} for good, which is asked from now on")


def _base(url: httpx.URL) -> str:
    return str(url.copy_with(query=None, fragment=None))


def _query(url: httpx.URL) -> list[tuple[bytes, bytes]]:
    return parse_qsl(url.query, keep_blank_values=True)
