"""Readers that take the whole table drop by drop: a cone beside them may not wait."""

from __future__ import annotations

import selectors
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import Random

import httpx

from scripts.load.server import Served, ask, watched

__all__ = ["beside_slow_readers"]

_MOST_S, _MOST_BYTES = 1.0, 1_000_000_000
_DROP_BYTES, _DROP_S = 512, 0.5


def beside_slow_readers(served: Served, readers: int, cones: int) -> Iterator[str]:
    """Ask for cones while others read slowly; gives what is wrong, and prints what was seen.

    Parameters
    ----------
    served : Served
        The server.
    readers : int
        How many read the whole table slowly.
    cones : int
        How many cones are asked for, one after the other.
    """
    rng, times = Random(1), []
    url = f"{served.address}/{served.name}/ssap"
    with watched(served) as memory, _slow(served, readers), httpx.Client(timeout=300) as client:
        time.sleep(2)
        for _ in range(cones):
            pos = f"{rng.uniform(0, 360):.4f},{rng.uniform(-10, 60):.4f}"
            began = time.perf_counter()
            answer = client.get(url, params={"REQUEST": "queryData", "POS": pos, "SIZE": "0.5", "VERB": "1"})
            times.append(time.perf_counter() - began)
            if answer.status_code != 200 or 'value="ERROR"' in answer.text:
                yield f"a cone at {pos} failed: {answer.status_code} {answer.text[:300]}"
    slowest = sorted(times)[int(0.99 * len(times)) - 1]
    print(
        f"{readers} slow readers: {cones} cones, median {sorted(times)[len(times) // 2]:.3f} s,"
        f" 99th percentile {slowest:.3f} s; {max(memory) / 1e6:.0f} MB at most"
    )
    if slowest > _MOST_S:
        yield f"the 99th percentile of a cone is {slowest:.2f} s"
    if max(memory) > _MOST_BYTES:
        yield f"the server takes {max(memory) / 1e6:.0f} MB"
    yield from served.tracebacks()


@contextmanager
def _slow(served: Served, readers: int) -> Iterator[None]:
    """Read the whole table on so many connections, a little at a time, until the end of the block."""
    ended = threading.Event()
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for _ in range(readers):
            parameters = {"REQUEST": "queryData", "VERB": "3", "RESPONSEFORMAT": "csv"}
            connection = stack.enter_context(ask(served, "ssap", parameters))
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ)

        def read() -> None:
            while not ended.wait(_DROP_S):
                for key, _ in selector.select(0):
                    if not key.fileobj.recv(_DROP_BYTES):  # type: ignore[union-attr]
                        selector.unregister(key.fileobj)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
