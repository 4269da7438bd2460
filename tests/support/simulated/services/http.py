"""A small HTTP server that sends whatever it is given: whole answers, halves, drips, or nothing for a long time."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

__all__ = ["VOTABLE", "Reply", "Request", "serving"]

VOTABLE = "application/x-votable+xml"
HTML = "text/html"


@dataclass(frozen=True)
class Request:
    """What a client asks."""

    method: str
    path: str
    """Without the query."""
    query: str
    """As sent."""
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes = b""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Parameters of the query and of a form, in order."""
        return parse_qsl(self.query, keep_blank_values=True) + parse_qsl(self.body.decode(), keep_blank_values=True)

    @property
    def params(self) -> dict[str, str]:
        """The same by upper-case name."""
        return {name.upper(): value for name, value in self.pairs}


@dataclass
class Reply:
    """What goes to the client."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = VOTABLE
    sent: int | None = None
    """Bytes of the body that are sent before the connection is cut; all without it, nothing at all if negative."""
    wait_s: float = 0.0
    """Silence in the middle of the body [s]."""
    before_s: float = 0.0
    """Silence before the first byte [s]."""
    chunks: Callable[[], Iterable[bytes]] | None = None
    """Pieces of a body without a length, in place of `body`."""
    chunk_wait_s: float = 0.0
    """Silence after each of them [s]."""


@contextlib.contextmanager
def serving(answer: Callable[[Request], Reply]) -> Iterator[str]:
    """Serve on a free port of 127.0.0.1; yields the address, without a path.

    Parameters
    ----------
    answer : callable
        Answers a request; called from many threads.

    Raises
    ------
    Exception
        At the end, what `answer` raised: then no outcome of the test means anything.
    """
    over = threading.Event()
    failures: list[Exception] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # An answer is written in several pieces, and each would wait for the other side.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._answer()

        do_DELETE = do_POST = do_GET

        def _answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            parts = urlsplit(self.path)
            try:
                reply = answer(Request(self.command, parts.path, parts.query, headers, body))
            except Exception as error:
                failures.append(error)
                reply = Reply(status=500)
            with contextlib.suppress(OSError):
                _send(self, reply, over)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        # Two connections and their successors are more than the five of the standard library.
        request_queue_size = 64

        def handle_error(self, request: object, client_address: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()
    if failures:
        raise failures[0]


def _send(handler: BaseHTTPRequestHandler, reply: Reply, over: threading.Event) -> None:
    over.wait(reply.before_s)
    sent = len(reply.body) if reply.sent is None else reply.sent
    if sent >= 0:
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Type", reply.content_type)
        if reply.chunks is not None:
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            _send_chunks(handler, reply, over)
            return
        handler.send_header("Content-Length", str(len(reply.body)))
        handler.end_headers()
        handler.wfile.write(reply.body[: sent // 2])
        over.wait(reply.wait_s)
        handler.wfile.write(reply.body[sent // 2 : sent])
    if sent < len(reply.body) or sent < 0:
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)


def _send_chunks(handler: BaseHTTPRequestHandler, reply: Reply, over: threading.Event) -> None:
    assert reply.chunks is not None
    for chunk in reply.chunks():
        if over.is_set():
            break
        handler.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        over.wait(reply.chunk_wait_s)
    handler.wfile.write(b"0\r\n\r\n")
