"""A web server that answers Range requests, counts what it is asked, and lies as servers do."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

__all__ = ["RangeHost", "Reply", "range_host"]

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass
class Reply:
    """What the host is about to send; a lie changes it."""

    path: str
    """Path of the file below the folder."""
    status: int
    """200 or 206."""
    headers: dict[str, str]
    """Without the length, which is that of the body unless it is here."""
    body: bytes
    """The bytes."""
    whole: bytes
    """Content of the whole file."""
    number: int
    """How many requests came before this one."""


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
        wanted = self.headers.get("Range")
        path = self.path.lstrip("/")
        self._host.requests.append((path, wanted))
        file = self._folder / path
        if not file.is_file():
            self.send_error(404)
            return
        whole = file.read_bytes()
        reply = Reply(path, 200, {"ETag": f'"{hashlib.md5(whole).hexdigest()}"'}, whole, whole, len(self._host.requests))
        if wanted and (found := _RANGE.fullmatch(wanted)):
            start, stop = int(found[1]), min(int(found[2] or len(whole)) + 1, len(whole))
            if start >= len(whole):
                self.send_error(416)
                return
            reply.status, reply.body = 206, whole[start:stop]
            reply.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(whole)}"
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


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone is no error."""


@contextmanager
def range_host(folder: Path) -> Iterator[RangeHost]:
    """Serve a folder on this machine."""
    host = RangeHost("")
    with _Server(("127.0.0.1", 0), partial(_Handler, host=host, folder=folder)) as server:
        host.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield host
        finally:
            server.shutdown()
