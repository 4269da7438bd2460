"""Ask a mirror of made-up rows what nobody in their right mind would ask, and watch what happens.

Run as ``.venv/bin/python scripts/fuzz 100000 --seed 1``. Each request has to end in an answer or in a
`ParameterError` within two seconds of processor time; no word of it may reach the text of a statement; nothing may be
written. The same count and seed give the same requests. The exit code is 1 if any of that fails.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import ssap_query
from ssap_mirror.pipeline.known_services import lamost6_mrs

from scripts.fuzz.campaign import fuzz
from scripts.fuzz.hostile_requests import Requests
from scripts.fuzz.mirror import fingerprint, make_mirror
from scripts.fuzz.statements import StatementLog


def main() -> None:
    """Ask and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first request")
    parser.add_argument("--rows", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home, elsewhere = Path(scratch) / "home", Path(scratch) / "elsewhere"
        elsewhere.mkdir()
        name = make_mirror(home, options.rows)
        os.chdir(elsewhere)  # where DuckDB would put what does not fit into memory, and COPY what it is told to
        before = fingerprint(home, elsewhere)
        log = StatementLog(lamost6_mrs())
        numbers = range(options.first, options.first + options.count)
        with log.watching():
            report = fuzz(ssap_query.open(name, home), log, Requests(options.seed), numbers, tell_every=5000)
        if fingerprint(home, elsewhere) != before:
            report.problems.append("something was written")
        os.chdir("/")
    print(f"{options.count:,} requests, seed {options.seed}, in {report.elapsed_s:.0f} s")
    print(f"{options.count / report.elapsed_s:,.0f} requests/s; {report.statements} different statements")
    print(f"planted word among the bound values of {report.markers_bound:,} requests")
    report.tell_outcomes()
    print("slowest:")
    for took_s, label in report.slowest:
        print(f"  {took_s:.2f} s of processor time  {label[:150]}")
    report.end()


if __name__ == "__main__":
    main()
