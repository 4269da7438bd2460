"""What is kept between requests: within its budget, the least recently used first, and never a wrong answer."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import ssap_query as ssap
from ssap_query.engine.snapshot_cache import DEFAULT_CACHE_BYTES, VALUE_BYTES, SnapshotCache

THREADS, TURNS = 8, 12
_ROOM_FOR_ALL = 64_000_000


def of_size(size: int) -> str:
    return "x" * size


class TestEviction:
    def test_a_value_is_loaded_once(self) -> None:
        cache = SnapshotCache(10_000)
        values = iter(["first", "second"])
        assert [cache.get(("a",), lambda: next(values), len) for _ in range(3)] == ["first"] * 3
        assert cache.size == len("first") + VALUE_BYTES

    def test_the_least_recently_used_goes_first_whatever_its_kind(self) -> None:
        cache = SnapshotCache(4 * (VALUE_BYTES + 100))
        cache.get(("number", 1), lambda: of_size(100), len)
        cache.add_parts(("parts", 1), {"a": of_size(50), "b": of_size(50)}, len)  # two values
        cache.get(("number", 2), lambda: of_size(100), len)
        cache.get(("number", 1), lambda: pytest.fail("is kept"), len)
        assert dict(cache.parts(("parts", 1)))
        cache.get(("number", 3), lambda: of_size(200), len)
        assert cache.sizes() == {
            "parts": 2 * VALUE_BYTES + 100,
            "number": 2 * VALUE_BYTES + 300,
        }
        assert cache.get(("number", 2), lambda: "gone", len) == "gone"  # which puts number 1 out
        assert cache.get(("number", 3), lambda: "new", len) == of_size(200)
        assert dict(cache.parts(("parts", 1))) == {"a": of_size(50), "b": of_size(50)}

    def test_parts_are_added_to_and_go_together(self) -> None:
        cache = SnapshotCache(3 * (VALUE_BYTES + 100))
        cache.add_parts(("group", 1), {"a": of_size(100)}, len)
        cache.add_parts(("group", 2), {"a": of_size(100)}, len)
        cache.add_parts(("group", 1), {"a": "not this", "b": of_size(100)}, len)
        assert dict(cache.parts(("group", 1))) == {"a": of_size(100), "b": of_size(100)}
        assert cache.size == cache.max_bytes
        cache.add_parts(("group", 2), {"b": of_size(1)}, len)
        assert not cache.parts(("group", 1))
        assert cache.size == 2 * VALUE_BYTES + 101

    def test_what_is_too_large_puts_nothing_out(self) -> None:
        cache = SnapshotCache(1000)
        cache.get(("small",), lambda: of_size(10), len)
        assert cache.get(("large",), lambda: of_size(1000), len) == of_size(1000)
        assert cache.get(("small",), lambda: "another", len) == of_size(10)
        assert cache.sizes() == {"small": 10 + VALUE_BYTES}

    def test_a_part_too_many_puts_out_what_it_belongs_to(self) -> None:
        cache = SnapshotCache(1000)
        cache.add_parts(("group",), {"a": of_size(10)}, len)
        cache.add_parts(("group",), {"b": of_size(700)}, len)
        assert (cache.size, dict(cache.parts(("group",)))) == (0, {})

    def test_values_that_are_missing_are_loaded_together(self) -> None:
        cache = SnapshotCache(10_000)
        loads = []

        def load(keys):
            loads.append(list(keys))
            return {key: str(key[1]) for key in keys}

        keys = [("n", number) for number in range(4)]
        cache.get_all(keys[1:2], load, len)
        assert cache.get_all([*keys, *keys], load, len) == {key: str(key[1]) for key in keys}
        assert loads == [keys[1:2], [keys[0], *keys[2:]]]

    def test_without_a_budget_nothing_is_kept(self) -> None:
        cache = SnapshotCache(0)
        values = iter([1, 2])
        assert [cache.get(("a",), lambda: next(values), lambda _: 0) for _ in range(2)] == [1, 2]
        cache.add_parts(("b",), {"c": 1}, lambda _: 0)
        assert (cache.size, cache.sizes(), cache.parts(("b",))) == (0, {}, {})

    def test_a_dropped_cache_keeps_nothing_more(self) -> None:
        cache = SnapshotCache(10_000)
        cache.get(("a",), lambda: 1, lambda _: 8)
        cache.get(("b",), lambda: cache.drop(), lambda _: 8)  # dropped while something is loaded
        cache.add_parts(("c",), {"d": 1}, lambda _: 8)
        assert (cache.size, cache.sizes(), cache.max_bytes) == (0, {}, 0)
        assert cache.get(("a",), lambda: 2, lambda _: 8) == 2


class TestThreads:
    def test_one_thread_loads_what_several_ask_for(self) -> None:
        cache = SnapshotCache(10_000)
        begun, go_on = threading.Event(), threading.Event()
        loads = []

        def load(keys):
            loads.append(list(keys))
            begun.set()
            assert go_on.wait(60)
            return {key: key[0] * 2 for key in keys}

        with ThreadPoolExecutor(THREADS) as pool:
            first = pool.submit(cache.get_all, [("a",), ("b",)], load, len)
            assert begun.wait(60)
            others = [pool.submit(cache.get_all, [("b",), ("c",)], load, len) for _ in range(4)]
            # The lock is free while values are loaded.
            assert cache.get(("d",), lambda: "d", len) == "d"
            assert cache.size == 1 + VALUE_BYTES
            go_on.set()
            assert first.result(60) == {("a",): "aa", ("b",): "bb"}
            assert [other.result(60) for other in others] == [{("b",): "bb", ("c",): "cc"}] * 4
        assert sorted(loads) == [[("a",), ("b",)], [("c",)]]

    def test_who_waited_for_a_failure_tries_for_itself(self) -> None:
        cache = SnapshotCache(10_000)
        begun, go_on = threading.Event(), threading.Event()

        def fail():
            begun.set()
            assert go_on.wait(60)
            message = "the first one fails"
            raise OSError(message)

        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(cache.get, ("a",), fail, len)
            assert begun.wait(60)
            second = pool.submit(cache.get, ("a",), lambda: "found", len)
            go_on.set()
            with pytest.raises(OSError, match="the first one fails"):
                first.result(60)
            assert second.result(60) == "found"
        assert cache.get(("a",), lambda: pytest.fail("is kept"), len) == "found"

    def test_the_budget_holds_at_every_instant(self) -> None:
        cache = SnapshotCache(40 * VALUE_BYTES)
        done = threading.Event()
        largest = [0]

        def watch() -> None:
            while not done.is_set():
                largest.append(cache.size)

        def work(seed: int) -> None:
            rng = random.Random(seed)
            for _ in range(2000):
                number = rng.randrange(60)
                size = number * VALUE_BYTES // 20
                if number % 2:
                    assert cache.get(("value", number), lambda n=number: n, lambda _, s=size: s) == number
                else:
                    cache.add_parts(("parts", number % 8), {str(number): number}, lambda _, s=size: s)
                    parts = cache.parts(("parts", number % 8))
                    assert all(int(name) == part for name, part in parts.items())

        with ThreadPoolExecutor(THREADS + 1) as pool:
            watching = pool.submit(watch)
            works = [pool.submit(work, seed) for seed in range(THREADS)]
            for each in works:
                each.result(300)
            done.set()
            watching.result(60)
        assert 20 * VALUE_BYTES < max(largest) <= cache.max_bytes
        assert cache.size == sum(cache.sizes().values())


STATEMENTS = [
    "SELECT objtype, count(*) AS n FROM spectra GROUP BY objtype ORDER BY n, objtype",
    "SELECT count(*) AS n, min(ssa_snr) AS low, max(ssa_snr) AS high FROM spectra WHERE ssa_snr < 50",
    "SELECT healpix(2) AS cell, count(*) AS n FROM spectra GROUP BY ALL ORDER BY cell",
    "SELECT count(ra) AS n, min(dec) AS low FROM spectra",
]


def rows(result: ssap.ResultSet) -> list[str]:
    """Rows as text, NULL and NaN kept apart; sorted, for a scan with a list of words gives them in any order."""
    return sorted(map(repr, result.to_arrow().to_pylist()))


def cone(rng: random.Random, centre: list[float]) -> dict[str, object]:
    """A cone, some with a further condition, some with all columns."""
    asked: dict[str, object] = {"pos": tuple(centre), "size": rng.choice([0.01, 1.0, 5.0, 20.0])}
    asked |= rng.choice([{}, {"snr": 20}, {"targetclass": "star"}])
    return asked | rng.choice([{"verb": 1}, {"verb": 2}, {"columns": "all"}])


@pytest.mark.parametrize(("layout", "cache_bytes"), [("one", 150_000), ("tiny", 2_000_000), ("one", _ROOM_FOR_ALL)])
def test_threads_find_what_a_mirror_without_a_cache_finds(layout: str, cache_bytes: int, awkward) -> None:
    rng = random.Random(cache_bytes)
    bare, mirror = awkward.open(layout, cache_bytes=0), awkward.open(layout, cache_bytes=cache_bytes)
    centres = [row["location"] for row in awkward.rows if row["location"] and abs(row["location"][1]) <= 90]
    cones = [cone(rng, rng.choice(centres)) for _ in range(12)]
    expected = [rows(bare.search(**asked)) for asked in cones]
    counted = [rows(bare.sql(text)) for text in STATEMENTS]
    assert bare.engine.cache.size == 0
    assert sum(map(bool, expected)) > 6
    cache = mirror.engine.cache

    def ask(seed: int) -> None:
        turns = random.Random(seed)
        for _ in range(TURNS):
            number = turns.randrange(len(cones) + len(STATEMENTS))
            if number < len(cones):
                assert rows(mirror.search(**cones[number])) == expected[number]
            else:
                which = number - len(cones)
                assert rows(mirror.sql(STATEMENTS[which])) == counted[which]
            assert cache.size <= cache_bytes

    with ThreadPoolExecutor(THREADS) as pool:
        for asking in [pool.submit(ask, seed) for seed in range(THREADS)]:
            asking.result(600)
    assert 0 < cache.size == sum(cache.sizes().values())
    if cache_bytes == _ROOM_FOR_ALL:
        assert {"decoded", "whole column", "footer", "constants", "Arrow schema"} <= set(cache.sizes())


def test_a_snapshot_is_read_on_when_its_cache_is_dropped(tmp_path: Path, awkward, mirror_of) -> None:
    mirror_of(awkward.table.slice(0, 400), awkward.schema, tmp_path, "grows", 50)
    mirror = ssap.open("grows", tmp_path)
    asked = {"pos": (0.0, 42.0), "size": 90, "columns": "all"}
    large = mirror.search(columns="all")
    expected = rows(mirror.search(**asked)), rows(mirror.sql(STATEMENTS[0])), rows(large)
    old = mirror.engine
    assert old.cache.size > 0
    mirror_of(awkward.table.slice(0, 500), awkward.schema, tmp_path, "grows", 50)
    assert mirror.refresh()
    assert (old.cache.size, old.cache.max_bytes) == (0, 0)
    assert mirror.engine.cache.max_bytes == DEFAULT_CACHE_BYTES
    assert len(mirror.search(columns=["mobsid"])) == 500
    assert rows(large) == expected[2]
    before = ssap.open(old.catalog.path)
    before.search(**asked)
    before.engine.drop()
    assert (rows(before.search(**asked)), rows(before.sql(STATEMENTS[0]))) == expected[:2]
    assert before.engine.cache.size == 0
