"""One table of every Arrow type, NULL and NaN in each, through every format and back by somebody else's reader."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ssap_mirror.core.schema import Column, Schema
from ssap_query import render
from ssap_query.render import LossWarning

from .conftest import INF, NAN, StandIn
from .test_round_trip import MISSING, merged, plain_value, read_votable, written

_ROWS = 5


@dataclass(frozen=True)
class Case:
    """Values of a type, and what they are once they are plain."""

    values: pa.Array
    """With NULL in the second row."""
    plain: Mapping[str, list[Any]] | None = None
    """Behind the column's name -> values; None: as `values` has them."""
    in_text: Mapping[str, list[Any]] | None = None
    """The same in formats that are text, where it is different."""


def _integers(kind: pa.DataType) -> Case:
    info = np.iinfo(kind.to_pandas_dtype())
    return Case(pa.array([info.min, None, info.max, 0, 1], kind))


_STAMPS = [
    dt.datetime(2018, 5, 1, 12, 30),
    None,
    dt.datetime(1970, 1, 1),
    dt.datetime(2018, 5, 1, 12, 30, 0, 500),
    dt.datetime(1900, 1, 1),
]
_ISO = ["2018-05-01T12:30:00", None, "1970-01-01T00:00:00", "2018-05-01T12:30:00.0005", "1900-01-01T00:00:00"]
_DATES = [dt.date(2018, 5, 1), None, dt.date(1970, 1, 1), dt.date(1900, 1, 1), dt.date(2100, 12, 31)]
_ISO_DATES = ["2018-05-01", None, "1970-01-01", "1900-01-01", "2100-12-31"]
_TIMES = [dt.time(12, 30), None, dt.time(0), dt.time(23, 59, 59), dt.time(1, 2, 3)]
_ISO_TIMES = ["12:30:00", None, "00:00:00", "23:59:59", "01:02:03"]
_TEXT = ["a", None, "é✓", "two words", "c"]
_BYTES = [b"\x00\xff", None, b"ab", b"\x80z", b"zz"]
_HEX = ["00ff", None, "6162", "807a", "7a7a"]

CASES: dict[str, Case] = {
    **{str(kind): _integers(kind) for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64())},
    **{str(kind): _integers(kind) for kind in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())},
    "byte of every value": Case(pa.array([0, None, 255, 1, 2], pa.uint8())),
    "half": Case(pa.array([np.float16(0.5), None, np.float16(NAN), np.float16(-1.5), np.float16(INF)], pa.float16())),
    "single": Case(pa.array([0.1, None, NAN, -INF, 3.4e38], pa.float32())),
    "double": Case(pa.array([0.1, None, NAN, INF, 1e-300])),
    "text": Case(pa.array(_TEXT)),
    "large text": Case(pa.array(_TEXT, pa.large_string())),
    "text view": Case(pa.array(_TEXT, pa.string_view())),
    "dictionary": Case(pa.array(_TEXT).dictionary_encode()),
    "boolean": Case(pa.array([True, None, False, True, True])),
    "null": Case(pa.nulls(_ROWS)),
    "date": Case(pa.array(_DATES), {"": _ISO_DATES}),
    "date in ms": Case(pa.array(_DATES, pa.date64()), {"": _ISO_DATES}),
    "time": Case(pa.array(_TIMES, pa.time64("us")), {"": _ISO_TIMES}),
    "time in s": Case(pa.array(_TIMES, pa.time32("s")), {"": _ISO_TIMES}),
    "timestamp": Case(pa.array(_STAMPS, pa.timestamp("us")), {"": _ISO}),
    "timestamp in ns": Case(pa.array(_STAMPS, pa.timestamp("ns")), {"": _ISO}),
    "timestamp of a zone": Case(
        pa.array(_STAMPS, pa.timestamp("us", "Europe/Berlin")), {"": [t and f"{t}Z" for t in _ISO]}
    ),
    "duration": Case(
        pa.array([dt.timedelta(hours=36), None, dt.timedelta(0), dt.timedelta(seconds=-1.5), dt.timedelta(minutes=61)]),
        {"": ["PT36H", None, "PT0S", "PT-1.5S", "PT1H1M"]},
    ),
    "interval": Case(
        pa.array([pa.MonthDayNano([1, -2, 3]), None, *[pa.MonthDayNano([0, 0, 129_600 * 10**9])] * 3]),
        {"": ["P1M-2DT0.000000003S", None, *["PT36H"] * 3]},
    ),
    "decimal": Case(
        pa.array(["1.25", None, "-3.50", "0", "99999999.99"]).cast(pa.decimal128(10, 2)),
        {"": [1.25, None, -3.5, 0.0, 99999999.99]},
    ),
    "whole decimal": Case(
        pa.array([Decimal(7), None, Decimal(-1), Decimal(0), Decimal(10**17)], pa.decimal128(18, 0)),
        {"": [7, None, -1, 0, 10**17]},
    ),
    "long decimal": Case(
        pa.array(["1.2500000000000000000000001", None, "2", "1", "-1"]).cast(pa.decimal128(38, 25)),
        {"": ["1.2500000000000000000000001", None, *(f"{n}.{'0' * 25}" for n in ("2", "1", "-1"))]},
    ),
    "huge integer": Case(
        pa.array([Decimal(2**70), None, Decimal(-1), Decimal(0), Decimal(5)], pa.decimal128(38, 0)),
        {"": [str(2**70), None, "-1", "0", "5"]},
    ),
    "bytes": Case(pa.array(_BYTES), {"": [v and list(v) for v in _BYTES]}, {"": _HEX}),
    "fixed bytes": Case(pa.array(_BYTES, pa.binary(2)), {"": [v and list(v) for v in _BYTES]}, {"": _HEX}),
    "pair": Case(pa.array([[1.5, NAN], None, [None, 2.0], [INF, 0], [1, 2]], pa.list_(pa.float64(), 2))),
    "integer pair": Case(pa.array([[1, 2], None, [None, 2], [-(2**31), 2**31 - 1], [3, 4]], pa.list_(pa.int32(), 2))),
    "unsigned pair": Case(pa.array([[0, 65535], None, [None, 2], [1, 2], [3, 4]], pa.list_(pa.uint16(), 2))),
    "boolean pair": Case(
        pa.array([[True, None], None, [True, False], [False] * 2, [True] * 2], pa.list_(pa.bool_(), 2))
    ),
    "floats": Case(pa.array([[1.5], None, [NAN, None], [0.1, 2, 3], [4]], pa.list_(pa.float32()))),
    "integers": Case(pa.array([[1], None, [1, None], [1, 2, 3], [2**50]], pa.list_(pa.int64()))),
    "whole integers": Case(pa.array([[1], None, [1, -(2**63)], [1, 2, 3], [2**63 - 1]], pa.list_(pa.int64()))),
    "large list": Case(pa.array([[1], None, [1], [1, 2, 3], [4]], pa.large_list(pa.int16()))),
    "booleans": Case(pa.array([[True], None, [True, None], [False, False], [True]])),
    "texts": Case(
        pa.array([["a", "bb"], None, ["é"], ["c"], ["d"]]), {"": ['["a", "bb"]', None, '["é"]', '["c"]', '["d"]']}
    ),
    "dates": Case(
        pa.array([[d] if d else None for d in _DATES]), {"": [f'["{d}"]' if d else None for d in _ISO_DATES]}
    ),
    "large unsigned": Case(
        pa.array([[2**64 - 1], None, [1], [2, 3], [4]], pa.list_(pa.uint64())),
        {"": [f"[{2**64 - 1}]", None, "[1]", "[2, 3]", "[4]"]},
    ),
    "structure": Case(
        pa.array([{"x": 1, "y": "a"}, None, {"x": None, "y": "b"}, {"x": 2, "y": None}, {"x": 3, "y": "c"}]),
        {".x": [1, None, None, 2, 3], ".y": ["a", None, "b", None, "c"]},
    ),
    "deep": Case(
        pa.array([{"p": {"q": 1.5}}, None, {"p": None}, {"p": {"q": NAN}}, {"p": {"q": 0.0}}]),
        {".p.q": [1.5, None, None, NAN, 0.0]},
    ),
    "structures": Case(
        pa.array([[{"x": 1}], None, [{"x": None}], [{"x": 2}], []]),
        {"": ['[{"x": 1}]', None, '[{"x": null}]', '[{"x": 2}]', "[]"]},
    ),
    "map": Case(
        pa.array([[("a", 1.5)], None, [("b", None)], [("c", NAN)], []], pa.map_(pa.string(), pa.float64())),
        {"": ['{"a": 1.5}', None, '{"b": null}', '{"c": "NaN"}', "{}"]},
    ),
    "lists of lists": Case(
        pa.array([[[1], [2]], None, [None], [[3]], []]), {"": ["[[1], [2]]", None, "[null]", "[[3]]", "[]"]}
    ),
    "µ": Case(pa.array([1.0, None, 2.0, 3.0, 4.0])),
    "Rmag": Case(pa.array([1.0, None, 2.0, 3.0, 4.0])),
    "rmag": Case(pa.array([11.0, None, 12.0, 13.0, 14.0])),
    "_id": Case(pa.array([1, None, 2, 3, 4])),
}


@pytest.fixture(scope="module")
def every() -> StandIn:
    table = pa.table({name: case.values for name, case in CASES.items()})
    return StandIn(table, Schema(tuple(Column.from_arrow(field) for field in table.schema)), batch_rows=2)


def plain_values(name: str, *, text: bool = False) -> dict[str, list[Any]]:
    """Columns that a column becomes, and their values."""
    case = CASES[name]
    plain = (case.in_text if text else None) or case.plain or {"": case.values.to_pylist()}
    return {name + behind: values for behind, values in plain.items()}


def compared(values: list[Any], *, single: bool = False) -> list[Any]:
    """Values with those made one that most formats cannot tell apart: NULL, NaN, the empty text, arrays of such."""
    return merged([plain_value(value, single=single) for value in values], "(nan)", "")


def assert_same(
    read: Any, names: Mapping[str, str] | None = None, *, text: bool = False, ascii_only: bool = False
) -> None:
    """What was read is every column with its values."""
    for name in CASES:
        single = name in ("half", "single", "floats")
        for column, values in plain_values(name, text=text).items():
            wanted = compared(values, single=single)
            if ascii_only:
                wanted = [_ascii(value) if isinstance(value, str) and value != MISSING else value for value in wanted]
            assert compared(list(read[(names or {}).get(column, column)]), single=single) == wanted, column


def _ascii(text: str) -> str:
    return "".join(c if c < "\x7f" else "?" for c in text)


@pytest.mark.parametrize("name", ["votable", "binary2", "binary"])
def test_votable(name: str, every: StandIn, tmp_path: Path) -> None:
    table = read_votable(written(every, name, tmp_path / "x.vot"))
    columns = {column: list(table[column]) for column in table.colnames}
    columns["uint64"] = [int(value) if value else None for value in table["uint64"]]  # VOTable has no such type: digits
    assert_same(columns)


def test_fits(every: StandIn, tmp_path: Path) -> None:
    from astropy.table import Table

    with pytest.warns(LossWarning) as told:
        render.write(every, tmp_path / "x.fits")
    notes = " ".join(str(warning.message) for warning in told)
    for column in ("'µ' is called 'mu'", "uint64: ", "large unsigned: ", "text: ", "integers: ", "booleans: "):
        assert column in notes
    table = Table.read(tmp_path / "x.fits", hdu=1)
    columns = {name: list(table[name]) for name in table.colnames}
    columns["uint64"] = [int(value) if value else None for value in table["uint64"]]
    assert_same(columns, {"µ": "mu"}, ascii_only=True)


def test_ecsv(every: StandIn, tmp_path: Path) -> None:
    from astropy.table import Table

    table = Table.read(written(every, "ecsv", tmp_path / "x.ecsv"))
    columns = {name: list(table[name]) for name in table.colnames}
    for column in ("texts", "dates", "large unsigned"):  # arrays, which ECSV has
        columns[column] = [
            json.dumps(value.tolist(), ensure_ascii=False) if len(value) else None for value in columns[column]
        ]
    assert_same(columns, text=True)


@pytest.mark.parametrize("name", ["csv", "tsv"])
def test_delimited(name: str, every: StandIn) -> None:
    text = b"".join(render.chunks(every, name)).decode()
    read = list(csv.DictReader(io.StringIO(text), delimiter="," if name == "csv" else "\t"))
    for column in CASES:
        for shown, values in plain_values(column, text=True).items():
            for cell, value in zip((row[shown] for row in read), values, strict=True):
                assert_cell(cell, value, shown)


def assert_cell(cell: str, value: Any, column: str) -> None:
    """A cell of text has a value."""
    if value is None:
        assert cell == "", column
    elif isinstance(value, str):
        assert cell.replace(" ", "") == value.replace(" ", ""), column
    elif isinstance(value, bool):
        assert cell == str(value).lower(), column
    elif isinstance(value, list):
        assert len(json.loads(cell)) == len(value), column
        wanted = compared([value], single=column == "floats")
        assert compared([json.loads(cell)], single=column == "floats") == wanted, column
    else:
        single = column in ("half", "single")
        assert compared([type(value)(cell)], single=single) == compared([value], single=single), column


def test_json(every: StandIn) -> None:
    document = json.loads(b"".join(render.chunks(every, "json")), parse_constant=pytest.fail)
    assert [column["name"] for column in document["columns"]] == list(CASES)
    rows = dict(zip(CASES, zip(*document["data"], strict=True), strict=True))
    assert rows["structure"][0] == {"x": 1, "y": "a"}
    assert rows["map"] == ({"a": 1.5}, None, {"b": None}, {"c": "NaN"}, {})
    assert rows["lists of lists"] == ([[1], [2]], None, [None], [[3]], [])
    assert rows["texts"][0] == ["a", "bb"]
    assert rows["uint64"] == (0, None, 2**64 - 1, 0, 1)
    assert rows["bytes"] == tuple(_HEX)
    assert rows["timestamp"] == tuple(_ISO)
    assert rows["decimal"] == (1.25, None, -3.5, 0, 99999999.99)
    assert rows["boolean pair"][:2] == ([True, None], None)


def test_parquet_keeps_every_type(every: StandIn, tmp_path: Path) -> None:
    read = pq.read_table(written(every, "parquet", tmp_path / "x.parquet"))
    for name, case in CASES.items():
        stored = {"interval": pa.string(), "null": pa.string(), "date in ms": pa.date32(), "time in s": pa.time32("ms")}
        assert read[name].type == stored.get(name, case.values.type), name
        if name != "interval":
            assert str(read[name].to_pylist()) == str(case.values.to_pylist()), name


def test_astropy_table(every: StandIn) -> None:
    from ssap_query.render.astropy_table import to_astropy

    table = to_astropy(every)
    columns = {name: list(table[name]) for name in table.colnames}
    for column in ("texts", "dates"):
        columns[column] = [json.dumps(v.tolist(), ensure_ascii=False) if len(v) else None for v in columns[column]]
    for column in ("bytes", "fixed bytes"):
        columns[column] = [value and list(value) for value in columns[column]]
    columns["large unsigned"] = [json.dumps(v.tolist()) if len(v) else None for v in columns["large unsigned"]]
    assert_same(columns)
    assert (table["pair"].shape, table["pair"].dtype.kind) == ((_ROWS, 2), "f")
    assert [table[name].dtype for name in ("int8", "uint64")] == [np.dtype("int8"), np.dtype("uint64")]


@pytest.mark.stilts
@pytest.mark.parametrize("name", ["votable", "binary2", "binary", "fits", "csv"])
def test_stilts(name: str, every: StandIn, tmp_path: Path, stilts: Callable[..., str]) -> None:
    # It takes bytes for characters in text, does not look for NULL in arrays, and has no unsigned 64-bit integers.
    unread = {
        "text",
        "large text",
        "text view",
        "dictionary",
        "texts",
        "µ",
        "uint64",
        "null",
        "integer pair",
        "unsigned pair",
        "boolean pair",
        "integers",
        "booleans",
    }
    names = [n for n in CASES if n not in unread and not (name == "csv" and pa.types.is_nested(CASES[n].values.type))]
    names = [n for n in names if not (name == "csv" and n in ("bytes", "fixed bytes", "long decimal", "huge integer"))]
    part = StandIn(every.table.select(names), every.schema.select(names))
    path = written(part, name, tmp_path / f"x.{name}")
    kind = {"binary2": "votable", "binary": "votable"}.get(name, name)
    stilts("tpipe", f"in={path}", f"ifmt={kind}", "cmd=clearparams *", "out=out.vot", "ofmt=votable-tabledata")
    read = read_votable(tmp_path / "out.vot")
    for column in names:
        single = column in ("half", "single", "floats")
        for shown, values in plain_values(column, text=name == "csv").items():
            found = [
                bool(v) if isinstance(w, bool) and v is not np.ma.masked else v
                for v, w in zip(read[shown], values, strict=True)
            ]
            assert compared(found, single=single) == compared(values, single=single), shown


@pytest.mark.parametrize("kind", ["parquet", "parquet.votable"])
def test_astropy_reads_parquet(kind: str, every: StandIn, tmp_path: Path) -> None:
    from astropy.table import Table

    # Its reader has no idea of NULL: arrays that are missing, numbers that are missing.
    flat = [
        n for n, case in CASES.items() if pa.types.is_string(case.values.type) or pa.types.is_floating(case.values.type)
    ]
    units = [Column.from_arrow(every.arrow_schema.field(name)) for name in flat]
    schema = Schema(tuple(Column(c.name, c.datatype, c.arraysize, unit="mag", ucd="phot.mag") for c in units))
    path = written(StandIn(every.table.select(flat), schema), "parquet", tmp_path / "x.parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if kind == "parquet.votable" else "error")
        table = Table.read(path, format=kind)
    for name in flat:
        assert str(table[name].unit) == "mag"
        found = [None if value == "None" else value for value in table[name].tolist()]
        assert compared(found, single=name in ("half", "single")) == compared(
            CASES[name].values.to_pylist(), single=name in ("half", "single")
        ), name
