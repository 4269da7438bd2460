"""Rows that files stand behind, and a server that has the files and keeps count of who asks for what."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest
from ssap_mirror.core.schema import Schema
from ssap_mirror.sources.source import RequestPolicy
from ssap_query.engine.rows import InMemoryRows
from ssap_query.mirror.result import ResultSet

from tests.support.simulated.services.http import Reply, Request, serving

#: Names and media type of what the rows of these tests have.
COLUMNS = ("accref", "mobsid", "mime", "accsize", "obsid", "preview", "ssa_pubDID", "ssa_snr")
FITS, SDM = "application/fits", "application/x-votable+xml"

#: As polite as one has to be to oneself.
HASTY = RequestPolicy(first_wait_s=0.01, longest_wait_s=0.05, read_timeout_s=20, connect_timeout_s=5)


@dataclass
class FileServer:
    """A server of files; what it was asked can be read off it."""

    files: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    """Path with its query -> body and media type."""
    spoil: Callable[[str, int, Reply], Reply] = lambda path, times, reply: reply
    """Changes an answer to a path that is asked for the so-manieth time."""
    asked: Counter[str] = field(default_factory=Counter)
    """Path with its query -> how often it was asked for."""
    whole: Counter[str] = field(default_factory=Counter)
    """The same, of answers that nothing is wrong with."""
    at_a_time: int = 0
    """Most requests that were under way together."""
    root: str = ""
    """Address, while it runs."""
    _under_way: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, path: str, body: bytes, content_type: str = FITS) -> str:
        """Put a file onto the server; its address."""
        self.files[path] = body, content_type
        return self.root + path

    def reply(self, request: Request) -> Reply:
        """Answer a request."""
        path = request.path + (f"?{request.query}" if request.query else "")
        with self._lock:
            self.asked[path] += 1
            times = self.asked[path]
            self._under_way += 1
            self.at_a_time = max(self.at_a_time, self._under_way)
        try:
            if path not in self.files:
                return Reply(b"no such file", 404, content_type="text/plain")
            body, content_type = self.files[path]
            made = Reply(body, content_type=content_type)
            reply = self.spoil(path, times, made)
            if reply is made and reply.body == body and reply.sent is None:
                with self._lock:
                    self.whole[path] += 1
            return reply
        finally:
            with self._lock:
                self._under_way -= 1


@pytest.fixture
def server() -> Iterator[FileServer]:
    """A server without files."""
    made = FileServer()
    with serving(made.reply) as made.root:
        yield made


@pytest.fixture
def rows_of(schema: Schema) -> Callable[[Sequence[dict[str, Any]]], ResultSet]:
    """Makes a result of rows with some of `COLUMNS`."""

    def make(rows: Sequence[dict[str, Any]], header: bytes = b"") -> ResultSet:
        chosen = schema.select(COLUMNS)
        table = pa.Table.from_pylist(list(rows), schema=chosen.arrow_schema())
        return ResultSet(chosen, InMemoryRows(table), service_xml=header)

    return make


@contextlib.contextmanager
def environment(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Iterator[None]:
    """Variables of the environment for a while."""
    with monkeypatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield
