"""Joins by distance against every pair measured, at poles and seams, of every kind of join; and how they are run."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import ssap_query as ssap
from ssap_query.adql.database import AdqlDatabase
from ssap_query.adql.language.translate import translate
from ssap_query.adql.tables.table import AdqlTable, Tables
from ssap_query.adql.tables.uploads import upload

from .test_places import angle, unit

RADII = [0.0, 1 / 3600, 0.05, 2.0, 20.0]


def sky(seed: int, rows: int) -> pa.Table:
    """Positions all over the sky, and many near poles, seams and each other; some missing."""
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(0, 360, rows), np.degrees(np.arcsin(rng.uniform(-1, 1, rows)))
    near = np.arange(rows) % 3 == 0
    shared = np.random.default_rng(99)
    places = [(0, 90), (0, -90), (359.9999, 0), (0.0001, 0), (12, 89.99), (192, 89.98), (90, -89.999), (180, 45)]
    chosen = np.array(places)[shared.integers(0, len(places), rows)]
    ra[near] = (chosen[near, 0] + rng.normal(0, 0.01, near.sum())) % 360
    dec[near] = np.clip(chosen[near, 1] + rng.normal(0, 0.01, near.sum()), -90, 90)
    ra[5], dec[7] = np.nan, np.nan
    ids = np.arange(rows)
    ra[8] -= 360  # the same place
    return pa.table({"id": ids, "ra": pa.array(ra, mask=ids % 50 == 11), "dec": dec})


def pairs(left: pa.Table, right: pa.Table, radius: float) -> set[tuple[int, int]]:
    def vectors(table: pa.Table) -> np.ndarray:
        return unit(table["ra"].to_numpy(), table["dec"].to_numpy())

    separation = angle(vectors(left)[:, None, :], vectors(right)[None, :, :])
    return set(zip(*map(np.ndarray.tolist, np.nonzero(separation <= radius + 1e-10)), strict=True))


LEFT, RIGHT = sky(1, 600), sky(2, 400)


@pytest.fixture(scope="module")
def database() -> AdqlDatabase:
    def table(name: str, rows: pa.Table) -> AdqlTable:
        made = upload(name, rows)
        return AdqlTable(f"x.{name}", made.columns, made.rows, data=made.data)

    # As real tables, NaN is not in them.
    clean = [pa.table({n: pa.array(t[n].to_pylist(), from_pandas=True) for n in t.column_names}) for t in (LEFT, RIGHT)]
    return AdqlDatabase(Tables([table("a", clean[0]), table("b", clean[1])], "x"))


CONDITIONS = [
    "1 = CONTAINS(POINT('ICRS', a.ra, a.dec), CIRCLE('ICRS', b.ra, b.dec, {radius}))",
    "INTERSECTS(CIRCLE(a.ra, a.dec, {radius}), POINT(b.ra, b.dec)) = 1",
    "DISTANCE(POINT(b.ra, b.dec), POINT(a.ra, a.dec)) <= {radius} + 1e-10",
]


def pairs_of(database: AdqlDatabase, source: str) -> list[tuple[int | None, int | None]]:
    found = database.run(f"SELECT a.id AS one, b.id AS two FROM {source}").rows.batches()
    return [pair for batch in found for pair in zip(*batch.to_pydict().values(), strict=True)]


@pytest.mark.parametrize("radius", RADII)
@pytest.mark.parametrize("condition", CONDITIONS)
def test_all_kinds(database: AdqlDatabase, condition: str, radius: float) -> None:
    near = pairs(LEFT, RIGHT, radius)
    on = condition.format(radius=repr(radius))
    without_right = {(i, None) for i in range(len(LEFT))} - {(i, None) for i, _ in near}
    without_left = {(None, i) for i in range(len(RIGHT))} - {(None, i) for _, i in near}
    for source, extra in (
        (f"a JOIN b ON {on}", set()),
        (f"b JOIN a ON {on} AND a.id >= 0", set()),
        (f"a, b WHERE {on}", set()),
        (f"a LEFT JOIN b ON {on}", without_right),
        (f"b RIGHT OUTER JOIN a ON {on}", without_right),
        (f"b LEFT OUTER JOIN a ON {on}", without_left),
        (f"a RIGHT JOIN b ON {on}", without_left),
        (f"a FULL JOIN b ON {on}", without_left | without_right),
    ):
        assert sorted(pairs_of(database, source), key=str) == sorted(near | extra, key=str), source


@pytest.mark.parametrize("scale", [1.0, 400.0])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_radius_of_each_row(database: AdqlDatabase, condition: str, scale: float) -> None:
    radius = "(a.id - 300) * (a.id - 300) / 400000." + f" * {scale} - 0.1"
    on = condition.format(radius=radius)
    wide = (np.arange(len(LEFT)) - 300) ** 2 / 400_000 * scale - 0.1
    near = {(i, j) for i in range(len(LEFT)) if wide[i] >= 0 for j in pairs(LEFT.slice(i, 1), RIGHT, wide[i])}
    near = {(i, j) for i, (_, j) in near}
    for source, extra in (
        (f"a JOIN b ON {on}", set()),
        (f"b JOIN a ON {on}", set()),
        (f"a, b WHERE {on}", set()),
        (f"b LEFT JOIN a ON {on}", {(None, j) for j in range(len(RIGHT))} - {(None, j) for _, j in near}),
        (f"a LEFT JOIN b ON {on}", {(i, None) for i in range(len(LEFT))} - {(i, None) for i, _ in near}),
    ):
        assert sorted(pairs_of(database, source), key=str) == sorted(near | extra, key=str), source


@pytest.mark.parametrize("radius", RADII)
def test_within_expressions(database: AdqlDatabase, radius: float) -> None:
    near = pairs(LEFT, RIGHT, radius)
    on = CONDITIONS[0].format(radius=repr(radius))
    exists = f"SELECT a.id FROM a WHERE EXISTS (SELECT 1 FROM b WHERE {on})"
    counted = f"SELECT a.id, (SELECT COUNT(*) FROM b WHERE {on}) AS n FROM a"
    (found,) = database.run(exists).rows.batches() if near else ([],)
    assert sorted(found["id"].to_pylist() if near else []) == sorted({i for i, _ in near})
    (found,) = database.run(counted).rows.batches()
    partners = {i: sum(1 for left, _ in near if left == i) for i in range(len(LEFT))}
    assert dict(zip(found["id"].to_pylist(), found["n"].to_pylist(), strict=True)) == partners


def test_star_shows_no_cell(database: AdqlDatabase) -> None:
    found = database.run("SELECT * FROM a JOIN b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 1")
    assert found.schema.names == ("id", "ra", "dec", "id", "ra", "dec")


def test_three_tables(database: AdqlDatabase) -> None:
    near = pairs(LEFT, RIGHT, 0.05)
    text = (
        "SELECT a.id AS one, b.id AS two, c.id AS three FROM a JOIN b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) <= 0.05"
        " LEFT JOIN x.b AS c ON DISTANCE(a.ra, a.dec, c.ra, c.dec) <= 0.05 AND c.id <> b.id"
    )
    expected = [(i, j, k) for i, j in near for k in [k for left, k in near if left == i and k != j] or [None]]
    found = [
        row for batch in database.run(text).rows.batches() for row in zip(*batch.to_pydict().values(), strict=True)
    ]
    assert sorted(found, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize(
    "source",
    [
        "a JOIN b ON {on}", "a, b WHERE {on}", "a LEFT JOIN b ON {on}", "b LEFT JOIN a ON {on}",
        "a RIGHT JOIN b ON {on}", "a FULL JOIN b ON {on}", "a WHERE EXISTS (SELECT 1 FROM b WHERE {on})",
    ],
)  # fmt: skip
def test_no_nested_loop(database: AdqlDatabase, source: str) -> None:
    """Cells are compared for equality, which a hash join does."""
    on = CONDITIONS[0].format(radius="1./3600")
    statement = translate(f"SELECT COUNT(*) AS n FROM {source.format(on=on)}", database.tables)
    plan = database._root.cursor().execute(f"EXPLAIN {statement.sql}").fetchall()[0][1]
    assert "NESTED" not in plan.upper().replace(" ", "_")
    assert "CROSS" not in plan.upper()
    assert "HASH" in plan.upper() or "DELIM" in plan.upper()


def test_with_an_upload(mirror: ssap.Mirror) -> None:
    table = mirror.sql("SELECT mobsid, ra, dec FROM spectra WHERE ra IS NOT NULL AND dec IS NOT NULL").to_arrow()
    stars = table.slice(0, 300).rename_columns(["star", "ra", "dec"])
    text = (
        "SELECT s.mobsid, t.star, DISTANCE(POINT(s.ra, s.dec), POINT(t.ra, t.dec)) * 3600 AS d FROM spectra AS s"
        " JOIN TAP_UPLOAD.stars AS t ON 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(t.ra, t.dec, 10./3600))"
    )
    found = mirror.adql(text, {"stars": stars}).to_arrow()
    matched = ssap.crossmatch(table, stars, 10.0, "all", right_columns=["star"]).to_arrow()
    assert sorted(zip(found["mobsid"].to_pylist(), found["star"].to_pylist(), strict=True)) == sorted(
        zip(matched["mobsid"].to_pylist(), matched["star"].to_pylist(), strict=True)
    )
    assert len(found) >= 300
