"""The whole table in each format: how soon it begins, and what it takes of memory."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
from ssap_query.arrow.formats import FORMATS

from scripts.load.server import Served, watched

__all__ = ["whole_tables"]

_MOST_BYTES, _MOST_S = 600_000_000, 2.0


def whole_tables(served: Served, most_bytes: int = _MOST_BYTES, most_s: float = _MOST_S) -> Iterator[str]:
    """Take the whole table in each format; gives what is wrong, and prints what was seen.

    Parameters
    ----------
    served : Served
        The server.
    most_bytes : int
        Memory that it may take [byte].
    most_s : float
        Longest time to the first byte of the rows' formats that need not count first [s].
    """
    for known in FORMATS:
        parameters = {"REQUEST": "queryData", "VERB": "3", "RESPONSEFORMAT": known.name}
        with watched(served) as memory:
            began, first, size = time.perf_counter(), 0.0, 0
            url = f"{served.address}/{served.name}/ssap"
            with httpx.stream("GET", url, params=parameters, timeout=600) as answer:
                for piece in answer.iter_raw():
                    first = first or time.perf_counter() - began
                    size += len(piece)
            elapsed = time.perf_counter() - began
        print(
            f"{known.name:9}  {size / 1e6:7.1f} MB, first byte after {first:5.2f} s, all in {elapsed:6.1f} s;"
            f" {max(memory) / 1e6:.0f} MB of memory"
        )
        if answer.status_code != 200:
            yield f"{known.name}: status {answer.status_code}"
        if max(memory) > most_bytes:
            yield f"{known.name}: {max(memory) / 1e6:.0f} MB of memory"
        if first > most_s and known.name != "fits":  # whose header says how many rows there are
            yield f"{known.name}: the first byte came after {first:.1f} s"
    yield from served.tracebacks()
