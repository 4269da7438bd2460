"""One table of every plain type, written by other programs in every format, and read by ours: value by value.

What a format cannot hold is left out of the table for its writer, and said here.
"""

from __future__ import annotations

import datetime as dt
import math
import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from ssap_mirror.tables import open_table

from tests.support.extras import optional

NAN, INF = math.nan, math.inf
_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def _whole(name: str) -> pa.Array:
    info = np.iinfo(name)
    return pa.array([info.min, None, info.max, 0, 1], pa.type_for_alias(name))


#: Every type, with NULL in the second row.
TYPES: dict[str, pa.Array] = {
    **{name: _whole(name) for name in _INTEGERS},
    "single": pa.array([0.1, None, NAN, -INF, 3.4e38], pa.float32()),
    "double": pa.array([0.1, None, NAN, INF, 1e-300]),
    "plain": pa.array([0.1, None, -2.5, 1e100, 1e-100]),
    "text": pa.array(["a", None, "é✓", "two words", "c"]),
    "ascii": pa.array(["a", None, "b;c", "two words", "c"]),
    "boolean": pa.array([True, None, False, True, True]),
    "date": pa.array([dt.date(2018, 5, 1), None, dt.date(1970, 1, 1), dt.date(1900, 1, 1), dt.date(2100, 12, 31)]),
    "moment": pa.array(["2018-05-01T12:30", None, "1970-01-01", "2018-05-01T00:00:00.0005", "1900-01-01"]).cast(
        pa.timestamp("us")
    ),
    "pair": pa.array([[1.5, NAN], [0.0, 1.0], [2.0, 3.0], [INF, 0.0], [1.0, 2.0]], pa.list_(pa.float64(), 2)),
    "shorts": pa.array([[1, 2], [3, 4], [5, 6], [-(2**15), 2**15 - 1], [7, 8]], pa.list_(pa.int16(), 2)),
    "lists": pa.array([[1.5], [2.5, 3.5], [], [NAN], [4.5]], pa.list_(pa.float64())),
}  # fmt: skip
_ARRAYS = {"pair", "shorts", "lists"}
_STAMPS = {"date", "moment"}
_UNSIGNED = {"uint16", "uint32", "uint64"}
_NOT_IN_VOTABLE = _STAMPS | _UNSIGNED | {"int8", "lists"}
# Arrow type -> type of pandas that has NULL
_NULLABLE = [
    *((pa.type_for_alias(name), name.capitalize().replace("Ui", "UI")) for name in _INTEGERS),
    (pa.bool_(), "Boolean"),
    (pa.string(), "String"),
]


@dataclass(frozen=True)
class Writer:
    """A program that writes a table."""

    write: Callable[[pa.Table, Path], Any]
    """Write to a path."""
    ending: str
    """Of the file's name."""
    unheld: Collection[str] = ()
    """Types that its format has no way for, or that it refuses."""
    nan_is_null: bool = False
    """Whether its format cannot tell NaN from what is missing."""


def _of_astropy(values: pa.ChunkedArray) -> Any:
    """Column of astropy, masked where a value is missing."""
    from astropy.table import MaskedColumn

    cells, kind = values.to_pylist(), values.type
    if kind == pa.list_(pa.float64()):
        column = np.empty(len(cells), object)
        column[:] = [np.array(cell, float) for cell in cells]
        return column
    kind = getattr(kind, "value_type", kind)
    missing = [cell is None for cell in cells]
    filled = [cells[0] if cell is None else cell for cell in cells]
    column = np.array(filled, None if pa.types.is_string(kind) else kind.to_pandas_dtype())
    return MaskedColumn(column, mask=missing) if any(missing) else column


def _astropy(form: str, **options: Any) -> Callable[[pa.Table, Path], None]:
    def write(table: pa.Table, path: Path) -> None:
        from astropy.table import Table

        made = Table({name: _of_astropy(table[name]) for name in table.column_names})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made.write(path, format=form, **options)

    return write


def _pandas(method: str, **options: Any) -> Callable[[pa.Table, Path], None]:
    def write(table: pa.Table, path: Path) -> None:
        pd = optional("pandas")

        frame = table.to_pandas(types_mapper={kind: getattr(pd, f"{name}Dtype")() for kind, name in _NULLABLE}.get)
        getattr(frame, method)(path, index=False, **options)

    return write


def _votable(serialization: str) -> Callable[[pa.Table, Path], None]:
    return _astropy("votable", tabledata_format=serialization)


def _duckdb(table: pa.Table, path: Path) -> None:
    import duckdb

    with duckdb.connect() as connection:
        connection.register("given", table)
        connection.table("given").write_parquet(str(path))


def _polars(form: str) -> Callable[[pa.Table, Path], None]:
    def write(table: pa.Table, path: Path) -> None:
        pl = optional("polars")

        getattr(pl.from_arrow(table), f"write_{form}")(path)

    return write


# Astropy's FITS takes int8 for logical values; in its BINARY a masked integer or logical value is one like others.
WRITERS: dict[str, Writer] = {
    "pyarrow Parquet": Writer(pq.write_table, ".parquet"),
    "pyarrow Parquet of version 1": Writer(partial(pq.write_table, version="1.0"), ".parquet", {"uint32"}),
    "pyarrow Feather": Writer(pa.feather.write_feather, ".arrow"),
    "pyarrow CSV": Writer(pa.csv.write_csv, ".csv", _ARRAYS),
    "pandas Parquet": Writer(_pandas("to_parquet"), ".parquet", nan_is_null=True),
    "pandas CSV": Writer(_pandas("to_csv"), ".csv", _ARRAYS, nan_is_null=True),
    "pandas TSV": Writer(_pandas("to_csv", sep="\t"), ".tsv", _ARRAYS, nan_is_null=True),
    "polars Parquet": Writer(_polars("parquet"), ".parquet"),
    "polars CSV": Writer(_polars("csv"), ".csv", _ARRAYS),
    "DuckDB Parquet": Writer(_duckdb, ".parquet"),
    "astropy Parquet": Writer(_astropy("parquet"), ".parquet", _STAMPS | _ARRAYS),
    "astropy ECSV": Writer(_astropy("ascii.ecsv"), ".ecsv", _STAMPS),
    "astropy ECSV with commas": Writer(_astropy("ascii.ecsv", delimiter=","), ".csv", _STAMPS),
    "astropy CSV": Writer(_astropy("ascii.csv"), ".csv", _STAMPS | _ARRAYS),
    "astropy IPAC": Writer(_astropy("ascii.ipac"), ".tbl", _STAMPS | _ARRAYS | _UNSIGNED | {"text", "boolean"}),
    "astropy FITS": Writer(_astropy("fits"), ".fits", _STAMPS | {"text", "boolean", "lists", "int8"}, nan_is_null=True),
    "astropy VOTable": Writer(_votable("tabledata"), ".vot", _NOT_IN_VOTABLE, nan_is_null=True),
    "astropy VOTable, BINARY": Writer(
        _votable("binary"), ".vot", _NOT_IN_VOTABLE | {*_INTEGERS, "boolean"}, nan_is_null=True
    ),
    "astropy VOTable, BINARY2": Writer(_votable("binary2"), ".vot", _NOT_IN_VOTABLE),
}


def plain(value: Any, *, nan_is_null: bool) -> Any:
    """A cell in terms that all formats share."""
    if isinstance(value, list):
        return [plain(item, nan_is_null=nan_is_null) for item in value]
    if isinstance(value, float) and math.isnan(value):
        return None if nan_is_null else "NaN"
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None).isoformat(sep=" ").removesuffix(" 00:00:00")
    if isinstance(value, dt.date):
        return value.isoformat()
    return value


@pytest.mark.parametrize("name", WRITERS)
def test_what_others_write(name: str, tmp_path: Path) -> None:
    writer = WRITERS[name]
    held = {column: values for column, values in TYPES.items() if column not in writer.unheld}
    path = tmp_path / f"table{writer.ending}"
    writer.write(pa.table(held), path)
    table = open_table(path, batch_rows=2)
    found = pa.Table.from_batches(list(table.batches()))
    assert found.column_names == list(held)
    for column, values in held.items():
        wanted = [plain(value, nan_is_null=writer.nan_is_null) for value in values.to_pylist()]
        cells = [
            plain(_same_kind(cell, values.type), nan_is_null=writer.nan_is_null) for cell in found[column].to_pylist()
        ]
        assert cells == wanted, column


def _same_kind(cell: Any, kind: pa.DataType) -> Any:
    """A cell as the type has it, where it was text: dates, numbers beyond 2**63, and single precision."""
    if isinstance(cell, str) and pa.types.is_integer(kind):
        return int(cell)
    if isinstance(cell, str) and pa.types.is_temporal(kind):
        return dt.datetime.fromisoformat(cell)
    if isinstance(cell, float) and pa.types.is_float32(kind):
        return float(np.float32(cell))
    return cell


# It has no unsigned integers, does not read the logical values of astropy, nor tells a NULL in an array; text is ASCII
# in most of its formats.
_NOT_IN_STILTS = _STAMPS | _UNSIGNED | {"uint8", "int8", "text", "lists", "shorts", "boolean"}
_ENDINGS = {"ascii": "txt", "ipac": "tbl"}


@pytest.mark.stilts
@pytest.mark.parametrize(
    "form", ["votable-tabledata", "votable-binary", "votable-binary2", "fits", "csv", "ascii", "ipac"]
)
def test_what_stilts_writes(form: str, tmp_path: Path, stilts: Callable[..., str]) -> None:
    binary = form.startswith(("votable", "fits"))
    unheld = _NOT_IN_STILTS | (set() if binary else _ARRAYS)
    held = {name: values for name, values in TYPES.items() if name not in unheld}
    for name in ("int16", "int32", "int64"):  # the least is its NULL
        least = np.iinfo(name).min + 1
        held[name] = pa.array([v if v is None else max(v, least) for v in held[name].to_pylist()], held[name].type)
    given, path = tmp_path / "given.vot", tmp_path / f"made.{_ENDINGS.get(form, form.partition('-')[0])}"
    _votable("binary2")(pa.table(held), given)
    stilts("tpipe", f"in={given}", "ifmt=votable", f"out={path}", f"ofmt={form}")
    found = pa.Table.from_batches(list(open_table(path, batch_rows=2).batches()))
    for column, values in held.items():
        wanted = [plain(value, nan_is_null=True) for value in values.to_pylist()]
        # Between blanks the empty text stands for what is missing.
        cells = [
            plain(_same_kind(c, values.type), nan_is_null=True) if c != "" else None for c in found[column].to_pylist()
        ]
        assert cells == wanted, column
