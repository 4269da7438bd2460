"""Mirror a simulated service of millions of rows, and say what that took.

    python -m scripts.benchmarks.large_harvest 2000000
    python -m scripts.benchmarks.large_harvest 2000000 --obeys POS TIME BAND

What it should end in: every row live, at most 1.3 times the requests of a sweep that knew the table in advance (those
whose answers were of use, each once), and no range of BAND.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq
from ssap_mirror.core.catalog import open_catalog
from ssap_mirror.pipeline.sync import SyncReport, sync
from ssap_mirror.sources.source import RequestPolicy

from scripts.benchmarks.large_service import LargeService, made_up

__all__ = ["LargeHarvest", "run", "scaled"]

#: The size for which the limits of a policy were chosen.
FULL_SIZE = 2_000_000


@dataclass(frozen=True)
class LargeHarvest:
    """What a harvest took and came to."""

    report: SyncReport
    """Of the sync."""
    missing: int
    """Rows of the service that are not in the live snapshot."""
    requests: int
    """Requests that the service had."""
    answers: int
    """Answers that were of use: a sweep that knew the table in advance would have asked for these alone."""
    band_ranges: int
    """Requests for a range of BAND, but for the one that finds out whether it is obeyed."""
    cpu_s: float
    """CPU time of client and service [s]."""

    @property
    def ratio(self) -> float:
        """Requests in terms of those of a sweep that knew the table in advance."""
        return self.requests / self.answers

    def words(self) -> str:
        """Say it to a person."""
        figures = (
            f"{self.missing:,} rows missing, {self.requests:,} requests for {self.answers:,} answers of use "
            f"({self.ratio:.2f}), {self.band_ranges:,} ranges of BAND, {self.cpu_s:,.0f} s of CPU"
        )
        return f"{self.report.words()}\n{figures}"


def scaled(rows: int) -> RequestPolicy:
    """Limits of requests for a smaller table, so that its harvest goes the ways of one of full size."""
    policy, share = RequestPolicy(), rows / FULL_SIZE
    return replace(
        policy,
        slice_rows=max(1, int(policy.slice_rows * share)),
        request_cost_rows=max(1, int(policy.request_cost_rows * share)),
        survey_rows=max(1, int(policy.survey_rows * share)),
        whole_table_rows=int(policy.whole_table_rows * share),
        highest_maxrec=int(policy.highest_maxrec * share),
    )


def run(rows: int, obeys: tuple[str, ...], home: Path) -> LargeHarvest:
    """Mirror a service of so many rows into a folder.

    Parameters
    ----------
    rows : int
        Of the table; limits are scaled with it.
    obeys : tuple of str
        Parameters that select rows.
    home : pathlib.Path
        Of the mirrors.
    """
    share = rows / FULL_SIZE
    service = LargeService(
        made_up(rows), obeys, default_rows=max(1, int(10_000 * share)), most_rows=int(1_000_000 * share)
    )
    began = time.process_time()
    with service.running():
        report = sync("large", source=service.url, home=home, policy=scaled(rows))
    cpu_s = time.process_time() - began
    live = open_catalog("large", home) if report.snapshot is not None else None
    held = [] if live is None else [pq.read_table(path, columns=["pubdid"]).column(0) for path in live.files]
    names = {name for column in held for name in column.to_pylist()}
    there = {name.decode() for name in service.rows["pubdid"].tolist()}
    ranges = sum("BAND" in params for params in service.requests)
    return LargeHarvest(report, len(there - names), len(service.requests), report.slices, max(0, ranges - 1), cpu_s)


def main() -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int)
    parser.add_argument("--obeys", nargs="*", default=["POS", "TIME", "BAND", "SNR", "APERTURE"])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        found = run(chosen.rows, tuple(chosen.obeys), Path(home))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{found.words()}, {memory:,.0f} MB of memory")
    return int(bool(found.missing or found.band_ranges or found.ratio > 1.3))


if __name__ == "__main__":
    sys.exit(main())
