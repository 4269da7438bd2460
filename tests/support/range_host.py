"""A web server that answers Range requests, counts what it is asked, and lies as servers do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.support.handler_server import handled_by

__all__ = ["RangeHost", "Reply", "range_host"]

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass
class Reply:
    """What the host is about to send; a lie changes it."""

    file: Path
    """The file."""
    path: str
    """Its path below the folder."""
    status: int
    """200 or 206."""
    headers: dict[str, str]
    """Without the length, which is that of the body unless it is here."""
    body: bytes
    """The bytes."""
    number: int
    """How many requests there were, this one included."""


@dataclass
class RangeHost:
    """What a test sees of the host."""

    url: str
    """Address of the folder."""
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Range of each request."""
    sent: int = 0
    """Bytes of bodies sent."""
    lie: Callable[[Reply], None] = lambda reply: None
    """Changes a reply."""
    closed: bool = False
    """Whether it has ended: connections that are still open get no answer."""

    def forget(self) -> None:
        """Count from now on."""
        self.requests.clear()
        self.sent = 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *args: object, host: RangeHost, folder: Path) -> None:
        self._host, self._folder = host, folder
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Send a file, or the part that is asked for."""
        if self._host.closed:
            self.close_connection = True
            return
        wanted = self.headers.get("Range")
        path = self.path.lstrip("/")
        self._host.requests.append((path, wanted))
        file = self._folder / path
        if not file.is_file():
            self.send_error(404)
            return
        about = file.stat()
        size, start, stop = about.st_size, 0, about.st_size
        headers, status = {"ETag": f'"{about.st_mtime_ns:x}-{size:x}"'}, 200
        if wanted and (found := _RANGE.fullmatch(wanted)):
            start, stop = int(found[1]), min(int(found[2] or size) + 1, size)
            if start >= size:
                self.send_error(416)
                return
            status, headers["Content-Range"] = 206, f"bytes {start}-{stop - 1}/{size}"
        with file.open("rb") as content:
            content.seek(start)
            body = content.read(stop - start)
        reply = Reply(file, path, status, headers, body, len(self._host.requests))
        self._host.lie(reply)
        self.send_response(reply.status)
        for name, value in ({"Content-Length": str(len(reply.body))} | reply.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)
        self._host.sent += len(reply.body)
        if int(reply.headers.get("Content-Length", len(reply.body))) != len(reply.body):
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def range_host(folder: Path) -> Iterator[RangeHost]:
    """Serve a folder on this machine."""
    host = RangeHost("")
    with handled_by(partial(_Handler, host=host, folder=folder)) as host.url:
        try:
            yield host
        finally:
            host.closed = True
