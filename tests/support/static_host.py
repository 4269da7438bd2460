"""A static host of files, with the faults that such hosts have."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

from tests.support.handler_server import handled_by

__all__ = ["StaticHost", "static_host"]

# A fault is asked for each answer: path, what would be sent, whether it is a part. It may change what is sent.
Fault = Callable[[str, bytes], "Spoiled | None"]


@dataclass(frozen=True)
class Spoiled:
    """What is sent in place of a file."""

    status: int | None = None
    """Another status, without a body."""
    content: bytes | None = None
    """Other bytes of the same length."""
    cut_at: int | None = None
    """So many bytes are sent, and the connection is closed."""
    silent_s: float = 0.0
    """The host falls silent for so long [s] after half of the bytes."""


@dataclass
class StaticHost:
    """What a test sees of the host."""

    url: str
    """Address of the folder."""
    sent: int = 0
    """Bytes of bodies sent."""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Range of each request."""
    fault: Fault = lambda path, content: None
    """What goes wrong."""


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *args: object, host: StaticHost, folder: Path) -> None:
        self._host, self._folder = host, folder
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Send a file, or the part that is asked for."""
        wanted = self.headers.get("Range")
        self._host.asked.append((self.path, wanted))
        file = self._folder / self.path.lstrip("/")
        if not file.is_file():
            self.send_error(404)
            return
        content = whole = file.read_bytes()
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        content = content[start:]
        spoiled = self._host.fault(self.path, content) or Spoiled()
        if spoiled.status is not None:
            self.send_error(spoiled.status)
            return
        content = content if spoiled.content is None else spoiled.content
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        half = len(content) // 2
        pieces = [content[:half], content[half:]] if spoiled.cut_at is None else [content[: spoiled.cut_at]]
        for piece in pieces:
            self.wfile.write(piece)
            self._host.sent += len(piece)
            if spoiled.silent_s and piece is not pieces[-1]:
                self.wfile.flush()
                time.sleep(spoiled.silent_s)
        if spoiled.cut_at is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def static_host(folder: Path) -> Iterator[StaticHost]:
    """Serve a folder on this machine, with Range requests."""
    host = StaticHost("")
    with handled_by(partial(_Handler, host=host, folder=folder)) as host.url:
        yield host
