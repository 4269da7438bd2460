"""The table of every type through every writer of ours and back through our own reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from ssap_mirror.tables import open_table

from .conftest import StandIn
from .test_every_type import CASES, assert_cell, assert_same, every, plain_values
from .test_round_trip import written

__all__ = ["every"]

# As the reader calls what SQL cannot tell apart
TWINS = {"Rmag": "Rmag_1", "rmag": "rmag_2"}
FILES = {
    "votable": "x.vot", "binary2": "x2.vot", "binary": "xb.vot", "fits": "x.fits", "ecsv": "x.ecsv",
    "parquet": "x.parquet", "csv": "x.csv", "tsv": "x.tsv",
}  # fmt: skip


def read_back(every: StandIn, form: str, folder: Path) -> dict[str, list[Any]]:
    """Write in a format, and read all columns as Python values."""
    table = open_table(written(every, form, folder / FILES[form]), batch_rows=2)
    assert table.types.names[-3:] == ["Rmag_1", "rmag_2", "_id"]
    whole = pa.Table.from_batches(list(table.batches()))
    return {name: whole[name].to_pylist() for name in whole.column_names}


@pytest.mark.parametrize("form", ["votable", "binary2", "binary", "fits"])
def test_binary_forms(form: str, every: StandIn, tmp_path: Path) -> None:
    columns = read_back(every, form, tmp_path)
    columns["uint64"] = [int(value) if value else None for value in columns["uint64"]]  # as digits
    names = TWINS | ({"µ": "mu"} if form == "fits" else {})
    assert_same(columns, names, ascii_only=form == "fits")


def test_ecsv(every: StandIn, tmp_path: Path) -> None:
    columns = read_back(every, "ecsv", tmp_path)
    for name in ("texts", "dates", "large unsigned"):  # arrays, which ECSV has
        columns[name] = [value and json.dumps(value, ensure_ascii=False) for value in columns[name]]
    assert_same(columns, TWINS, text=True)


def test_parquet(every: StandIn, tmp_path: Path) -> None:
    columns = read_back(every, "parquet", tmp_path)
    for name, case in CASES.items():
        if name not in ("interval", "null"):
            assert str(columns[TWINS.get(name, name)]) == str(case.values.to_pylist()), name


@pytest.mark.parametrize("form", ["csv", "tsv"])
def test_text(form: str, every: StandIn, tmp_path: Path) -> None:
    columns = read_back(every, form, tmp_path)
    # A number in text is read in double precision, whatever digits it has.
    for name in CASES.keys() - {"long decimal"}:
        for shown, values in plain_values(name, text=True).items():
            for cell, value in zip(columns[TWINS.get(shown, shown)], values, strict=True):
                text = "" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell)
                assert_cell(text, value, shown)
