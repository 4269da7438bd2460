"""A small mirror behind both doors: the command line and a server on a free port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import ssap_query as ssap
import uvicorn
from ssap_query.server import application
from starlette.applications import Starlette

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """Serve an application on a free port of this machine; gives its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)


@pytest.fixture(scope="session")
def base_url(corpus_mirror: ssap.Mirror, awkward) -> Iterator[str]:
    """Address of a server of two mirrors that holds rows back beyond 500."""
    app = application({"corpus": corpus_mirror, "awkward": awkward.open("tiny")}, default_maxrec=500)
    with serving(app) as address:
        yield address


@pytest.fixture(scope="session")
def client(base_url: str) -> Iterator[httpx.Client]:
    """What asks that server."""
    with httpx.Client(base_url=base_url, timeout=60) as found:
        yield found


@pytest.fixture
def run(corpus_home: Path, tmp_path: Path) -> Run:
    """Runs ``ssap-mirror`` as a process of its own, in an empty folder."""

    def call(*words: str, home: Path = corpus_home) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).with_name("ssap-mirror")), *words],
            env={**os.environ, "SSAP_MIRROR_HOME": str(home), "COLUMNS": "100", "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            cwd=tmp_path,
            check=False,
        )

    return call
