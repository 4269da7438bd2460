"""Ctrl-C ends a sync at once, whatever the server does, and what was fetched is kept."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.simulated.scenarios.waiting import endless, silent, silent_half_way, slow_drip
from tests.support.simulated.services import ssap, tap
from tests.support.simulated.services.http import Reply, Request
from tests.support.simulated.services.ssap import SsapService
from tests.support.simulated.services.tap import TapService
from tests.support.simulated.spectra import made_up

# A campaign of minutes, run by hand (-m slow).
pytestmark = pytest.mark.slow

SPECTRA = made_up(600)
ANSWERS = {
    "silence": silent,
    "silence in the middle of an answer": silent_half_way,
    "an answer that drips": slow_drip,
    "an answer that never ends": endless,
    "a pause that is asked for": lambda reply: Reply(status=503, headers={"Retry-After": "60"}),
    "errors": lambda reply: Reply(status=500),
}
# Seconds from Ctrl-C to the end on a machine with nothing else to do, and with other tests on it.
LIMIT_S, PATIENCE = 2.0, 3.0


def interrupted_s(address: str, home: Path, has_begun: Callable[[], object]) -> float:
    """Run the command until the server does what it does, press Ctrl-C, and take the time it takes to end."""
    program = str(Path(sys.executable).with_name("ssap-mirror"))
    command = [program, "sync", "test", "--from", address, "--home", str(home)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not has_begun():
            assert process.poll() is None, "it ended before the server misbehaved"
            assert time.monotonic() < deadline, "the server was not asked"
            time.sleep(0.05)
        time.sleep(1.0)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.wait(60)
        return time.monotonic() - began
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()


@contextlib.contextmanager
def misbehaving(name: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """A service that misbehaves from the 20th request on, and what tells that it has begun."""
    service = SsapService(SPECTRA)

    def wrap(request: Request, reply: Reply) -> Reply:
        return ANSWERS[name](reply) if len(service.requests) >= 20 else reply

    service.wraps = wrap
    with ssap.running(service):
        yield service.url, lambda: len(service.requests) >= 20


@pytest.mark.slow
@pytest.mark.parametrize("name", list(ANSWERS))
def test_ssap(name: str, tmp_path: Path) -> None:
    with misbehaving(name) as (address, has_begun):
        assert interrupted_s(address, tmp_path, has_begun) < PATIENCE * LIMIT_S
    assert list((tmp_path / "test" / "staging").iterdir()), "what was fetched is kept"


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["QUEUED", "EXECUTING"])
def test_tap(phase: str, tmp_path: Path) -> None:
    with tap.running(TapService(SPECTRA, traits={"stays": phase})) as service:
        assert interrupted_s(service.url, tmp_path, lambda: service.tap.made) < PATIENCE * LIMIT_S
        assert not service.tap.jobs, "jobs are left behind"
