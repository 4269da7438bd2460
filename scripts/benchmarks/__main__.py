"""Benchmark: ours and its peers on the same tables, in the same run.

Every number is the median of ``--repeat`` rounds, each run in a process of its own. All that answer the same question
must find the same number of rows; if one does not, it is said and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.benchmarks import (
    cones,  # noqa: F401  (registers its peers, as do the next four)
    data,
    histograms,  # noqa: F401
    matching,  # noqa: F401
    planning,  # noqa: F401
    starting,  # noqa: F401
)
from scripts.benchmarks.measure import Cost, PeerFailedError, Run, cost_of, run_once
from scripts.benchmarks.registry import PEERS, Peer

FULL_ROWS, FULL_STARS = (600_000, 1_200_000, 2_900_000, 5_850_000), (1_000_000, 10_000_000)
SMALL_ROWS, SMALL_STARS = (60_000,), (100_000,)
SECTIONS = {
    "match": "for every spectrum the nearest star within a radius",
    "cone": "spectra within 10 arcmin of a place; the time is that of one place",
    "statistics": "a histogram, a count by type and a map over the whole table",
    "plan": "what comes before the rows of a cone, with 20,000 partitions; `rows` are partitions that are touched",
    "start": "the command from nothing; `rows` are bytes of output",
}
#: What the others of a section are compared with.
REFERENCE = {"match": "ours", "cone": "hand-written DuckDB", "start": "imports alone", "plan": "open"}
REFERENCE["statistics"] = "plain DuckDB, one sorted file"


def run_size(tables: data.Tables, peers: list[Peer], given: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Run peers on one pair of tables."""
    data.make(tables)
    names = {peer.name for peer in peers}
    if "STILTS" in names:
        data.make_fits(tables)
    if "LSDB" in names:
        data.make_lsdb(tables)
    if any(peer.section == "statistics" for peer in peers):
        data.make_one_file(tables)
    options = {
        "mirror": str(tables.mirror),
        "spectra_files": tables.spectra,
        "one_file": str(tables.one_file),
        "stars": str(tables.catalogue),
        "stars_files": tables.stars_files,
        "fits": [str(path) for path in tables.fits],
        "lsdb": [str(path) for path in tables.lsdb],
        "radius_arcsec": given.radius,
        "scratch": str(scratch),
    }
    costs: dict[str, dict[str, Cost]] = {}
    failed: dict[str, str] = {}
    for section in dict.fromkeys(peer.section for peer in peers):
        rivals = [peer.name for peer in peers if peer.section == section]
        found, reasons = run_rounds(section, rivals, options, given)
        costs[section] = found
        failed |= {f"{section}: {name}": reason for name, reason in reasons.items()}
    return {"rows": tables.rows, "stars": tables.stars, "costs": costs, "failed": failed}


def run_rounds(
    section: str, names: list[str], options: dict[str, Any], given: argparse.Namespace
) -> tuple[dict[str, Cost], dict[str, str]]:
    """Run the peers of a section in turn, round after round: when the machine is slow for a while, it is so for all."""
    runs: dict[str, list[Run]] = {name: [] for name in names}
    failed: dict[str, str] = {}
    for number in range(given.repeat):
        for name in names:
            if name in failed:
                continue
            print(f"  {section}, round {number + 1}: {name} ...", file=sys.stderr, flush=True)
            try:
                runs[name].append(run_once(section, name, options, given.timeout))
            except PeerFailedError as error:
                failed[name] = str(error)
    costs: dict[str, Cost] = {}
    for name in names:
        try:
            if name not in failed:
                costs[name] = cost_of(runs[name])
        except PeerFailedError as error:
            failed[name] = str(error)
    return costs, failed


def show(result: dict[str, Any]) -> bool:
    """Print the tables of one size; tell whether all found the same."""
    agree = not result["failed"]
    print(f"\n{result['rows']:,} spectra x {result['stars']:,} stars")
    for section, costs in result["costs"].items():
        reference = costs.get(REFERENCE[section])
        print(f"\n  {section}: {SECTIONS[section]}")
        print(f"  {'':32}{'wall ms':>11}{'CPU ms':>11}{'peak MB':>9}{'wall x':>8}{'CPU x':>8}  rows")
        for name, cost in costs.items():
            ratios = f"{cost.wall_s / reference.wall_s:8.2f}{cost.cpu_s / reference.cpu_s:8.2f}" if reference else ""
            print(f"  {name:32}{cost.wall_s * 1e3:11.1f}{cost.cpu_s * 1e3:11.1f}{cost.peak_mb:9.0f}{ratios:16}  "
                  f"{cost.count:,}")  # fmt: skip
        alike = {peer.name for peer in PEERS if peer.section == section and peer.agrees}
        if len({cost.count for name, cost in costs.items() if name in alike}) > 1:
            print("  THE ANSWERS DIFFER")
            agree = False
    for name, reason in result["failed"].items():
        print(f"  failed: {name}: {reason}")
    return agree


def show_growth(results: list[dict[str, Any]]) -> None:
    """Print how the CPU time of what was run at every size grows with each table, beside the growth of the table."""
    for peer in (p for p in PEERS if p.scaled):
        cpu_s = {
            (r["rows"], r["stars"]): r["costs"][peer.section][peer.name].cpu_s
            for r in results
            if peer.name in r["costs"].get(peer.section, {})
        }
        for axis, (table, beside) in enumerate((("spectra", "stars"), ("stars", "spectra"))):
            for other in sorted({size[1 - axis] for size in cpu_s}):
                sizes_along = sorted(size for size in cpu_s if size[1 - axis] == other)
                first, last = sizes_along[0], sizes_along[-1]
                if last[axis] > first[axis]:
                    grown, costlier = last[axis] / first[axis], cpu_s[last] / cpu_s[first]
                    span = f"({first[axis]:,} to {last[axis]:,}) beside {other:,} {beside}"
                    print(f"  {peer.section}, {peer.name}: {table} x {grown:.1f} {span}, CPU x {costlier:.2f}")


def machine() -> dict[str, Any]:
    """Describe what the numbers were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 1e9, 1),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def sizes(text: str) -> tuple[int, ...]:
    """Read a list of numbers such as ``6e5,5.85e6``."""
    return tuple(int(float(part)) for part in text.split(","))


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("scripts/bench", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=sizes, default=SMALL_ROWS, help="numbers of spectra, as in 6e5,5.85e6")
    parser.add_argument("--stars", type=sizes, default=SMALL_STARS, help="numbers of stars")
    parser.add_argument("--full", action="store_true", help=f"the real sizes: {FULL_ROWS} spectra x {FULL_STARS} stars")
    parser.add_argument("--radius", type=float, default=1.0, help="arcsec (default: 1)")
    parser.add_argument("--repeat", type=int, default=3, help="rounds, of which the median counts (default: 3)")
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="default: all")
    parser.add_argument("--peers", nargs="+", metavar="NAME", help="default: all that are installed")
    parser.add_argument("--timeout", type=float, default=1800.0, help="seconds a run may take (default: 1800)")
    parser.add_argument("--cache", type=Path, help="folder that keeps the tables (default: in the temporary folder)")
    parser.add_argument("--json", type=Path, help="file to write the numbers to")
    return parser.parse_args(arguments)


def write(path: Path, results: list[dict[str, Any]], given: argparse.Namespace, missing: dict[str, Any]) -> None:
    """Write the numbers as JSON."""
    document = {"machine": machine(), "synthetic": True, "radius_arcsec": given.radius, "skipped": missing}
    plain = [
        {**result, "costs": {s: {n: c.to_json() for n, c in costs.items()} for s, costs in result["costs"].items()}}
        for result in results
    ]
    path.write_text(json.dumps({**document, "results": plain}, indent=1) + "\n")


def main() -> int:
    """Make the tables, run the peers, show the costs."""
    given = parse()
    chosen = [p for p in PEERS if p.section in given.sections and (not given.peers or p.name in given.peers)]
    if unknown := sorted(set(given.peers or ()) - {p.name for p in PEERS}):
        print(f"unknown peers {unknown}; there are {sorted({p.name for p in PEERS})}", file=sys.stderr)
        return 2
    rows, stars = (FULL_ROWS, FULL_STARS) if given.full else (given.rows, given.stars)
    cache = given.cache or Path(tempfile.gettempdir()) / "ssap-mirror-bench"
    print(f"SYNTHETIC tables in {cache}; {machine()}")
    missing = {f"{p.section}: {p.name}": p.missing for p in chosen if p.missing}
    for name, reason in missing.items():
        print(f"skipped: {name}: {reason}")
    installed = [p for p in chosen if not p.missing]
    results = []
    with tempfile.TemporaryDirectory(prefix="ssap-bench-") as scratch:
        for size in [(r, s) for s in stars for r in rows]:
            print(f"{size[0]:,} x {size[1]:,}", file=sys.stderr)
            # What takes minutes is run at the largest size alone, what does not depend on the stars once.
            largest = size == (max(rows), max(stars))
            peers = [p for p in installed if largest or p.scaled or (p.section == "match" and size[0] == max(rows))]
            results.append(run_size(data.Tables(*size, cache), peers, given, Path(scratch)))
            if given.json:
                write(given.json, results, given, missing)
    agree = [show(result) for result in results]
    if len(results) > 1:
        print("\ngrowth: below the factor of the table's own size is less than linear")
        show_growth(results)
    return 0 if all(agree) else 1


if __name__ == "__main__":
    sys.exit(main())
