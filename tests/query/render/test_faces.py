"""A result of a search and a match are the same to whoever takes their rows: data frames, Arrow's C stream, files."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from ssap_mirror.core.schema import Column, Schema
from ssap_query.engine.rows import InMemoryRows
from ssap_query.mirror.result import ResultSet
from ssap_query.render.result import Result
from ssap_query.xmatch import crossmatch

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
