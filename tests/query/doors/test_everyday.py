"""What people do every day, each with one command or three lines of Python, on the shipped sample."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import ssap_query as ssap
from ssap_mirror.core.catalog import CatalogError
from ssap_query.cli.choice import MIRROR_VARIABLE
from ssap_query.mirror.shipped import SAMPLE, sample_path

from .conftest import Ended, Run

SAMPLES = sample_path().parent
CONE = ("--pos", "292.06,43.93", "--size", "0.7", "--snr", "600/")
TOOL = Path(sys.executable).with_name("ssap-mirror")


@pytest.fixture
def ask(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Runs a command on the shipped sample, which has to succeed."""
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)

    def call(*words: str) -> Ended:
        done = run(*words, home=SAMPLES)
        assert done.returncode == 0, done.stderr
        return done

    return call


@pytest.fixture
def sample() -> ssap.Mirror:
    return ssap.open(SAMPLE, SAMPLES)


class TestAsking:
    def test_count(self, ask: Callable[..., Ended], sample: ssap.Mirror) -> None:
        assert ask("query", *CONE, "--count").stdout == f"{len(sample.search((292.06, 43.93), 0.7, snr='600/'))}\n"

    def test_sort_and_limit(self, ask: Callable[..., Ended]) -> None:
        done = ask("query", *CONE, "--columns", "mobsid", "--sort", "-ssa_snr", "--limit", "2")
        assert done.stdout == "mobsid\n601001210R\n601000658R\n"
        assert done.stderr == "note: these are the first 2 rows, as the limit says; more match\n"
        assert "OVERFLOW" not in ask("query", *CONE, "--limit", "3").stderr
        assert "note" not in ask("query", *CONE, "--limit", "18").stderr

    def test_the_best_of_each_object(self, ask: Callable[..., Ended], sample: ssap.Mirror) -> None:
        words = ("query", *CONE[:4], "--snr", "300/", "--per", "target", "--best", "ssa_snr")
        got = ask(*words, "--columns", "ssa_targname,ssa_snr,mobsid", "--format", "json")
        best: dict[str, float] = {}
        for record in sample.search((292.06, 43.93), 0.7, snr=(300, None)):
            best[record["ssa_targname"]] = max(best.get(record["ssa_targname"], 0), record["ssa_snr"])
        assert {name: pytest.approx(snr) for name, snr, _ in json.loads(got.stdout)["data"]} == best
        assert len(best) > 5

    def test_python_has_the_same_words(self, ask: Callable[..., Ended], sample: ssap.Mirror) -> None:
        words = ("--snr", "300/", "--per", "target", "--best", "ssa_snr", "--sort", "-ssa_snr,mobsid", "--limit", "3")
        done = ask("query", *CONE[:4], *words, "--columns", "mobsid")
        found = sample.search((292.06, 43.93), 0.7, snr=(300, None), per="target", best="ssa_snr",
                              sort=["-ssa_snr", "mobsid"], limit=3, columns=["mobsid"])  # fmt: skip
        assert done.stdout.split()[1:] == found.to_arrow()["mobsid"].to_pylist()
        assert (found.status, len(found.notes)) == ("OK", 1)
        assert len(sample.search((292.06, 43.93), 0.7, limit=7)) == 7
        name = "LAMOST J192633.55+434549.6"
        assert ask("query", "--target", name, "--count").stdout == f"{len(sample.search(target=name))}\n"
        explained = sample.explain(pos=(292.06, 43.93), size=0.7)
        assert str(explained) == str(sample.explain("REQUEST=queryData&POS=292.06,43.93&SIZE=0.7"))

    @pytest.mark.parametrize(
        ("ask_for", "said"),
        [
            (lambda m: m.search(target="x", pos=(1, 2)), "only one of them can hold"),
            (lambda m: m.search(target="lamost j192633"), "perhaps LAMOST J192633.55"),
            (lambda m: m.search(pos=(1, 2), radius=1, sort="ra"), "sort: .* is no word of a cone search"),
            (lambda m: m.search(limit=-1), "limit: -1 is less than none"),
            (lambda m: m.search(sizze=1), "perhaps size is meant"),
            (lambda m: m.search(sort="ssa_snrr"), "perhaps ssa_snr or"),
            (lambda m: m.explain("SNR=20", size=1), "is given beside a whole request"),
            (lambda m: m.crossmatch("stars.csv", radius=1), "is called radius_arcsec"),
        ],
    )
    def test_what_python_refuses(
        self, ask_for: Callable[[ssap.Mirror], object], said: str, sample: ssap.Mirror
    ) -> None:
        with pytest.raises(ssap.ParameterError, match=said):
            ask_for(sample)

    def test_what_finds_nothing_says_so(self, ask: Callable[..., Ended], run: Run, tmp_path: Path) -> None:
        nowhere = ("--pos", "10,-80", "--size", "0.1", "--columns", "mobsid")
        assert ask("query", *nowhere).stderr == "note: no row matches\n"
        assert ask("query", *nowhere, "-o", "x.csv").stderr == "0 rows to x.csv; SYNTHETIC rows\n"
        assert "6563 looks like another unit" in ask("query", *CONE, "--band", "6563", "--count").stderr
        (tmp_path / "hours.csv").write_text("ra,dec\n19.4426545,43.7637936\n")
        assert "hours are named by --unit ra=h" in ask("xmatch", "hours.csv").stderr
        picture = run("plot", "POS=10,-80&SIZE=0.1", "-o", "x.png", home=SAMPLES)
        assert (picture.returncode, (tmp_path / "x.png").exists()) == (2, False)
        assert "finds no row, so there is nothing to draw" in picture.stderr

    def test_units(self, ask: Callable[..., Ended]) -> None:
        wanted = ask("query", *CONE, "--band", "6.563e-7", "--columns", "mobsid").stdout
        assert wanted.count("\n") > 5
        for band in ("6563A", "656.3nm", "0.6563um"):
            words = ("query", "--pos", "292.06,43.93", "--size", "42arcmin", "--snr", "600/", "--band", band)
            assert ask(*words, "--columns", "mobsid").stdout == wanted
        sexagesimal = ("query", "--pos", "19h28m14.4s +43d55m48s", *CONE[2:], "--columns", "mobsid", "--band", "656nm")
        assert ask(*sexagesimal).stdout == wanted

    def test_a_value_in_another_unit_is_doubted(self, ask: Callable[..., Ended]) -> None:
        assert "6563 looks like another unit" in ask("query", *CONE, "--band", "6563").stderr

    def test_frames(self, ask: Callable[..., Ended]) -> None:
        there = ask("query", "--pos", "75.6,12.2", "--frame", "galactic", "--size", "2", "--columns", "mobsid")
        assert there.stdout == ask("query", "--pos", "75.6,12.2;GALACTIC", "--size", "2", "--columns", "mobsid").stdout

    def test_patterns_of_columns(self, ask: Callable[..., Ended]) -> None:
        header = ask("query", *CONE, "--columns", "mobsid,rv_b*").stdout.splitlines()[0]
        assert (
            header == "mobsid,rv_b0,rv_b0_err,rv_br0,rv_br0_err,rv_b1,rv_b1_err,rv_br1,rv_br1_err,rv_b_flag,rv_br_flag"
        )

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("--columns", "ssa_snrr"), "perhaps ssa_snr"),
            (("--sort", "nothing"), "--sort: 'nothing' is not a column"),
            (("--sort", "ssa_snr desc"), "with a minus in front a column sorts from the largest down"),
            (("--best", "ssa_snr"), "--best: 'ssa_snr' says which row"),
            (("--per", "nothing"), "--per: 'nothing' is not a column"),
            (("--size", "6km"), "--size: '6km' has a unit"),
            (("--frame", "galactic"), "--frame: 'galactic' is of a --pos"),
        ],
    )
    def test_what_is_refused(self, words: tuple[str, ...], said: str, run: Run) -> None:
        done = run("query", *words, home=SAMPLES)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr

    def test_dates(self, ask: Callable[..., Ended]) -> None:
        text = (
            "SELECT mjd_iso(58265.73898035) AS iso, iso_mjd('2018-05-27T17:44:07.902') AS mjd, "
            "night(58265.73898035, 117.6) AS here, night(58265.1, 117.6) AS before"
        )
        iso, mjd, here, before = ask("sql", text).stdout.splitlines()[1].split(",")
        assert iso == "2018-05-27T17:44:07.902"
        assert float(mjd) == pytest.approx(58265.73898035, abs=1e-8)
        assert (here, before) == ("2018-05-27", "2018-05-26")
        assert "night(mjd, longitude)" in ask("sql", "--functions").stdout


class TestKnowing:
    def test_columns(self, ask: Callable[..., Ended], sample: ssap.Mirror) -> None:
        rows = {row["name"]: row for row in sample.columns().to_arrow().to_pylist()}
        assert rows["ssa_snr"]["tested_by"] == "SNR"
        assert 0 < rows["ssa_dateObs"]["missing"] < 1
        assert rows["ra"]["unit"] == "deg"
        snr = [
            value for value in sample.search(columns=["ssa_snr"]).to_arrow()["ssa_snr"].to_pylist() if value == value
        ]
        assert float(rows["ssa_snr"]["largest"]) == pytest.approx(max(value for value in snr if value is not None))
        assert len(ask("columns").stdout.splitlines()) == 1 + len(rows) == 99

    def test_list(self, ask: Callable[..., Ended]) -> None:
        lines = ask("list").stdout.splitlines()
        assert [line[:2] for line in lines if SAMPLE in line] == ["* "]
        assert "20,000 rows" in next(line for line in lines if SAMPLE in line)

    def test_a_mirror_in_a_notebook(self, sample: ssap.Mirror) -> None:
        assert "20,000" in sample._repr_html_()
        assert repr(sample).startswith(f"<Mirror '{SAMPLE}': 20,000 rows")
        explained = sample.explain("REQUEST=queryData&POS=292.06,43.93&SNR=20/")
        assert len(repr(explained)) < 300
        assert "<pre" in explained._repr_html_()

    @pytest.mark.extra("polars")
    def test_polars_scans_all_rows(self, sample: ssap.Mirror) -> None:
        frame = sample.scan().select("mobsid").collect()
        assert frame.height == sample.catalog.rows


class TestChoosing:
    def test_one_rule(self, run: Run, corpus_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
        home = tmp_path / "home"
        home.mkdir()
        none = run("info", home=home)
        assert none.returncode == 2
        assert "No mirror yet" in none.stderr
        assert "ssap-mirror sync" in none.stderr
        (home / "one").symlink_to(corpus_home / "corpus")
        (home / SAMPLE).symlink_to(sample_path())
        assert "/one/" in run("path", home=home).stdout
        (home / "two").symlink_to(corpus_home / "corpus")
        several = run("query", home=home)
        assert several.returncode == 2
        assert "Several mirrors: one, two. Say which with -m NAME" in several.stderr
        for words in (("path", "two"), ("path", "-m", "two"), ("path", "two", "-m", "two")):
            assert "/two/" in run(*words, home=home).stdout
        assert "Two mirrors are named" in run("path", "two", "-m", "one", home=home).stderr
        monkeypatch.setenv(MIRROR_VARIABLE, "two")
        assert "/two/" in run("path", home=home).stdout

    def test_the_sample_is_found_everywhere(self, tmp_path: Path) -> None:
        assert ssap.open(SAMPLE, tmp_path).catalog.rows == 20_000
        with pytest.raises(CatalogError, match="No mirror 'nope'"):
            ssap.open("nope", tmp_path)


class TestFiles:
    def test_a_file_is_replaced_only_on_purpose(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("mine")
        done = run("query", *CONE, "-o", "x.csv", home=SAMPLES)
        assert (done.returncode, done.stderr) == (2, "ssap-mirror: --output: 'x.csv' exists; --overwrite replaces it\n")
        assert (tmp_path / "x.csv").read_text() == "mine"
        assert run("query", *CONE, "-o", "x.csv", "--overwrite", home=SAMPLES).returncode == 0
        assert (tmp_path / "x.csv").read_text() != "mine"

    def test_what_is_read_is_not_written(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("ra,dec\n1,2\n")
        done = run("xmatch", "x.csv", "-o", str(tmp_path / "x.csv"), "--overwrite", home=SAMPLES)
        assert done.returncode == 2
        assert "is a table that is read" in done.stderr
        assert (tmp_path / "x.csv").read_text() == "ra,dec\n1,2\n"

    def test_packed_files_and_arrow(self, ask: Callable[..., Ended], tmp_path: Path) -> None:
        plain = ask("query", *CONE, "--verb", "1").stdout
        ask("query", *CONE, "--verb", "1", "-o", "x.csv.gz")
        assert gzip.decompress((tmp_path / "x.csv.gz").read_bytes()).decode() == plain
        ask("query", *CONE, "-o", "x.feather")
        ask("query", *CONE, "-o", "x.parquet")
        with pa.ipc.open_file(tmp_path / "x.feather") as file:
            table = file.read_all()
        assert str(table.to_pylist()) == str(pq.read_table(tmp_path / "x.parquet").to_pylist())
        assert table.schema.field("ra").metadata[b"unit"] == b"deg"

    @pytest.mark.parametrize(("name", "start"), [("x.pdf", b"%PDF"), ("x.svg", b"<?xml"), ("x.png", b"\x89PNG")])
    def test_pictures_are_what_their_names_say(
        self, name: str, start: bytes, ask: Callable[..., Ended], tmp_path: Path
    ) -> None:
        ask("plot", "--kind", "snr", "-o", name)
        assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("number", "code", "said"), [(signal.SIGINT, 130, "interrupted\n"), (signal.SIGTERM, 143, "interrupted\n")]
)
def test_a_command_ends_at_once_when_it_is_told_to(number: int, code: int, said: str, tmp_path: Path) -> None:
    deaf = "SELECT count(*) FROM range(10000000) AS a, range(1000000) AS b WHERE (a.range * b.range) % 7 = 3"
    environment = {**os.environ, "SSAP_MIRROR_HOME": str(SAMPLES), "TMPDIR": str(tmp_path)}
    command = [TOOL, "sql", deaf, "-o", str(tmp_path / "x.csv")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        began = time.monotonic()
        while _cpu_seconds(process.pid) < 3.0 and time.monotonic() - began < 120:
            time.sleep(0.1)
        process.send_signal(number)
        told = time.monotonic()
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.decode()) == (code, b"", said)
    assert time.monotonic() - told < 5  # a second, and more on a machine that is busy
    assert list(tmp_path.iterdir()) == []


def _cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_packed_streams_are_the_same_each_time(ask: Callable[..., Ended], tmp_path: Path) -> None:
    for name in ("a.vot.gz", "b.vot.gz"):
        ask("query", *CONE, "-o", name)
    assert (tmp_path / "a.vot.gz").read_bytes()[20:] == (tmp_path / "b.vot.gz").read_bytes()[20:]
    assert io.BytesIO(gzip.decompress((tmp_path / "a.vot.gz").read_bytes())).read(5) == b"<?xml"
