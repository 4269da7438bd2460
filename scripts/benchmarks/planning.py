"""Section ``plan``: what comes before the rows of a cone, where the sky has 20,000 partitions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from scripts.benchmarks.measure import Clock
from scripts.benchmarks.registry import Options, peer

PARTITIONS, ORDER, PLACES = 20_000, 6, 20
_SNAPSHOT = "20260101T000000Z"


def many_partitions(options: Options) -> Path:
    """Make a mirror whose partitions are links to the smallest one of another; only their number is real."""
    from ssap_mirror.core import layout
    from ssap_mirror.core.catalog import find_snapshot, manifest_digest, read_catalog

    mirror = Path(options["scratch"]) / "many"
    snapshot = layout.snapshots_dir(mirror) / _SNAPSHOT
    if layout.current_file(mirror).is_file():
        return mirror
    of = read_catalog(find_snapshot(options["mirror"]))
    smallest = min(of.manifest["partitions"], key=lambda item: int(item["bytes"]))
    copy = snapshot.parent / "one.parquet"
    snapshot.mkdir(parents=True)
    shutil.copyfile(of.path / smallest["path"], copy)
    partitions = []
    for npix in range(PARTITIONS):
        path = layout.partition_path(ORDER, npix)
        (snapshot / path).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / path).hardlink_to(copy)
        partitions.append({**smallest, "norder": ORDER, "npix": npix, "path": path})
    for item in of.manifest["files"]:
        (snapshot / item["path"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(of.path / item["path"], snapshot / item["path"])
    rows = PARTITIONS * int(smallest["rows"])
    content = json.dumps({**of.manifest, "partitions": partitions, "unplaced": None, "rows": rows}).encode()
    (snapshot / layout.MANIFEST).write_bytes(content)
    (snapshot / layout.MANIFEST_DIGEST).write_bytes(manifest_digest(content))
    layout.current_file(mirror).write_text(f"{_SNAPSHOT}\n")
    return mirror


@peer("plan", "open", agrees=False)
def opening(options: Options) -> tuple[int, Clock, int]:
    """Open the mirror."""
    from ssap_mirror.core.catalog import open_leased

    mirror = many_partitions(options)
    with Clock() as clock:
        catalog = open_leased(mirror)
    return len(catalog.partitions), clock, 1


def planned(options: Options, before: int, asked: int) -> tuple[int, Clock, int]:
    """Plan cones at one place after the other, each in files of its own; some before the clock runs."""
    import hpgeom
    from ssap_mirror.core.catalog import open_leased
    from ssap_query.engine.engine import Engine
    from ssap_query.mirror.answer import plan_request, read_request

    engine = Engine(open_leased(many_partitions(options)))

    def plan(number: int) -> int:
        ra, dec = hpgeom.pixel_to_angle(2**ORDER, 900 * number + 77, nest=True)
        request = [("REQUEST", "queryData"), ("POS", f"{ra},{dec}"), ("SIZE", str(1 / 3))]
        way = plan_request(engine, read_request(engine.catalog.schema, request)).way
        return 0 if way is None else len(way.query.cover.partitions)

    for number in range(before):
        plan(number)
    with Clock() as clock:
        touched = sum(plan(before + number) for number in range(asked))
    return touched, clock, asked


@peer("plan", "a cone, cold", agrees=False)
def cold(options: Options) -> tuple[int, Clock, int]:
    """Plan the first cone of a process."""
    return planned(options, 0, 1)


@peer("plan", "a cone, live", agrees=False)
def live(options: Options) -> tuple[int, Clock, int]:
    """Plan further ones."""
    return planned(options, 1, PLACES)
