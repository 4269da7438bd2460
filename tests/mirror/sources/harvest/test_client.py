"""Requests keep the pause that a publisher wishes for, whoever sends them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ssap_mirror.sources.harvest.client import Client, InterruptedHarvest
from ssap_mirror.sources.source import RequestPolicy

from tests.support.simulated.services.http import Reply, Request, serving

PAUSE_S = 0.15


@contextlib.contextmanager
def asked_at() -> Iterator[tuple[str, list[float]]]:
    """Address of a server, and the moments at which it is asked."""
    moments: list[float] = []

    def answer(request: Request) -> Reply:
        moments.append(time.monotonic())
        return Reply(b"ok")

    with serving(answer) as root:
        yield root, moments


def test_requests_of_all_connections_keep_the_pause(tmp_path: Path) -> None:
    with asked_at() as (root, moments), contextlib.closing(Client(RequestPolicy(pause_s=PAUSE_S))) as client:

        def work(name: str) -> None:
            for number in range(3):
                client.download(f"{root}/{name}", [("N", str(number))], tmp_path / name)

        threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert len(moments) == 6
    # Over all of them: one that was held up on its way comes right before the next.
    assert max(moments) - min(moments) > 4 * PAUSE_S


def test_small_requests_keep_it_too() -> None:
    with asked_at() as (root, moments), contextlib.closing(Client(RequestPolicy(pause_s=PAUSE_S))) as client:
        for _ in range(3):
            assert client.small("GET", f"{root}/phase")[0] == "ok"
    assert max(moments) - min(moments) > 1.5 * PAUSE_S


def test_without_a_wish_nobody_waits() -> None:
    with asked_at() as (root, moments), contextlib.closing(Client(RequestPolicy())) as client:
        for _ in range(3):
            client.small("GET", f"{root}/phase")
    assert max(moments) - min(moments) < 5


def test_a_pause_ends_with_the_harvest() -> None:
    with asked_at() as (root, moments), contextlib.closing(Client(RequestPolicy(pause_s=3600.0))) as client:
        client.small("GET", f"{root}/phase")
        threading.Timer(0.1, client.interrupt).start()
        with pytest.raises(InterruptedHarvest):
            client.small("GET", f"{root}/phase")
    assert len(moments) == 1


def test_what_ends_all_requests_does_not_keep_a_job_from_being_deleted() -> None:
    asked, abandoned = threading.Event(), threading.Event()
    methods: list[str] = []

    def answer(request: Request) -> Reply:
        methods.append(request.method)
        asked.set()
        abandoned.wait(30)
        return Reply(b"ok")

    with serving(answer) as root, contextlib.closing(Client(RequestPolicy())) as client:
        deleting = threading.Thread(target=client.delete, args=(f"{root}/async/1",))
        deleting.start()
        assert asked.wait(30)
        client.abandon()
        abandoned.set()
        deleting.join(30)
        assert client.requests == 2
    assert methods == ["DELETE", "DELETE"]
