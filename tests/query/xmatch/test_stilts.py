"""Pairs, and rows without a partner, are those of STILTS, in crowded tables where most rows have several neighbours.

Its symmetric pairs are ours where few rows have two neighbours. Where many have, it keeps fewer, all among ours:
we take the nearest pair of those that are free until there is none, as brute force does in `test_brute_force`.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
import ssap_query as ssap

CROWDED_ARCSEC, SPARSE_ARCSEC = 20.0, 4.0
# Ours -> what STILTS calls it
FINDS = {"best": "best1", "best-other": "best2", "symmetric": "best", "all": "all"}
JOINS = {"inner": "1and2", "left": "all1", "right": "all2", "outer": "1or2"}
CASES = [
    *((find, "inner") for find in FINDS),
    *(("symmetric", join) for join in JOINS if join != "inner"),
    ("best", "outer"),
    ("best-other", "outer"),
    ("all", "outer"),
]


def crowded(seed: int, name: str, rows: int) -> pa.Table:
    """Rows within some radii of each other, at the equator where RA begins anew."""
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(-0.02, 0.02, (2, rows))
    return pa.table({name: np.arange(rows), "ra": ra % 360, "dec": dec})


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("crowded")
    for seed, (name, rows) in enumerate((("i", 60), ("j", 45))):
        pyarrow.csv.write_csv(crowded(seed, name, rows), folder / f"{name}.csv")
    return folder / "i.csv", folder / "j.csv"


def theirs(
    stilts: Callable[..., str], tables: tuple[Path, Path], find: str, join: str, radius_arcsec: float
) -> Counter[tuple[str, str]]:
    out = tables[0].parent / f"{find}-{join}.csv"
    stilts(
        "tskymatch2", f"in1={tables[0]}", f"in2={tables[1]}", "ifmt1=csv", "ifmt2=csv", "ra1=ra", "dec1=dec", "ra2=ra",
        "dec2=dec", f"error={radius_arcsec}", f"find={find}", f"join={join}", f"out={out}", "ofmt=csv",
    )  # fmt: skip
    with out.open() as file:
        return Counter((row.get("i", ""), row.get("j", "")) for row in csv.DictReader(file))


def ours(tables: tuple[Path, Path], find: str, join: str, radius_arcsec: float) -> Counter[tuple[str, str]]:
    found = ssap.crossmatch(*tables, radius_arcsec, find, join=join).to_arrow().to_pylist()  # type: ignore[arg-type]
    return Counter(tuple("" if row.get(n) is None else str(row[n]) for n in "ij") for row in found)  # type: ignore[misc]


@pytest.mark.stilts
@pytest.mark.parametrize(("find", "join"), CASES)
def test_pairs(find: str, join: str, tables: tuple[Path, Path], stilts: Callable[..., str]) -> None:
    radius = SPARSE_ARCSEC if find == "symmetric" else CROWDED_ARCSEC
    found = ours(tables, find, join, radius)
    assert found == theirs(stilts, tables, FINDS[find], JOINS[join], radius)
    assert len(found) >= 3


@pytest.mark.stilts
def test_symmetric_pairs_of_crowded_tables(tables: tuple[Path, Path], stilts: Callable[..., str]) -> None:
    found = ours(tables, "symmetric", "inner", CROWDED_ARCSEC)
    assert theirs(stilts, tables, "best", "1and2", CROWDED_ARCSEC) <= found
    every = ours(tables, "all", "inner", CROWDED_ARCSEC)
    left, right = ({pair[side] for pair in found} for side in (0, 1))
    assert len(left) == len(right) == len(found)
    assert all(i in left or j in right for i, j in every), "no pair is left that both sides are free for"


@pytest.mark.stilts
def test_rows_without_a_partner(tables: tuple[Path, Path], stilts: Callable[..., str]) -> None:
    assert ours(tables, "anti", "inner", 20.0) == theirs(stilts, tables, "all", "1not2", 20.0)
