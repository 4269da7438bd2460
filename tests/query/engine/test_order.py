"""Rows come in the order of the files, also where a long list is looked up by a join, which has no order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import ssap_query as ssap
from ssap_mirror import build_mirror
from ssap_mirror.core.schema import Column, Schema
from ssap_query.mirror.mirror import Mirror
from ssap_query.ssap.predicate import FALSE, Predicate, one_of

ROWS = 200_000
SCHEMA = Schema(
    (
        Column("id", "long", ucd="meta.id;meta.main"),
        Column("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main"),
        Column("dec", "double", unit="deg", ucd="pos.eq.dec;meta.main"),
        Column("did", "char", "*", utype="ssa:Curation.PublisherDID"),
        Column("class", "char", "*", utype="ssa:Target.Class"),
    )
)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Mirror:
    """A mirror large enough for DuckDB to read it with several threads."""
    rng = np.random.default_rng(5)
    home: Path = tmp_path_factory.mktemp("home")
    rows = {
        "id": np.arange(ROWS),
        "ra": rng.uniform(0, 360, ROWS),
        "dec": np.degrees(np.arcsin(rng.uniform(-1, 1, ROWS))),
        "did": [f"ivo://made/up?{number}" for number in range(ROWS)],
        "class": [f"class{number % 100}" for number in range(ROWS)],
    }
    build_mirror(pa.table(rows, SCHEMA.arrow_schema()).to_batches(), SCHEMA, home / "m", name="m", title="made up")
    return ssap.open("m", home)


def test_long_lists_keep_the_order(mirror: Mirror) -> None:
    everything = mirror.search().to_arrow()["id"].to_numpy()
    classes = [f"class{number}" for number in range(0, 100, 4)]
    wanted = everything[everything % 4 == 0]
    np.testing.assert_array_equal(mirror.search(TARGETCLASS=classes).to_arrow()["id"].to_numpy(), wanted)
    np.testing.assert_array_equal(mirror.search(TARGETCLASS=classes, MAXREC=500).to_arrow()["id"], wanted[:500])
    dids = [f"ivo://made/up?{number}" for number in range(0, ROWS, 2000)]
    np.testing.assert_array_equal(mirror.search(PUBDID=dids).to_arrow()["id"], everything[everything % 2000 == 0])
    np.testing.assert_array_equal(
        mirror.search(TARGETCLASS=classes, POS="180,0", SIZE=60).to_arrow()["id"],
        [n for n in mirror.search(POS="180,0", SIZE=60).to_arrow()["id"].to_pylist() if n % 4 == 0],
    )


def test_few_values_are_compared_one_by_one() -> None:
    assert one_of("{x}", ()) == FALSE
    assert one_of("{x}", ("a", "a")) == Predicate("{x} = ?::VARCHAR", ("a",))
    assert one_of("{x}", ("a", "b")).keeps_order
    many = one_of("{x}", tuple(range(9)), "DOUBLE")
    assert many == Predicate("{x} IN (SELECT unnest(?::DOUBLE[]))", (tuple(range(9)),))
    assert not many.keeps_order
    assert not (many & Predicate("{y} > 1")).keeps_order
