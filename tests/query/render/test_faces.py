"""A result of a search and a match are the same to whoever takes their rows: data frames, Arrow's C stream, files."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from ssap_mirror.core.schema import Column, Schema
from ssap_query.engine.rows import InMemoryRows
from ssap_query.mirror.result import ResultSet
from ssap_query.render.result import Result
from ssap_query.xmatch import crossmatch

from tests.support.extras import optional

pd, pl = optional("pandas"), optional("polars")

BIG = 2**53 + 1
SCHEMA = Schema(
    (
        Column("id", "long", ucd="meta.id"),
        Column("ra", "double", unit="deg"),
        Column("dec", "double", unit="deg"),
        Column("flag", "boolean"),
        Column("n", "short"),
        Column("name", "char", "*"),
        Column("pair", "double", "2", unit="mag"),
    )
)
ROWS = {
    "id": [0, BIG, None, 2**62 + 1, 7],
    "ra": [1.0, 2.0, 3.0, 4.0, 5.0],
    "dec": [0.0, 0.0, 0.0, 0.0, 0.0],
    "flag": [None, True, False, None, True],
    "n": [1, None, 3, 4, 5],
    "name": ["a", None, "c", "d", "e"],
    "pair": [[1.0, 2.0], None, [3.0, float("nan")], [5.0, 6.0], None],
}
TABLE = pa.table(ROWS, schema=SCHEMA.arrow_schema())


def of_a_search(rows: pa.Table) -> Result:
    return ResultSet(SCHEMA, InMemoryRows(rows))


def of_a_match(rows: pa.Table) -> Result:
    return crossmatch(rows, {"ra": list(range(1, 6)), "dec": [0.0] * 5}, 1.0, right_columns=[])


@pytest.fixture(params=[of_a_search, of_a_match])
def result(request: pytest.FixtureRequest) -> Callable[[pa.Table], Result]:
    return request.param


PARTS = {"whole": TABLE, "middle": TABLE.slice(1, 3), "head": TABLE.slice(0, 2), "nothing": TABLE.slice(0, 0)}


@pytest.mark.parametrize("part", PARTS)
def test_every_library_takes_the_same_rows(result: Callable[[pa.Table], Result], part: str) -> None:
    rows = PARTS[part]
    found = result(rows)
    wanted = str(rows.to_pylist())  # NaN is not equal to itself
    names = rows.column_names
    assert len(found) == len(rows)
    assert str(found.to_arrow().select(names).to_pylist()) == wanted
    assert str(pa.table(found).select(names).to_pylist()) == wanted
    assert str(found.reader().read_all().select(names).to_pylist()) == wanted
    for frame in (pl.DataFrame(found), found.to_polars()):
        assert frame["id"].to_list() == rows["id"].to_pylist()
        assert str(frame.select(names).to_dicts()) == wanted
    asked = duckdb.connect().from_arrow(found.reader()).select(*names).to_arrow_table()
    assert str(asked.to_pylist()) == wanted


@pytest.mark.parametrize("part", PARTS)
def test_pandas_keeps_integers_exact(result: Callable[[pa.Table], Result], part: str) -> None:
    rows = PARTS[part]
    frame = result(rows).to_pandas()
    assert list(frame.columns[:7]) == rows.column_names
    for name in ("id", "n", "flag"):
        assert [None if pd.isna(value) else value for value in frame[name]] == rows[name].to_pylist()
        assert (frame[name].isna().tolist()) == rows[name].is_null().to_pylist()
        if rows[name].null_count:
            assert isinstance(frame[name].dtype, pd.api.extensions.ExtensionDtype)
        else:
            assert isinstance(frame[name].dtype, np.dtype)


def test_pandas_of_columns_with_one_name() -> None:
    from ssap_query.render.dataframes import to_pandas

    table = pa.Table.from_arrays([pa.array([1, None]), pa.array([2, 3])], names=["x", "x"])
    assert to_pandas(table).astype(object).where(lambda frame: frame.notna(), None).values.tolist() == [
        [1, 2],
        [None, 3],
    ]


def test_astropy_tables_are_alike() -> None:
    search, match = of_a_search(TABLE).to_astropy(), of_a_match(TABLE).to_astropy()
    for name in TABLE.column_names:
        assert (search[name].dtype, search[name].shape, search[name].unit) == (
            match[name].dtype,
            match[name].shape,
            match[name].unit,
        )
        assert str(search[name].tolist()) == str(match[name].tolist())
    assert search["pair"].shape == (5, 2)
    assert str(search["pair"].unit) == "mag"


@pytest.mark.parametrize("ending", ["vot", "fits", "csv", "ecsv", "parquet", "json", "txt", "html"])
def test_both_are_written_alike(ending: str, tmp_path) -> None:
    for name, made in (("search", of_a_search(TABLE)), ("match", of_a_match(TABLE))):
        made.write(tmp_path / f"{name}.{ending}")
    if ending == "csv":
        search, match = ((tmp_path / f"{name}.csv").read_text().splitlines() for name in ("search", "match"))
        assert [line.startswith(start) for line, start in zip(match, search, strict=True)] == [True] * 6
    else:
        assert all((tmp_path / f"{name}.{ending}").stat().st_size > 100 for name in ("search", "match"))


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_a_result(result: Callable[[pa.Table], Result], part: str) -> None:
    rows = PARTS[part]
    found = result(rows)
    for chosen in (slice(1, 3), slice(None, None, 2), slice(None, None, -1), slice(0, 0), slice(-2, None)):
        numbers = list(range(len(rows)))[chosen]
        taken = found[chosen]
        assert len(taken) == len(numbers)
        assert str(taken.to_arrow().select(rows.column_names).to_pylist()) == str(
            rows.take(pa.array(numbers, pa.int64())).to_pylist()
        )
        assert pl.DataFrame(taken).height == pa.table(taken).num_rows == len(numbers)
    assert found[["n", "id"]].to_arrow().to_pylist() == rows.select(["n", "id"]).to_pylist()
    if len(rows):
        known = found["id"] > 0  # astropy masks what is NULL
        assert found[known].to_arrow()["id"].to_pylist() == [i for i in rows["id"].to_pylist() if i]
        assert found[np.array([len(rows) - 1, 0])].to_arrow()["n"].to_pylist() == [
            rows["n"][-1].as_py(),
            rows["n"][0].as_py(),
        ]
    assert f"{len(rows)} row" in repr(found[:])


@pytest.mark.parametrize("part", PARTS)
def test_narwhals_and_duckdb_take_a_result(result: Callable[[pa.Table], Result], part: str) -> None:
    import narwhals

    found = result(PARTS[part])
    assert narwhals.from_arrow(found, backend=pa)["id"].to_list() == PARTS[part]["id"].to_pylist()
    assert duckdb.sql("SELECT id FROM found").fetchall() == [(i,) for i in PARTS[part]["id"].to_pylist()]


@pytest.mark.skipif(not hasattr(pd.DataFrame, "from_arrow"), reason="pandas has it from version 3")
@pytest.mark.parametrize("part", PARTS)
def test_pandas_takes_a_result(result: Callable[[pa.Table], Result], part: str) -> None:
    frame = pd.DataFrame.from_arrow(result(PARTS[part]))
    assert (frame["name"].isna().tolist(), len(frame)) == (
        PARTS[part]["name"].is_null().to_pylist(),
        len(PARTS[part]),
    )


def test_records() -> None:
    found = of_a_search(TABLE)
    records = list(found)
    assert [record["id"] for record in records] == [0, BIG, None, 2**62 + 1, 7]
    assert [record["name"] for record in records] == ["a", "", "c", "d", "e"]
    assert records[1]["n"] is None
    assert records[0]["flag"] is None
    assert (records[1].ra, records[1].dec, records[1].pos.ra.deg) == (2.0, 0.0, 2.0)
    assert (records[0].dateobs, records[0].acref, records[0].title, records[0].format) == (None, None, None, None)
    assert np.isnan(found[1]["pair"]).all()
    assert list(found[-1]) == TABLE.column_names
    assert found["id", 1] == BIG
    for wrong in (5, -6):
        with pytest.raises(IndexError):
            found[wrong]
    for ask in (lambda: found["nothing"], lambda: found[0]["nothing"], lambda: found[["id", "nothing"]]):
        with pytest.raises(KeyError, match="No such column: nothing"):
            ask()
    with pytest.raises(KeyError, match="no dataset access URL"):
        records[0].getdataset()


def test_a_description() -> None:
    described = of_a_search(TABLE).describe()
    rows = {row["name"]: row for row in described.to_arrow().to_pylist()}
    assert rows["id"] == {
        "name": "id",
        "unit": None,
        "ucd": "meta.id",
        "type": "long",
        "missing": 0.2,
        "least": "0",
        "largest": str(2**62 + 1),
        "description": None,
    }
    assert (rows["ra"]["least"], rows["ra"]["largest"], rows["ra"]["unit"]) == ("1", "5", "deg")
    assert (rows["pair"]["least"], rows["name"]["largest"]) == (None, "e")
    assert of_a_search(TABLE.slice(0, 0)).describe().to_arrow()["missing"].null_count == 7


def test_a_notebook_shows_the_first_rows(result: Callable[[pa.Table], Result]) -> None:
    many = pa.concat_tables([TABLE] * 3)
    shown = of_a_search(many)._repr_html_()
    assert shown.count("<tr>") == 1 + 10
    assert "15 rows" in shown
    assert "(shown: 10 rows)" in shown
    assert "pair [mag]" in shown
    small = result(TABLE)._repr_html_()
    assert small.count("<tr>") == 1 + 5
    assert "<script" not in of_a_search(TABLE.set_column(5, "name", pa.array(["<script>"] * 5)))._repr_html_()
