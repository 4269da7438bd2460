"""A server in a process of its own, what it holds, and clients that are not patient."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

__all__ = ["Served", "ask", "serve", "watched"]

_START_S = 120.0
_END_S = 5.0


@dataclass(frozen=True)
class Served:
    """A server that runs."""

    address: str
    """Where."""
    name: str
    """Of its first mirror."""
    process: int
    """Number of its process."""
    said: Path = field(repr=False)
    """What it has written to its standard error."""

    @property
    def port(self) -> int:
        """Its port on 127.0.0.1."""
        return int(self.address.rpartition(":")[2])

    @property
    def memory_bytes(self) -> int:
        """Memory that it has [byte]; Linux alone tells."""
        lines = Path(f"/proc/{self.process}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))

    @property
    def open_files(self) -> int:
        """Files and connections that it has open."""
        return len(list(Path(f"/proc/{self.process}/fd").iterdir()))

    def tracebacks(self) -> list[str]:
        """Tracebacks that it has written, from their first line on."""
        return ["Traceback" + part for part in self.said.read_text("utf-8", "replace").split("Traceback")[1:]]


@contextmanager
def serve(home: Path, name: str, *options: str) -> Iterator[Served]:
    """Serve a mirror in a process of its own until the end of the block.

    Parameters
    ----------
    home : pathlib.Path
        Folder of the mirror.
    name : str
        The mirror.
    *options : str
        More words of the command.

    Raises
    ------
    RuntimeError
        If it does not start, or does not end within 5 s of one interrupt.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.NamedTemporaryFile("w", suffix=".log") as said:
        command = [str(Path(sys.executable).with_name("ssap-mirror")), "serve", name, "--home", str(home)]
        process = subprocess.Popen([*command, "--port", str(port), *options], stderr=said, stdout=subprocess.DEVNULL)
        try:
            _wait_for(port, process)
            yield Served(f"http://127.0.0.1:{port}", Path(name).name, process.pid, Path(said.name))
            process.send_signal(signal.SIGINT)
            process.wait(_END_S)
        finally:
            process.kill()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    message = "the server does not start"
    raise RuntimeError(message)


def ask(served: Served, path: str, parameters: Mapping[str, str], window: int = 4096) -> socket.socket:
    """Send a request on a connection that takes little at a time, and read nothing.

    Parameters
    ----------
    served : Served
        Whom to ask.
    path : str
        Below the mirror: ``ssap``.
    parameters : mapping of str to str
        What to ask.
    window : int
        How much the connection takes unread [byte].
    """
    connection = socket.create_connection(("127.0.0.1", served.port), timeout=300)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    target = f"/{served.name}/{path}?{urlencode(parameters)}"
    connection.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode())
    return connection


@contextmanager
def watched(served: Served) -> Iterator[list[int]]:
    """Note the memory of a server [byte] every 20 ms; the list grows until the end of the block."""
    found: list[int] = [served.memory_bytes]
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            found.append(served.memory_bytes)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()
