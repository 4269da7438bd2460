"""Hosts that have the awkward mirror, and a cache of each test's own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from ssap_mirror.core import layout

from tests.support.range_host import RangeHost, range_host


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing was fetched before."""
    monkeypatch.setenv(layout.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def host(awkward) -> Iterator[RangeHost]:
    """A web server with the folder of the awkward mirrors."""
    with range_host(awkward.home) as server:
        yield server


@pytest.fixture(scope="session")
def s3(awkward) -> Iterator[tuple[str, dict[str, object]]]:
    """Address of the awkward mirrors in a local S3, and how to get there."""
    server = pytest.importorskip("moto.server")
    fsspec = pytest.importorskip("fsspec")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = server.ThreadedMotoServer("127.0.0.1", port, verbose=False)
    running.start()
    options = {"key": "test", "secret": "test", "endpoint_url": f"http://127.0.0.1:{port}"}
    try:
        files = fsspec.filesystem("s3", **options)
        files.mkdir("spectra")
        for path in awkward.home.rglob("*"):
            if path.is_file():
                files.pipe_file(f"spectra/{path.relative_to(awkward.home).as_posix()}", path.read_bytes())
        yield "s3://spectra", options
    finally:
        running.stop()
