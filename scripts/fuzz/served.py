"""Send a server over HTTP what no client sends, and see that it answers, and answers others as before.

Run as ``.venv/bin/python -m scripts.fuzz.served 50000 --seed 1``. The server runs in a process of its own, as
``ssap-mirror serve`` starts it. Each request has to be answered, or its connection closed, within a minute; no answer
may have a status of 500 or above but 503, or name a folder of this machine; nothing may be written into the mirror;
the server may write no traceback, and has to answer a question at the end as it did at the beginning. The same count
and seed give the same requests. The exit code is 1 if any of that fails.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from ssap_mirror.core import layout

from scripts.fuzz.http_requests import HttpRequests
from scripts.fuzz.mirror import fingerprint, make_mirror
from scripts.load.server import Served, serve

__all__ = ["Report", "campaign"]

_ROWS = 300
# How long an answer is waited for [s], and one to a request that does not say where it ends.
_WAIT_S, _LEAVE_S = 60.0, 1.0
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
_QUESTION = {"REQUEST": "queryData", "VERB": "2", "RESPONSEFORMAT": "csv"}


@dataclass
class Report:
    """What happened."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """Status, or another word -> how many requests ended so."""
    problems: list[str] = field(default_factory=list)
    """Everything that must not happen, a sentence each."""


def campaign(folder: Path, seed: int, numbers: Sequence[int], tell_every: int = 0) -> Report:
    """Send requests and look at the answers.

    Parameters
    ----------
    folder : pathlib.Path
        An empty one, for the mirror and the server's cache.
    seed : int
        Of the requests.
    numbers : sequence of int
        Which ones.
    tell_every : int
        After how many requests the progress is told on stderr; 0 is never.
    """
    report, home = Report(), folder / "home"
    name = make_mirror(home, _ROWS)
    os.environ[layout.CACHE_VARIABLE] = str(folder / "cache")
    before = fingerprint(home / name / "snapshots")
    requests = HttpRequests(seed, name)
    with serve(home, name) as served:
        wanted = _question(served)
        for count, number in enumerate(numbers, 1):
            request, ends = requests.make(number)
            outcome, answer = _send(served, request, _WAIT_S if ends else _LEAVE_S)
            if not ends and outcome == "no answer in time":
                outcome = "left"
            report.outcomes[outcome] += 1
            if outcome == "no answer in time" or (outcome.startswith("5") and outcome != "503"):
                report.problems.append(f"request {number}: {outcome}: {request[:500]!r}: {answer[:500]!r}")
            if str(folder).encode() in answer or b"Traceback" in answer:
                report.problems.append(f"request {number}: tells of this machine: {request[:500]!r}: {answer[:800]!r}")
            if tell_every and count % tell_every == 0:
                print("\n".join([f"{count:,} requests", *report.problems]), file=sys.stderr, flush=True)
        if _question(served) != wanted:
            report.problems.append("the server answers otherwise than before")
        report.problems += served.tracebacks()
    if fingerprint(home / name / "snapshots") != before:
        report.problems.append("something was written into the mirror")
    return report


def _question(served: Served) -> str:
    return httpx.get(f"{served.address}/{served.name}/ssap", params=_QUESTION, timeout=_WAIT_S).text


def _send(served: Served, request: bytes, wait_s: float) -> tuple[str, bytes]:
    """Send a request and read until the server closes the connection; its status, or what became of it."""
    until = time.monotonic() + wait_s
    answer = b""
    with socket.create_connection(("127.0.0.1", served.port), timeout=wait_s) as connection:
        try:
            connection.sendall(request.replace(b"Host: 127.0.0.1", f"Host: 127.0.0.1:{served.port}".encode(), 1))
            while piece := connection.recv(1 << 20):
                answer += piece
                if time.monotonic() > until:
                    return "no answer in time", answer
        except TimeoutError:
            return "no answer in time", answer
        except OSError:
            pass  # it was closed before all was sent
    found = _STATUS.match(answer)
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"content-encoding: gzip" in head.lower() and b"chunked" not in head.lower() and body:
        answer = gzip.decompress(body)
    return found[1].decode() if found else "closed without a word", answer


def main() -> None:
    """Send and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first request")
    options = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        numbers = range(options.first, options.first + options.count)
        report = campaign(Path(folder), options.seed, numbers, tell_every=1000)
    print(f"{options.count:,} requests, seed {options.seed}, in {time.perf_counter() - began:.0f} s")
    for outcome, count in report.outcomes.most_common():
        print(f"{count:9,}  {outcome}")
    for problem in report.problems:
        print(f"PROBLEM {problem}")
    sys.exit(1 if report.problems else 0)


if __name__ == "__main__":
    main()
