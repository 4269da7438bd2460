"""What holds of every answer, however the rows lie on disk and whichever way the engine takes."""

from __future__ import annotations

import math
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import ssap_query as ssap
from ssap_mirror.errors import CatalogError, ParameterError
from ssap_query.engine.plan import EngineLimits
from ssap_query.engine.rows import MemoryLimit
from ssap_query.ssap import Cone, cones_cover

POSITIONS = [
    (0.0, 90.0),
    (123.4, 89.9999),
    (0.0, -90.0),
    (0.0, 0.0),
    (359.9999999, 41.81),
    (45.0, -41.81),
    (180.0, 0.0),
]


def expected(awkward, *cones: Cone) -> list[str]:
    return sorted(i for i, row in zip(awkward.ids, awkward.rows, strict=True) if cones_cover(cones, row))


def union(centres) -> str:
    """Positions as a request has them: one region, whose rows come once."""
    return ",".join(f"{float(ra)!r},{float(dec)!r}" for ra, dec in centres)


@pytest.mark.parametrize("size", [0, 1e-6, 0.02, 1, 30, 179, 181, 300, 359.9, 360])
@pytest.mark.parametrize("pos", POSITIONS)
def test_cones_find_every_location(pos, size, any_mirror, awkward, ids_of) -> None:
    found = any_mirror.search(pos=pos, size=size, columns=["mobsid"])
    assert ids_of(found) == expected(awkward, Cone(*pos, size / 2))


def test_a_row_off_its_target_is_found_at_its_location_alone(any_mirror, awkward, ids_of) -> None:
    off = [row for row in awkward.rows if row["location"] and row["ra"] is not None and abs(row["dec"]) < 89]
    off = [row for row in off if 0.01 < row["location"][1] - row["dec"] < 0.02]
    for row in off[:5]:
        assert row["identity"] in ids_of(any_mirror.search(pos=tuple(row["location"]), size=2 / 3600))
        assert row["identity"] not in ids_of(any_mirror.search(pos=(row["ra"], row["dec"]), size=2 / 3600))
    assert len(off) > 100


def test_unplaced_rows_are_found_where_they_have_a_location(any_mirror, awkward, ids_of) -> None:
    unplaced = any_mirror.sql("SELECT mobsid FROM spectra WHERE _healpix_29 IS NULL").to_arrow()["mobsid"].to_pylist()
    rows = [row for row in awkward.rows if row["identity"] in set(unplaced) and row["location"]]
    assert len(rows) > 50
    for row in rows[:20]:
        assert row["identity"] in ids_of(any_mirror.search(pos=tuple(row["location"]), size=0.001))
    everywhere = np.array([row["location"] for row in rows if abs(row["location"][1]) <= 90])
    assert set(ids_of(any_mirror.search(pos=everywhere, size=0.001))) >= {row["identity"] for row in rows}


def test_without_a_position_every_row_is_there(any_mirror, awkward, ids_of) -> None:
    found = any_mirror.search(columns=["mobsid"])
    assert ids_of(found) == sorted(awkward.ids)
    assert found.status == "OK"


@pytest.mark.parametrize("number", [50, 51, 400])
def test_many_cones_are_the_union_of_each(number, any_mirror, awkward, ids_of) -> None:
    locations = [row["location"] for row in awkward.rows if row["location"] and abs(row["location"][1]) <= 90]
    centres = locations[::5][:number]
    assert len(centres) == number
    found = any_mirror.search(pos=union(centres), size=0.05, snr=(5, None), columns=["mobsid"])
    inside = set(expected(awkward, *(Cone(*centre, 0.025) for centre in centres)))
    fits = {row["identity"] for row in awkward.rows if row["snr"] is not None and row["snr"] >= 5}
    assert ids_of(found) == sorted(inside & fits)
    assert 0 < len(found) < len(inside)


def test_many_wide_cones(any_mirror, awkward, ids_of) -> None:
    centres = [(float(ra), float(dec)) for ra in range(0, 360, 40) for dec in (-60, -30, 0, 30, 60, 80)]
    found = any_mirror.search(pos=union(centres), size=200, columns=["mobsid"])
    assert ids_of(found) == expected(awkward, *(Cone(*centre, 100) for centre in centres))


@pytest.mark.parametrize(("number", "size"), [(3, 0.05), (60, 0.05), (60, 10), (12, 200), (60, 360)])
def test_each_row_tells_which_cones_it_lies_in(number, size, any_mirror, awkward) -> None:
    locations = [row["location"] for row in awkward.rows if row["location"] and abs(row["location"][1]) <= 90]
    centres = [*locations[::7][: number - 2], locations[0], (0.0, 90.0)]  # the first one is there twice
    inside = [
        [i for i, row in zip(awkward.ids, awkward.rows, strict=True) if cones_cover([Cone(*centre, size / 2)], row)]
        for centre in centres
    ]
    table = any_mirror.search(pos=np.array(centres), size=size, columns=["mobsid"]).to_arrow()
    assert table.schema.names == ["cone", "mobsid"]
    found = sorted(zip(*(column.to_pylist() for column in table.columns), strict=True))
    assert found == sorted((cone, identity) for cone, ids in enumerate(inside) for identity in ids)
    short = any_mirror.search(pos=np.array(centres), size=size, columns=["mobsid"], maxrec=5)
    assert (len(short), short.status) == (min(5, len(found)), "OVERFLOW" if len(found) > 5 else "OK")
    assert short.to_arrow().equals(table.slice(0, 5))


def test_unions_that_would_take_minutes_are_refused(awkward) -> None:
    mirror = awkward.open("tiny", limits=EngineLimits(pairs=1e6))
    centres = np.random.default_rng(1).uniform(0, 90, (2000, 2))
    assert len(mirror.search(pos=union(centres), size=0.1)) > 0
    with pytest.raises(ParameterError, match="POS: '2,000 positions' are regions that overlap so much"):
        mirror.search(pos=union(centres), size=180)


def test_identifiers_by_the_hundred_thousand(any_mirror, awkward) -> None:
    real = sorted({row["obs_publisher_did"] for row in awkward.rows if row["obs_publisher_did"]})
    asked = [*real[::2], *(f"ivo://nowhere/~?{number}" for number in range(100_000))]
    found = any_mirror.search(pubdid=asked, columns=["ssa_pubDID"])
    assert set(found.to_arrow()["ssa_pubDID"].to_pylist()) == set(real[::2])


def test_nan_is_not_lost_to_row_group_statistics(any_mirror, awkward, ids_of) -> None:
    # Parquet's least and largest values do not count NaN, which is above every number in dialect dachs.
    pairs = [("REQUEST", "queryData"), ("SNR", "1e9/"), ("MAXREC", "100000")]
    nan = sorted(row["identity"] for row in awkward.rows if row["snr"] is not None and not row["snr"] < 1e9)
    assert ids_of(any_mirror.ssap(pairs, "dachs", columns=["mobsid"])) == nan
    infinite = [row["identity"] for row in awkward.rows if row["snr"] == math.inf]
    assert ids_of(any_mirror.ssap(pairs, columns=["mobsid"])) == sorted(infinite)
    assert len(nan) > len(infinite) + 5


class TestOrderAndLimits:
    def test_rows_come_in_the_order_of_the_sky_unplaced_last(self, any_mirror) -> None:
        wanted = any_mirror.sql("SELECT mobsid, _healpix_29 FROM spectra").to_arrow()
        order = dict(zip(wanted["mobsid"].to_pylist(), wanted["_healpix_29"].to_pylist(), strict=True))
        for found in (any_mirror.search(snr=(1, None)), any_mirror.search(pos=(0.0, 90.0), size=2)):
            cells = [order[identity] for identity in found.to_arrow()["mobsid"].to_pylist()]
            placed = [cell for cell in cells if cell is not None]
            assert placed == sorted(placed)
            assert cells[: len(placed)] == placed
            assert len(placed) > 3

    def test_same_rows_in_the_same_order_each_time(self, awkward) -> None:
        for parameters in ({"pos": (0.0, 90.0), "size": 3}, {"snr": 10}, {"pos": (0.0, 90.0), "size": 3, "top": 20}):
            answers = [
                awkward.open(layout, cache_bytes=size).search(**parameters, maxrec=30).to_arrow()["mobsid"].to_pylist()
                for layout in ("one", "tiny")
                for size in (0, 1 << 25)
                for _ in range(2)
            ]
            assert all(answer == answers[0] for answer in answers)

    @pytest.mark.parametrize("pos", [None, (0.0, 90.0), [(0.0, 90.0), *((x / 10, 80.0) for x in range(60))]])
    def test_one_row_more_than_the_limit_is_an_overflow(self, pos, any_mirror) -> None:
        every = any_mirror.search(pos=pos, size=None if pos is None else 2, columns=["mobsid"])
        rows = len(every)
        assert rows > 10
        exact = any_mirror.search(pos=pos, size=None if pos is None else 2, maxrec=rows, columns=["mobsid"])
        assert (len(exact), exact.status, exact.truncated) == (rows, "OK", False)
        short = any_mirror.search(pos=pos, size=None if pos is None else 2, maxrec=rows - 1, columns=["mobsid"])
        assert (len(short), short.status, short.truncated) == (rows - 1, "OVERFLOW", True)
        assert short.to_arrow().equals(every.to_arrow().slice(0, rows - 1))
        assert len(list(short.batches())) >= 1

    def test_dialect_dachs_has_a_default_limit(self, corpus_mirror) -> None:
        found = corpus_mirror.ssap("REQUEST=queryData", "dachs", columns=["mobsid"])
        assert (len(found), found.status) == (10_000, "OVERFLOW")
        assert len(corpus_mirror.ssap("REQUEST=queryData", columns=["mobsid"])) == 20_000


class TestScore:
    @staticmethod
    def by_hand(row, centres, radius: float) -> float:
        separation = min(
            math.degrees(math.acos(min(1.0, max(-1.0, _cosine(*row["location"], *centre))))) for centre in centres
        )
        snr = row["snr"]
        good = snr is not None and 0 < snr < 1e30
        return 50 * (1 - separation / radius) + (50 * snr / (snr + 10) if good else 0)

    @pytest.mark.parametrize("more", [0, 60])
    def test_the_rule(self, more, any_mirror, awkward) -> None:
        rows = dict(zip(awkward.ids, awkward.rows, strict=True))
        centres = [(0.0, 90.0), *((x / 10, 60.0) for x in range(more))]
        table = any_mirror.search(pos=union(centres), size=10, columns=["mobsid", "ssa_score"]).to_arrow()
        assert table.schema.field("ssa_score").type == pa.float32()
        assert len(table) > 20
        for identity, score in zip(*(column.to_pylist() for column in table.columns), strict=True):
            assert score == pytest.approx(self.by_hand(rows[identity], centres, 5.0), abs=2e-4)

    @pytest.mark.parametrize("more", [0, 60])
    def test_top_takes_the_best_best_first(self, more, any_mirror) -> None:
        centres = [(0.0, 90.0), *((x / 10, 60.0) for x in range(more))]
        every = any_mirror.search(pos=union(centres), size=10, columns=["mobsid", "ssa_score"]).to_arrow()
        best = sorted(every["ssa_score"].to_pylist(), reverse=True)[:7]
        found = any_mirror.search(
            pos=union(centres), size=10, top=7, columns=["mobsid"]
        )  # the column need not be shown
        assert found.to_arrow().schema.names == ["mobsid"]
        scores = dict(zip(*(column.to_pylist() for column in every.columns), strict=True))
        assert [scores[i] for i in found.to_arrow()["mobsid"].to_pylist()] == pytest.approx(best, abs=1e-4)

    def test_a_cone_of_no_size_is_full_nearness(self, any_mirror, awkward) -> None:
        place = next(row["location"] for row in awkward.rows if row["location"] and abs(row["location"][1]) < 80)
        scores = any_mirror.search(pos=tuple(place), size=0).to_arrow()["ssa_score"].to_pylist()
        assert scores
        assert min(scores) >= 50

    def test_without_a_position_the_column_is_the_services(self, any_mirror) -> None:
        assert set(any_mirror.search(snr=50, columns=["ssa_score"]).to_arrow()["ssa_score"].to_pylist()) == {0.0}

    def test_dialect_dachs_has_no_score(self, any_mirror) -> None:
        found = any_mirror.search(pos=(0.0, 90.0), size=5, dialect="dachs", columns=["ssa_score"])
        assert set(found.to_arrow()["ssa_score"].to_pylist()) == {0.0}


def _cosine(ra1: float, dec1: float, ra2: float, dec2: float) -> float:
    a1, d1, a2, d2 = map(math.radians, (ra1, dec1, ra2, dec2))
    return math.sin(d1) * math.sin(d2) + math.cos(d1) * math.cos(d2) * math.cos(a1 - a2)


class TestColumns:
    def test_every_value_of_every_column(self, any_mirror, awkward) -> None:
        wanted = awkward.table.sort_by("mobsid")
        for found in (
            any_mirror.search(columns="all"),
            any_mirror.search(pos=(0.0, 0.0), size=360, dialect="ivoa", columns="all"),
        ):
            got = found.to_arrow().sort_by("mobsid")
            mine = wanted.filter(pa.compute.is_in(wanted["mobsid"], got["mobsid"]))
            for name in wanted.schema.names:
                if name != "ssa_score":
                    assert same(got[name], mine[name]), name
            assert got.schema.equals(awkward.schema.arrow_schema(), check_metadata=True)

    def test_a_small_cone_has_the_same_values(self, any_mirror, awkward) -> None:
        got = any_mirror.search(pos=(0.0, 90.0), size=1, verb=3).to_arrow().sort_by("mobsid")
        mine = awkward.table.filter(pa.compute.is_in(awkward.table["mobsid"], got["mobsid"])).sort_by("mobsid")
        assert len(got) > 10
        for name in got.schema.names:
            assert name == "ssa_score" or same(got[name], mine[name]), name

    @pytest.mark.parametrize(("verb", "columns"), [(1, 8), (2, 87), (3, 98), (None, 87)])
    def test_verbosity(self, verb, columns, any_mirror, schema) -> None:
        found = any_mirror.search(pos=(0.0, 90.0), size=0.1, verb=verb)
        assert found.schema.names == tuple(c.name for c in schema if c.verbosity <= 10 * (verb or 2))
        assert tuple(found.to_arrow().schema.names) == found.schema.names
        assert len(found.schema) == columns

    def test_by_name_in_the_given_order(self, any_mirror) -> None:
        found = any_mirror.search(pos=(0.0, 90.0), size=5, columns=["ssa_snr", "MOBSID"])
        assert found.schema.names == ("ssa_snr", "mobsid")
        assert found.to_arrow().schema.field("ssa_snr").metadata[b"ucd"] == b"stat.snr"

    @pytest.mark.parametrize("columns", [["nope"], ["ra", "ra"], [], "nope", ["ra", "RA"]])
    def test_what_is_not_there_is_told(self, columns, mirror) -> None:
        with pytest.raises(ParameterError, match="columns"):
            mirror.search(columns=columns)


def same(first: pa.ChunkedArray, second: pa.ChunkedArray) -> bool:
    """Whether values are the same, NULL and NaN kept apart."""
    return repr(first.to_pylist()) == repr(second.to_pylist())


def same_rows(first: ssap.ResultSet, second: ssap.ResultSet) -> bool:
    """Whether two answers have the same rows in the same order."""
    one, other = first.to_arrow(), second.to_arrow()
    return one.schema.equals(other.schema) and all(same(*pair) for pair in zip(one.columns, other.columns, strict=True))


def test_large_answers_are_streamed_and_counted(awkward) -> None:
    mirror = awkward.open("tiny")
    centres = [(x / 10, 60.0) for x in range(60)]
    stored = [mirror.search(verb=1), mirror.search(pos=union(centres), size=100, verb=1)]
    mirror = awkward.open("tiny", limits=EngineLimits(result=MemoryLimit(100, 1 << 30)))
    every = mirror.search(verb=1)
    assert len(every) == len(awkward.ids)
    assert sum(batch.num_rows for batch in every.batches()) == len(every)
    assert same_rows(every, every)
    assert same_rows(every, stored[0])
    short = mirror.search(verb=1, maxrec=500)
    assert (len(short), short.status, short.to_arrow().num_rows) == (500, "OVERFLOW", 500)
    many = mirror.search(pos=union(centres), size=100, verb=1)
    assert len(many) > 100
    assert same_rows(many, stored[1])


def test_what_is_kept_is_bounded(awkward) -> None:
    mirror = awkward.open("tiny", cache_bytes=300_000)
    cache = mirror.engine.cache
    for x in range(40):
        mirror.search(pos=(9.0 * x, -80.0 + 4 * x), size=3, verb=3)
        assert cache.size <= 300_000
    assert cache.size > 0
    mirror = awkward.open("tiny", cache_bytes=0)
    mirror.search(pos=(0.0, 90.0), size=3)
    assert mirror.engine.cache.size == 0


def test_a_second_cone_reads_no_file(awkward, monkeypatch) -> None:
    mirror = awkward.open("one")
    first = mirror.search(pos=(0.0, 90.0), size=1)
    monkeypatch.setattr("ssap_query.engine.index.file_pool.FilePool.borrow", None)
    assert same_rows(mirror.search(pos=(0.0, 90.0), size=1), first)
    assert len(mirror.search(pos=(10.0, 89.9), size=1.1)) > 0


def test_many_threads_at_once(awkward) -> None:
    mirror = awkward.open("tiny", cache_bytes=500_000)
    requests = [
        {"pos": (0.0, 90.0), "size": 2},
        {"snr": 50},
        {"pos": (45.0, 41.8), "size": 40},
        {"pos": [(x / 10, 60.0) for x in range(60)], "size": 50},
    ]
    expected = [mirror.search(**request) for request in requests]
    wrong = []

    def ask(number: int) -> None:
        for turn in range(6):
            which = (number + turn) % len(requests)
            if not same_rows(mirror.search(**requests[which]), expected[which]):
                wrong.append(which)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("cache_bytes", [0, 1 << 25])
@pytest.mark.parametrize("damage", ["cut", "gone", "noise"])
def test_a_damaged_file_is_one_sentence(damage, cache_bytes, tmp_path: Path, schema, awkward) -> None:
    import shutil

    shutil.copytree(awkward.home / "one", tmp_path / "one")
    mirror = ssap.open("one", tmp_path, cache_bytes=cache_bytes)
    for path in mirror.catalog.files:
        if damage == "gone":
            path.unlink()
        elif damage == "cut":
            path.write_bytes(path.read_bytes()[:-500])
        else:
            path.write_bytes(path.read_bytes()[:200] + bytes(5000))
    for parameters in ({"pos": (0.0, 90.0), "size": 1}, {"snr": 5}, {"pos": [(x, 1.0) for x in range(60)], "size": 9}):
        with pytest.raises(CatalogError, match=r"(cannot be read|is damaged).*ssap-mirror verify") as caught:
            mirror.search(**parameters).to_arrow()
        assert "\n" not in str(caught.value)
