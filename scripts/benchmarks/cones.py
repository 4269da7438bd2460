"""Section ``cone``: spectra within 10 arcmin of a place, one place after the other in a live process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from scripts.benchmarks.measure import Clock
from scripts.benchmarks.registry import Options, peer

RADIUS_ARCMIN = 10.0
CONES, WARM_UP, AT_ONCE, FOR_LSDB = 60, 5, 10_000, 10
_ORDER = 10
_MAX_RANGES = 8

Centre = tuple[float, float]


def centres(options: Options, count: int) -> list[Centre]:
    """Places of some of the targets, a few arcminutes off; the same for every peer."""
    import duckdb

    query = "SELECT DISTINCT ra, dec FROM read_parquet(?) WHERE isfinite(ra) ORDER BY hash(ra, dec) LIMIT ?"
    found = duckdb.execute(query, [options["spectra_files"], count]).fetchnumpy()
    rng = np.random.default_rng(7)
    ra = found["ra"] + rng.uniform(-0.05, 0.05, len(found["ra"]))
    dec = np.clip(found["dec"] + rng.uniform(-0.05, 0.05, len(found["dec"])), -90, 90)
    return list(zip((ra % 360).tolist(), dec.tolist(), strict=True))


def ask(places: Iterable[Centre], answer: Callable[[Centre], int], warm_up: Iterable[Centre]) -> tuple[int, Clock, int]:
    """Time an answer to one place after the other."""
    for place in warm_up:
        answer(place)
    asked = list(places)
    with Clock() as clock:
        count = sum(answer(place) for place in asked)
    return count, clock, len(asked)


@peer("cone", "hand-written DuckDB")
def by_hand(options: Options) -> tuple[int, Clock, int]:
    """Read the files and the ranges of the spatial index that a cone touches, then test the separation; all columns."""
    import duckdb
    import hpgeom
    from ssap_mirror.core.catalog import open_catalog

    catalog = open_catalog(options["mirror"])
    margin = catalog.max_offset_arcsec / 3600
    connection = duckdb.connect()
    connection.execute("SET parquet_metadata_cache = true")

    def answer(place: Centre) -> int:
        ra, dec = place
        radius = RADIUS_ARCMIN / 60
        ranges = hpgeom.query_circle(
            2**_ORDER, ra, dec, radius + margin, inclusive=True, nest=True, return_pixel_ranges=True
        ) << (2 * (29 - _ORDER))
        gaps = np.argsort(ranges[1:, 0] - ranges[:-1, 1])[::-1][: _MAX_RANGES - 1]
        cuts = np.sort(gaps) + 1
        few = [(int(part[0, 0]), int(part[-1, 1]) - 1) for part in np.split(ranges, cuts)]
        files = [
            str(part.path)
            for part in catalog.partitions
            if any(low <= part.healpix_29[1] and high >= part.healpix_29[0] for low, high in few)
        ]
        if not files:
            return 0
        in_ranges = " OR ".join(["_healpix_29 BETWEEN ? AND ?"] * len(few))
        query = (
            f"SELECT * FROM read_parquet(?) WHERE ({in_ranges}) AND "  # noqa: S608 - a count of placeholders
            "degrees(2 * asin(sqrt(sin(radians(ssa_location[2] - ?) / 2) ** 2 + cos(radians(?)) "
            "* cos(radians(ssa_location[2])) * sin(radians(ssa_location[1] - ?) / 2) ** 2))) <= ?"
        )
        values = [files, *(end for pair in few for end in pair), dec, dec, ra, radius]
        return int(connection.sql(query, params=values).to_arrow_table().num_rows)

    places = centres(options, CONES + WARM_UP)
    return ask(places[:CONES], answer, places[CONES:])


def _ours(options: Options, **columns: Any) -> tuple[list[Centre], list[Centre], Callable[[Centre], int]]:
    import ssap_query

    mirror = ssap_query.open(options["mirror"])

    def answer(place: Centre) -> int:
        found = mirror.search(pos=place, diameter=2 * RADIUS_ARCMIN / 60, **columns)
        return int(found.to_arrow().num_rows)

    places = centres(options, CONES + WARM_UP)
    return places[:CONES], places[CONES:], answer


@peer("cone", "ours, all columns")
def ours_all(options: Options) -> tuple[int, Clock, int]:
    """Search with all 98 columns."""
    places, others, answer = _ours(options, columns="all")
    return ask(places, answer, others)


@peer("cone", "ours, Arrow's allocator")
def ours_in_arrows_memory(options: Options) -> tuple[int, Clock, int]:
    """Do the same, decoding into Arrow's own memory: what `ssap_query.engine.index.file_pool` saves."""
    import pyarrow as pa

    pa.set_memory_pool = lambda pool: None
    return ours_all(options)


@peer("cone", "ours, VERB=1")
def ours_few(options: Options) -> tuple[int, Clock, int]:
    """Search with the most important columns."""
    places, others, answer = _ours(options, verb=1)
    return ask(places, answer, others)


@peer("cone", "ours, asked again", agrees=False)
def ours_again(options: Options) -> tuple[int, Clock, int]:
    """Search with all columns where the same was asked before."""
    places, _, answer = _ours(options, columns="all")
    return ask(places[:20] * 3, answer, places[:20])


@peer("cone", "ours, 10,000 at once", agrees=False)
def ours_at_once(options: Options) -> tuple[int, Clock, int]:
    """Search around 10,000 places in one call; the time is that of one place."""
    import ssap_query

    mirror = ssap_query.open(options["mirror"])
    places = np.array(centres(options, AT_ONCE))
    with Clock() as clock:
        count = int(mirror.search(pos=places, diameter=2 * RADIUS_ARCMIN / 60, verb=1).to_arrow().num_rows)
    return count, clock, len(places)


@peer("cone", "LSDB", agrees=False, needs="lsdb")
def with_lsdb(options: Options) -> tuple[int, Clock, int]:
    """Search with `cone_search`; it goes by the target's position, ours by the fibre's."""
    import dask
    import lsdb

    dask.config.set(scheduler="synchronous")
    catalogue = lsdb.open_catalog(options["lsdb"][0], columns="all")

    def answer(place: Centre) -> int:
        return len(catalogue.cone_search(*place, radius_arcsec=RADIUS_ARCMIN * 60).compute())

    places = centres(options, FOR_LSDB + 1)
    return ask(places[:FOR_LSDB], answer, places[FOR_LSDB:])
