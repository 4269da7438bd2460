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


def query(options: Options, suffix: str, before: str | None = None) -> tuple[int, Clock, int]:
    """Ask for a cone with the command, or with what it calls after some other statements."""
    ra, dec = centres(options, 1)[0]
    target = Path(options["scratch"]) / f"cone.{suffix}"
    where = ["--pos", f"{ra},{dec}", "--size", str(1 / 3), "--mirror", options["mirror"]]
    called = [sys.executable, "-c", f"{before}; from ssap_query.cli import command; command()"]
    program = [str(Path(sys.executable).with_name("ssap-mirror"))] if before is None else called
    clock = start([*program, "query", *where, "-o", str(target)])
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


@peer("start", "query to CSV, garbage collected", agrees=False)
def collected_at_the_end(options: Options) -> tuple[int, Clock, int]:
    """Write CSV, and let Python look for garbage when it ends: what `ssap_query.cli.app.command` saves."""
    return query(options, "csv", "import gc; gc.freeze = lambda: None")


@peer("start", "query to CSV, pyarrow.compute", agrees=False)
def with_wrapped_kernels(options: Options) -> tuple[int, Clock, int]:
    """Write CSV, and import pyarrow.compute: what `ssap_query.arrow.kernels` saves."""
    return query(options, "csv", "import pyarrow.compute")
