"""What is written is read back by somebody else's reader, value by value."""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ssap_mirror.core.schema import Column
from ssap_query import render
from ssap_query.render import LossWarning

from .conftest import StandIn, stand_in

MISSING = "(missing)"
_NOT_A_NUMBER = "(nan)"


def written(answer: StandIn, name: str, path: Path) -> Path:
    """Write a file, and expect the warnings that the format owes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LossWarning)
        render.write(answer, path, name)
    return path


def plain_value(value: Any, *, single: bool = False) -> Any:
    """A cell of any reader in terms that can be compared."""
    if (
        value is None
        or value is np.ma.masked
        or (isinstance(value, np.ma.MaskedArray) and value.mask.all() and value.size)
    ):
        return MISSING
    if isinstance(value, np.ma.MaskedArray | np.ndarray | list | tuple):
        cells = value.tolist() if isinstance(value, np.ndarray) else list(value)
        return [plain_value(cell, single=single) for cell in cells]
    if isinstance(value, bytes):
        return value.decode("latin-1").rstrip("\0")
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return _NOT_A_NUMBER if math.isnan(value) else float(np.float32(value)) if single else float(value)
    return str(value)


def expected(answer: StandIn, name: str) -> list[Any]:
    single = answer.schema[name].datatype == "float"
    return [plain_value(value, single=single) for value in answer.table[name].to_pylist()]


def found(table: Any, answer: StandIn, name: str) -> list[Any]:
    single = answer.schema[name].datatype == "float"
    return [plain_value(value, single=single) for value in table[name]]


def merged(values: list[Any], *same: Any) -> list[Any]:
    """Values with those that a format cannot tell apart made one."""

    def one(value: Any) -> Any:
        if isinstance(value, list):
            cells = [one(cell) for cell in value]
            return MISSING if not cells or all(cell == MISSING for cell in cells) else cells
        return MISSING if any(value == other and type(value) is type(other) for other in same) else value

    return [one(value) for value in values]


def _fits_text(value: str) -> str:
    """FITS 4.0 §4.2.1.1: printable ASCII; §7.3.3.1: trailing blanks do not count."""
    return "" if value == MISSING else "".join(c if " " <= c <= "~" else "?" for c in value).rstrip(" ")


def _stripped(values: list[Any]) -> list[Any]:
    """Text without what readers do to it: astropy strips cells, and both make a line feed of every end of line."""
    return [" ".join(value.split()) if isinstance(value, str) else value for value in values]


def read_votable(path: Path) -> Any:
    from astropy.io.votable import parse

    # astropy warns of xtype mjd, which is not DALI's, and of null literals in arrays
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return parse(str(path)).get_first_table().to_table(use_names_over_ids=True)


@pytest.mark.parametrize("name", ["votable", "binary2", "binary"])
def test_astropy_reads_votable(name: str, hard: StandIn, tmp_path: Path) -> None:
    table = read_votable(written(hard, name, tmp_path / "x.vot"))
    assert table.colnames == list(hard.schema.names)
    # What a serialization cannot tell apart: astropy itself makes NaN, and NULL of BINARY2 strings, masked or empty.
    same = (_NOT_A_NUMBER, "")
    for column in hard.schema.names:
        values = expected(hard, column)
        read = found(table, hard, column)
        if name == "votable":
            values, read = _stripped(values), _stripped(read)
        assert merged(read, *same) == merged(values, *same), column


@pytest.mark.parametrize("name", ["votable", "binary2", "binary"])
def test_characters_beyond_the_basic_plane(name: str, tmp_path: Path) -> None:
    answer = stand_in([(Column("a", "char", "*"), ["𝔸", "b"]), (Column("b", "char", "*"), ["c", "d"])])
    table = read_votable(written(answer, name, tmp_path / "x.vot"))
    assert table["a"].tolist() == ["𝔸", "b"]
    assert b'name="b" datatype="char"' in (tmp_path / "x.vot").read_bytes()


def test_binary2_tells_null_from_nan_and_from_the_empty_string() -> None:
    columns = [(Column("a", "char", "*"), ["x", None, ""]), (Column("b", "float"), [math.nan, None, 1.0])]
    text = b"".join(render.chunks(stand_in(columns), "binary2"))
    stream = text.partition(b'encoding="base64">')[2].partition(b"</STREAM>")[0]
    nan, one = struct.pack(">f", math.nan), struct.pack(">f", 1.0)
    # VOTable 1.4 §5.4: a bit for each field, the first one the highest; then the fields
    rows = [b"\x00" + b"\0\0\0\1x" + nan, b"\xc0" + b"\0\0\0\0" + nan, b"\x00" + b"\0\0\0\0" + one]
    assert base64.b64decode(stream) == b"".join(rows)


def test_tabledata_tells_null_from_nan(hard: StandIn) -> None:
    text = b"".join(render.chunks(hard, "votable")).decode()
    rows = [row.split("</TD><TD>") for row in text.split("<TR><TD>")[1:]]
    at = hard.schema.names.index("mjd")
    assert [row[at] for row in rows] == ["58100", "", "NaN", "+Inf", "-Inf", "1e-300", "-0"]


def test_fits(hard: StandIn, tmp_path: Path) -> None:
    from astropy.io import fits
    from astropy.table import Table

    path = tmp_path / "x.fits"
    with pytest.warns(LossWarning) as told:
        render.write(hard, path)
    assert {str(warning.message).partition(":")[0] for warning in told} == {"pubdid", "plain"}
    table = Table.read(path, hdu=1)
    for name in hard.schema.names:
        values = expected(hard, name)
        if hard.schema[name].is_text:
            values = [_fits_text(value) for value in values]
        if name == "coadd":
            values = [value if value == MISSING else int(value) for value in values]
        same = (_NOT_A_NUMBER, "")
        assert merged(found(table, hard, name), *same) == merged(values, *same), name
    header = fits.getheader(path, 1)
    assert header["QSTATUS"] == "OVERFLOW"
    number = hard.schema.names.index("snr") + 1
    assert (header[f"TTYPE{number}"], header[f"TUCD{number}"]) == ("snr", "stat.snr")
    assert "mirror: stand-in, snapshot 1" in str(header["COMMENT"])


@pytest.mark.parametrize(("unit", "shown"), [("Å", "Angstrom"), ("\u212b", "Angstrom"), ("µm", "um"), ("μm", "um")])
def test_units_beyond_ascii_in_fits(unit: str, shown: str, tmp_path: Path) -> None:
    from astropy.table import Table

    answer = stand_in([(Column("w", "double", unit=unit), [6563.0, None, 4861.0])])
    table = Table.read(written(answer, "fits", tmp_path / "x.fits"), hdu=1)
    assert [plain_value(value) for value in table["w"]][::2] == [6563.0, 4861.0]
    assert str(table["w"].unit) == shown


def test_a_unit_that_fits_has_no_letters_for_is_left_out_and_told(tmp_path: Path) -> None:
    from astropy.io import fits

    answer = stand_in([(Column("mass", "double", unit="M☉"), [1.5, 0.25]), (Column("odd", "double", unit="?"), [1, 2])])
    with pytest.warns(LossWarning, match="mass: its unit, 'M☉', has no spelling in ASCII"):
        render.write(answer, tmp_path / "x.fits")
    header = fits.getheader(tmp_path / "x.fits", 1)
    assert (header.get("TUNIT1"), header["TUNIT2"]) == (None, "?")


def test_ecsv(hard: StandIn, tmp_path: Path) -> None:
    from astropy.table import Table

    table = Table.read(written(hard, "ecsv", tmp_path / "x.ecsv"))
    for name in hard.schema.names:
        values = _stripped(expected(hard, name))
        assert merged(_stripped(found(table, hard, name)), "") == merged(values, ""), name
    assert str(table["mjd"].unit) == "d"
    assert table["mjd"].meta["ucd"] == "time.epoch"
    assert table.meta["QUERY_STATUS"] == "OVERFLOW"


def test_parquet(hard: StandIn, tmp_path: Path) -> None:
    path = written(hard, "parquet", tmp_path / "x.parquet")
    table = pq.read_table(path)
    assert table.schema.equals(hard.table.schema)
    assert str(table.to_pylist()) == str(hard.table.to_pylist())  # NaN is not equal to itself
    assert table.schema.field("mjd").metadata[b"unit"] == b"d"
    assert table.schema.metadata[b"QUERY_STATUS"] == b"OVERFLOW"
    assert duckdb.connect().sql("SELECT count(*) FROM read_parquet(?)", params=[str(path)]).fetchall() == [(7,)]


def test_astropy_reads_units_of_parquet(hard: StandIn, tmp_path: Path) -> None:
    from astropy.table import Table

    flat = hard.schema.select(["mjd", "snr", "obsid"])
    part = StandIn(hard.table.select(flat.names), flat)
    path = written(part, "parquet", tmp_path / "x.parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = Table.read(path, format="parquet.votable")
    assert str(table["mjd"].unit) == "d"
    assert table["mjd"].meta["ucd"] == "time.epoch" or table["mjd"].info.meta["ucd"] == "time.epoch"


@pytest.mark.parametrize(("name", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_delimited(name: str, delimiter: str, hard: StandIn) -> None:
    text = b"".join(render.chunks(hard, name)).decode()
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    assert rows[0] == list(hard.schema.names)
    assert len(rows) == 1 + len(hard)
    for i, column in enumerate(hard.schema):
        values = [_read_text(row[i], column.datatype, bool(column.shape)) for row in rows[1:]]
        assert merged(values, "") == merged(expected(hard, column.name), ""), column.name


def _read_text(text: str, datatype: str, is_array: bool) -> Any:  # noqa: FBT001
    if text == "":
        return ""
    if is_array:
        return plain_value(json.loads(text), single=datatype == "float")
    if datatype == "char":
        return text
    if datatype == "boolean":
        return {"true": True, "false": False}[text]
    return plain_value((float if datatype in ("float", "double") else int)(text), single=datatype == "float")


def test_csv_tells_null_from_the_empty_string(hard: StandIn) -> None:
    part = hard.schema.select(["plain", "obsid"])
    text = b"".join(render.chunks(StandIn(hard.table.select(part.names), part), "csv")).decode()
    lines = text.splitlines()
    assert lines[2] == ","
    assert lines[3] == '"",-1'


def test_bare_csv_is_csv_without_its_head(hard: StandIn) -> None:
    whole, bare = (b"".join(render.chunks(hard, name)) for name in ("csv", "csv-bare"))
    assert whole.partition(b"\n")[2] == bare


def test_json(hard: StandIn) -> None:
    document = json.loads(b"".join(render.chunks(hard, "json")), parse_constant=lambda word: pytest.fail(word))
    assert [column["name"] for column in document["columns"]] == list(hard.schema.names)
    assert document["status"] == "OVERFLOW"
    assert document["notes"] == ["a note"]
    numbers = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

    def number(value: Any) -> Any:
        return (
            [number(v) for v in value]
            if isinstance(value, list)
            else numbers.get(value, value)
            if isinstance(value, str)
            else value
        )

    for i, column in enumerate(hard.schema):
        values = [row[i] if column.is_text else number(row[i]) for row in document["data"]]
        single = column.datatype == "float"
        assert [plain_value(value, single=single) for value in values] == expected(hard, column.name), column.name


@pytest.mark.parametrize("name", [known.name for known in render.FORMATS])
def test_an_answer_without_rows_is_valid_too(name: str, hard: StandIn, tmp_path: Path) -> None:
    empty = StandIn(hard.table.slice(0, 0), hard.schema)
    path = written(empty, name, tmp_path / "x")
    assert path.stat().st_size > 0 or name == "csv-bare"
    if name in ("votable", "binary2", "binary"):
        assert len(read_votable(path)) == 0
    if name == "parquet":
        assert pq.read_table(path).num_rows == 0
    if name == "json":
        assert json.loads(path.read_bytes())["data"] == []


@pytest.mark.stilts
@pytest.mark.parametrize("name", ["votable", "binary2", "binary", "fits", "csv", "ecsv"])
def test_stilts_reads_the_same(name: str, hard: StandIn, tmp_path: Path, stilts: Callable[..., str]) -> None:
    # Its readers of text take bytes for characters, and lose a carriage return and the infinities of ECSV; it does not
    # look for null values within arrays.
    unread = {"counts", *{"csv": ["pubdid"], "ecsv": ["pubdid", "plain"]}.get(name, [])}
    names = [n for n in hard.schema.names if n not in unread and not (name == "csv" and hard.schema[n].shape)]
    table = hard.table.take(pa.array([0, 1, 2, 5, 6])) if name == "ecsv" else hard.table
    part = StandIn(table.select(names), hard.schema.select(names))
    path = written(part, name, tmp_path / f"x.{name}")
    kind = {"binary2": "votable", "binary": "votable"}.get(name, name)
    # astropy, which reads what STILTS makes, cannot read STILTS' way with comments of FITS files
    stilts("tpipe", f"in={path}", f"ifmt={kind}", "cmd=clearparams *", "out=out.vot", "ofmt=votable-tabledata")
    read = read_votable(tmp_path / "out.vot")
    for column in names:
        same = (_NOT_A_NUMBER, "")
        values = expected(part, column)
        if name == "fits" and part.schema[column].is_text:
            values = [_fits_text(value) for value in values]
        assert merged(_stripped(_as_sent(read, part, column)), *same) == merged(_stripped(values), *same), column


def _as_sent(table: Any, answer: StandIn, name: str) -> list[Any]:
    """Values in the type of the answer; a reader of text or FITS has types of its own."""
    values = found(table, answer, name)
    kind = answer.schema[name].datatype
    if kind == "boolean":
        return [value if value == MISSING else bool(value) for value in values]
    return values
