"""The command line: what goes to stdout, what to stderr, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
import ssap_query as ssap
from click.testing import CliRunner
from ssap_mirror.errors import CatalogError, MirrorError, ParameterError
from ssap_query.cli import diagnostics, group
from ssap_query.cli.diagnostics import ExitCode, guarded
from ssap_query.mirror.shipped import sample_path
from ssap_query.xmatch import Positions, crossmatch

if TYPE_CHECKING:
    from .conftest import Ended, Run

COMMANDS = (
    *("demo", "sync", "query", "xmatch", "sql", "adql", "cluster", "list", "info", "columns", "covers", "plot"),
    *("verify", "open", "serve", "path", "export", "fetch", "services", "snapshots", "diff", "rollback", "publish"),
)
CONE = ("--pos", "56.1,21.6", "--size", "2")


def one_sentence(done: Ended, code: ExitCode) -> str:
    """What stderr says, if it is one line and the exit code is right."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.fixture
def own_home(corpus_home: Path, tmp_path: Path) -> Path:
    """A copy of the mirror that a test may damage."""
    home = tmp_path / "home"
    shutil.copytree(corpus_home, home)
    return home


class TestQuery:
    def test_a_pipe_gets_csv_and_the_rest_goes_to_stderr(self, run: Run) -> None:
        done = run("query", "-m", "corpus", *CONE, "--maxrec", "3", "--verb", "1", "--runaway", "1")
        assert done.returncode == 2
        done = run("query", "-m", "corpus", *CONE, "--maxrec", "3", "--verb", "1")
        assert len(list(csv.reader(io.StringIO(done.stdout)))) == 4
        assert done.stderr == "OVERFLOW: there are more rows than the 3 given\n"

    @pytest.mark.parametrize(
        "name", ["x.vot", "x.fits", "x.csv", "x.tsv", "x.ecsv", "x.parquet", "x.json", "x.txt", "x.html"]
    )
    def test_the_ending_names_the_format(self, name: str, run: Run, tmp_path: Path) -> None:
        done = run("query", "-m", "corpus", *CONE, "--verb", "1", "-o", name)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        assert f"rows to {name}" in done.stderr
        assert "Traceback" not in done.stderr
        assert (tmp_path / name).stat().st_size > 100

    def test_what_a_format_cannot_hold_is_told_in_a_line(self, run: Run) -> None:
        done = run("query", "-m", "corpus", *CONE, "-o", "x.fits")
        notes = [line for line in done.stderr.splitlines() if "cannot hold" in line]
        assert notes
        assert all(line.startswith("note: ") for line in notes)
        assert "LossWarning" not in done.stderr

    def test_a_format_by_name_on_stdout(self, run: Run) -> None:
        done = run("query", "-m", "corpus", *CONE, "--maxrec", "2", "--verb", "1", "--format", "json")
        assert len(json.loads(done.stdout)["data"]) == 2

    def test_columns(self, run: Run) -> None:
        done = run("query", "-m", "corpus", *CONE, "--columns", "mobsid, ssa_snr")
        assert done.stdout.splitlines()[0] == "mobsid,ssa_snr"
        assert "'nope' is not a column" in one_sentence(
            run("query", "-m", "corpus", "--columns", "nope"), ExitCode.BAD_INPUT
        )

    def test_a_whole_request(self, run: Run) -> None:
        text = "REQUEST=queryData&POS=56.1%2C21.6&SIZE=2&VERB=1"
        assert (
            run("query", "-m", "corpus", "--request", text).stdout
            == run("query", "-m", "corpus", *CONE, "--verb", "1").stdout
        )

    def test_a_whole_request_may_name_the_format(self, run: Run) -> None:
        text = "REQUEST=queryData&POS=56.1,21.6&SIZE=2&VERB=1&RESPONSEFORMAT=application/json"
        assert json.loads(run("query", "-m", "corpus", "--request", text).stdout)["status"] == "OK"
        assert run("query", "-m", "corpus", "--request", text, "--format", "csv").stdout.startswith("accref,")

    def test_dialects_differ(self, run: Run) -> None:
        by_dialect = {
            d: run("query", "-m", "corpus", *CONE, "--dialect", d).stdout.count("\n") for d in ("ivoa", "dachs")
        }
        assert by_dialect["ivoa"] < by_dialect["dachs"]

    def test_explain_answers_nothing(self, run: Run) -> None:
        done = run("query", "-m", "corpus", *CONE, "--snr", "20/", "--explain")
        assert done.returncode == 0
        for part in ("POS", "SNR", "SELECT", "?"):
            assert part in done.stdout

    def test_a_table_to_read(self, run: Run) -> None:
        done = run("query", "-m", "corpus", *CONE, "--format", "table")
        lines = done.stdout.splitlines()
        assert max(map(len, lines[:10])) <= 100
        assert "SYNTHETIC rows" in lines[-1]
        assert "more columns" in lines[-1]

    def test_notes_are_told(self, run: Run) -> None:
        done = run("query", "-m", "corpus", "--request", "POS=56.1,21.6&SIZE=2&SIZE=3", "--verb", "1")
        assert "note: SIZE is given 2 times; the last counts" in done.stderr

    @pytest.mark.parametrize("words", ["POS=56.1,21.6&COLOUR=blue", "POS=56.1,21.6&SNR"])
    def test_what_a_request_says_in_vain_is_refused(self, run: Run, words: str) -> None:
        done = run("query", "-m", "corpus", "--request", words)
        assert done.returncode == 2
        assert words.rpartition("&")[2].partition("=")[0] in done.stderr

    def test_metadata(self, run: Run, tmp_path: Path) -> None:
        done = run("query", "-m", "corpus", "--mime", "metadata", "-o", "x.vot")
        assert done.returncode == 0
        assert 'name="INPUT:POS"' in (tmp_path / "x.vot").read_text()

    def test_a_reader_that_has_enough(self, corpus_home: Path) -> None:
        tool = Path(sys.executable).with_name("ssap-mirror")
        command = f"({tool} query -m corpus --home {corpus_home}; echo ended $? >&2) | head -1"
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
        assert done.stdout.startswith("accref,")
        assert done.stderr == "ended 0\n"


class TestBadInput:
    """Each kind of bad input: one sentence, the right exit code, no traceback."""

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("--pos", "12;3,4"), "--pos: "),
            (("--pos", "1e400,0"), "--pos: "),
            (("--pos", "10,-91", "--size", "1"), "--pos: "),
            (("--pos", "3C 273"), "--pos: expected RA,Dec in decimal degrees, got '3C 273'"),
            (("--request", "POS=abc,1"), "POS: expected RA,Dec in decimal degrees, got 'abc'"),
            (("--size", "1e9", "--pos", "1,1"), "--size: "),
            (("--snr", "é"), "--snr: 'é' "),
            (("--dialect", "dachs", "--fluxcalib", "odd"), "--fluxcalib: 'odd' "),
            (("--format", "excel"), "--format: 'excel' is none of "),
            (("-o", "x.doc"), "-o: 'x.doc' ends in none of "),
        ],
    )
    def test_values(self, words: tuple[str, ...], said: str, run: Run) -> None:
        assert one_sentence(run("query", "-m", "corpus", *words), ExitCode.BAD_INPUT).startswith(f"ssap-mirror: {said}")

    def test_unknown_mirror(self, run: Run) -> None:
        said = one_sentence(run("query", "-m", "nope"), ExitCode.FAILURE)
        assert "No mirror 'nope'" in said
        assert "corpus" in said

    def test_a_file_that_cannot_be_written(self, run: Run) -> None:
        said = one_sentence(run("query", "-m", "corpus", *CONE, "-o", "nowhere/x.csv"), ExitCode.FAILURE)
        assert said == "ssap-mirror: nowhere/x.csv cannot be written: No such file or directory"

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_an_unreadable_file(self, run: Run, own_home: Path) -> None:
        next(own_home.rglob("Npix=*.parquet")).chmod(0)
        assert "cannot be read" in one_sentence(run("query", "-m", "corpus", home=own_home), ExitCode.FAILURE)

    def test_a_file_that_is_gone(self, run: Run, own_home: Path) -> None:
        next(own_home.rglob("Npix=*.parquet")).unlink()
        assert "cannot be read" in one_sentence(run("query", "-m", "corpus", home=own_home), ExitCode.FAILURE)

    def test_corrupt_parquet(self, run: Run, own_home: Path) -> None:
        for file in own_home.rglob("Npix=*.parquet"):
            file.write_bytes(b"PAR1" + b"\0" * 1000 + b"PAR1")
        said = one_sentence(run("query", "-m", "corpus", home=own_home), ExitCode.FAILURE)
        assert "ssap-mirror verify says which files are damaged" in said

    def test_a_damaged_manifest(self, run: Run, own_home: Path) -> None:
        next(own_home.rglob("manifest.json")).write_text("{")
        assert "is damaged" in one_sentence(run("info", "corpus", home=own_home), ExitCode.FAILURE)

    @pytest.mark.parametrize("text", ["DROP TABLE spectra", "", "SELECT 1; SELECT 2", "COPY spectra TO 'x.csv'"])
    def test_sql(self, text: str, run: Run, tmp_path: Path) -> None:
        one_sentence(run("sql", "-m", "corpus", text), ExitCode.BAD_INPUT)
        assert list(tmp_path.iterdir()) == []

    def test_sql_that_duckdb_does_not_understand(self, run: Run) -> None:
        done = run("sql", "-m", "corpus", "SELECT ssa_snrr FROM spectra")
        assert (done.returncode, done.stdout) == (ExitCode.BAD_INPUT, "")
        first, second, *_ = done.stderr.splitlines()
        assert first.startswith("ssap-mirror: SQL error: Binder Error: ")
        assert second.startswith('Candidate bindings: "ssa_snr"')

    @pytest.mark.parametrize(
        ("content", "name"),
        [
            (None, "gone.parquet"),
            (b"not a table", "x.parquet"),
            (b"<html><body>sorry</body></html>", "x.vot"),
            (b"SIMPLE  = what", "x.fits"),
        ],
    )
    def test_tables_to_match(self, content: bytes | None, name: str, run: Run, tmp_path: Path) -> None:
        if content is not None:
            (tmp_path / name).write_bytes(content)
        assert name in one_sentence(run("xmatch", "-m", "corpus", name), ExitCode.FAILURE)

    def test_a_table_without_positions(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("a,b\n1,2\n")
        one_sentence(run("xmatch", "-m", "corpus", "x.csv"), ExitCode.BAD_INPUT)

    @pytest.mark.parametrize("words", [("--radius", "-1"), ("--radius", "nan"), ("--epoch", "12"), ("--sigma", "3")])
    def test_matches(self, words: tuple[str, ...], run: Run, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("ra,dec\n1,2\n")
        one_sentence(run("xmatch", "-m", "corpus", "x.csv", *words), ExitCode.BAD_INPUT)

    @pytest.mark.parametrize(
        "words", [(), ("nonsense",), ("query", "--nonsense"), ("query", "--snr"), ("xmatch",), ("serve", "--port", "0")]
    )
    def test_words_that_are_none(self, words: tuple[str, ...], run: Run) -> None:
        done = run(*words)
        assert (done.returncode, done.stdout) == (2, "")
        assert "Traceback" not in done.stderr
        assert "ssap-mirror" in done.stderr


class TestSyncFailures:
    """A source that fails leaves the live snapshot as it was."""

    def test_an_unreachable_host(self, run: Run, own_home: Path) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
            self._fails(run, own_home, f"http://127.0.0.1:{port}/ssap", "127.0.0.1")

    def test_html_instead_of_votable(self, run: Run, own_home: Path) -> None:
        class Html(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<!DOCTYPE html><html><body>Welcome to the hotel network</body></html>")

            def log_message(self, *words: object) -> None:
                pass

        with HTTPServer(("127.0.0.1", 0), Html) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self._fails(run, own_home, f"http://127.0.0.1:{server.server_port}/ssap", "")
            server.shutdown()

    @pytest.mark.parametrize("source", ["ftp://example.org/", "gone.parquet", ""])
    def test_a_source_that_is_none(self, source: str, run: Run) -> None:
        done = run("sync", "corpus", "--from", source, "--quiet")
        assert done.returncode in (ExitCode.FAILURE, ExitCode.BAD_INPUT)
        assert "Traceback" not in done.stderr

    def test_a_service_that_is_not_known(self, run: Run) -> None:
        assert "'nope' is no service that is known by name" in one_sentence(run("sync", "nope"), ExitCode.BAD_INPUT)

    @staticmethod
    def _fails(run: Run, home: Path, url: str, said: str) -> None:
        before = run("path", "corpus", home=home).stdout
        # How long is waited between attempts is tested where requests are made.
        done = run("sync", "corpus", "--from", url, "--quiet", "--attempts", "2", home=home)
        assert done.returncode == ExitCode.FAILURE
        assert "Traceback" not in done.stderr
        assert said in done.stderr
        assert run("path", "corpus", home=home).stdout == before
        assert run("query", "-m", "corpus", "--maxrec", "1", home=home).returncode == 0


class TestOtherCommands:
    def test_help_of_every_command(self) -> None:
        runner = CliRunner()
        shown = runner.invoke(group, ["--help"])
        assert shown.exit_code == 0
        for name in COMMANDS:
            assert f"  {name} " in shown.output
            assert runner.invoke(group, [name, "--help"]).exit_code == 0
        assert tuple(group.list_commands(None)) == COMMANDS

    @pytest.mark.parametrize("width", ["80", "200"])
    def test_help_shows_whole_lines(self, width: str) -> None:
        shown = CliRunner().invoke(group, [], env={"COLUMNS": width})
        assert shown.output == CliRunner().invoke(group, ["--help"], env={"COLUMNS": width}).output
        listed = [line.split()[0] for line in shown.output.splitlines() if line.startswith("  ")]
        assert [name for name in COMMANDS if listed.count(name) != 1] == []
        assert "..." not in shown.output.replace("COMMAND [ARGS]...", "")
        assert max(map(len, shown.output.splitlines())) <= min(int(width), 120)

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("quer",), "No such command 'quer'. Perhaps query is meant."),
            (("xmatch", "x.csv", "--snr", "20"), "xmatch takes the parameters of SSAP as --request 'SNR="),
            (("plot", "--targetname", "x"), "plot takes the parameters of SSAP as 'TARGETNAME="),
            (("query", "--sise", "1"), "No such option '--sise'"),
            (("publish",), "Missing argument '[MIRROR] DIRECTORY'"),
            (("publish", "a", "b", "c"), "a mirror and a directory are the most"),
        ],
    )
    def test_words_that_are_wrong(self, words: tuple[str, ...], said: str, run: Run) -> None:
        done = run(*words)
        assert (done.returncode, done.stdout) == (ExitCode.BAD_INPUT, "")
        assert said in done.stderr

    def test_version(self, run: Run) -> None:
        assert run("--version").stdout.startswith("ssap-mirror ")

    def test_path(self, run: Run, corpus_mirror: ssap.Mirror) -> None:
        assert run("path", "corpus").stdout == f"{corpus_mirror.catalog.path}\n"

    def test_info(self, run: Run, corpus_mirror: ssap.Mirror) -> None:
        text = run("info", "corpus").stdout
        for part in (f"{corpus_mirror.catalog.rows:,}", "SYNTHETIC", "98", "RA ", "MJD ", "MB in ", "file tests"):
            assert part in text
        facts = json.loads(run("info", "corpus", "--json").stdout)
        assert (facts["rows"], facts["synthetic"]) == (corpus_mirror.catalog.rows, True)

    def test_sql(self, run: Run, corpus_mirror: ssap.Mirror) -> None:
        assert (
            run("sql", "-m", "corpus", "SELECT count(*) AS n FROM spectra").stdout
            == f"n\n{corpus_mirror.catalog.rows}\n"
        )

    def test_verify(self, run: Run, own_home: Path) -> None:
        assert "no problem found" in run("verify", "corpus", home=own_home).stdout
        file = next(own_home.rglob("Npix=*.parquet"))
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
        done = run("verify", "corpus", home=own_home)
        assert done.returncode == ExitCode.FAILURE
        assert f"{file.name} is damaged" in done.stderr

    def test_export_is_the_whole_table(self, run: Run, tmp_path: Path, corpus_mirror: ssap.Mirror) -> None:
        assert run("export", "corpus", "-o", "all.parquet").returncode == 0
        table = pq.read_table(tmp_path / "all.parquet")
        assert (table.num_rows, table.column_names) == (corpus_mirror.catalog.rows, list(corpus_mirror.schema.names))

    def test_xmatch(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("star,ra,dec\na,56.1,21.6\nb,0.5,20.1\n")
        words = ("xmatch", "-m", "corpus", "x.csv", "--radius", "3600", "--find", "all", "--columns", "mobsid")
        done = run(*words, "-o", "m.parquet")
        assert done.returncode == 0, done.stderr
        table = pq.read_table(tmp_path / "m.parquet")
        assert {"mobsid", "star", "separation_arcsec"} <= set(table.column_names)
        assert f"{table.num_rows} rows to m.parquet; SYNTHETIC rows\n" in done.stderr
        assert "; SYNTHETIC rows" in run(*words, "--format", "table").stdout
        shown = run(*words).stdout
        assert shown.count("\n") == table.num_rows + 1 > 1

    def test_xmatch_knows_all_columns(self, run: Run, tmp_path: Path, corpus_mirror: ssap.Mirror) -> None:
        (tmp_path / "x.csv").write_text("star,RAJ2000,DEJ2000\na,56.1,21.6\n")
        done = run("xmatch", "-m", "corpus", "x.csv", "--radius", "3600", "--columns", "all")
        assert done.returncode == 0, done.stderr
        rows = csv.reader(io.StringIO(done.stdout))
        head = next(rows)
        assert [name for name in head if name in corpus_mirror.schema.names] == list(corpus_mirror.schema.names)
        assert {len(row) for row in rows} == {len(head)}

    def test_options_of_xmatch_are_those_of_crossmatch(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "left.csv").write_text("id,ra,dec,rank\n1,10,0,5\n2,10,0.0001,7\n3,50,0,1\n")
        (tmp_path / "right.csv").write_text("other,ra,dec\na,10,0\nb,90,0\n")
        options: dict[tuple[str, ...], dict[str, object]] = {
            ("--join", "outer", "--row-numbers"): {"join": "outer", "row_numbers": True},
            ("--find", "best-other", "--best-by", "rank"): {"find": "best-other", "best_by": "rank"},
            ("--find", "best-other", "--neighbors", "2"): {"find": "best-other", "n_neighbors": 2},
            ("--min-radius", "0.1"): {"min_radius_arcsec": 0.1},
            ("--find", "symmetric", "--no-self-pairs"): {"find": "symmetric", "self_pairs": False},
        }
        for words, wanted in options.items():
            done = run("xmatch", "left.csv", "right.csv", "--format", "json", *words)
            paths = [tmp_path / f"{side}.csv" for side in ("left", "right")]
            table = crossmatch(*paths, 1.0, **wanted).to_arrow()
            assert json.loads(done.stdout)["data"] == [list(row.values()) for row in table.to_pylist()], words
        assert run("xmatch", "-m", "corpus", "left.csv", "--no-self-pairs").returncode == ExitCode.BAD_INPUT

    def test_xmatch_keeps_facts_of_the_mirror_in_every_format(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("_id,ra,dec\n1,10,0\n")
        done = run("xmatch", "-m", "corpus", "x.csv", "--join", "right", "-o", "out.ecsv")
        assert "SYNTHETIC rows" in done.stderr
        lines = (tmp_path / "out.ecsv").read_text().splitlines()
        assert any("snapshot" in line for line in lines if line.startswith("#"))
        head = next(line for line in lines if not line.startswith("#"))
        assert "_id" in head.split(",")

    def test_xmatch_of_a_selection(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("ra,dec\n56.1,21.6\n")
        words = ("xmatch", "-m", "corpus", "x.csv", "--radius", "3600", "--find", "all", "--columns", "mobsid,ssa_snr")
        every, bright = run(*words).stdout, run(*words, "--request", "SNR=100/").stdout
        rows = [row for row in csv.DictReader(io.StringIO(every)) if row["ssa_snr"] and float(row["ssa_snr"]) >= 100]
        assert [row["mobsid"] for row in csv.DictReader(io.StringIO(bright))] == [row["mobsid"] for row in rows]

    @pytest.mark.parametrize("ending", ["csv", "vot", "fits", "ecsv", "parquet"])
    def test_xmatch_of_two_tables(self, ending: str, run: Run, tmp_path: Path) -> None:
        (tmp_path / "old.csv").write_text("star,lon,lat,mu,nu\na,10,0,1000,0\nb,20,0,0,0\nc,30,0,0,0\n")
        (tmp_path / "new.csv").write_text("star,ra,dec,g\nA,10.0069444,0,9\nB,20,0,11\nC,30,0,12\n")
        where = ("--left-ra", "lon", "--left-dec", "lat", "--left-pmra", "mu", "--left-pmdec", "nu")
        when = ("--left-epoch", "1991.25", "--epoch", "2016.25")
        kept = ("--columns", "star", "--table-columns", "star", "--suffix", "_new", "--where", "g < 11.5")
        done = run("xmatch", "old.csv", "new.csv", *where, *when, *kept, "-o", f"m.{ending}")
        assert done.returncode == 0, done.stderr
        assert "2 rows" in done.stderr
        nowhere = {"ra": [200.0], "dec": [-80.0]}
        there = Positions(ra="separation_arcsec", dec="position_angle_deg")
        found = crossmatch(tmp_path / f"m.{ending}", nowhere, find="anti", left_positions=there).to_arrow()
        assert [(row["star"], row["star_new"]) for row in found.to_pylist()] == [("a", "A"), ("b", "B")]
        assert found["separation_arcsec"][0].as_py() == pytest.approx(0.0, abs=1e-3)

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("a.csv", "a.csv", "-m", "corpus"), "--mirror"),
            (("a.csv", "a.csv", "--request", "SNR=1/"), "--request"),
            (("a.csv", "--left-epoch", "2000"), "--left-epoch"),
            (("a.csv", "--left-where", "ra > 1"), "--left-where"),
            (("a.csv", "a.csv", "a.csv"), "3 tables"),
            (("a.csv", "a.csv", "--where", "nonsense > 1"), "--where: "),
            (("a.csv", "a.csv", "--where", "true; DROP VIEW right_rows"), "--where: "),
            (("a.csv", "a.csv", "--memory", "lots"), "--memory: "),
        ],
    )
    def test_xmatch_says_what_it_cannot_do(self, words: tuple[str, ...], said: str, run: Run, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("ra,dec\n1,2\n")
        done = run("xmatch", *words)
        assert (done.returncode, done.stdout) == (ExitCode.BAD_INPUT, "")
        assert said in done.stderr.splitlines()[-1]

    @pytest.mark.parametrize("command", COMMANDS)
    def test_help_has_no_marks_of_its_making(self, command: str, run: Run) -> None:
        assert "\\b" not in run(command, "--help").stdout

    @pytest.mark.parametrize(
        "words",
        [
            ("corpus",),
            ("-m", "corpus", "--kind", "bands"),
            ("MAXREC=50", "-m", "corpus", "--kind", "time"),
            ("corpus", "--kind", "density", "--x", "ssa_snr", "--y", "rv_br1_err"),
        ],
    )
    def test_plot(self, words: tuple[str, ...], run: Run, tmp_path: Path) -> None:
        assert run("plot", *words, "-o", "x.png").returncode == 0
        assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")

    def test_plot_of_a_file(self, run: Run, tmp_path: Path) -> None:
        assert run("query", "-m", "corpus", "--maxrec", "20", "-o", "few.vot").returncode == 0
        done = run("plot", "few.vot", "--kind", "snr")
        assert (done.returncode, done.stderr) == (0, "picture: few-snr.png\n")
        wrong = run("plot", "few.vot", "--kind", "density", "--x", "ssa_snr", "-o", "y.png")
        assert "is needed" in one_sentence(wrong, ExitCode.BAD_INPUT)

    def test_snapshots_diff_and_rollback(self, run: Run, own_home: Path, awkward, mirror_of) -> None:
        old = run("path", "corpus", home=own_home).stdout.strip()
        mirror_of(awkward.table, awkward.schema, own_home, "corpus", 5_000)
        new = run("path", "corpus", home=own_home).stdout.strip()
        listed = run("snapshots", "corpus", home=own_home).stdout.splitlines()
        assert [line[0] for line in listed] == [" ", "*"]
        assert Path(new).name in listed[1]
        done = run("diff", old, new, home=own_home)
        assert done.returncode == 0
        head, summary, *rows = done.stdout.splitlines()
        assert head == f"from {Path(old).name} to {Path(new).name}"
        assert summary.startswith("  rows: ")
        assert {line[0] for line in rows if line[0] != " "} <= set("+-~")
        for words in (("corpus",), ("corpus", Path(old).name), ("-m", "corpus", Path(old).name, Path(new).name)):
            assert run("diff", *words, home=own_home).stdout == done.stdout
        short = run("diff", "corpus", "--summary", home=own_home).stdout.splitlines()
        assert short == [line for line in done.stdout.splitlines() if line[0] in "f "]
        swapped = run("diff", "corpus", Path(new).name, Path(old).name, "--summary", home=own_home).stdout
        assert swapped.startswith(f"from {Path(new).name} to {Path(old).name}")
        unknown = one_sentence(run("diff", "corpus", "20000101T000000Z", home=own_home), ExitCode.FAILURE)
        assert f"there are: {Path(old).name}, {Path(new).name}" in unknown
        assert run("rollback", "corpus", home=own_home).returncode == 0
        assert run("path", "corpus", home=own_home).stdout.strip() == old
        assert run("rollback", "corpus", Path(new).name, home=own_home).returncode == 0
        assert run("path", "corpus", home=own_home).stdout.strip() == new
        assert run("rollback", "corpus", home=own_home).returncode == 0
        assert "no snapshot older" in one_sentence(run("rollback", "corpus", home=own_home), ExitCode.FAILURE)

    def test_a_mirror_whose_live_snapshot_is_lost_is_mended(self, run: Run, own_home: Path) -> None:
        live = run("path", "corpus", home=own_home).stdout.strip()
        (own_home / "corpus" / "snapshots" / "mine").mkdir()
        (own_home / "corpus" / "CURRENT").write_text("")
        said = one_sentence(run("info", "corpus", home=own_home), ExitCode.FAILURE)
        assert "ssap-mirror snapshots lists what is there, ssap-mirror rollback makes one of them live" in said
        listed = run("snapshots", "corpus", home=own_home)
        assert listed.returncode == 0
        assert listed.stdout.startswith(f"  {Path(live).name}  ")
        assert "mine is no snapshot, for it has no manifest; it is left alone" in listed.stderr
        assert "none is live; `ssap-mirror rollback corpus`" in listed.stderr
        assert run("rollback", "corpus", home=own_home).returncode == 0
        assert run("path", "corpus", home=own_home).stdout.strip() == live

    def test_rollback_to_a_name(self, run: Run, own_home: Path, awkward, mirror_of) -> None:
        old = run("path", "corpus", home=own_home).stdout.strip()
        mirror_of(awkward.table, awkward.schema, own_home, "corpus", 5_000)
        new = run("path", "corpus", home=own_home).stdout.strip()
        for path in (old, new):
            assert path in run("rollback", "corpus", Path(path).name, home=own_home).stderr
            assert run("path", "corpus", home=own_home).stdout.strip() == path
        # The name of a snapshot alone is one of the mirror that is meant where none is named.
        assert old in run("rollback", Path(old).name, home=own_home).stderr
        assert run("path", home=own_home).stdout.strip() == old

    def test_services(self, run: Run) -> None:
        assert "lamost6-mrs" in run("services").stdout


class TestDemo:
    """The main job from end to end."""

    def test_every_step(self, run: Run, tmp_path: Path) -> None:
        done = run("demo", "--folder", "kept")
        assert done.returncode == 0, done.stderr
        kept = tmp_path / "kept"
        assert "SYNTHETIC" in done.stdout.splitlines()[0] + done.stderr
        assert "complete" in done.stdout + done.stderr
        columns = {verb: (kept / f"cone-verb{verb}.vot").read_text().count("<FIELD ") for verb in (1, 2, 3)}
        assert columns == {1: 8, 2: 87, 3: 98}
        rows = {(kept / f"cone-verb{verb}.vot").read_text().count("<TR>") for verb in (1, 2, 3)}
        assert len(rows) == 1
        assert rows.pop() > 0
        assert all(pq.read_metadata(path).num_rows > 0 for path in kept.glob("*matches.parquet"))
        assert len(list(kept.glob("*matches.parquet"))) == 2
        assert (kept / "sky.png").read_bytes().startswith(b"\x89PNG")
        mirrored = ssap.open("lamost6-mrs", kept)
        assert mirrored.catalog.rows == ssap.open(sample_path()).catalog.rows
        assert mirrored.catalog.synthetic
        assert "ssap-mirror sync lamost6-mrs\n" in done.stdout + done.stderr


class TestDiagnostics:
    @pytest.mark.parametrize(
        ("error", "code", "said"),
        [
            (ParameterError("SNR", "x", "is not a number"), ExitCode.BAD_INPUT, "SNR: 'x' is not a number"),
            (CatalogError("gone\nreally"), ExitCode.FAILURE, "gone really"),
            (MirrorError("odd"), ExitCode.FAILURE, "odd"),
            (FileNotFoundError(2, "No such file", "x"), ExitCode.FAILURE, "x: No such file"),
            (ModuleNotFoundError("no", name="polars"), ExitCode.FAILURE, "this needs the package polars"),
            (ZeroDivisionError("oops"), ExitCode.FAILURE, "an error of ssap-mirror itself, ZeroDivisionError: oops"),
            (MemoryError(), ExitCode.FAILURE, "an error of ssap-mirror itself, MemoryError"),
        ],
    )
    def test_sentences(self, error: Exception, code: ExitCode, said: str, capsys: pytest.CaptureFixture[str]) -> None:
        def fail() -> None:
            raise error

        assert guarded(fail) is code
        assert capsys.readouterr().err.startswith(f"ssap-mirror: {said}")

    def test_an_interrupt(self, capsys: pytest.CaptureFixture[str]) -> None:
        def stop() -> None:
            raise KeyboardInterrupt

        assert guarded(stop) is ExitCode.INTERRUPTED
        assert capsys.readouterr().err == "interrupted\n"

    def test_the_traceback_on_demand(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(diagnostics.DEBUG_VARIABLE, "1")
        with pytest.raises(ZeroDivisionError):
            guarded(lambda: 1 // 0 and None)


def test_a_cold_query_loads_no_more_than_it_needs(corpus_home: Path, tmp_path: Path) -> None:
    words = ["query", "-m", "corpus", "--home", str(corpus_home), *CONE, "-o", str(tmp_path / "x.vot")]
    script = f"""
import sys
from ssap_query.cli import main
try:
    main({words!r})
except SystemExit:
    print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert (tmp_path / "x.vot").stat().st_size > 1000
    slow = {"astropy", "pandas", "polars", "healpy", "matplotlib", "rich", "starlette", "uvicorn", "httpx"}
    assert slow.isdisjoint(done.stdout.split())


def test_two_tables_are_matched_without_any_mirror(run: Run, tmp_path: Path) -> None:
    (tmp_path / "seen.csv").write_text("obs,ra,dec\n1,10,0\n2,20,5\n")
    (tmp_path / "stars.csv").write_text("star,ra,dec\na,10,0.0001\n")
    done = run("xmatch", str(tmp_path / "seen.csv"), str(tmp_path / "stars.csv"), home=tmp_path / "nothing")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].startswith("1,10,0,a,10,0.0001,")
