"""Names of formats, files that appear when they are whole, and what each format looks like."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pytest
from ssap_mirror.core.schema import Column
from ssap_mirror.errors import MirrorError, ParameterError
from ssap_query import render
from ssap_query.render import FORMATS
from ssap_query.render.text.terminal import terminal_text, text_chunks
from ssap_query.ssap import parameter

from tests.support import paths

from .conftest import StandIn, stand_in

GOLDEN = paths.GOLDEN / "formats"
# What these hold is not text, or is made by a library that changes its mind about details.
_NOT_GOLDEN = ("fits", "parquet", "ecsv", "arrow")


@pytest.mark.parametrize("name", [known.name for known in FORMATS if known.name not in _NOT_GOLDEN])
def test_golden(name: str, plain: StandIn, request: pytest.FixtureRequest) -> None:
    path = GOLDEN / f"plain.{name}"
    made = b"".join(render.chunks(plain, name)).replace(
        f"ssap-mirror/{version('ssap-mirror')}".encode(), b"ssap-mirror/VERSION"
    )
    if request.config.getoption("--update-golden"):
        path.write_bytes(made)
    assert made.decode() == path.read_bytes().decode()


def test_no_name_and_no_suffix_is_of_two_formats() -> None:
    names = [name for known in FORMATS for name in known.names]
    suffixes = [suffix for known in FORMATS for suffix in known.suffixes]
    assert len(names) == len(set(names))
    assert len(suffixes) == len(set(suffixes))


@pytest.mark.parametrize("known", FORMATS, ids=lambda known: known.name)
def test_every_format_can_be_asked_for_by_each_of_its_names(known) -> None:
    for name in known.names:
        assert parameter("RESPONSEFORMAT").parse(name, "ivoa") == known.response_format
        assert render.format_named(known.response_format) is known


@pytest.mark.parametrize("name", ["vodml", "vodmlb", "geojson", "votable1.1", "votabletd1.1", "votabletd1.2"])
def test_formats_of_the_reference_server_alone(name: str) -> None:
    assert parameter("RESPONSEFORMAT").parse(name, "dachs")
    with pytest.raises(ParameterError, match="none of the known formats"):
        parameter("RESPONSEFORMAT").parse(name, "ivoa")


@pytest.mark.parametrize(
    ("path", "name"), [("x.vot", "votable"), ("x.FITS", "fits"), ("a.b/c.csv", "csv"), ("x.pq", "parquet")]
)
def test_the_ending_names_the_format(path: str, name: str) -> None:
    assert render.format_of(path).name == name


@pytest.mark.parametrize("path", ["x", "x.doc", "vot", ".csv"])
def test_an_ending_that_names_none(path: str) -> None:
    with pytest.raises(ParameterError, match="so the format has to be named"):
        render.format_of(path)


def test_a_name_that_is_none(plain: StandIn) -> None:
    with pytest.raises(ParameterError, match=r"^format: 'excel' is none of votable, binary2"):
        render.write(plain, io.BytesIO(), "excel")


def test_a_stream_gets_a_votable(plain: StandIn) -> None:
    stream = io.BytesIO()
    render.write(plain, stream)
    assert stream.getvalue() == b"".join(render.chunks(plain, "votable"))


class Broken(StandIn):
    """An answer that fails in the middle."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        yield from self.table.to_batches(2)[:1]
        message = "the disk is gone"
        raise MirrorError(message)


def test_a_failure_leaves_the_file_as_it_was(plain: StandIn, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("before")
    with pytest.raises(MirrorError, match="the disk is gone"):
        render.write(Broken(plain.table, plain.schema), path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("target", ["nowhere/x.csv", "."])
def test_a_file_that_cannot_be_written(target: str, plain: StandIn, tmp_path: Path) -> None:
    with pytest.raises(MirrorError, match="cannot be written: "):
        render.write(plain, tmp_path / target, "csv")
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_has_the_users_own_permissions(plain: StandIn, tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    render.write(plain, tmp_path / "x.csv")
    assert (tmp_path / "x.csv").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_pipe_is_written_as_it_is(plain: StandIn, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    render.write(plain, pipe, "csv")
    reader.join(10)
    assert got == [b"".join(render.chunks(plain, "csv"))]
    assert pipe.is_fifo()


def test_rows_go_out_in_pieces() -> None:
    rows = 100_000
    answer = stand_in([(Column("a", "int"), range(rows))], batch_rows=rows)
    for name in ("votable", "binary2", "csv", "json"):
        assert max(map(len, render.chunks(answer, name))) < 400_000


def test_terminal_shows_what_fits_and_says_what_does_not() -> None:
    names = [
        Column("late", "int", verbosity=20),
        Column("first", "char", "*", verbosity=1),
        Column("ra", "double", unit="deg", verbosity=1),
    ]
    values = [range(50), ["x" * 60, "red\x1b[31m", *["y"] * 48], [292.06] * 50]
    answer = stand_in(list(zip(names, values, strict=True)), status="OVERFLOW", infos={"synthetic": "true"})
    shown = terminal_text(answer, width=52, rows=3).splitlines()
    assert max(map(len, shown[:-1])) <= 52
    assert shown[0].split() == ["first", "ra"]
    assert shown[1].split() == ["deg"]
    assert shown[3].startswith("x" * 39 + "…")
    assert "\x1b" not in shown[4]
    assert len(shown) == 3 + 3 + 1
    assert shown[-1] == (
        "50 rows, 3 columns; truncated: more rows match; raise --maxrec; SYNTHETIC rows; "
        "47 more rows and 1 more column not shown (-o FILE writes all)"
    )


def test_terminal_shows_an_answer_without_rows(plain: StandIn) -> None:
    empty = StandIn(plain.table.slice(0, 0), plain.schema)
    assert terminal_text(empty, width=200, rows=5).splitlines()[-1] == "0 rows, 6 columns"


def test_text_becomes_wider_where_it_has_to() -> None:
    names = ["a"] * 9000 + ["a much longer name"]
    answer = stand_in([(Column("name", "char", "*"), names), (Column("n", "int"), range(9001))], batch_rows=1000)
    lines = b"".join(text_chunks(answer)).decode().splitlines()
    assert lines[0].split() == ["name", "n"]
    assert lines[3 + 9000].split() == ["a", "much", "longer", "name", "9000"]
    assert len(lines[3]) < len(lines[3 + 9000])


@pytest.mark.parametrize("name", ["parquet", "arrow"])
def test_columnar_files_are_under_way_before_all_rows_are_read(name: str) -> None:
    rows = 200_000
    answer = stand_in([(Column("a", "int"), range(rows))], batch_rows=10_000)
    assert len([piece for piece in render.chunks(answer, name) if piece]) > 2
