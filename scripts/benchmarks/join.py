"""Join by distance in ADQL with an uploaded table: beside the cross-match of the same tables, and beside DaCHS's TAP.

    .venv/bin/python -m scripts.benchmarks.join table.parquet
    scripts/dachs/up 1000 --hard --lrs 300000 --schema pairs
    .venv/bin/python -m scripts.benchmarks.join http://127.0.0.1:8080/tap#pairs.ssa_lrs

The mirror is made of the file, or of the table, which is then asked the same. The query is sent to a server in each
case, so that reading the upload and sending the pairs are part of the time. The exit code is 1 if pairs differ, if ADQL
takes more than twice the time of the cross-match in a process that lives as long as the server, or if DaCHS is not at
least 20 times slower.
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.csv
import ssap_query as ssap
from astropy.table import Table
from ssap_mirror import sync
from ssap_mirror.sources.source import RequestPolicy
from ssap_query.xmatch import Positions

from scripts.load.server import serve

_RADIUS_ARCSEC, _MOST_TIMES, _LEAST_TIMES = 1.0, 2.0, 20.0
_QUERY = (
    "SELECT s.accref, t.n FROM TAP_UPLOAD.t AS t JOIN {table} AS s"
    " ON 1 = CONTAINS(POINT('ICRS', s.ra, s.dec), CIRCLE('ICRS', t.lon, t.lat, {radius!r}))"
)


def _positions(mirror: ssap.Mirror, count: int) -> Table:
    """Make up positions: half of them beside rows, half anywhere."""
    rng = np.random.default_rng(14)
    placed = mirror.search(columns=["ra", "dec"]).to_arrow().drop_null()
    ra, dec = (placed[name].to_numpy() for name in ("ra", "dec"))
    beside = rng.choice(len(ra), count // 2)
    offset = rng.normal(0, 0.4 / 3600, (2, len(beside)))
    lat = np.clip(dec[beside] + offset[0], -90, 90)
    lon = (ra[beside] + offset[1] / np.cos(np.radians(lat))) % 360
    others = count - len(beside)
    lon = np.concatenate([lon, rng.uniform(0, 360, others)])
    lat = np.concatenate([lat, np.degrees(np.arcsin(rng.uniform(-1, 1, others)))])
    return Table({"n": np.arange(count), "lon": lon, "lat": lat}, units={"lon": "deg", "lat": "deg"})


def _asked(tap: str, table: str, upload: bytes) -> bytes:
    """Ask a TAP service; the answer as CSV."""
    query = _QUERY.format(table=table, radius=_RADIUS_ARCSEC / 3600)
    asked = {"LANG": "ADQL", "QUERY": query, "FORMAT": "csv", "MAXREC": "10000000", "UPLOAD": "t,param:t"}
    files = {"t": ("t.vot", upload, "application/x-votable+xml")}
    answer = httpx.post(f"{tap}/sync", data={"REQUEST": "doQuery", **asked}, files=files, timeout=7200)
    if answer.status_code != 200:
        message = f"{tap}: {answer.status_code} {answer.text[:500]}"
        raise SystemExit(message)
    return answer.content


def _pairs(csv: bytes) -> set[tuple[str, int]]:
    types = {"accref": pa.string(), "n": pa.int64()}
    table = pyarrow.csv.read_csv(io.BytesIO(csv), convert_options=pyarrow.csv.ConvertOptions(column_types=types))
    return set(zip(table["accref"].to_pylist(), table["n"].to_pylist(), strict=True))


def _timed(name: str, work: Callable[[], bytes], rounds: int) -> tuple[float, set[tuple[str, int]]]:
    """Median time of some work [s], and the pairs that it gives as CSV."""
    times, csv = [], b""
    for _ in range(rounds):
        began = time.perf_counter()
        csv = work()
        times.append(time.perf_counter() - began)
    middle, found = statistics.median(times), _pairs(csv)
    print(f"{name:24} {middle:8.2f} s  {len(found):,} pairs", flush=True)
    return middle, found


def _compare(given: argparse.Namespace, home: Path) -> Iterator[str]:
    tap, _, table = given.source.partition("#")
    sync("rows", source=given.source, home=home, policy=RequestPolicy(job_rows=1_000_000))
    mirror = ssap.open("rows", home)
    positions = _positions(mirror, given.positions)
    written = io.BytesIO()
    positions.write(written, format="votable")
    upload = written.getvalue()

    def matched() -> bytes:
        places = Positions("lon", "lat")
        match = mirror.crossmatch(
            positions, _RADIUS_ARCSEC, "all", columns=["accref"], other_columns=["n"], other_positions=places
        )
        csv = io.BytesIO()
        match.write(csv, format="csv")
        return csv.getvalue()

    matched()  # what is read once is read
    engine_s, pairs = _timed("cross-match", matched, given.rounds)
    with serve(home, "rows") as served:
        here = f"{served.address}/rows/tap"
        _asked(here, "spectra", upload)
        ours_s, ours = _timed("ADQL over HTTP", lambda: _asked(here, "spectra", upload), given.rounds)
    if ours != pairs:
        yield f"ADQL and the cross-match differ by {len(ours ^ pairs)} pairs"
    print(f"ADQL takes {ours_s / engine_s:.2f} times the time of the cross-match")
    if ours_s > _MOST_TIMES * engine_s:
        yield "that is too long"
    if table:
        theirs_s, theirs = _timed("DaCHS", lambda: _asked(tap, table, upload), 1)
        print(f"DaCHS takes {theirs_s / ours_s:.1f} times the time of ADQL here")
        if theirs != ours:
            yield f"ADQL and DaCHS differ by {len(ours ^ theirs)} pairs"
        if theirs_s < _LEAST_TIMES * ours_s:
            yield "that is not enough"


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="a file of rows, or URL#TABLE at DaCHS's TAP")
    parser.add_argument("--positions", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ssap-join-") as home:
        problems = list(_compare(given, Path(home)))
    for problem in problems:
        print(f"PROBLEM {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
