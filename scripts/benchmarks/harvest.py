"""Compare a harvest with curl fetching the same slices in the same order to /dev/null.

usage: python scripts/benchmarks/harvest.py URL [--server-pid PID ...]

Prints wall and CPU times of both, and the server's CPU if its processes are named.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote, urlencode

from ssap_mirror.pipeline.known_services import lamost6_mrs
from ssap_mirror.sources.harvest.samples import BINARY2
from ssap_mirror.sources.harvest.slices import WHOLE, Slice
from ssap_mirror.sources.progress import Silent
from ssap_mirror.sources.source import RequestPolicy
from ssap_mirror.sources.ssap.source import SsapSource


def main() -> None:
    """Run both and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--server-pid", type=int, nargs="*", default=[])
    options = parser.parse_args()
    policy = RequestPolicy()
    with tempfile.TemporaryDirectory() as name:
        staging = Path(name)
        server, began, cpu = _cpu_of(options.server_pid), time.monotonic(), time.process_time()
        found = SsapSource(options.url, "bench", lamost6_mrs(), policy).harvest(staging, Silent())
        wall, cpu = time.monotonic() - began, time.process_time() - cpu
        server = _cpu_of(options.server_pid) - server
        records = [json.loads(line) for line in (staging / "journal.jsonl").read_text().splitlines()]
    radius = bool(found.record["size_is_radius"])
    urls = [_url(options.url, record, radius, policy) for record in records if record["type"] == "answer"]
    began = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    config = "".join(f'url = "{url}"\noutput = "/dev/null"\n' for url in urls)
    command = [
        "curl",
        "--silent",
        "--show-error",
        "--no-progress-meter",
        "--compressed",
        "--parallel",
        "--parallel-max",
        "2",
        "--config",
        "-",
    ]
    subprocess.run(command, input=config.encode(), check=True)
    curl_wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    curl_cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{found.rows:,} rows, {len(urls)} slices, {found.record['requests']} requests, {found.record['bytes']:,} bytes"
    )
    print(f"harvest: wall {wall:.1f} s, CPU {cpu:.1f} s, server CPU {server:.1f} s")
    print(f"curl:    wall {curl_wall:.1f} s, CPU {curl_cpu:.1f} s")
    print(f"ratio of wall times {wall / curl_wall:.2f}")


def _url(url: str, record: dict[str, object], radius: bool, policy: RequestPolicy) -> str:  # noqa: FBT001
    slice_ = Slice.from_json(record["slice"])  # type: ignore[arg-type]
    survey = str(record["sweep"]).startswith("survey")
    limit = policy.whole_table_rows if slice_ == WHOLE else policy.survey_rows
    params = [("REQUEST", "queryData"), ("RESPONSEFORMAT", BINARY2), *slice_.params(size_is_radius=radius)]
    params += [("VERB", "1" if survey else "3"), ("MAXREC", str(limit))]
    return f"{url}?{urlencode(params, quote_via=quote, safe='')}"


def _cpu_of(pids: list[int]) -> float:
    """User and system time of processes and their children that have ended [s]."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += sum(int(fields[at]) for at in (11, 12, 13, 14))
    return total / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
