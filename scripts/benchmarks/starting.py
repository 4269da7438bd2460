"""Section ``start``: the command from nothing, with a cone of 10 arcmin, against the imports that it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scripts.benchmarks.cones import centres
from scripts.benchmarks.measure import Clock
from scripts.benchmarks.registry import Options, peer

TIMES = 5


def start(command: list[str]) -> Clock:
    """Run a command some times."""
    subprocess.run(command, check=True, capture_output=True)
    with Clock() as clock:
        for _ in range(TIMES):
            subprocess.run(command, check=True, capture_output=True)
    return clock


def query(options: Options, suffix: str) -> tuple[int, Clock, int]:
    """Ask for a cone with the command."""
    ra, dec = centres(options, 1)[0]
    target = Path(options["scratch"]) / f"cone.{suffix}"
    where = ["--pos", f"{ra},{dec}", "--size", str(1 / 3), "--mirror", options["mirror"]]
    command = [str(Path(sys.executable).with_name("ssap-mirror")), "query", *where, "-o", str(target)]
    clock = start(command)
    return target.stat().st_size, clock, TIMES


@peer("start", "imports alone", agrees=False)
def imports(options: Options) -> tuple[int, Clock, int]:
    """Import duckdb, click and pyarrow."""
    return 0, start([sys.executable, "-c", "import duckdb, click, pyarrow"]), TIMES


@peer("start", "query to CSV", agrees=False)
def to_csv(options: Options) -> tuple[int, Clock, int]:
    """Write CSV."""
    return query(options, "csv")


@peer("start", "query to VOTable", agrees=False)
def to_votable(options: Options) -> tuple[int, Clock, int]:
    """Write a VOTable."""
    return query(options, "vot")
