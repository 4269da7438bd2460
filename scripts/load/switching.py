"""Clients that ask while a mirror gets new snapshots and loses its old ones: each answer is that of one snapshot."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import httpx
from ssap_mirror import build_mirror
from ssap_mirror.core.snapshots.live import prune
from ssap_mirror.pipeline.known_services import lamost6_mrs

from scripts.load.server import Served, serve
from scripts.rows import synthetic_rows

__all__ = ["beside_switches", "build"]

_NAME = "switching"
_LOCK = threading.Lock()
_QUESTIONS: tuple[tuple[str, dict[str, str]], ...] = (
    ("ssap", {"REQUEST": "queryData", "VERB": "1", "RESPONSEFORMAT": "csv"}),
    ("ssap", {"REQUEST": "queryData", "VERB": "3", "RESPONSEFORMAT": "tsv"}),
    ("ssap", {"REQUEST": "queryData", "SNR": "100/", "RESPONSEFORMAT": "csv"}),
    ("scs", {"RA": "292", "DEC": "40", "SR": "10", "RESPONSEFORMAT": "csv"}),
    ("tap/sync", {"LANG": "ADQL", "QUERY": "SELECT COUNT(*) AS n, MAX(ra) AS m FROM spectra", "FORMAT": "csv"}),
    ("tap/sync", {"LANG": "ADQL", "QUERY": "SELECT mobsid, ra FROM spectra ORDER BY mobsid", "FORMAT": "csv"}),
    *(("ssap", {"REQUEST": "queryData", "POS": f"{ra},{dec}", "SIZE": "5", "RESPONSEFORMAT": "csv"})
      for ra, dec in ((292, 43), (56, 21), (120, 30), (10, 5))),
)  # fmt: skip


def build(home: Path, rows: int, tile_rows: int, take: int | None = None) -> int:
    """Make a snapshot of made-up rows and make it live; the number of its files."""
    batches = synthetic_rows.rows(rows, 20).slice(0, take).to_batches(max_chunksize=5000)
    source = {"kind": "file", "url": "synthetic"}
    catalog = build_mirror(
        batches, lamost6_mrs(), home / _NAME, "Made up", synthetic=True, source=source, tile_rows=tile_rows
    )
    return len(catalog.files)


def beside_switches(
    home: Path, clients: int, seconds: float, switches: int, rows: int, tile_rows: int
) -> Iterator[str]:
    """Ask from many sides while snapshots are exchanged; gives what is wrong, and prints what was seen.

    Parameters
    ----------
    home : pathlib.Path
        Empty folder for the mirror.
    clients : int
        How many ask at the same time.
    seconds : float
        For how long.
    switches : int
        How often a new snapshot goes live, and all older ones are removed.
    rows : int
        Of the first snapshot; each later one has some fewer.
    tile_rows : int
        Rows of a file, at most.
    """
    files = build(home, rows, tile_rows)
    known: dict[int, set[str]] = {number: set() for number in range(len(_QUESTIONS))}
    found: list[tuple[int, str]] = []
    outcomes: Counter[str] = Counter()
    with serve(home, _NAME) as served, ThreadPoolExecutor(clients) as pool:
        _learn(served, known)
        until = time.monotonic() + seconds
        asking = [pool.submit(_ask_on, served, seed, until, found, outcomes) for seed in range(clients)]
        for number in range(1, switches + 1):
            time.sleep(seconds / (switches + 1))
            build(home, rows, tile_rows, rows - 7 * number)
            removed = prune(home / _NAME, 0)
            print(f"switch {number}: removed {len(removed)} snapshots")
            _learn(served, known)
        for task in asking:
            task.result()
        tracebacks = served.tracebacks()
    wrong = [_QUESTIONS[number] for number, digest in found if digest not in known[number]]
    print(f"{clients} clients, {seconds:g} s, {switches} switches, {files} files: {dict(outcomes)}, {len(wrong)} wrong")
    yield from (f"{count} times: {outcome}" for outcome, count in outcomes.items() if outcome != "answered")
    yield from (f"an answer of no snapshot: {question}" for question in wrong[:5])
    yield from tracebacks


def _learn(served: Served, known: dict[int, set[str]]) -> None:
    """Ask each question while one snapshot is live, which the SHA-256 of the answer then stands for."""
    for number, (path, parameters) in enumerate(_QUESTIONS):
        answer = httpx.get(f"{served.address}/{served.name}/{path}", params=parameters, timeout=300)
        known[number].add(hashlib.sha256(answer.raise_for_status().content).hexdigest())


def _ask_on(served: Served, seed: int, until: float, found: list[tuple[int, str]], outcomes: Counter[str]) -> None:
    rng = Random(seed)
    with httpx.Client(timeout=300) as client:
        while time.monotonic() < until:
            number = rng.randrange(len(_QUESTIONS))
            path, parameters = _QUESTIONS[number]
            try:
                answer = client.get(f"{served.address}/{served.name}/{path}", params=parameters)
                failed = answer.status_code != 200 or 'value="ERROR"' in answer.text[:2000]
                outcome = f"status {answer.status_code}: {answer.text[:300]}" if failed else "answered"
            except httpx.HTTPError as error:
                outcome = f"{type(error).__name__}: {error}"
            with _LOCK:
                outcomes[outcome] += 1
                if outcome == "answered":
                    found.append((number, hashlib.sha256(answer.content).hexdigest()))
