"""Clients that leave in the middle of an answer, one after the other: nothing of theirs may stay behind."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

from scripts.load.server import Served, ask

__all__ = ["FORMATS", "leave"]

#: Formats that are asked for in turn.
FORMATS = ("votable", "binary2", "csv", "tsv", "ecsv", "fits", "json", "parquet", "text", "html")
# What a server may have more of at the end than after its first clients.
_MORE_FILES, _MORE_BYTES = 10, 150 << 20
_SETTLED_S = 30.0


def leave(served: Served, clients: int, warm: int = 50) -> Iterator[str]:
    """Ask for the whole table, take a part of it and go; gives what is wrong, and prints what was seen.

    Parameters
    ----------
    served : Served
        A mirror whose whole table is much more than a connection takes unread.
    clients : int
        How many.
    warm : int
        How many come first, to fill the server's caches.
    """
    formats = itertools.cycle(FORMATS)
    _come_and_go(served, itertools.islice(formats, warm))
    files, memory = _settled(served, served.open_files)
    print(f"after {warm} clients: {files} files, {memory / 1e6:.0f} MB")
    began = time.monotonic()
    _come_and_go(served, itertools.islice(formats, clients))
    files_after, memory_after = _settled(served, files)
    elapsed = time.monotonic() - began
    print(f"after {clients} more: {files_after} files, {memory_after / 1e6:.0f} MB, in {elapsed:.0f} s")
    if files_after > files + _MORE_FILES:
        yield f"{files_after - files} more files are open"
    if memory_after > memory + _MORE_BYTES:
        yield f"{(memory_after - memory) / 1e6:.0f} MB more are held"
    yield from served.tracebacks()


def _come_and_go(served: Served, formats: Iterator[str]) -> None:
    for name in formats:
        with ask(served, "ssap", {"REQUEST": "queryData", "VERB": "3", "RESPONSEFORMAT": name}) as connection:
            connection.recv(2000)


def _settled(served: Served, wanted: int) -> tuple[int, int]:
    """Files and memory, when what clients have left had time to go."""
    until = time.monotonic() + _SETTLED_S
    while served.open_files > wanted and time.monotonic() < until:
        time.sleep(0.2)
    time.sleep(1)
    return served.open_files, served.memory_bytes
