"""A mirror of a billion rows, as far as it can be known without them: manifest, opening, planning, LSDB's graphs.

Run as ``.venv/bin/python -m scripts.benchmarks.billion --source parquet/mine``. The partitions are links to those of a
real mirror, so that files, footers and the manifest are of true size and number; the rows in them lie elsewhere, so
nothing is asked that would read them.
"""

from __future__ import annotations

import argparse
import json
import pickle
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ssap_query
from ssap_mirror.build.parquet_writer import file_entry
from ssap_mirror.core import layout
from ssap_mirror.core.catalog import manifest_digest, open_catalog
from ssap_mirror.core.hats_properties import format_partition_info, format_properties, parse_properties
from ssap_query.mirror.answer import plan_request, read_request

_ORDER = 6
_CONES = 200
_COLD = "import time, ssap_query; t = time.perf_counter(); m = ssap_query.open({!r}); o = time.perf_counter() - t; {}"


def make(source: Path, folder: Path, rows: int) -> Path:
    """Make the mirror: partitions of order 6 all over the sky, as many as it takes, each a link to a real one."""
    real = open_catalog(source)
    listed = real.manifest["partitions"]
    snapshot = layout.snapshots_dir(folder) / "20260101T000000Z"
    partitions: list[dict[str, Any]] = []
    held = 0
    cells = range(12 * 4**_ORDER)
    for number in cells:
        if held >= rows:
            break
        entry = listed[number % len(listed)]
        path = layout.partition_path(_ORDER, number)
        target = snapshot / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(real.path / entry["path"])
        partitions.append({**entry, "path": path, "norder": _ORDER, "npix": number})
        held += entry["rows"]
    properties = parse_properties((real.path / layout.PROPERTIES).read_text("utf-8"))
    for name in (layout.PROPERTIES, layout.PROPERTIES_OLD):
        changed = {**properties, "hats_nrows": held, "hats_order": _ORDER, "hats_skymap_order": None}
        (snapshot / name).write_text(format_properties(changed), "utf-8")
    (snapshot / layout.PARTITION_INFO).write_text(format_partition_info([(_ORDER, p["npix"]) for p in partitions]))
    shutil.copyfile(real.path / layout.COMMON_METADATA, snapshot / layout.COMMON_METADATA)
    others = (layout.PROPERTIES, layout.PROPERTIES_OLD, layout.PARTITION_INFO, layout.COMMON_METADATA)
    files = [file_entry(snapshot, path) for path in others]
    manifest = {**real.manifest, "rows": held, "partitions": partitions, "unplaced": None, "files": files}
    content = json.dumps(manifest, ensure_ascii=False, indent=1).encode() + b"\n"
    (snapshot / layout.MANIFEST).write_bytes(content)
    (snapshot / layout.MANIFEST_DIGEST).write_bytes(manifest_digest(content))
    layout.current_file(folder).write_text(snapshot.name + "\n")
    return snapshot


def told(what: str, seconds: float) -> None:
    """Print a time."""
    print(f"{what:68}{1000 * seconds:10.1f} ms")


def timed(action: Callable[[], Any]) -> tuple[float, Any]:
    """Measure the CPU time of this process [s]."""
    began = time.process_time()
    found = action()
    return time.process_time() - began, found


def measure(folder: Path) -> None:
    """Open the mirror, plan on it, and let LSDB open it and make its graphs."""
    manifest = (next(layout.snapshots_dir(folder).iterdir()) / layout.MANIFEST).stat().st_size
    took, mirror = timed(lambda: ssap_query.open(folder))
    catalog = mirror.catalog
    print(f"{catalog.rows:,} rows, {len(catalog.partitions):,} partitions, manifest {manifest / 1e6:.1f} MB")
    told("open the mirror, live process", took)
    rng = random.Random(1)
    requests = [
        read_request(mirror.schema, [("REQUEST", "queryData"), ("POS", f"{rng.uniform(0, 360)},{rng.uniform(-30, 60)}"),
                                     ("SIZE", "0.3333"), ("SNR", "20/")])
        for _ in range(_CONES)
    ]  # fmt: skip
    plans = [timed(lambda request=request: plan_request(mirror.engine, request)) for request in requests]
    told("plan a cone of 10 arcmin, median", statistics.median(took for took, _ in plans))
    touched = [len(planned.way.query.cover.partitions) for _, planned in plans if planned.way is not None]
    print(f"{'  partitions that it touches, most':68}{max(touched):10}")
    whole = read_request(mirror.schema, [("REQUEST", "queryData"), ("SNR", "20/")])
    told("plan a request without a position", timed(lambda: plan_request(mirror.engine, whole))[0])
    for what, then in (
        ("open, from nothing", ""),
        ("open and plan a cone, from nothing", "m.explain('REQUEST=queryData&POS=10,10&SIZE=0.3')"),
    ):
        code = _COLD.format(str(folder), f"{then or 'pass'}; print(time.perf_counter() - t)")
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        told(f"{what} (wall)", float(done.stdout.split()[-1]))
    on_cluster(mirror, requests[0], whole)


def on_cluster(mirror: Any, cone: Any, whole: Any) -> None:
    """Measure what LSDB and Dask take before any worker works."""
    import cloudpickle
    import lsdb  # noqa: F401  (which takes seconds, and not of these)
    from ssap_query.cluster.files import snapshot_files
    from ssap_query.cluster.way import ClusterScan

    files = snapshot_files(mirror.catalog, None, None)
    for what, parsed in (("a cone", cone), ("all partitions", whole)):
        way = ClusterScan(mirror.engine.bind(parsed.query, parsed.columns, resolve=False), None, files)
        took, catalog = timed(way.catalog)
        told(f"LSDB opens {what}", took)
        took, collection = timed(lambda catalog=catalog: catalog.to_dask_dataframe())
        graph_took, graph = timed(lambda collection=collection: dict(collection.optimize().__dask_graph__()))
        told(f"  graph of {len(graph):,} tasks", took + graph_took)
        took, text = timed(lambda graph=graph: cloudpickle.dumps(graph, pickle.HIGHEST_PROTOCOL))
        told(f"  pickled, {len(text) / 1e6:.1f} MB", took)


def main() -> None:
    """Make and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, required=True, help="a mirror with rows")
    parser.add_argument("--rows", type=float, default=1e9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "billion"
        took, _ = timed(lambda: make(options.source.absolute(), folder, int(options.rows)))
        told("made of links", took)
        measure(folder)


if __name__ == "__main__":
    main()
