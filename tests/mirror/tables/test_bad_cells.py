"""Cells that cannot be read: counted by column, the first of each told, the rest of the row kept; or an error."""

from __future__ import annotations

import io
from typing import Any

import pytest
from ssap_mirror.core.schema import Column
from ssap_mirror.errors import FormatError
from ssap_mirror.tables.votable import read_votable
from ssap_mirror.tables.votable.cells import BadCells

from tests.support import votables

COLUMNS = [
    Column("name", "char", "*"),
    Column("count", "int"),
    Column("snr", "float"),
    Column("place", "double", "2"),
    Column("flag", "boolean"),
]
GOOD = ("a", "1", "2.5", "10.5 -20.25", "T")


def document(*rows: tuple[str, ...]) -> io.BytesIO:
    cells = "".join(f"<TR>{''.join(f'<TD>{cell}</TD>' for cell in row)}</TR>" for row in rows)
    fields = "".join(map(votables.field, COLUMNS))
    return io.BytesIO(
        f'<VOTABLE version="1.4"><RESOURCE type="results"><TABLE>{fields}<DATA><TABLEDATA>{cells}</TABLEDATA></DATA>'
        "</TABLE></RESOURCE></VOTABLE>".encode()
    )


def read(*rows: tuple[str, ...], batch_rows: int = 8192) -> tuple[list[dict[str, Any]], BadCells]:
    bad = BadCells()
    reader = read_votable(document(*rows), bad_cells=bad, batch_rows=batch_rows)
    return [row for batch in reader for row in batch.to_pylist()], bad


def replaced(column: str, text: str) -> tuple[str, ...]:
    at = [each.name for each in COLUMNS].index(column)
    return (*GOOD[:at], text, *GOOD[at + 1 :])


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("count", "NULL"),
        ("count", "1."),
        ("count", "99999999999"),
        ("count", "n/a"),
        ("snr", "12..5"),
        ("snr", "12,5"),
        ("place", "10.5"),
        ("place", "10.5 north"),
        ("flag", "maybe"),
    ],
)
def test_one_bad_cell(column: str, text: str) -> None:
    rows, bad = read(GOOD, replaced(column, text), GOOD)
    good = rows[0]
    assert good["count"] == 1
    assert rows == [good, {**good, column: None}, good]
    assert bad.to_json() == {column: [1, text]}
    assert bool(bad)
    with pytest.raises(FormatError, match=column):
        list(read_votable(document(GOOD, replaced(column, text))))


def test_nothing_to_tell() -> None:
    _, bad = read(GOOD, replaced("count", ""), replaced("snr", "NaN"))
    assert not bad
    assert (bad.to_json(), bad.words()) == ({}, ())


@pytest.mark.parametrize("batch_rows", [1, 3, 8192])
def test_they_are_counted_over_all_batches_and_the_first_is_told(batch_rows: int) -> None:
    rows = [replaced("count", f"x{number}") if number % 3 == 2 else GOOD for number in range(1500)]
    rows[7] = replaced("snr", "bad")
    found, bad = read(*rows, batch_rows=batch_rows)
    assert len(found) == 1500
    assert [row["count"] for row in found].count(None) == 500
    assert bad.to_json() == {"count": [500, "x2"], "snr": [1, "bad"]}
    assert bad.words() == (
        "500 cells of count cannot be read and are taken as missing, the first says 'x2'",
        "1 cells of snr cannot be read and are taken as missing, the first says 'bad'",
    )


def test_they_are_put_together() -> None:
    bad = BadCells()
    bad.add("a", "first", 3)
    bad.add("a", "second")
    bad.add("b", "y" * 1000)
    assert bad.to_json() == {"a": [4, "first"], "b": [1, "y" * 60]}
