"""A small mirror behind both doors: the command line and a server on a free port."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import ssap_query as ssap
from ssap_query.cli import main
from ssap_query.server.application import application

from tests.support.serving import serving

Run = Callable[..., "Ended"]


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


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(corpus_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs ``ssap-mirror`` in an empty folder, in this process: starting another one costs more than the command."""

    def call(*words: str, home: Path = corpus_home) -> Ended:
        monkeypatch.setenv("SSAP_MIRROR_HOME", str(home))
        monkeypatch.setenv("COLUMNS", "100")
        monkeypatch.chdir(tmp_path)
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
        with redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings(), pytest.raises(SystemExit) as ended:
            main(words)
        texts = []
        for stream in (out, err):
            stream.flush()
            texts.append(stream.buffer.getvalue().decode())
        return Ended(ended.value.code, *texts)

    return call
