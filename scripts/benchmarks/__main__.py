"""Cross-match benchmark: ours and its peers on the same tables, in the same run.

Every number is the median of `--repeat` runs, each in a process of its own. All that answer the same question must
find the same number of rows; if one does not, it is said and the exit code is 1.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import data
from measure import Cost, PeerFailedError, run_peer
from peers import PEERS

FULL_ROWS, FULL_STARS = (600_000, 1_200_000, 2_900_000, 5_850_000), (1_000_000, 10_000_000)
SMALL_ROWS, SMALL_STARS = (60_000,), (100_000,)
NEEDS = {"polars": "polars", "cKDTree": "scipy", "astropy": "astropy", "LSDB": "lsdb"}
#: Not an answer to the common question.
APART = ("floor", "ours with motions")
#: What grows with the tables is shown for these; the others are run at the largest size alone.
SCALED = ("floor", "ours", "ours written")


def available() -> tuple[list[str], dict[str, str]]:
    """Peers that are installed, and why others are not run."""
    missing = {
        name: f"{module} is not installed" for name, module in NEEDS.items() if not importlib.util.find_spec(module)
    }
    if shutil.which("stilts") is None:
        missing["STILTS"] = "the stilts command is not installed (Debian: apt-get install stilts)"
    return [name for name in PEERS if name not in missing], missing


def run_size(tables: data.Tables, names: list[str], given: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Run peers on one pair of tables."""
    data.make(tables)
    if "STILTS" in names:
        data.make_fits(tables)
    if "LSDB" in names:
        data.make_lsdb(tables)
    options = {
        "mirror": str(tables.mirror),
        "spectra_files": tables.spectra,
        "stars": str(tables.catalogue),
        "stars_files": tables.stars_files,
        "fits": [str(path) for path in tables.fits],
        "lsdb": [str(path) for path in tables.lsdb],
        "radius_arcsec": given.radius,
        "scratch": str(scratch),
    }
    costs: dict[str, Cost] = {}
    failed: dict[str, str] = {}
    for name in names:
        print(f"  {name} ...", file=sys.stderr, flush=True)
        try:
            costs[name] = run_peer(name, options, given.repeat, given.timeout)
        except PeerFailedError as error:
            failed[name] = str(error)
    return {"rows": tables.rows, "stars": tables.stars, "costs": costs, "failed": failed}


def show(result: dict[str, Any]) -> bool:
    """Print the table of one size; tell whether all found the same."""
    costs: dict[str, Cost] = result["costs"]
    ours, floor = costs.get("ours"), costs.get("floor")
    print(f"\n{result['rows']:,} spectra x {result['stars']:,} stars")
    print(f"  {'':26}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'x ours':>9}{'x floor':>9}  rows found")
    for name, cost in costs.items():
        ratio = f"{cost.wall_s / ours.wall_s:9.2f}" if ours else " " * 9
        above = f"{cost.wall_s / floor.wall_s:9.2f}" if floor else " " * 9
        found = "" if name == "floor" else f"{cost.count:,}"
        print(f"  {name:26}{cost.wall_s:9.3f}{cost.cpu_s:9.3f}{cost.peak_mb:9.0f}{ratio}{above}  {found}")
    for name, reason in result["failed"].items():
        print(f"  {name:26}failed: {reason}")
    answers = {cost.count for name, cost in costs.items() if name not in APART}
    if len(answers) > 1:
        print("  THE ANSWERS DIFFER")
    return len(answers) <= 1 and not result["failed"]


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
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, of which the median counts (default: 3)")
    parser.add_argument("--peers", help="names, separated by commas (default: all that are installed)")
    parser.add_argument("--timeout", type=float, default=1800.0, help="seconds a run may take (default: 1800)")
    parser.add_argument("--cache", type=Path, help="folder that keeps the tables (default: in the temporary folder)")
    parser.add_argument("--json", type=Path, help="file to write the numbers to")
    return parser.parse_args(arguments)


def main() -> int:
    """Make the tables, run the peers, show the costs."""
    given = parse()
    names, missing = available()
    if given.peers:
        wanted = [name.strip() for name in given.peers.split(",")]
        if unknown := [name for name in wanted if name not in PEERS]:
            print(f"unknown peers {unknown}; there are {', '.join(PEERS)}", file=sys.stderr)
            return 2
        names, missing = [n for n in names if n in wanted], {n: why for n, why in missing.items() if n in wanted}
    rows, stars = (FULL_ROWS, FULL_STARS) if given.full else (given.rows, given.stars)
    cache = given.cache or Path(tempfile.gettempdir()) / "ssap-mirror-bench"
    print(f"SYNTHETIC tables in {cache}; {machine()}")
    for name, reason in missing.items():
        print(f"skipped: {name}: {reason}")
    results = []
    with tempfile.TemporaryDirectory(prefix="ssap-bench-") as scratch:
        for size in [(r, s) for s in stars for r in rows]:
            print(f"{size[0]:,} x {size[1]:,}", file=sys.stderr)
            # Peers that take minutes are run at the largest number of spectra alone.
            chosen = [name for name in names if size[0] == max(rows) or name in SCALED]
            results.append(run_size(data.Tables(*size, cache), chosen, given, Path(scratch)))
            if given.json:
                document = {"machine": machine(), "synthetic": True, "radius_arcsec": given.radius, "skipped": missing}
                plain = [{**r, "costs": {n: c.to_json() for n, c in r["costs"].items()}} for r in results]
                given.json.write_text(json.dumps({**document, "results": plain}, indent=1) + "\n")
    agree = [show(result) for result in results]
    return 0 if all(agree) else 1


if __name__ == "__main__":
    sys.exit(main())
