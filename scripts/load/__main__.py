"""Put a server under load, in a process of its own, and see that it bears it.

    .venv/bin/python -m scripts.load leaving HOME NAME --clients 1000
    .venv/bin/python -m scripts.load slow HOME NAME --clients 100
    .venv/bin/python -m scripts.load large HOME NAME
    .venv/bin/python -m scripts.load switching --clients 64 --seconds 120

HOME is the folder of a mirror, NAME the mirror; for the first three one of 300,000 rows is meant. The exit code is 1
if anything is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from scripts.load.large import whole_tables
from scripts.load.leaving import leave
from scripts.load.server import serve
from scripts.load.slow_readers import beside_slow_readers
from scripts.load.switching import beside_switches

# A mirror of 168 files.
_ROWS, _TILE_ROWS = 20_000, 150


def _campaign(options: argparse.Namespace) -> Iterator[str]:
    if options.campaign == "switching":
        with tempfile.TemporaryDirectory() as home:
            yield from beside_switches(Path(home), options.clients, options.seconds, 2, _ROWS, _TILE_ROWS)
        return
    with serve(options.home, options.name) as served:
        if options.campaign == "leaving":
            yield from leave(served, options.clients)
        elif options.campaign == "slow":
            yield from beside_slow_readers(served, options.clients, cones=200)
        else:
            yield from whole_tables(served)


def main() -> None:
    """Run one campaign."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("campaign", choices=("leaving", "slow", "large", "switching"))
    parser.add_argument("home", type=Path, nargs="?")
    parser.add_argument("name", nargs="?")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=120)
    problems = list(_campaign(parser.parse_args()))
    for problem in problems:
        print(f"PROBLEM {problem}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
