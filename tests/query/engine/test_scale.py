"""Ten thousand positions, or a hundred thousand identifiers, cost about one scan, not as many queries."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
import ssap_query as ssap
from ssap_mirror.core.sphere import separation_arcsec

from scripts.rows import synthetic_rows

ROWS, POSITIONS, IDENTIFIERS = 60_000, 10_000, 100_000
RADIUS_DEG = 0.02
# What reading and preparing so many values may cost beside one scan; ten thousand queries are hundreds of scans.
GENEROUS = 20


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return synthetic_rows.rows(ROWS, 11, hard=True)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, table: pa.Table, schema, mirror_of) -> ssap.Mirror:
    home = tmp_path_factory.mktemp("large")
    mirror_of(table, schema, home, "large", 20_000)
    return ssap.open("large", home)


def processor_time(call: Callable[[], object]) -> float:
    """Least of three runs [s]."""
    taken = []
    for _ in range(3):
        began = time.process_time()
        call()
        taken.append(time.process_time() - began)
    return min(taken)


@pytest.fixture(scope="module")
def scan_s(large: ssap.Mirror) -> float:
    """Processor time of a scan of the whole table [s]."""
    return processor_time(lambda: large.ssap([("REQUEST", "queryData")], columns="all").to_arrow())


@pytest.fixture(scope="module")
def one_s(large: ssap.Mirror, table: pa.Table) -> float:
    """Processor time of a request for one position, of which nothing is kept [s]."""
    places = centres(table)[:20].tolist()
    requests = [[("REQUEST", "queryData"), ("POS", f"{a},{d}"), ("SIZE", repr(2 * RADIUS_DEG))] for a, d in places]
    alone = ssap.open(large.catalog.path, cache_bytes=0)
    every = processor_time(lambda: [alone.ssap(request, columns=["mobsid"]).to_arrow() for request in requests])
    return every / len(places)


def centres(table: pa.Table) -> np.ndarray:
    """Half of them near rows, half anywhere: shape (n, 2), ICRS [deg]."""
    rng = np.random.default_rng(12)
    pairs = [pair for pair in table["ssa_location"].to_pylist() if pair is not None and np.isfinite(pair).all()]
    near = np.array(pairs)[rng.choice(len(pairs), POSITIONS // 2)] + rng.normal(0, RADIUS_DEG, (POSITIONS // 2, 2))
    anywhere = np.column_stack(
        [rng.uniform(0, 360, POSITIONS // 2), np.degrees(np.arcsin(rng.uniform(-1, 1, POSITIONS // 2)))]
    )
    found = np.concatenate([near, anywhere])
    return np.column_stack([found[:, 0] % 360, np.clip(found[:, 1], -90, 90)])


def covers(asked: np.ndarray, ra: float, dec: float) -> bool:
    """Whether a place is within the radius of any of the centres, one after the other."""
    near = asked[np.abs(asked[:, 1] - dec) <= 2 * RADIUS_DEG]
    return bool((separation_arcsec(near[:, 0], near[:, 1], ra, dec) / 3600 <= RADIUS_DEG).any())


def test_ten_thousand_positions(large: ssap.Mirror, table: pa.Table, scan_s: float, one_s: float) -> None:
    asked = centres(table)
    text = ",".join(f"{ra!r},{dec!r}" for ra, dec in asked.tolist())
    request = [("REQUEST", "queryData"), ("POS", text), ("SIZE", repr(2 * RADIUS_DEG))]
    found = large.ssap(request, columns=["mobsid"])
    places = [None if pair is None else tuple(pair) for pair in table["ssa_location"].to_pylist()]
    covered = {place for place in set(places) if place is not None and covers(asked, *place)}
    expected = [name for name, place in zip(table["mobsid"].to_pylist(), places, strict=True) if place in covered]
    assert sorted(found.to_arrow()["mobsid"].to_pylist()) == sorted(expected)
    assert 1000 < len(expected) < ROWS
    taken = processor_time(lambda: large.ssap(request, columns=["mobsid"]).to_arrow())
    print(f"scan {scan_s:.3f} s, one cone {one_s:.4f} s, {POSITIONS} cones {taken:.3f} s")
    assert taken < GENEROUS * scan_s
    assert taken < POSITIONS * one_s / 10


def test_a_hundred_thousand_identifiers(large: ssap.Mirror, table: pa.Table, scan_s: float, one_s: float) -> None:
    dids = table["ssa_pubDID"].to_pylist()
    known = sorted({did for did in dids if did is not None})[::3]
    wanted = set(known)
    asked = [*known, *(f"ivo://nowhere/~?{number}" for number in range(IDENTIFIERS - len(known)))]
    expected = sorted(
        identity for identity, did in zip(table["mobsid"].to_pylist(), dids, strict=True) if did in wanted
    )
    found = large.search(pubdid=asked, columns=["mobsid"])
    assert sorted(found.to_arrow()["mobsid"].to_pylist()) == expected
    assert 0 < len(expected) < ROWS
    taken = processor_time(lambda: large.search(pubdid=asked, columns=["mobsid"]).to_arrow())
    print(f"scan {scan_s:.3f} s, {IDENTIFIERS} identifiers {taken:.3f} s")
    assert taken < GENEROUS * scan_s
    assert taken < IDENTIFIERS * one_s / 100
