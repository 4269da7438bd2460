"""Coroutines that threads wait for: they end with a result, an error, a cancellation, or with the loop."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from ssap_mirror.sources.http.loop import BackgroundLoop, Cancelled

FOR_EVER_S = 3600.0


@pytest.fixture
def loop() -> Iterator[BackgroundLoop]:
    found = BackgroundLoop()
    yield found
    found.close(asyncio.sleep(0))


def test_results_and_errors_come_back(loop: BackgroundLoop) -> None:
    async def double(number: int) -> int:
        await asyncio.sleep(0)
        if number < 0:
            raise ValueError(number)
        return 2 * number

    assert [loop.run(double(number)) for number in range(3)] == [0, 2, 4]
    with pytest.raises(ValueError, match="-1"):
        loop.run(double(-1))


def test_many_threads_wait_at_a_time(loop: BackgroundLoop) -> None:
    together = asyncio.Barrier(4)
    met: list[int] = []

    async def meet() -> int:
        return await together.wait()

    threads = [threading.Thread(target=lambda: met.append(loop.run(meet()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(met) == [0, 1, 2, 3]


def test_cancel_all_ends_what_runs_now_and_nothing_later(loop: BackgroundLoop) -> None:
    begun, cleaned = threading.Event(), threading.Event()
    outcome: list[BaseException] = []

    async def wait() -> None:
        begun.set()
        try:
            await asyncio.sleep(FOR_EVER_S)
        finally:
            cleaned.set()

    def work() -> None:
        try:
            loop.run(wait())
        except Cancelled as error:
            outcome.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(10)
    loop.cancel_all()
    thread.join(10)
    assert len(outcome) == 1
    assert cleaned.wait(10), "the coroutine's own clean-up ran"
    assert loop.run(asyncio.sleep(0, "later")) == "later"


def test_whoever_stops_waiting_ends_the_coroutine(loop: BackgroundLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    async def wait() -> None:
        try:
            await asyncio.sleep(FOR_EVER_S)
        finally:
            ended.set()

    def press_ctrl_c(future: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("concurrent.futures.Future.result", press_ctrl_c)
        coroutine = wait()
        with pytest.raises(KeyboardInterrupt):
            loop.run(coroutine)
    # One that was cancelled before its first step has nothing to clean up.
    assert ended.wait(1) or not coroutine.cr_running
    assert loop.run(asyncio.sleep(0, "goes on")) == "goes on"


def test_a_last_word_that_takes_too_long_is_cut_off() -> None:
    loop = BackgroundLoop()
    began = time.monotonic()
    loop.close(asyncio.sleep(FOR_EVER_S))
    assert time.monotonic() - began < 5


def test_a_silent_name_server_holds_nobody_up(loop: BackgroundLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    answer, asked = threading.Event(), threading.Event()

    def silent(*question: object, **options: object) -> list[object]:
        asked.set()
        answer.wait(10)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", silent)

    async def look_up() -> object:
        return await asyncio.wait_for(asyncio.get_running_loop().getaddrinfo("example.org", 80), 0.05)

    with pytest.raises(TimeoutError):
        loop.run(look_up())
    assert asked.is_set()
    answer.set()


def test_a_name_that_is_not_there_is_an_error(loop: BackgroundLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*question: object, **options: object) -> list[object]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    async def look_up() -> object:
        return await asyncio.get_running_loop().getaddrinfo("no.such.host.example", 80)

    with pytest.raises(socket.gaierror, match="not known"):
        loop.run(look_up())
