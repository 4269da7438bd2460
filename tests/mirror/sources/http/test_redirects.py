"""What has moved for good is asked where it is now; other redirects cost a request each time, and are counted."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ssap_mirror.errors import ServiceError
from ssap_mirror.sources.harvest.client import Client
from ssap_mirror.sources.source import RequestPolicy

from tests.support.simulated.services.http import Reply, Request, serving


@contextlib.contextmanager
def moved(status: int, target: Callable[[Request], str]) -> Iterator[tuple[str, list[str]]]:
    """Address of a service whose ``/old`` leads elsewhere, and the paths and queries that it is asked for."""
    asked: list[str] = []

    def answer(request: Request) -> Reply:
        asked.append(f"{request.path}?{request.query}" if request.query else request.path)
        if request.path != "/old":
            return Reply(b"<VOTABLE/>")
        return Reply(status=status, headers={"Location": target(request)})

    with serving(answer) as root:
        yield root, asked


def to_new(request: Request) -> str:
    return f"/new?{request.query}"


def download(root: str, folder: Path, requests: int = 4) -> tuple[dict[str, int], list[str]]:
    notes: list[str] = []
    with contextlib.closing(Client(RequestPolicy(), notes.append)) as client:
        for number in range(requests):
            client.download(f"{root}/old", [("N", str(number))], folder / "answer")
        return client.traffic, notes


@pytest.mark.parametrize("status", [301, 308])
def test_permanent_ones_are_remembered(status: int, tmp_path: Path) -> None:
    with moved(status, to_new) as (root, asked):
        traffic, notes = download(root, tmp_path)
    assert asked == ["/old?N=0", "/new?N=0", "/old?N=1", "/new?N=1", "/new?N=2", "/new?N=3"]
    assert (traffic["requests"], traffic["redirects"]) == (6, 2)
    assert notes == [f"{root}/old has moved to {root}/new for good, which is asked from now on"]


@pytest.mark.parametrize("status", [302, 303, 307])
def test_others_are_followed_each_time_and_counted(status: int, tmp_path: Path) -> None:
    with moved(status, to_new) as (root, asked):
        traffic, notes = download(root, tmp_path, 3)
    assert asked == ["/old?N=0", "/new?N=0", "/old?N=1", "/new?N=1", "/old?N=2", "/new?N=2"]
    assert (traffic["requests"], traffic["redirects"]) == (6, 3)
    assert not notes


def test_one_that_changes_the_query_speaks_of_that_query_alone(tmp_path: Path) -> None:
    with moved(301, lambda request: "/new?everything=1") as (root, asked):
        download(root, tmp_path, 3)
    assert asked.count("/new?everything=1") == 3
    assert [path for path in asked if path.startswith("/old")] == ["/old?N=0", "/old?N=1", "/old?N=2"]


def test_targets_that_differ_are_no_move(tmp_path: Path) -> None:
    with moved(301, lambda request: f"/{request.params['N']}?{request.query}") as (root, asked):
        download(root, tmp_path, 3)
    assert [path for path in asked if path.startswith("/old")] == ["/old?N=0", "/old?N=1", "/old?N=2"]


def test_each_hop_keeps_the_pause(tmp_path: Path) -> None:
    with moved(302, to_new) as (root, _), contextlib.closing(Client(RequestPolicy(pause_s=0.2))) as client:
        began = time.monotonic()
        client.download(f"{root}/old", [("N", "1")], tmp_path / "answer")
        assert time.monotonic() - began > 0.19


def test_a_circle_ends_soon(tmp_path: Path) -> None:
    with (
        moved(302, lambda request: f"/old?{request.query}") as (root, asked),
        contextlib.closing(Client(RequestPolicy())) as client,
        pytest.raises(ServiceError, match="redirects"),
    ):
        client.download(f"{root}/old", [("N", "1")], tmp_path / "answer")
    assert len(asked) <= 6
